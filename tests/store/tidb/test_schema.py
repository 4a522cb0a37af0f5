"""The owner's work: the schema in both its forms, days dropped and made, grants that are the least."""

from collections.abc import Iterator

import pytest

from autoir.clock import DAY_MS
from autoir.errors import AutoirError, UsageError
from autoir.store import Store, open_store
from autoir.store.database import NEWEST_SCHEMA
from autoir.store.tidb import TidbDatabase, parse_dsn
from autoir.store.tidb.schema import (
    DAYS_AHEAD,
    Retention,
    apply,
    days_ahead,
    grants,
    maintenance,
    partition_bounds,
    statements,
)
from tests.mysql_peer.databases import MIGRATED_MS, Databases
from tests.mysql_peer.server import Server
from tests.store.rows import NOON, a_batch, an_event

EVENTS = "autoir_events"


@pytest.fixture
def owner(peer: Server, peer_databases: Databases) -> Iterator[TidbDatabase]:
    """An empty store on the peer, entered by its owner."""
    with peer_databases.one() as name:
        made = TidbDatabase(parse_dsn(peer.url(name, "owner")))
        yield made
        made.close()


def test_the_schema_can_be_applied_again_and_says_its_version(owner: TidbDatabase) -> None:
    store = Store(owner)
    store.write(a_batch([an_event(1)]))
    apply(owner, statements(0, MIGRATED_MS, Retention()))
    assert owner.schema_version() == NEWEST_SCHEMA
    assert statements(NEWEST_SCHEMA, MIGRATED_MS, Retention()) == []
    assert store.stats().events == 1


def test_an_empty_database_is_not_used_and_a_newer_one_neither(
    peer: Server, peer_databases: Databases, owner: TidbDatabase
) -> None:
    owner.execute("UPDATE autoir_meta SET v = '999' WHERE k = 'schema_version'")
    with pytest.raises(UsageError, match=rf"schema 999; this AutoIR knows {NEWEST_SCHEMA}"):
        open_store(owner.dsn.url)
    with pytest.raises(UsageError, match="schema 999"):
        statements(999, MIGRATED_MS, Retention())
    peer.create("autoir_bare")
    try:
        with pytest.raises(UsageError, match=r"'autoir_bare' .* has no AutoIR schema") as refused:
            open_store(peer.url("autoir_bare"))
        assert "autoir tidb migrate" in refused.value.hint
    finally:
        peer.drop("autoir_bare")


# Retention in days, and where the first partition ends, in days from today's start.
@pytest.mark.parametrize(("days", "first"), [(30, -29), (2, -1), (1, 0), (0, 0)])
def test_partitions_reach_from_what_is_kept_to_what_is_to_come(days: int, first: int) -> None:
    made = statements(0, NOON, Retention(events_days=days, counts_days=days))
    today = NOON // DAY_MS
    [events] = [s for s in made if "TABLE IF NOT EXISTS autoir_events" in s]
    assert f"FIRST PARTITION LESS THAN ({(today + first) * DAY_MS})" in events
    assert f"LAST PARTITION LESS THAN ({(today + DAYS_AHEAD) * DAY_MS})" in events
    [counts] = [s for s in made if "TABLE IF NOT EXISTS autoir_counts" in s]
    assert f"INTERVAL (1440)\n  FIRST PARTITION LESS THAN ({(today + first) * 1440})" in counts


def test_rows_may_go_by_the_servers_own_means(peer: Server) -> None:
    made = statements(0, NOON, Retention(events_days=30, counts_days=0, ttl=True))
    [events] = [s for s in made if "TABLE IF NOT EXISTS autoir_events" in s]
    [counts] = [s for s in made if "TABLE IF NOT EXISTS autoir_counts" in s]
    assert events.endswith("TTL = stored_at + INTERVAL 30 DAY")
    assert "TTL" not in counts
    assert "PARTITION" not in " ".join(made)
    peer.create("autoir_ttl")
    try:
        db = TidbDatabase(parse_dsn(peer.url("autoir_ttl")))
        apply(db, made)
        store = Store(db)
        store.write(a_batch([an_event(1)]))
        assert store.stats().events == 1
        assert maintenance(db, NOON, Retention(ttl=True)) == []
        assert days_ahead(db, NOON) is None
        db.close()
    finally:
        peer.drop("autoir_ttl")


class Described:
    """A database of which only the text of its tables is known, as TiDB gives it."""

    def __init__(self, ttl: str) -> None:
        self._ttl = ttl

    def schema_version(self) -> int:
        return 1

    def query(self, sql: str, args: object = ()) -> list[tuple[str, ...]]:
        return [("t", f"CREATE TABLE `t` (…) COLLATE=utf8mb4_bin{self._ttl}")] if sql.startswith("SHOW") else []


