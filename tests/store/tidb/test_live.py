"""What only TiDB itself proves: its partitions, vectors, stale reads, limits, plans and TTL.

Skipped without a cluster (AUTOIR_TEST_TIDB_DSN); docs/unproved.md has a row for each of these facts.
"""

import os
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from autoir.clock import DAY_MS
from autoir.errors import AutoirError, UnreachableError
from autoir.store import Store
from autoir.store.database import Row
from autoir.store.tidb import TidbDatabase, parse_dsn, reader, vector_index
from autoir.store.tidb.reader import TidbReader
from autoir.store.tidb.schema import DAYS_AHEAD, Retention, apply, days_ahead, maintenance, partition_bounds, statements
from tests.mysql_peer.databases import MIGRATED_MS
from tests.mysql_peer.live import DSN
from tests.store.rows import NOON, a_batch, an_event

pytestmark = pytest.mark.skipif(not os.environ.get(DSN), reason=f"no {DSN} names a live cluster")


@pytest.fixture
def db(live_url: str) -> Iterator[TidbDatabase]:
    """The database of an empty store, entered by a user who may do all in it."""
    made = TidbDatabase(parse_dsn(live_url))
    yield made
    made.close()


@pytest.mark.parametrize("table", ["autoir_events", "autoir_counts"])
def test_days_are_partitions_that_are_dropped_and_made(db: TidbDatabase, table: str) -> None:
    before = partition_bounds(db, table)
    step = before[1] - before[0]
    assert before == list(range(before[0], before[-1] + 1, step))
    assert maintenance(db, MIGRATED_MS, Retention()) == []
    later_ms = MIGRATED_MS + 2 * DAY_MS
    apply(db, maintenance(db, later_ms, Retention()))
    after = partition_bounds(db, table)
    assert (after[0], after[-1]) == (before[2], before[-1] + 2 * step)
    assert days_ahead(db, later_ms) in (DAYS_AHEAD - 1, DAYS_AHEAD)
    assert maintenance(db, later_ms, Retention()) == []


def test_a_row_of_a_day_without_a_partition_is_refused_whole(db: TidbDatabase) -> None:
    store = Store(db)
    late = an_event(2, MIGRATED_MS + 30 * DAY_MS)
    with pytest.raises(UnreachableError, match="no partition for the day"):
        store.write(a_batch([an_event(1), late]))
    assert store.stats().events == 0


def test_vectors_have_a_distance_and_a_dimension(db: TidbDatabase) -> None:
    draw = np.random.default_rng(7)
    a, b = (vector / np.linalg.norm(vector) for vector in draw.standard_normal((2, 384)).astype("<f4"))
    one, other = (db.encode_vector(vector.tobytes()) for vector in (a, b))
    ((distance, dims),) = db.query("SELECT VEC_COSINE_DISTANCE(%s, %s), VEC_DIMS(%s)", (one, other, one))
    assert (distance, dims) == (pytest.approx(1 - float(a @ b), abs=1e-5), 384)
    Store(db).write(a_batch([an_event(1)]))
    (pattern,) = Store(db).pattern_ids()
    Store(db).save_vectors("m", NOON, [(pattern, a.tobytes())])
    ((_, kept),) = Store(db).vectors()
    assert np.allclose(np.frombuffer(kept, "<f4"), a, atol=1e-6)
    with pytest.raises(AutoirError):
        db.execute("UPDATE autoir_patterns SET embedding = %s", ("[1,2,3]",))


def test_the_vector_index_is_made_and_used(db: TidbDatabase, live_url: str) -> None:
    vector_index.create(parse_dsn(live_url), vector_index.needed(db))
    assert vector_index.needed(db) == []
    nearest = "SELECT pattern_id FROM autoir_patterns ORDER BY VEC_COSINE_DISTANCE(embedding, %s) LIMIT 3"
    plan = db.query(f"EXPLAIN {nearest}", (db.encode_vector(np.ones(384, "<f4").tobytes()),))
    assert "annIndex:" in str(plan)


def test_a_query_of_a_stranger_reads_the_past_and_writes_nothing(db: TidbDatabase, live_url: str) -> None:
    db.query("SELECT SLEEP(%s)", (reader.STALENESS_S + 1,))  # until the tables are older than what is read
    Store(db).write(a_batch([an_event(1)]))
    counted = "SELECT COUNT(*) FROM autoir_events"
    assert (asked(live_url, counted), db.query(counted)) == ([(0,)], [(1,)])
    for sql in ("DELETE FROM autoir_events", "UPDATE autoir_meta SET v = 'x'"):
        with pytest.raises(AutoirError):
            asked(live_url, sql)
    assert db.query(counted) == [(1,)]


def asked(url: str, sql: str) -> list[Row]:
    """What a reader of its own session gets."""
    with closing(TidbReader(parse_dsn(url))) as one:
        return one.ask(sql).rows


def test_a_query_of_a_stranger_is_bounded(live_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "STATEMENT_TIMEOUT_S", 1)
    limits = asked(live_url, "SELECT @@max_execution_time, @@tidb_mem_quota_query")
    assert limits == [(1000, reader.MEMORY_BYTES)]
    columns = "information_schema.columns"
    with pytest.raises(AutoirError, match="than it may"):
        asked(live_url, f"SELECT SUM(LENGTH(a.column_name)) FROM {columns} a, {columns} b, {columns} c, {columns} d")


PLANS = {
    "by id": "SELECT id FROM autoir_log_events WHERE id IN ('a', 'b')",
    "newest of a log group": "SELECT id FROM autoir_log_events WHERE log_group = '/shop/api' AND ts_ms >= 1"
    " ORDER BY ts_ms DESC, id DESC LIMIT 20",
    "newest of a pattern": "SELECT id FROM autoir_log_events WHERE pattern_id = 1 AND ts_ms >= 1 AND ts_ms < 2"
    " ORDER BY ts_ms DESC, id LIMIT 1",
}


@pytest.mark.parametrize("name", PLANS)
def test_no_question_of_ours_reads_all_events(db: TidbDatabase, name: str) -> None:
    Store(db).write(a_batch([an_event(n, group=f"/shop/{n % 20}", pattern=n % 50) for n in range(1000)]))
    plan = "\n".join(" ".join(map(str, row)) for row in db.query(f"EXPLAIN {PLANS[name]}"))
    assert "FullScan" not in plan
    assert "table:p" not in plan  # the join with patterns, of which nothing is read
    assert "table:s" not in plan


def test_rows_may_go_by_the_server_s_own_clock(db: TidbDatabase) -> None:
    # Views go with their tables; the suite makes this database anew when it sees that its partitions are gone.
    db.execute("DROP TABLE autoir_events")
    apply(db, statements(0, MIGRATED_MS, Retention(events_days=3, ttl=True)))
    ((_, made),) = db.query("SHOW CREATE TABLE autoir_events")
    assert "TTL=`stored_at` + INTERVAL 3 DAY" in made
    assert maintenance(db, MIGRATED_MS, Retention(events_days=3, ttl=True)) == []
