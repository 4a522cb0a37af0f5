"""The schema: made once however many start at once, never touched when it is newer, read through its views."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autoir.errors import UsageError
from autoir.store import Store
from autoir.store.database import NEWEST_SCHEMA
from tests.conftest import ROOT
from tests.store.rows import GROUP, NOON, STREAM, a_batch, an_event, an_incident

# What the schema holds for readers: the columns of the original system, then ours.
VIEWS = {
    "autoir_log_events": "id log_group log_stream ts_ms message embedding level pattern_id",
    "autoir_log_patterns": (
        "pattern_id family_id log_group level kind component template status first_ms last_ms total embedding"
    ),
    "autoir_log_counts": "log_group minute level pattern_id n",
}


def test_a_store_has_the_newest_schema_and_stays_as_it_is(store: Store) -> None:
    assert store.db.schema_version() == NEWEST_SCHEMA
    store.migrate()
    assert store.db.schema_version() == NEWEST_SCHEMA


def test_migrating_again_keeps_what_is_stored(store: Store, opener: Callable[[], Store]) -> None:
    store.write(a_batch([an_event(1)]))
    assert opener().stats().events == 1


def test_a_newer_schema_is_refused_and_untouched(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write(a_batch([an_event(1)]))
    known = NEWEST_SCHEMA
    monkeypatch.setattr(type(store.db), "schema_version", lambda _db: known + 1)
    with pytest.raises(UsageError, match=rf"schema {known + 1}; this AutoIR knows {known}") as refused:
        store.migrate()
    assert "Nothing was changed" in refused.value.hint
    assert store.stats().events == 1


_MIGRATE = """
import sys
from autoir.store import open_store
sys.stdin.readline()
store = open_store(sys.argv[1])
print(store.query("SELECT COUNT(*) FROM autoir_events"))
"""


def test_processes_that_start_at_once_make_one_schema(url: str, opener: Callable[[], Store], tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _MIGRATE, url], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(6)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate() for process in processes]
    assert results == [("[(0,)]\n", "")] * len(processes)
    assert opener().stats().events == 0


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_exactly_its_columns(store: Store, view: str) -> None:
    store.write(a_batch([an_event(1)]))
    wanted = VIEWS[view].split()
    [row] = store.query(f"SELECT * FROM {view}")
    [named] = store.query(f"SELECT {', '.join(wanted)} FROM {view}")
    assert row == named


def test_the_view_of_events_shows_stream_pattern_and_vector(store: Store) -> None:
    row = an_event(1, level=3)
    store.write(a_batch([row]))
    sql = "SELECT id, log_group, log_stream, ts_ms, message, embedding, level, pattern_id FROM autoir_log_events"
    assert store.query(sql) == [(row.id, GROUP, STREAM, NOON, "line 1", None, 3, 1)]
    vector = b"\0\0\x80\x3f" * 384
    store.save_vectors("model", NOON, [(1, vector)])
    assert store.db.decode_vector(store.query(sql)[0][5]) == vector


def test_a_transaction_is_all_or_nothing(store: Store, opener: Callable[[], Store]) -> None:
    other = opener()

    def fail() -> None:
        store.write(a_batch([an_event(1)]))
        store.set_meta("k", "v")
        assert store.meta("k") == "v"
        assert other.meta("k") is None
        raise LookupError

    with pytest.raises(LookupError):
        store.atomically(fail)
    assert store.stats().events == 0
    assert store.meta("k") is None
    store.atomically(lambda: store.set_meta("k", "v"))
    assert other.meta("k") == "v"


def test_a_transaction_joins_the_one_that_is_open(store: Store, opener: Callable[[], Store]) -> None:
    other = opener()

    def fail() -> None:
        store.atomically(lambda: store.save_incident(an_incident()))
        assert other.incidents() == []  # a look that locks nothing: one that does would wait here
        raise LookupError

    with pytest.raises(LookupError):
        store.atomically(fail)
    assert store.incident("inc-00000001") is None


def test_a_fact_is_replaced(store: Store) -> None:
    for value in ("1", "2", "ü"):
        store.set_meta("k", value)
        assert store.meta("k") == value
    assert store.meta("K") is None
