"""Tables, day partitions and grants: what the owner of a database runs, never a writer.

Old events and counts go in one of two ways. With day partitions whole days are dropped and new ones added, which
costs nothing, but asks for a daily run of ``maintenance`` by a user who may ALTER. With ``ttl`` the server deletes row
by row, which costs request units but nobody's attention. There is no partition without an end: a row of a day that has
none is refused loudly instead of landing in one that is never dropped.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoir.clock import DAY_MS, MINUTE_MS
from autoir.errors import UsageError
from autoir.store.database import NEWEST_SCHEMA, newer_schema, script
from autoir.store.tidb.database import TidbDatabase

DAYS_AHEAD = 15
"""Days for which partitions are made in advance; AutoIR warns when under half of them are left."""
_DAY_MIN = DAY_MS // MINUTE_MS
_STORED_AT = "stored_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,\n  "

_WRITER = "SELECT, INSERT, UPDATE, DELETE"
_READABLE = ("autoir_log_events", "autoir_log_patterns", "autoir_log_counts", "autoir_incidents")
_TTL = re.compile(r"TTL ?= ?`stored_at` \+ INTERVAL (\d+) DAY")
_USER = re.compile(r"[A-Za-z0-9_.\-]{1,96}")
"""TiDB Cloud Starter puts a prefix and a dot before every user's name."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long events and counts are kept (0: for ever), and whether rows go by TTL instead of by whole days."""

    events_days: int = 30
    counts_days: int = 14
    ttl: bool = False


@dataclass(frozen=True, slots=True)
class _Partitioned:
    table: str
    column: str
    day: int
    """A day in the column's unit."""

    def bound(self, day: int) -> int:
        """The column's value at the start of epoch day ``day``."""
        return day * self.day


_EVENTS = _Partitioned("autoir_events", "ts_ms", DAY_MS)
_COUNTS = _Partitioned("autoir_counts", "minute", _DAY_MIN)


def statements(found: int, now_ms: int, retention: Retention) -> list[str]:
    """What brings a schema of version ``found`` (0: none) to this AutoIR's. Raises UsageError for a newer one."""
    if found > NEWEST_SCHEMA:
        raise newer_schema(found)
    facts = {
        "stored_at": _STORED_AT if retention.ttl else "",
        "events_go": _goes(_EVENTS, now_ms, retention.events_days, ttl=retention.ttl),
        "counts_go": _goes(_COUNTS, now_ms, retention.counts_days, ttl=retention.ttl),
    }
    needed: list[str] = []
    for version in range(found + 1, NEWEST_SCHEMA + 1):
        needed += _split(script("tidb", version).format_map(facts))
        needed.append(
            f"INSERT INTO autoir_meta (k, v) VALUES ('schema_version', '{version}')"
            " ON DUPLICATE KEY UPDATE v = VALUES(v)"
        )
    return needed


def _split(text: str) -> Iterator[str]:
    bare = re.sub(r"^--.*\n", "", text, flags=re.MULTILINE)
    return (part.strip() for part in bare.split(";\n") if part.strip())


def _goes(table: _Partitioned, now_ms: int, days: int, *, ttl: bool) -> str:
    if ttl:
        return f"TTL = stored_at + INTERVAL {days} DAY" if days else ""
    today = now_ms // DAY_MS
    # The first takes all that is before it, and ends where maintenance would have it end today.
    first, last = table.bound(today - max(days - 1, 0)), table.bound(today + DAYS_AHEAD)
    return (
        f"PARTITION BY RANGE ({table.column}) INTERVAL ({table.day})\n"
        f"  FIRST PARTITION LESS THAN ({first}) LAST PARTITION LESS THAN ({last})"
    )


def maintenance(db: TidbDatabase, now_ms: int, retention: Retention) -> list[str]:
    """What drops the days that are over and makes the coming ones; where rows go by TTL, what changes their days.

    Run daily by the owner. Days are dropped whole, so the oldest events are up to a day older than the setting says.
    Nothing where there is no schema yet.
    """
    needed: list[str] = []
    if not db.schema_version():
        return needed
    today = now_ms // DAY_MS
    for table, days in ((_EVENTS, retention.events_days), (_COUNTS, retention.counts_days)):
        bounds = partition_bounds(db, table.table)
        if not bounds:
            needed += _ttl_changed(db, table.table, days)
            continue
        last = table.bound(today + DAYS_AHEAD)
        if bounds[-1] < last:
            needed.append(f"ALTER TABLE {table.table} LAST PARTITION LESS THAN ({last})")
        # What ends by the oldest moment that is kept goes; the one that holds this moment becomes the first.
        first = min((b for b in bounds if b > table.bound(today - days)), default=last)
        if days and first > bounds[0]:
            needed.append(f"ALTER TABLE {table.table} FIRST PARTITION LESS THAN ({first})")
    return needed


def _ttl_changed(db: TidbDatabase, table: str, days: int) -> list[str]:
    """What gives the rows of ``table`` another life, where the server deletes them and the setting has changed."""
    found = _TTL.search(str(db.query(f"SHOW CREATE TABLE {table}")[0][1]))
    if not found or int(found[1]) == days:
        return []
    return [f"ALTER TABLE {table} TTL = stored_at + INTERVAL {days} DAY" if days else f"ALTER TABLE {table} REMOVE TTL"]


def partition_bounds(db: TidbDatabase, table: str) -> list[int]:
    """The upper bounds of a table's partitions, ascending; empty where it has none."""
    rows = db.query(
        "SELECT partition_description FROM information_schema.partitions"
        " WHERE table_schema = DATABASE() AND table_name = %s AND partition_name IS NOT NULL",
        (table,),
    )
    return sorted(int(row[0]) for row in rows)


def days_ahead(db: TidbDatabase, now_ms: int) -> int | None:
    """Days from now for which events have a partition; None where they need none."""
    bounds = partition_bounds(db, _EVENTS.table)
    return (bounds[-1] - now_ms) // DAY_MS if bounds else None


def grants(database: str, *, writer: str = "", reader: str = "") -> list[str]:
    """What lets ``writer`` store and ``reader`` ask: the least that each needs. The users exist already.

    Raises UsageError for a name that cannot be one.
    """
    for name in (writer, reader):
        if name and not _USER.fullmatch(name):
            raise UsageError(f"{name!r} is not a user's name.", "Letters, digits, dot, dash and underscore.")
    within = f"`{database.replace('`', '``')}`"
    needed = [f"GRANT {_WRITER} ON {within}.* TO '{writer}'@'%'"] if writer else []
    if reader:
        needed += [f"GRANT SELECT ON {within}.{name} TO '{reader}'@'%'" for name in _READABLE]
    return needed


def apply(db: TidbDatabase, needed: Sequence[str]) -> None:
    """Run the owner's statements, one by one: each commits by itself, and all can be run again."""
    for statement in needed:
        db.execute(statement)
