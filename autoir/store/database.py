"""The one interface that a database implements to carry AutoIR's store.

The store's SQL is written once, in TiDB's dialect, and this is all that differs between the production database
and the embedded one: how to connect, how a statement of that dialect is run, what a transaction is, and how a
vector is stored. So the two cannot drift apart in what they mean.
"""

from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any, Protocol, TypeVar

from autoir.errors import UsageError

T = TypeVar("T")
Row = tuple[Any, ...]
"""One row as the driver gives it; rows leave the store package as typed tuples only."""

NEWEST_SCHEMA = 1
"""Version of the schema that this code works on; every database has its migrations up to this one."""


def newer_schema(found: int) -> UsageError:
    """Why a schema that this code does not know is left alone."""
    return UsageError(
        f"The store has schema {found}; this AutoIR knows {NEWEST_SCHEMA}.",
        "Upgrade AutoIR, or name another store with --store. Nothing was changed.",
    )


def script(database: str, version: int) -> str:
    """The statements that bring ``database``'s schema from the version before to ``version``."""
    return (resources.files("autoir.store") / "schema" / database / f"{version:04d}.sql").read_text("utf-8")


class Database(Protocol):
    """A connection that runs TiDB's SQL with ``%s`` placeholders. Not shared between threads."""

    @property
    def name(self) -> str:
        """``sqlite`` or ``tidb``."""

    def execute(self, sql: str, args: Sequence[object] = ()) -> int:
        """Run one statement that changes rows; returns how many it changed (ignored rows do not count)."""

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """Run one statement for each of ``rows``, all or nothing; returns how many rows it changed."""

    def query(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        """Rows of one SELECT."""

    def atomically(self, work: Callable[[], T]) -> T:
        """``work``, all or nothing; joins the transaction that is already open, if any.

        A server that gives way has it run again from its start, so it changes nothing but the database.
        """

    def changes(self) -> object:
        """Equal to an earlier answer only where no row has changed since; never equal where that cannot be told."""

    def encode_vector(self, vector: bytes) -> object:
        """``vector`` (384 float32, little endian) in the form that the column takes."""

    def decode_vector(self, value: object) -> bytes:
        """The column's form back to 384 float32, little endian."""

    def schema_version(self) -> int:
        """Version of the schema in the database; 0 for an empty one."""

    def migrate(self) -> None:
        """Bring the schema to ``NEWEST_SCHEMA``, or raise UsageError saying who has to. A newer one stays untouched."""

    def delete_older(self, table: str, column: str, before: int) -> int:
        """Delete the rows of ``table`` whose ``column`` is below ``before``, without holding others up for long."""

    def stored_bytes(self) -> int:
        """Bytes that the store takes on disk."""

    def optimize(self) -> None:
        """Let the planner see the data's shape after it grew."""

    def close(self) -> None:
        """Release the connection."""
