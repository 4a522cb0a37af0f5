"""Statements and transactions on TiDB that outlive a server that gives way.

A statement outside a transaction, or a whole transaction, is run again when the session broke or another transaction
was in the way, for as long as ``patience_s`` allows; the first connection of all has to succeed at once, for then a
person waits. An acknowledgement that was lost is no reason to think of either outcome: what runs again is idempotent.

Rows go in by statements of our own making, each under the size that the server takes: the driver's way of folding them
reports the warnings of the last part only, and a warning is how an INSERT IGNORE says that it bent or skipped a row.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from pymysql import err

from autoir.errors import AutoirError, RejectedError, UnreachableError, UsageError
from autoir.store.database import NEWEST_SCHEMA, Row, newer_schema
from autoir.store.tidb import connection as sessions
from autoir.store.tidb.dsn import Dsn
from autoir.store.tidb.failures import DUPLICATE, NO_PARTITION, NO_TABLE, TransientError, code_of, explained

T = TypeVar("T")
_log = logging.getLogger(__name__)

PATIENCE_S = 300.0
LIFETIME_S = 300.0
"""A session is replaced after this: load balancers forget idle ones, TiDB Cloud Starter cuts at 30 minutes."""
STATEMENT_BYTES = 1_000_000
_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


class TidbDatabase:
    """One session at a time with one server. ``clock`` and ``pause`` are monotonic seconds and how to wait.

    ``time_left_s`` says how long anything may still be tried, where somebody has a deadline: it is asked in place of
    ``patience_s``, before each further try, and holds for the first connection too.
    """

    name = "tidb"

    def __init__(
        self,
        dsn: Dsn,
        *,
        patience_s: float = PATIENCE_S,
        time_left_s: Callable[[], float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
        jitter: random.Random | None = None,
    ) -> None:
        self.dsn = dsn
        self._patience_s = time_left_s or (lambda: patience_s)
        self._clock = clock
        self._pause = pause
        self._jitter = jitter or random.Random()
        self._open = False  # in a transaction
        self._connection: Any = None
        self._until = 0.0
        if time_left_s:
            self._patiently(self._session)
        else:
            self._session()

    def _session(self) -> Any:
        """The session, opened anew where there is none or it is old."""
        if self._open and self._connection is None:
            raise TransientError(f"{self.dsn.place}: the session broke within a transaction.", "Try again later.")
        if self._connection is not None and not self._open and self._clock() >= self._until:
            self._drop()
        if self._connection is None:
            try:
                self._connection = sessions.connect(self.dsn)
            except (err.Error, OSError, EOFError) as error:
                raise explained(error, self.dsn) from error
            except RuntimeError as error:  # caching_sha2_password without TLS, and no package for RSA
                raise UsageError(
                    f"user {self.dsn.user!r} cannot log in to {self.dsn.place} without TLS: {error}.",
                    "Leave tls=off out of the connection string, or have the user identified by another plugin.",
                ) from error
            self._until = self._clock() + LIFETIME_S
        return self._connection

    def _drop(self) -> None:
        """Forget the session, whatever state it is in; the server rolls back what was open."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(err.Error, OSError):
                connection.close()

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except (err.Error, OSError, EOFError) as error:
            told = explained(error, self.dsn)
            if isinstance(told, TransientError):
                self._drop()
            raise told from error
        except UnicodeEncodeError as error:
            raise RejectedError(f"{self.dsn.place} takes no text that is not Unicode: {error}.") from error

    def _patiently(self, work: Callable[[], T]) -> T:
        """``work``, again while the server gives way; inside a transaction once, for it has to start over."""
        if self._open:
            return work()
        begun, patience_s, tries = self._clock(), self._patience_s(), 0
        while True:
            try:
                return work()
            except TransientError as error:
                self._drop()
                waited = self._clock() - begun
                if min(patience_s - waited, self._patience_s()) <= 0:  # who had time may have none since
                    raise UnreachableError(
                        f"{error} Tried {tries + 1} times in {waited:.0f} s.",
                        "What was stored is kept: run the same again when the server is back.",
                    ) from error
                if tries == _QUIET_TRIES:
                    _log.warning("%s Trying again for up to %.0f s.", error, patience_s)
                self._pause(min(_LONGEST_PAUSE_S, _PAUSE_S * 2**tries) * self._jitter.uniform(0.5, 1.0))
                tries += 1

    def _run(self, sql: str) -> Any:
        """Send ``sql``; returns the cursor with its result."""
        with self._explaining():
            cursor = self._session().cursor()
            cursor.execute(sql)
            return cursor

    def _filled(self, sql: str, args: Sequence[object]) -> str:
        """``sql`` with its arguments as literals."""
        if not args:
            return sql
        with self._explaining():
            return str(self._session().cursor().mogrify(sql, tuple(args)))

    def execute(self, sql: str, args: Sequence[object] = ()) -> int:
        return self._patiently(lambda: self._changed(self._filled(sql, args), 1))

    def _changed(self, sql: str, rows: int) -> int:
        """Run ``sql``, which sends ``rows`` rows; how many it changed.

        A row that is there already is left out with one warning, so another number of them means that a row was bent.
        Only where there are partitions can a row be left out because none takes it.
        """
        cursor = self._run(sql)
        changed = int(cursor.rowcount)
        if (
            cursor.warning_count
            and sql.startswith("INSERT")  # of anything else a warning is a note
            and (cursor.warning_count != rows - changed or sql.startswith(_INTO_PARTITIONS))
        ):
            self._check_warnings()
        return changed

    def _check_warnings(self) -> None:
        """Raise for any warning but that of a row which is there already: the row was bent, or left out."""
        for _, code, text in self._run("SHOW WARNINGS").fetchall():
            if code == NO_PARTITION:
                raise explained(err.OperationalError(code, text), self.dsn)
            if code != DUPLICATE:
                raise RejectedError(f"{self.dsn.place} would not store a row as it is: {text} ({code}).")

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """As few statements as the size of ``rows`` allows; all in one transaction."""
        if not sql.startswith("INSERT"):
            return self.atomically(lambda: sum(self.execute(sql, row) for row in rows))
        return self.atomically(lambda: sum(self._changed(*folded) for folded in self._folded(sql, rows)))

    def _folded(self, sql: str, rows: Sequence[Sequence[object]]) -> Iterator[tuple[str, int]]:
        """``INSERT … VALUES (%s, …) …`` for many rows at once, in statements of bounded size, each with its rows."""
        before, mark, after = _parts(sql)
        literal = self._session().cursor().mogrify
        some: list[str] = []
        size = 0
        for row in rows:
            text = literal(mark, tuple(row))
            if some and size + len(text) > STATEMENT_BYTES:
                yield before + ",".join(some) + after, len(some)
                some, size = [], 0
            some.append(text)
            size += len(text) + 1
        if some:
            yield before + ",".join(some) + after, len(some)

    def query(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        if not self._open:
            sql = sql.removesuffix(_LOCKING)  # outside a transaction there is nothing to hold a lock until
        return self._patiently(lambda: list(self._run(self._filled(sql, args)).fetchall()))

    def atomically(self, work: Callable[[], T]) -> T:
        return self._patiently(lambda: self._transaction(work))

    def _transaction(self, work: Callable[[], T]) -> T:
        if self._open:
            return work()
        self._run("BEGIN")
        self._open = True
        try:
            result = work()
            self._run("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._open = False
        return result

    def _roll_back(self) -> None:
        if self._connection is not None:
            try:
                self._connection.rollback()
            except (err.Error, OSError):
                self._drop()

    def changes(self) -> object:
        return object()

    def encode_vector(self, vector: bytes) -> object:
        import numpy as np
        import orjson

        return orjson.dumps(np.frombuffer(vector, "<f4"), option=orjson.OPT_SERIALIZE_NUMPY).decode("ascii")

    def decode_vector(self, value: object) -> bytes:
        import numpy as np
        import orjson

        assert isinstance(value, str | bytes)
        return np.array(orjson.loads(value), "<f4").tobytes()

    def schema_version(self) -> int:
        try:
            rows = self.query("SELECT v FROM autoir_meta WHERE k = 'schema_version'")
        except UsageError as error:
            if error.__cause__ is not None and code_of(error.__cause__) == NO_TABLE:  # type: ignore[arg-type]
                return 0
            raise
        return int(rows[0][0]) if rows else 0

    def migrate(self) -> None:
        """Refuse a schema that is not this version's: DDL on a shared database is its owner's, and deliberate."""
        found = self.schema_version()
        if found > NEWEST_SCHEMA:
            raise newer_schema(found)
        if found < NEWEST_SCHEMA:
            raise UsageError(
                f"database {self.dsn.database!r} on {self.dsn.place} has "
                + (f"schema {found}; this AutoIR needs {NEWEST_SCHEMA}." if found else "no AutoIR schema."),
                "Bring it up to date as its owner: autoir tidb migrate",
            )

    def delete_older(self, table: str, column: str, before: int) -> int:
        """Nothing: days are dropped whole by the owner's maintenance, or rows by the server's TTL."""
        return 0

    def stored_bytes(self) -> int:
        rows = self.query(
            "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
        return int(rows[0][0] or 0)

    def optimize(self) -> None:
        """Nothing: TiDB looks at its tables by itself."""

    def close(self) -> None:
        self._drop()


_INTO_PARTITIONS = "INSERT IGNORE INTO autoir_events"
_LOCKING = " FOR UPDATE"
_QUIET_TRIES = 3
"""Tries before a person is told: a conflict or a replaced session is no news."""


def _parts(sql: str) -> tuple[str, str, str]:
    """An INSERT before its row of placeholders, that row, and what follows it."""
    start = sql.index("(", sql.index(" VALUES ")) if " VALUES " in sql else -1
    end = sql.index(")", start) + 1
    if start < 0 or set(sql[start:end]) - set("(%s, )"):
        raise AutoirError(f"{sql[:60]!r}… has no row of bare placeholders.")
    return sql[:start], sql[start:end], sql[end:]
