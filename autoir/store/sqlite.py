"""SQLite: the embedded database, for a laptop, a demo, a backtest.

It needs nothing installed and lets several processes share a file (WAL): one ingests while another reads and
acknowledges. ``synchronous=NORMAL`` may lose the last commits at a power cut, never half of one: cursor and rows go
together, so they are read again. TiDB's SQL is run after a mechanical translation of the few words that differ.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from autoir.errors import AutoirError, RejectedError, UnreachableError, UsageError
from autoir.store.database import NEWEST_SCHEMA, Row, newer_schema, script

T = TypeVar("T")
Connect = Callable[..., sqlite3.Connection]

_WORDS = (
    ("INSERT IGNORE", "INSERT OR IGNORE"),
    ("ON DUPLICATE KEY UPDATE", "ON CONFLICT DO UPDATE SET"),
    ("GREATEST(", "MAX("),
    ("LEAST(", "MIN("),
    (" FOR UPDATE", ""),
    ("%s", "?"),
)
_INCOMING = re.compile(r"\bVALUES\((\w+)\)")
_BUSY_MS = 10_000
_MINIMUM = (3, 35, 0)


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """TiDB's SQL in SQLite's words."""
    for tidb, sqlite in _WORDS:
        sql = sql.replace(tidb, sqlite)
    return _INCOMING.sub(r"excluded.\1", sql)


def _create_private(path: Path) -> None:
    """Make the file for its owner alone before a line is in it; SQLite gives its log the same rights. One that exists
    keeps the rights it was given."""
    with suppress(FileExistsError, IsADirectoryError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


class SqliteDatabase:
    """One connection to one file. ``connect`` makes the connection, so that a test can fail any statement."""

    name = "sqlite"

    def __init__(self, path: Path | str, *, connect: Connect = sqlite3.connect, durable: bool = True) -> None:
        if sqlite3.sqlite_version_info < _MINIMUM:
            raise UnreachableError(
                f"SQLite {sqlite3.sqlite_version} is too old: 3.35 is needed.", "Use a newer Python."
            )
        self.path = Path(path)
        try:
            _create_private(self.path)
            self._connection = connect(str(path), isolation_level=None, timeout=_BUSY_MS / 1000)
        except (sqlite3.Error, OSError) as error:
            raise self._unopened(error) from error
        try:
            self._refuse_foreign()
            for pragma in (
                "journal_mode=WAL",
                f"synchronous={'NORMAL' if durable else 'OFF'}",
                "cache_size=-65536",
                "temp_store=MEMORY",
            ):
                self.query(f"PRAGMA {pragma}")
        except AutoirError:
            self._connection.close()
            raise

    def _refuse_foreign(self) -> None:
        """Never write into a database that another program made."""
        tables, ours = self.query("SELECT COUNT(*), SUM(name = 'autoir_meta') FROM sqlite_master")[0]
        if tables and not ours:
            raise UsageError(
                f"{self.path} is not an AutoIR store: it is another program's database.",
                "Name another file with --store. Nothing was changed.",
            )

    def _unopened(self, error: Exception) -> UnreachableError:
        return UnreachableError(f"{self.path} cannot be opened: {error}.", "Check the folder and its rights.")

    def _explained(self, error: sqlite3.Error) -> AutoirError:
        """``error`` as a person needs it: which file, what is wrong with it, what to do."""
        text = str(error)
        if "locked" in text or "busy" in text:
            return UnreachableError(
                f"{self.path}: another process has held the store for over {_BUSY_MS // 1000} s.",
                "Nothing was lost: run the same command again when that process is done.",
            )
        if "full" in text:
            return UnreachableError(
                f"{self.path}: the disk is full.", "Free some space and run the same command again: nothing was lost."
            )
        if "not a database" in text or "malformed" in text:
            return UsageError(f"{self.path} is not an AutoIR store: {text}.", "Name another file with --store.")
        if "unable to open" in text or "readonly" in text:
            return self._unopened(error)
        return AutoirError(f"{self.path}: {text}.", "Run again with --debug for the statement that failed.")

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeEncodeError) as error:
            raise RejectedError(f"{self.path}: {error}.") from error
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def execute(self, sql: str, args: Sequence[object] = ()) -> int:
        with self._explaining():
            return self._connection.execute(translated(sql), tuple(args)).rowcount

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        def run() -> int:
            with self._explaining():
                return self._connection.executemany(translated(sql), rows).rowcount

        return self.atomically(run)

    def query(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        with self._explaining():
            return self._connection.execute(translated(sql), tuple(args)).fetchall()

    def atomically(self, work: Callable[[], T]) -> T:
        if self._connection.in_transaction:
            return work()
        self.execute("BEGIN IMMEDIATE")
        try:
            result = work()
            self.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # a full disk has rolled back already
                self._connection.execute("ROLLBACK")
            raise
        return result

    def changes(self) -> object:
        # The first tells commits of others alone (sqlite.org/pragma.html#pragma_data_version), the second ours.
        return self.query("PRAGMA data_version")[0][0], self._connection.total_changes

    def encode_vector(self, vector: bytes) -> object:
        return vector

    def decode_vector(self, value: object) -> bytes:
        assert isinstance(value, bytes)
        return value

    def schema_version(self) -> int:
        return int(self.query("PRAGMA user_version")[0][0])

    def migrate(self) -> None:
        if self.schema_version() != NEWEST_SCHEMA:
            self.atomically(self._migrate)

    def _migrate(self) -> None:
        found = self.schema_version()
        if found > NEWEST_SCHEMA:
            raise newer_schema(found)
        for version in range(found + 1, NEWEST_SCHEMA + 1):
            statement = ""
            for line in script("sqlite", version).splitlines(keepends=True):
                statement += line
                if sqlite3.complete_statement(statement):
                    self.execute(statement)
                    statement = ""
            self.execute(f"PRAGMA user_version={version:d}")

    def delete_older(self, table: str, column: str, before: int) -> int:
        key = "id" if table == "autoir_events" else "log_group, minute, level, pattern_id"
        sql = f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {column} < %s LIMIT 1000)"
        deleted = 0
        while gone := self.execute(sql, (before,)):
            deleted += gone
        return deleted

    def stored_bytes(self) -> int:
        pages, size = (self.query(f"PRAGMA {p}")[0][0] for p in ("page_count", "page_size"))
        return int(pages) * int(size)

    def optimize(self) -> None:
        self.execute("ANALYZE")

    def close(self) -> None:
        self._connection.close()
