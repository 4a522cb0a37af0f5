"""How rows become statements, and what is made of the warnings that an INSERT IGNORE leaves."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from autoir.clock import DAY_MS
from autoir.errors import AutoirError, RejectedError
from autoir.events import LogEvent
from autoir.ingest import Ingest
from autoir.settings import Settings
from autoir.store import Store, open_store
from autoir.store.rows import PatternRow
from tests.mysql_peer.databases import MIGRATED_MS
from tests.mysql_peer.wire import PeerConnection
from tests.store.rows import GROUP, NOON, STREAM, a_batch, a_pattern, an_event


class Watched(PeerConnection):
    """Notes what is sent, and how long it is."""

    sent: ClassVar[list[str]] = []

    def _worded(self, text: str, sql: str | bytes) -> str | bytes:
        Watched.sent.append(text)
        return super()._worded(text, sql)


@pytest.fixture
def store(peer_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr("autoir.store.tidb.connection.Connection", Watched)
    made = open_store(peer_url)
    Watched.sent = []
    yield made
    made.close()


def begun(word: str) -> list[str]:
    return [text for text in Watched.sent if text.startswith(word)]


def test_a_thousand_events_take_four_statements_and_a_transaction(store: Store) -> None:
    batch = a_batch([an_event(n) for n in range(1_000)])
    store.write(batch)
    Watched.sent = []
    store.write(a_batch([an_event(n) for n in range(1_000, 2_000)])._replace(patterns=[], streams=[]))
    assert [text.split(" ", 1)[0] for text in Watched.sent] == ["BEGIN", "INSERT", "SELECT", "INSERT", "COMMIT"]


# Message length, and in how many statements 40 of them go.
@pytest.mark.parametrize(("length", "statements"), [(10, 1), (20_000, 1), (26_000, 2), (500_000, 40), (1_048_576, 40)])
def test_statements_are_bounded_and_hold_a_row_at_least(store: Store, length: int, statements: int) -> None:
    events = [an_event(n, message="x" * length) for n in range(40)]
    assert store.write(a_batch(events)).stored == 40
    sent = begun("INSERT IGNORE INTO autoir_events")
    assert len(sent) == statements
    assert max(map(len, sent)) <= max(1_000_000, length) + 1_000
    assert store.query("SELECT SUM(n) FROM autoir_counts") == [(40,)]


@pytest.mark.parametrize(
    "message",
    [
        "'); DROP TABLE autoir_events; --",
        "\\",
        "\\'",
        '"',
        "100 % %s %(a)s",
        "a\r\n\tb",
        "\x1a\x00",
        "💥 Zürich 漢字",
        "'" * 999,
    ],
)
def test_a_message_is_stored_as_it_is(store: Store, message: str) -> None:
    event = an_event(1, message=message)
    store.write(a_batch([event]))
    assert [row.message for row in store.events([event.id])] == [message]


# What a row has that the database would bend, and the word of its warning.
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "i" * 40}, "id"),
        ({"log_group": "g" * 600}, "log_group"),
        ({"level": 1_000}, "level"),
        ({"message": None}, "message"),
    ],
)
@pytest.mark.parametrize("known", [False, True], ids=["all new", "among known rows"])
def test_a_row_that_would_be_bent_is_refused_with_its_batch(
    store: Store, change: dict[str, object], words: str, known: bool
) -> None:
    if known:
        store.write(a_batch([an_event(n) for n in range(100)]))
    before = store.stats().events
    rows = [an_event(n) for n in range(101)]
    rows[100] = rows[100]._replace(**change)  # type: ignore[arg-type]
    with pytest.raises(RejectedError, match=words):
        store.write(a_batch(rows)._replace(patterns=[], streams=[]))
    assert store.stats().events == before


def test_a_pattern_that_would_be_bent_is_refused(store: Store) -> None:
    good, bad = a_pattern(1), a_pattern(2)._replace(component="c" * 300)
    with pytest.raises(RejectedError, match="component"):
        store.write(a_batch([an_event(1)], [good, bad]))
    assert store.patterns() == []


def test_a_day_without_a_partition_is_an_error_and_no_quarantine(store: Store) -> None:
    late = MIGRATED_MS + 20 * DAY_MS
    for events in ([an_event(1, late)], [an_event(n, NOON if n % 2 else late) for n in range(10)]):
        with pytest.raises(AutoirError, match="no partition for the day") as failed:
            store.write(a_batch(events))
        assert not isinstance(failed.value, RejectedError)
        assert "autoir tidb migrate" in failed.value.hint
    assert store.stats().events == 0


def test_refused_rows_are_found_by_halving_and_the_others_stored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write, poisoned = store.db.executemany, {3, 40}

    def picky(sql: str, rows: list[PatternRow]) -> int:
        if "autoir_events" in sql and any("poison" in str(row[-1]) for row in rows):
            rows = [(*row[:4], 1_000, *row[5:]) if "poison" in str(row[-1]) else row for row in rows]  # type: ignore[misc]
        return write(sql, rows)

    monkeypatch.setattr(store.db, "executemany", picky)
    job = Ingest(store, Settings(), lambda: NOON)
    job.store_events(
        LogEvent(GROUP, STREAM, NOON, "poison pill" if n in poisoned else f"fine {n}", str(n), NOON) for n in range(64)
    )
    assert (job.tally.stored, dict(job.tally.quarantined), job.tally.unaccounted) == (62, {"rejected": 2}, 0)
    assert store.stats().events == 62
    assert store.query("SELECT SUM(n) FROM autoir_counts") == [(62,)]


def test_a_vector_comes_back_as_it_went(store: Store) -> None:
    import numpy as np

    store.write(a_batch([an_event(1)]))
    vector = np.random.default_rng(1).standard_normal(384).astype("<f4").tobytes()
    store.save_vectors("m", NOON, [(1, vector)])
    assert store.vectors() == [(1, vector)]


def test_a_large_file_is_the_same_on_both_stores(store: Store, tmp_path: Path) -> None:
    other = open_store(f"sqlite:///{tmp_path}/s.db")
    for each in (store, other):
        for start in range(0, 3_000, 700):
            each.write(a_batch([an_event(n, NOON + n * 977, pattern=n % 53 + 1) for n in range(start, start + 1_000)]))
    sql = "SELECT minute, pattern_id, n FROM autoir_counts ORDER BY minute, pattern_id"
    assert store.query(sql) == other.query(sql)
    other.close()
