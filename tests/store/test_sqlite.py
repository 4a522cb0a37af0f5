"""What is SQLite's own: the file and its rights, foreign and broken files, what an error tells, bytes per event."""

import os
import random
import sqlite3
import stat
from pathlib import Path

import pytest

from autoir.errors import AutoirError, RejectedError, UnreachableError, UsageError
from autoir.events import stable_number
from autoir.store import Store, open_store
from autoir.store.database import NEWEST_SCHEMA
from autoir.store.sqlite import SqliteDatabase, translated
from tests.store.rows import GROUP, NOON, a_batch, an_event

BYTES_PER_EVENT = 400
MESSAGE = 161


@pytest.mark.parametrize(
    ("tidb", "sqlite"),
    [
        ("INSERT IGNORE INTO t (a) VALUES (%s)", "INSERT OR IGNORE INTO t (a) VALUES (?)"),
        (
            "INSERT INTO t (a, n) VALUES (%s, %s) ON DUPLICATE KEY UPDATE n = n + VALUES(n)",
            "INSERT INTO t (a, n) VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
        ),
        ("SET a = GREATEST(a, VALUES(a)), b = LEAST(b, 1)", "SET a = MAX(a, excluded.a), b = MIN(b, 1)"),
        ("SELECT a FROM t WHERE b = %s FOR UPDATE", "SELECT a FROM t WHERE b = ?"),
    ],
)  # fmt: skip
def test_tidbs_words_become_sqlites(tidb: str, sqlite: str) -> None:
    assert translated(tidb) == sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


def test_an_empty_database_gets_the_newest_schema_once(path: Path) -> None:
    store = Store(SqliteDatabase(path))
    assert store.db.schema_version() == 0
    store.migrate()
    store.migrate()
    assert store.db.schema_version() == NEWEST_SCHEMA
    store.close()


def test_only_the_owner_can_read_the_store_and_its_log(path: Path) -> None:
    old = os.umask(0o022)
    try:
        store = open_store(f"sqlite:///{path}")
        store.write(a_batch([an_event(1)]))
    finally:
        os.umask(old)
    files = sorted(path.parent.glob("store.db*"))
    assert [f.name for f in files] == ["store.db", "store.db-shm", "store.db-wal"]
    assert [stat.S_IMODE(f.stat().st_mode) for f in files] == [0o600] * 3
    store.close()


