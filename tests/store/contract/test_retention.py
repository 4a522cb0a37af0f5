"""Retention: what is older goes, whatever else is known of it stays."""

import pytest

from autoir.clock import DAY_MS, MINUTE_MS
from autoir.store import Store
from tests.store.rows import NOON, a_batch, an_event

NOW = NOON + 40 * DAY_MS
AGES = (0, 13, 14, 15, 29, 30, 31, 40)
"""Days before NOW of one event each."""


ROW_BY_ROW = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
"""Where the store deletes by itself; on TiDB whole days are dropped by its owner, or rows by the server."""


@ROW_BY_ROW
@pytest.mark.parametrize(
    ("events_days", "counts_days", "events", "counts", "gone"),
    [
        (30, 14, [0, 13, 14, 15, 29, 30], [0, 13, 14], 2 + 5),
        (0, 0, list(AGES), list(AGES), 0),
        (1, 0, [0], list(AGES), 7),
        (0, 1, list(AGES), [0], 7),
    ],
)
def test_events_and_counts_go_by_their_own_age(
    store: Store, events_days: int, counts_days: int, events: list[int], counts: list[int], gone: int
) -> None:
    store.write(a_batch([an_event(age, NOW - age * DAY_MS) for age in AGES]))
    assert store.expire(NOW, events_days, counts_days) == gone
    assert store.expire(NOW, events_days, counts_days) == 0
    left = store.query("SELECT ts_ms FROM autoir_events")
    assert sorted((NOW - ts) // DAY_MS for (ts,) in left) == events
    minutes = store.query("SELECT minute FROM autoir_counts")
    assert sorted((NOW // MINUTE_MS - minute) // 1440 for (minute,) in minutes) == counts
    assert len(store.patterns()) == 1


@ROW_BY_ROW
def test_more_than_one_round_of_deletes(store: Store) -> None:
    for start in range(0, 2_500, 500):
        store.write(a_batch([an_event(n, NOON + n * MINUTE_MS) for n in range(start, start + 500)]))
    assert store.expire(NOON + 3_000 * MINUTE_MS + DAY_MS, 1, 1) == 5_000
    assert store.stats().events == 0


@pytest.mark.parametrize("url", ["tidb"], indirect=True)
def test_a_writer_on_tidb_leaves_old_days_to_their_owner(store: Store) -> None:
    store.write(a_batch([an_event(age, NOW - age * DAY_MS) for age in AGES]))
    assert store.expire(NOW, 1, 1) == 0
    assert store.stats().events == len(AGES)
