"""From one cursor to the next, as tables."""

import pytest

from autoir.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from autoir.events import LogEvent
from autoir.store.rows import Cursor
from autoir.tail.cloudwatch import LogGroup
from autoir.tail.cloudwatch_windows import (
    AHEAD_MS,
    CLOSED,
    LATE_MS,
    STILL_MS,
    Pace,
    Place,
    backfill_cursor,
    first_cursors,
    lateness_ms,
    paged,
    place_of,
    restarted,
    source_of,
    sweep_every_ms,
    sweep_opened,
    sweep_width_ms,
    tail_opened,
)  # fmt: skip

NOW = 1_772_452_800_000
GROUP = LogGroup("/shop/api", "123456789012", "ap-southeast-1")
PACE = Pace()


def cursor(watermark_ms: int = NOW, *, start_ms: int = 0, newest_ms: int = 0, swept_ms: int = NOW) -> Cursor:
    return Cursor("s", "g", watermark_ms, Place(start_ms=start_ms).dumps(), newest_ms, swept_ms=swept_ms)


def event(ts_ms: int, late_ms: int) -> LogEvent:
    return LogEvent("g", "s", ts_ms, "", "1", ts_ms + late_ms)


@pytest.mark.parametrize(
    ("start_ms", "from_ms"),
    [
        (0, NOW - 120 * SECOND_MS),  # the overlap
        (NOW - 60 * SECOND_MS, NOW - 60 * SECOND_MS),  # nothing of before the start
        (NOW + 1, NOW + 1),
    ],
)
def test_the_tail_begins_before_its_watermark(start_ms: int, from_ms: int) -> None:
    opened = tail_opened(cursor(start_ms=start_ms), NOW + 5, PACE)
    assert (opened.from_ms, opened.until_ms) == (from_ms, NOW + 5 + AHEAD_MS)


@pytest.mark.parametrize(
    ("newest_ms", "begun_ms", "watermark_ms"),
    [
        (0, NOW + MINUTE_MS, NOW),  # nothing came: it stays
        (NOW - 5, NOW + MINUTE_MS, NOW),  # never back
        (NOW + 5, NOW + MINUTE_MS, NOW + 5),
        (0, NOW + STILL_MS + 7, NOW + 7),  # still for so long that it follows the clock
    ],
)
def test_the_watermark_moves_with_what_was_taken_in(newest_ms: int, begun_ms: int, watermark_ms: int) -> None:
    opened = tail_opened(cursor(newest_ms=newest_ms), begun_ms, PACE)
    closed = CLOSED["tail"](opened, begun_ms, 77)
    assert (closed.watermark_ms, closed.from_ms, closed.until_ms) == (watermark_ms, None, None)
    assert place_of(closed) == Place(late_ms=77)


@pytest.mark.parametrize(
    ("swept_ago_ms", "width_ms", "start_ago_ms", "span_ms"),
    [
        # from the width before the last sweep to where the tail begins
        (15 * MINUTE_MS, 15 * MINUTE_MS, DAY_MS, (30 * MINUTE_MS, 120 * SECOND_MS)),
        (DAY_MS, LATE_MS, 90 * DAY_MS, (15 * DAY_MS, 120 * SECOND_MS)),
        # not before the start
        (15 * MINUTE_MS, 15 * MINUTE_MS, 20 * MINUTE_MS, (20 * MINUTE_MS, 120 * SECOND_MS)),
        # no time at all
        (15 * MINUTE_MS, 15 * MINUTE_MS, MINUTE_MS, (MINUTE_MS, MINUTE_MS)),
    ],
)
def test_a_sweep(swept_ago_ms: int, width_ms: int, start_ago_ms: int, span_ms: tuple[int, int]) -> None:
    tail = cursor(NOW, start_ms=NOW - start_ago_ms)
    opened = sweep_opened(cursor(0, swept_ms=NOW - swept_ago_ms), tail, NOW, PACE, width_ms)
    assert (opened.from_ms, opened.until_ms) == (NOW - span_ms[0], NOW - span_ms[1])
    for kind in ("sweep", "wide"):
        closed = CLOSED[kind](opened, NOW + 99, 0)  # type: ignore[index]
        assert (closed.swept_ms, closed.from_ms) == (NOW, None)


@pytest.mark.parametrize(
    ("late_ms", "width_ms", "every_ms"),
    [
        (0, 15 * MINUTE_MS, 15 * MINUTE_MS),
        (10 * MINUTE_MS, 20 * MINUTE_MS, 15 * MINUTE_MS),
        (HOUR_MS, 2 * HOUR_MS, 30 * MINUTE_MS),
        (3 * DAY_MS, 6 * DAY_MS, 36 * HOUR_MS),
        (14 * DAY_MS, 14 * DAY_MS, 84 * HOUR_MS),
    ],
)
def test_the_width_of_a_sweep_follows_how_late_events_were(late_ms: int, width_ms: int, every_ms: int) -> None:
    assert (sweep_width_ms(late_ms, PACE), sweep_every_ms(late_ms, PACE)) == (width_ms, every_ms)


def test_a_page_keeps_the_next_one_and_the_newest() -> None:
    after = paged(tail_opened(cursor(), NOW, PACE), [event(NOW, 5), event(NOW + 1, 2)], "t-1")
    assert (place_of(after).page, after.newest_ingest_ms, after.watermark_ms) == ("t-1", NOW + 5, NOW)
    after = paged(after, [], "t-2")  # an empty page
    assert (place_of(after).page, after.newest_ingest_ms) == ("t-2", NOW + 5)
    again = restarted(after)
    assert (place_of(again).page, again.from_ms, again.newest_ingest_ms) == ("", after.from_ms, NOW + 5)


def test_where_a_group_begins() -> None:
    first = first_cursors(GROUP, start_ms=NOW - DAY_MS, read_ms=NOW - HOUR_MS, now_ms=NOW)
    assert [c.source for c in first.values()] == [source_of(kind, GROUP) for kind in first]
    assert {(c.watermark_ms, c.swept_ms, place_of(c).start_ms) for c in first.values()} == {
        (NOW - HOUR_MS, NOW, NOW - DAY_MS)
    }
    span = backfill_cursor(GROUP, NOW - DAY_MS, NOW)
    assert CLOSED["backfill"](span, NOW, 0).watermark_ms == NOW
    assert span.source != backfill_cursor(GROUP, NOW - DAY_MS, NOW + 1).source
    assert all(len(c.source) <= 64 for c in (*first.values(), span))  # what the column takes


def test_how_late_events_were() -> None:
    assert lateness_ms([event(NOW, 5), event(NOW, 90), event(NOW, -3)]) == 90
    assert lateness_ms([]) == 0
