"""Leases and fences: one process at a time moves a log group on, however long another was frozen."""

from collections.abc import Callable

import pytest

from autoir.clock import SECOND_MS
from autoir.store import Store
from autoir.store.cursors import LeaseLostError
from autoir.store.rows import Cursor, Lease, Written
from tests.store.rows import GROUP, NOON, a_batch, a_quarantined, an_event

SOURCE = "cloudwatch:123456789012/eu-west-1"
LEASE_MS = 60 * SECOND_MS


def taken(store: Store, owner: str, now_ms: int = NOON, group: str = GROUP) -> Lease | None:
    return store.lease(SOURCE, group, owner, now_ms, now_ms + LEASE_MS)


def held(store: Store, owner: str, now_ms: int = NOON) -> Lease:
    lease = taken(store, owner, now_ms)
    assert lease
    return lease


@pytest.mark.parametrize(
    ("owner", "after_ms", "fence"),
    [
        ("b", 0, None),
        ("b", LEASE_MS - 1, None),
        ("b", LEASE_MS, 2),  # it ran out
        ("a", 1, 2),  # its own again: whatever still runs under the first is fenced off
    ],
)
def test_who_may_take_what_a_holds(opener: Callable[[], Store], owner: str, after_ms: int, fence: int | None) -> None:
    first, second = opener(), opener()
    assert held(first, "a") == Lease(SOURCE, GROUP, "a", 1, NOON + LEASE_MS)
    lease = taken(second, owner, NOON + after_ms)
    assert (lease.fence if lease else None) == fence


def test_a_lease_is_of_one_group_and_can_be_given_up(opener: Callable[[], Store]) -> None:
    first, second = opener(), opener()
    lease = held(first, "a")
    assert taken(second, "b", group="/shop/other")
    first.release(lease)
    assert held(second, "b").fence == 2
    first.release(lease)  # too late: it is another's by now
    assert taken(first, "a") is None


def test_a_lease_alone_is_no_cursor(store: Store) -> None:
    held(store, "a")
    assert store.cursor(SOURCE, GROUP) is None


def test_a_batch_prolongs_its_lease(opener: Callable[[], Store]) -> None:
    first, second = opener(), opener()
    lease = held(first, "a")._replace(until_ms=NOON + 2 * LEASE_MS)
    for sent in ([], [an_event(1)], [an_event(1), an_event(2)]):  # nothing, new, known and new
        first.write(a_batch(sent)._replace(lease=lease))
    assert taken(second, "b", NOON + 2 * LEASE_MS - 1) is None
    assert taken(second, "b", NOON + 2 * LEASE_MS)


@pytest.mark.parametrize("known", [False, True], ids=["new events", "known among them"])
def test_a_batch_under_an_old_fence_leaves_nothing(opener: Callable[[], Store], known: bool) -> None:
    first, second = opener(), opener()
    stale = held(first, "a")
    cursor = Cursor(SOURCE, GROUP, NOON, "page 1", newest_ingest_ms=NOON, from_ms=NOON - 9, until_ms=NOON, swept_ms=7)
    lease = held(second, "b", NOON + LEASE_MS)
    second.write(a_batch([an_event(1)] if known else [], cursor=cursor)._replace(lease=lease))
    before = second.stats()
    batch = a_batch(
        [an_event(1), an_event(2)], quarantine=[a_quarantined()], cursor=cursor._replace(watermark_ms=NOON + 5)
    )
    with pytest.raises(LeaseLostError, match="read by another process"):
        first.write(batch._replace(lease=stale))
    assert second.stats()._replace(stored_bytes=0) == before._replace(stored_bytes=0)
    assert second.cursor(SOURCE, GROUP) == cursor
    assert second.write(batch._replace(lease=lease)) == Written(1 if known else 2, 1 if known else 0)


def test_which_ids_exist(store: Store) -> None:
    stored = [an_event(1), an_event(2)]
    store.write(a_batch(stored))
    assert store.existing([an_event(3).id, *(row.id for row in stored)]) == {row.id for row in stored}
    assert store.existing([]) == set()
