"""The one interface that a database implements to carry AutoIR's store.

The store's SQL is written once, in TiDB's dialect, and this is all that differs between the production database
and the embedded one: how to connect, how a statement of that dialect is run, what a transaction is, and how a
vector is stored. So the two cannot drift apart in what they mean.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Row = tuple[Any, ...]
"""One row as the driver gives it; rows leave the store package as typed tuples only."""


class Database(Protocol):
    """A connection that runs TiDB's SQL with ``%s`` placeholders. Not shared between threads."""

    @property
    def name(self) -> str:
        """``sqlite`` or ``tidb``."""

    def execute(self, sql: str, args: Sequence[object] = ()) -> int:
        """Run one statement that changes rows; returns how many it changed (ignored rows do not count)."""

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        """Run one INSERT over ``rows``; returns how many rows it changed."""

    def query(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        """Rows of one SELECT."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; joins the transaction that is already open, if any."""

    def encode_vector(self, vector: bytes) -> object:
        """``vector`` (384 float32, little endian) in the form that the column takes."""

    def decode_vector(self, value: object) -> bytes:
        """The column's form back to 384 float32, little endian."""

    def schema_version(self) -> int:
        """Version of the schema in the database; 0 for an empty one."""

    def migrations(self) -> Iterable[tuple[int, str]]:
        """(version, statements) of every migration this code knows, in order."""

    def run_script(self, version: int, script: str) -> None:
        """Run a migration and record its version, both or neither where the database can."""

    def delete_older(self, table: str, column: str, before: int) -> int:
        """Delete the rows of ``table`` whose ``column`` is below ``before``, without holding others up for long."""

    def stored_bytes(self) -> int:
        """Bytes that the store takes on disk."""

    def optimize(self) -> None:
        """Let the planner see the data's shape after it grew."""

    def close(self) -> None:
        """Release the connection."""
