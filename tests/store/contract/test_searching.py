"""Reads for search, reports and people."""

import pytest

from autoir.clock import MINUTE_MS
from autoir.store import Store
from autoir.store.rows import StoreStats
from tests.store.rows import GROUP, MINUTE, NOON, a_batch, a_quarantined, an_event

VECTOR = b"\0\0\x80\x3f" * 384


@pytest.fixture
def filled(store: Store) -> Store:
    """Two groups: pattern 1 in minutes 0 and 1 (three lines), pattern 2 in minute 2, pattern 3 elsewhere."""
    rows = [
        an_event(1), an_event(2, NOON + 1), an_event(3, NOON + MINUTE_MS),
        an_event(4, NOON + 2 * MINUTE_MS, pattern=2, level=3), an_event(5, NOON + 5, group="/shop/mail", pattern=3),
    ]  # fmt: skip
    store.write(a_batch(rows))
    return store


@pytest.mark.parametrize(
    ("groups", "first", "last", "uses"),
    [
        (None, 0, 2, [(1, 3, 0, 1), (2, 1, 2, 2), (3, 1, 0, 0)]),
        (None, 1, 1, [(1, 1, 1, 1)]),
        ([GROUP], 0, 2, [(1, 3, 0, 1), (2, 1, 2, 2)]),
        (["/shop/mail", GROUP], 0, 0, [(1, 2, 0, 0), (3, 1, 0, 0)]),
        (["/shop"], 0, 2, []),
        ([], 0, 2, []),
        (None, 3, 2, []),
    ],
)
def test_how_often_each_pattern_came(
    filled: Store, groups: list[str] | None, first: int, last: int, uses: list[tuple[int, int, int, int]]
) -> None:
    found = filled.pattern_uses(groups, MINUTE + first, MINUTE + last)
    assert sorted((u.pattern_id, u.n, u.first_minute - MINUTE, u.last_minute - MINUTE) for u in found) == uses


@pytest.mark.parametrize(
    ("patterns", "first", "last", "uses"),
    [
        ([1, 3, 9], 0, 2, [(1, 3, 0, 1), (3, 1, 0, 0)]),
        ([2, 1], 2, 2, [(2, 1, 2, 2)]),
        ([], 0, 2, []),
        (range(2_500), 1, 2, [(1, 1, 1, 1), (2, 1, 2, 2)]),
    ],
)
def test_how_often_given_patterns_came(
    filled: Store, patterns: list[int], first: int, last: int, uses: list[tuple[int, int, int, int]]
) -> None:
    found = filled.uses_of(patterns, MINUTE + first, MINUTE + last)
    assert sorted((u.pattern_id, u.n, u.first_minute - MINUTE, u.last_minute - MINUTE) for u in found) == uses


@pytest.mark.parametrize(("first", "last", "seen"), [(0, 2, [1, 2, 3]), (1, 2, [1, 2]), (2, 2, [2]), (3, 9, [])])
def test_which_patterns_came_in_a_time(filled: Store, first: int, last: int, seen: list[int]) -> None:
    assert sorted(filled.seen_between(MINUTE + first, MINUTE + last)) == seen
    assert sorted(filled.pattern_ids()) == [1, 2, 3]


@pytest.mark.parametrize(
    ("pattern", "from_ms", "until_ms", "message"),
    [
        (1, 0, NOON * 2, "line 3"),
        (1, NOON, NOON + 1, "line 1"),
        (1, NOON + 1, NOON + 2, "line 2"),
        (2, NOON, NOON + 1, None),
        (9, 0, NOON * 2, None),
    ],
)
def test_a_sample_is_the_newest_line_of_its_time(
    filled: Store, pattern: int, from_ms: int, until_ms: int, message: str | None
) -> None:
    sample = filled.sample(pattern, from_ms, until_ms)
    assert (sample.message if sample else None) == message


@pytest.mark.parametrize(
    ("group", "limit", "since", "messages"),
    [
        (GROUP, 9, 0, ["line 1", "line 2", "line 3", "line 4"]),
        (GROUP, 2, 0, ["line 3", "line 4"]),
        (GROUP, 9, NOON + 1, ["line 2", "line 3", "line 4"]),
        (GROUP.upper(), 9, 0, []),
    ],
)
def test_the_latest_lines_come_oldest_first(
    filled: Store, group: str, limit: int, since: int, messages: list[str]
) -> None:
    assert [e.message for e in filled.latest(group, limit, since)] == messages


def test_events_are_found_by_id_in_order_of_time(filled: Store) -> None:
    ids = [an_event(n).id for n in (4, 1, 99, 3)]
    assert [e.message for e in filled.events(ids)] == ["line 1", "line 3", "line 4"]
    assert filled.events([]) == []


def test_patterns_are_found_all_or_by_id(filled: Store) -> None:
    assert sorted(p.pattern_id for p in filled.patterns()) == [1, 2, 3]
    assert sorted(p.pattern_id for p in filled.patterns([3, 1, *range(10, 2_500)])) == [1, 3]
    assert filled.patterns([]) == []
    assert filled.templates([]) == {}


def test_groups_and_time_span(filled: Store) -> None:
    assert filled.log_groups() == [GROUP, "/shop/mail"]
    assert filled.time_span() == (NOON, NOON + 3 * MINUTE_MS)


def test_what_is_in_the_store(filled: Store) -> None:
    filled.write(a_batch([], quarantine=[a_quarantined(1), a_quarantined(2)]))
    filled.save_vectors("model", NOON, [(1, VECTOR)])
    stats = filled.stats()
    assert stats.stored_bytes > 0
    assert stats._replace(stored_bytes=0) == StoreStats(5, 3, 2, 2, 2, 0, 0, NOON, NOON + 3 * MINUTE_MS, 0)


def test_an_empty_store_says_that_it_is_empty(store: Store) -> None:
    assert store.stats()._replace(stored_bytes=0) == StoreStats(0, 0, 0, 0, 0, 0, 0, None, None, 0)
    assert store.time_span() is None
    assert (store.log_groups(), store.patterns(), store.vectors(), store.quarantined()) == ([], [], [], [])


def test_quarantine_shows_the_newest_first(store: Store) -> None:
    store.write(a_batch([], quarantine=[a_quarantined(1), a_quarantined(2, "no timestamp")]))
    assert store.quarantined() == [a_quarantined(2, "no timestamp"), a_quarantined(1)]
    assert store.quarantined(1) == [a_quarantined(2, "no timestamp")]


def test_a_change_of_rows_is_told(store: Store) -> None:
    before = store.db.changes()
    store.write(a_batch([an_event(1)]))
    assert store.db.changes() != before


def test_a_pattern_s_lines_come_newest_first(filled: Store) -> None:
    found = filled.newest(1, 9, 0, NOON * 2)
    assert [event.ts_ms for event in found] == sorted((event.ts_ms for event in found), reverse=True)
    assert len(found) >= 2
    assert filled.newest(1, 1, 0, NOON * 2) == found[:1]