def test_the_rights_that_a_file_was_given_stay(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    path.chmod(0o640)
    open_store(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def _foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.commit()
    connection.close()


def _newer(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.commit()
    connection.close()


# A file that is not ours to write: how it is made, the exit code, and the words that tell.
REFUSED = {
    "text": (lambda p: p.write_text("2026-03-02 12:00:00 INFO hello\n" * 100), 2, "is not an AutoIR store"),
    "another program's": (_foreign, 2, "is not an AutoIR store: it is another program's database"),
    "newer": (_newer, 2, "The store has schema 999; this AutoIR knows"),
    "a folder": (lambda p: p.mkdir(), 3, "cannot be opened"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_our_store_is_refused_and_untouched(path: Path, name: str) -> None:
    make, code, words = REFUSED[name]
    make(path)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(AutoirError) as refused:
        open_store(f"sqlite:///{path}")
    assert words in str(refused.value)
    assert (refused.value.exit_code, bool(refused.value.hint)) == (code, True)
    assert (None if path.is_dir() else path.read_bytes()) == before
    assert [f.name for f in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"no/store\.db cannot be opened"):
        open_store(f"sqlite:///{tmp_path}/no/store.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "postgres://me:secret@host/db", "store.db", ""])
def test_a_url_that_names_no_store_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match="does not name a store") as refused:
        open_store(url)
    assert "secret" not in str(refused.value)


def test_a_path_with_odd_characters_is_one_file(tmp_path: Path) -> None:
    open_store(f"sqlite:///{tmp_path}/a%20b%3Fc%23.db").close()
    assert (tmp_path / "a b?c#.db").exists()


class Failing(sqlite3.Connection):
    """Fails the statement that begins with ``on``, with ``error``."""

    on = ""
    error: Exception = sqlite3.OperationalError("?")

    def execute(self, sql: str, *args: object) -> sqlite3.Cursor:
        self._fail(sql)
        return super().execute(sql, *args)  # type: ignore[arg-type]

    def executemany(self, sql: str, *args: object) -> sqlite3.Cursor:
        self._fail(sql)
        return super().executemany(sql, *args)  # type: ignore[arg-type]

    def _fail(self, sql: str) -> None:
        if self.on and sql.startswith(self.on):
            raise self.error


def _store_that_can_fail(path: Path) -> tuple[Store, type[Failing]]:
    class Own(Failing):
        pass

    store = Store(SqliteDatabase(path, connect=lambda *a, **k: sqlite3.connect(*a, factory=Own, **k)))
    store.migrate()
    return store, Own


@pytest.mark.parametrize(
    "statement", ["BEGIN", "INSERT OR IGNORE INTO autoir_events", "INSERT INTO autoir_counts", "COMMIT"]
)
@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (sqlite3.OperationalError("database or disk is full"), UnreachableError, "the disk is full"),
        (sqlite3.OperationalError("database is locked"), UnreachableError, "another process has held the store"),
        (sqlite3.OperationalError("disk I/O error"), AutoirError, "disk I/O error"),
        (sqlite3.DatabaseError("database disk image is malformed"), UsageError, "is not an AutoIR store"),
        (sqlite3.OperationalError("attempt to write a readonly database"), UnreachableError, "cannot be opened"),
        (sqlite3.IntegrityError("CHECK constraint failed"), RejectedError, "CHECK constraint failed"),
    ],
)
def test_an_error_says_what_is_wrong_and_leaves_nothing(
    path: Path, statement: str, error: Exception, kind: type[AutoirError], words: str
) -> None:
    store, connection = _store_that_can_fail(path)
    connection.on, connection.error = statement, error
    with pytest.raises(kind, match=words) as failed:
        store.write(a_batch([an_event(1)]))
    assert str(path) in str(failed.value)
    connection.on = ""
    assert store.stats().events == 0
    assert store.write(a_batch([an_event(1)])).stored == 1
    store.close()


def test_a_lock_that_outlasts_the_patience_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoir.store.sqlite._BUSY_MS", 1)
    store, other = open_store(f"sqlite:///{path}"), open_store(f"sqlite:///{path}")

    def while_held() -> None:
        with pytest.raises(UnreachableError, match="another process has held the store") as failed:
            store.set_meta("k", "v")
        assert "run the same command again" in failed.value.hint
        assert store.meta("k") is None

    other.atomically(while_held)
    store.set_meta("k", "v")
    for each in (store, other):
        each.close()


def test_a_full_disk_in_the_middle_of_a_run_loses_nothing(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    pages = store.query("PRAGMA page_count")[0][0]
    store.query(f"PRAGMA max_page_count = {pages + 60}")
    batches = [a_batch([an_event(n, message="x" * 200) for n in range(k, k + 100)]) for k in range(0, 3_000, 100)]
    for batch in batches:
        try:
            store.write(batch)
        except UnreachableError as error:
            failed = error
            break
    assert "the disk is full" in str(failed)
    stored = store.stats().events
    assert 0 < stored < 3_000
    assert store.query("SELECT SUM(n) FROM autoir_counts") == [(stored,)]
    store.query("PRAGMA max_page_count = 1000000")
    assert sum(store.write(batch).stored for batch in batches) == 3_000 - stored
    assert store.query("SELECT SUM(n) FROM autoir_counts") == [(3_000,)]
    assert store.query("PRAGMA integrity_check") == [("ok",)]
    store.close()


def test_an_event_takes_few_bytes(path: Path) -> None:
    """20,000 events of 161 bytes over twelve groups, in order of time as they come."""
    store = open_store(f"sqlite:///{path}")
    draw = random.Random(7)
    groups = [f"/aws/lambda/shop-{name}" for name in ("checkout", "payments", "orders", "mail", "stock", "search")]
    groups += [f"/ecs/prod/{name}" for name in ("gateway", "carts", "users", "images", "prices", "audit")]
    names = [(g, f"2026/03/02/[$LATEST]{draw.randrange(2**128):032x}") for g in groups for _ in range(8)]
    sent = 20_000
    before = store.stats().stored_bytes
    for start in range(0, sent, 1_000):
        rows = []
        for n in range(start, start + 1_000):
            group, stream = draw.choice(names)
            k = int(draw.paretovariate(0.8)) % 40
            row = an_event(n, NOON + n * 90, group=group, stream=stream, pattern=stable_number(group, str(k)))
            rows.append(row._replace(message="".join(draw.choices("abcdef 0123456789", k=MESSAGE))))
        store.write(a_batch(rows, stream=stream))
    assert store.stats().events == sent
    taken = (store.stats().stored_bytes - before) / sent
    assert MESSAGE < taken <= BYTES_PER_EVENT
    store.close()


def test_the_newest_lines_of_a_group_need_no_scan(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    store.write(a_batch([an_event(1)]))
    store.db.optimize()
    plans = {
        "SELECT id, log_stream FROM autoir_log_events WHERE log_group = %s AND ts_ms >= 0 ORDER BY ts_ms DESC": GROUP,
        "SELECT id FROM autoir_log_events WHERE id = %s": "a",
        "SELECT MAX(ts_ms) FROM autoir_log_events WHERE pattern_id = %s": 1,
    }
    for sql, value in plans.items():
        steps = [str(row[-1]) for row in store.query(f"EXPLAIN QUERY PLAN {sql}", (value,))]
        assert [step for step in steps if step.startswith("SCAN")] == [], sql
    store.close()