# What the server says of a table, the retention in days, and what has to be done.
@pytest.mark.parametrize(
    ("ttl", "days", "needed"),
    [
        (" /*T![ttl] TTL=`stored_at` + INTERVAL 30 DAY */ /*T![ttl] TTL_ENABLE='ON' */", 30, ""),
        (" /*T![ttl] TTL=`stored_at` + INTERVAL 30 DAY */", 7, "ALTER TABLE {} TTL = stored_at + INTERVAL 7 DAY"),
        (" /*T![ttl] TTL=`stored_at` + INTERVAL 30 DAY */", 0, "ALTER TABLE {} REMOVE TTL"),
        ("", 30, ""),
    ],
)
def test_another_retention_reaches_rows_that_the_server_deletes(ttl: str, days: int, needed: str) -> None:
    found = maintenance(Described(ttl), NOON, Retention(days, days, ttl=True))  # type: ignore[arg-type]
    assert found == ([needed.format(t) for t in ("autoir_events", "autoir_counts")] if needed else [])


def test_days_that_are_over_are_dropped_and_the_coming_ones_made(owner: TidbDatabase) -> None:
    store, keep = Store(owner), Retention(events_days=30, counts_days=14)
    assert maintenance(owner, MIGRATED_MS, keep) == []
    assert days_ahead(owner, MIGRATED_MS) == DAYS_AHEAD - 1
    old, new = MIGRATED_MS - 29 * DAY_MS, MIGRATED_MS
    store.write(a_batch([an_event(1, old), an_event(2, new)]))
    later = MIGRATED_MS + 3 * DAY_MS
    needed = maintenance(owner, later, keep)
    assert len(needed) == 4
    apply(owner, needed)
    assert maintenance(owner, later, keep) == []
    assert [e.id for e in store.latest("/shop/checkout", 9)] == [an_event(2).id]
    assert owner.query("SELECT SUM(n) FROM autoir_counts") == [(1,)]
    bounds = partition_bounds(owner, EVENTS)
    assert (bounds[0] - later // DAY_MS * DAY_MS) // DAY_MS == -29
    assert days_ahead(owner, later) == DAYS_AHEAD - 1


def test_nothing_within_the_retention_is_dropped_even_when_nobody_came_for_long(owner: TidbDatabase) -> None:
    store, keep = Store(owner), Retention(events_days=10, counts_days=10)
    later = MIGRATED_MS + 12 * DAY_MS
    kept = [an_event(n, later - n * DAY_MS + 1) for n in range(11)]
    gone = [an_event(n, later - n * DAY_MS) for n in range(12, 40)]
    store.write(a_batch([*kept, *gone]))
    apply(owner, maintenance(owner, later, keep))
    assert {str(row[0]) for row in owner.query("SELECT id FROM autoir_events")} == {e.id for e in kept}


def test_without_retention_days_are_made_and_none_is_dropped(owner: TidbDatabase) -> None:
    needed = maintenance(owner, MIGRATED_MS + 99 * DAY_MS, Retention(events_days=0, counts_days=0))
    assert ["LAST PARTITION" in statement for statement in needed] == [True, True]


# A user, and what it may and may not do.
@pytest.mark.parametrize(
    ("user", "sql", "allowed"),
    [
        ("writer", "INSERT INTO autoir_meta (k, v) VALUES ('a', 'b')", True),
        ("writer", "DELETE FROM autoir_events WHERE id = 'x'", True),
        ("writer", "ALTER TABLE autoir_events LAST PARTITION LESS THAN (9999999999999)", False),
        ("writer", "DROP TABLE autoir_events", False),
        ("reader", "SELECT COUNT(*) FROM autoir_log_events", True),
        ("reader", "SELECT COUNT(*) FROM autoir_log_patterns", True),
        ("reader", "SELECT COUNT(*) FROM autoir_log_counts", True),
        ("reader", "SELECT COUNT(*) FROM autoir_incidents", True),
        ("reader", "SELECT COUNT(*) FROM autoir_meta", False),
        ("reader", "SELECT COUNT(*) FROM autoir_events", False),
        ("reader", "INSERT INTO autoir_incidents (id) VALUES ('x')", False),
        ("reader", "DELETE FROM autoir_incidents", False),
    ],
)
def test_each_user_may_do_its_work_and_no_more(
    owner: TidbDatabase, peer: Server, user: str, sql: str, allowed: bool
) -> None:
    db = TidbDatabase(parse_dsn(peer.url(owner.dsn.database, user)))
    if allowed:
        db.query(sql) if sql.startswith("SELECT") else db.execute(sql)
    else:
        with pytest.raises(UsageError, match=f"user '{user}' may not do this"):
            db.execute(sql)
    db.close()


@pytest.mark.parametrize("name", ["a'b", "", "a b", "x" * 97, "a`b", "a%"])
def test_a_name_that_could_be_sql_is_no_user(name: str) -> None:
    if name:
        with pytest.raises(UsageError, match="not a user's name"):
            grants("autoir", writer=name)
    else:
        assert grants("autoir", writer=name) == []
    assert "`a``b`.*" in grants("a`b", writer="4Zx.writer")[0]


def test_a_failing_statement_stops_the_rest(owner: TidbDatabase) -> None:
    with pytest.raises(AutoirError):
        apply(owner, ["DROP TABLE autoir_none", "DROP TABLE autoir_meta"])
    assert owner.schema_version() == NEWEST_SCHEMA
