"""Databases with AutoIR's schema, one for each test that wants one.

Making one takes longer than most tests do, so a database is emptied and given to the next. Its schema is the
product's own, applied by its owner; nothing in it is edited but at the wire.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from autoir.clock import DAY_MS
from autoir.store.tidb import TidbDatabase, parse_dsn
from autoir.store.tidb.schema import Retention, apply, grants, statements
from tests.store.rows import NOON

MIGRATED_MS = NOON + 40 * DAY_MS
"""When the schema is applied, as far as its day partitions know: the last day of which a test stores anything."""
_PARTITIONS = (
    "SELECT table_name, partition_name FROM information_schema.partitions WHERE table_schema = DATABASE()"
    " ORDER BY table_name, partition_ordinal_position"
)


class Host(Protocol):
    """A server that databases can be made on."""

    @property
    def grantees(self) -> Mapping[str, str]:
        """Its ``writer`` and ``reader``, as ``schema.grants`` takes them; none where one user does everything."""

    def run(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements as a user who may; the rows of the last."""

    def create(self, database: str) -> None:
        """Make an empty database."""

    def drop(self, database: str) -> None:
        """Remove a database."""

    def disconnect(self, database: str) -> None:
        """End what sessions a test has left."""

    def url(self, database: str, user: str) -> str:
        """How the product names a database."""


class Databases:
    """Those of one server. A test may write, and drop or add partitions; it does not alter tables."""

    def __init__(self, server: Host, names: Iterable[str] | None = None) -> None:
        self._server = server
        self._free: list[str] = []
        self._names = iter(names or (f"autoir_{n}" for n in itertools.count(1)))
        self._fresh: list[tuple[object, ...]] = []
        self._facts: list[tuple[object, ...]] = []

    @contextmanager
    def one(self) -> Iterator[str]:
        """The name of a database that is like new."""
        name = self._free.pop() if self._free else self._made()
        yield name
        if self._emptied(name):
            self._free.append(name)
        else:
            self._server.drop(name)

    def url(self, name: str, user: str) -> str:
        """How the product names one of them."""
        return self._server.url(name, user)

    def _made(self) -> str:
        name = next(self._names)
        self._server.create(name)
        owner = TidbDatabase(parse_dsn(self._server.url(name, "owner")))
        apply(owner, statements(0, MIGRATED_MS, Retention()))
        apply(owner, grants(name, **self._server.grantees))
        owner.close()
        self._fresh = self._server.run(_PARTITIONS, database=name)
        self._facts = self._server.run("SELECT k, v FROM autoir_meta", database=name)
        return name

    def _emptied(self, name: str) -> bool:
        """Every row gone but the schema's own; False where the schema is no longer as it was."""
        self._server.disconnect(name)
        if self._server.run(_PARTITIONS, database=name) != self._fresh:
            return False
        tables = dict.fromkeys(str(row[0]) for row in self._fresh)
        facts = ", ".join(f"('{key}', '{value}')" for key, value in self._facts)
        self._server.run(
            *(f"DELETE FROM {table}" for table in tables if not table.startswith("autoir_log_")),
            f"INSERT INTO autoir_meta (k, v) VALUES {facts}",
            database=name,
        )
        return True
