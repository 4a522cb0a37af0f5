"""A session for queries that are not ours: bounded in time, memory, rows and bytes, and unable to write.

The guard decides what may be asked; this is what holds when the guard is wrong. The user may only read three views and
the incidents; each query runs in a transaction of its own that reads five seconds ago, which TiDB enforces to be read
only (a plain READ ONLY one it does not), and touches no lock of a writer. Limits are set by us for the session: a query
of a stranger could lift them only by a hint, which the guard refuses.
"""

from typing import NamedTuple

from pymysql import cursors, err

from autoir.store.database import Row
from autoir.store.tidb import connection as sessions
from autoir.store.tidb.dsn import Dsn
from autoir.store.tidb.failures import explained

STATEMENT_TIMEOUT_S = 5
MEMORY_BYTES = 256 * 2**20
MOST_ROWS = 1_000
MOST_BYTES = 1_000_000
STALENESS_S = 5


class Answer(NamedTuple):
    """Rows of a query with their columns' names; ``cut`` says that there were more than may be given."""

    columns: tuple[str, ...]
    rows: list[Row]
    cut: bool


class TidbReader:
    """Runs one query at a time. Not shared between threads."""

    def __init__(self, dsn: Dsn) -> None:
        self._dsn = dsn
        try:
            self._connection = sessions.connect(dsn, read_timeout_s=2 * STATEMENT_TIMEOUT_S)
            with self._connection.cursor() as cursor:
                cursor.execute(f"SET SESSION max_execution_time = {STATEMENT_TIMEOUT_S * 1000}")
                cursor.execute(f"SET SESSION tidb_mem_quota_query = {MEMORY_BYTES}")
        except (err.Error, OSError, EOFError) as error:
            raise explained(error, dsn) from error

    def ask(self, sql: str) -> Answer:
        """The answer to ``sql``, cut at ``MOST_ROWS`` and ``MOST_BYTES``. Raises AutoirError where a limit is hit."""
        try:
            with self._connection.cursor(cursors.SSCursor) as cursor:
                cursor.execute(f"START TRANSACTION READ ONLY AS OF TIMESTAMP NOW(3) - INTERVAL {STALENESS_S} SECOND")
                cursor.execute(sql)  # without arguments: a % in LIKE is a %
                answer = _bounded(cursor)
            self._connection.rollback()
        except (err.Error, OSError, EOFError) as error:
            self.close()
            raise explained(error, self._dsn) from error
        return answer

    def close(self) -> None:
        """Release the session."""
        if self._connection.open:
            self._connection.close()


def _bounded(cursor: cursors.SSCursor) -> Answer:
    columns = tuple(str(column[0]) for column in cursor.description or ())
    rows: list[Row] = []
    size = 0
    while row := cursor.fetchone():
        size += sum(len(str(value)) for value in row)
        if len(rows) == MOST_ROWS or size > MOST_BYTES:
            return Answer(columns, rows, cut=True)
        rows.append(row)
    return Answer(columns, rows, cut=False)
