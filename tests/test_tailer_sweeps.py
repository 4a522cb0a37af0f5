"""When the tail job sweeps for what came late, how far back, and what a group costs that is still."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoir.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from autoir.tail.cloudwatch_windows import Pace
from autoir.tailer import ONCE_MS
from tests.tail.cloudwatch_fake import START_MS, Faults, Wire, serving
from tests.tail_job import BACK_MS, World

API = "/shop/api"
BEGIN = START_MS - BACK_MS


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


@pytest.fixture
def world(wire: Wire, tmp_path: Path) -> World:
    return World(wire, tmp_path)


def test_a_sweep_does_not_begin_within_a_window_of_the_tail(wire: Wire, tmp_path: Path) -> None:
    """A window that takes longer than sweeps are apart: what comes behind its page lies in the sweep after it."""
    world = World(wire, tmp_path, Faults(page_events=2))
    world.logs.make(API)
    with world.tailer(API) as first:
        world.run(first, until_ms=START_MS + MINUTE_MS)
    back_ms = START_MS + 5 * HOUR_MS
    for n in range(200):
        world.logs.put(API, back_ms - 10 * MINUTE_MS + n * SECOND_MS, f"line {n}")
    world.logs.put(API, back_ms - 12 * MINUTE_MS, "behind the page", late_ms=13 * MINUTE_MS)
    world.logs.faults.latency_ms = 12 * SECOND_MS
    world.time.now_ms = back_ms
    world.run(world.tailer(API), until_ms=back_ms + HOUR_MS)
    world.check(BEGIN)


def test_a_late_event_widens_the_sweeps_for_some_days(world: World) -> None:
    """An event of 45 minutes late is found within the hour where one was an hour late before."""
    world.logs.make(API)
    world.logs.put(API, START_MS - 90 * MINUTE_MS, "an hour late", late_ms=HOUR_MS)
    world.logs.put(API, START_MS + 5 * MINUTE_MS, "later on", late_ms=45 * MINUTE_MS)
    pace = Pace(poll_ms=5 * MINUTE_MS)
    with world.tailer(API, back_ms=2 * HOUR_MS, pace=pace) as first:
        world.run(first, until_ms=START_MS + 4 * MINUTE_MS)
    tailer = world.tailer(API, pace=pace)  # it knows from the store how late they come
    world.run(tailer, until_ms=START_MS + 2 * HOUR_MS)
    world.check(START_MS - 2 * HOUR_MS)
    sweep = tailer.groups[API].readings["sweep"]
    assert sweep.due_ms - sweep.cursor.swept_ms == 30 * MINUTE_MS
    world.run(tailer, until_ms=START_MS + 3 * DAY_MS + HOUR_MS)  # forgotten
    assert sweep.due_ms - sweep.cursor.swept_ms == 15 * MINUTE_MS


def test_a_sweep_that_found_nothing_is_not_done_again_by_the_next_process(world: World) -> None:
    world.logs.make(API)
    asked = []
    for hours in (0, 25, 26):
        world.time.now_ms = START_MS + hours * HOUR_MS
        with world.tailer(API, pace=Pace(poll_ms=ONCE_MS), back_ms=30 * DAY_MS) as tailer:
            tailer.discover()
            tailer.run(once=True)
        asked.append(world.logs.calls["FilterLogEvents"])
    assert [after - before for before, after in itertools.pairwise([0, *asked])] == [1, 2, 1]  # the second is wide


def test_a_group_that_is_still_is_asked_less_often(world: World) -> None:
    world.logs.make(API)
    tailer = world.tailer(API)
    world.run(tailer, until_ms=START_MS + 10 * MINUTE_MS)
    assert world.logs.calls["FilterLogEvents"] <= 22
    calls = world.logs.calls["FilterLogEvents"]
    for n in range(60):
        world.logs.put(API, START_MS + 10 * MINUTE_MS + n * 10 * SECOND_MS)
    world.run(tailer, until_ms=START_MS + 20 * MINUTE_MS)
    assert world.logs.calls["FilterLogEvents"] - calls >= 55


def test_once_ends_with_the_wide_sweep_and_waits_for_its_share_of_the_rate(wire: Wire, tmp_path: Path) -> None:
    """Run once a day, it would never come to the end of it: tokens of a day ago are no longer taken."""
    world = World(wire, tmp_path, Faults(page_events=10, latency_ms=80))
    world.logs.make(API)
    for n in range(100):
        world.logs.put(API, START_MS - 4 * DAY_MS + n, f"line {n}", late_ms=4 * DAY_MS + HOUR_MS)
    turns = 0

    def turned(_: object) -> None:
        nonlocal turns
        turns += 1

    for day in (0, 1):
        world.time.now_ms = START_MS + day * (DAY_MS + HOUR_MS)
        with world.tailer(API, per_s=5, back_ms=5 * DAY_MS, pace=Pace(poll_ms=ONCE_MS)) as tailer:
            tailer.discover()
            tailer.run(turned, once=True)
    world.check(START_MS - 5 * DAY_MS)
    assert world.time.now_ms - (START_MS + DAY_MS + HOUR_MS) > 3 * SECOND_MS  # 11 calls, at half the rate
    assert turns < 5 * world.logs.calls["FilterLogEvents"]  # it sleeps until a call may be made
