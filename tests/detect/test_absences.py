"""Silence, overdue patterns and heartbeats, by tables."""

import pytest

from autoir.clock import MINUTE_MS
from autoir.detect.absences import overdue_beat, overdue_patterns, silent_groups
from autoir.detect.baseline import ALL
from autoir.detect.parameters import DEFAULTS
from autoir.detect.view import View
from autoir.settings import Heartbeat
from autoir.store.rows import FamilyState, GroupState

NOW = 10_000


def group(mean: int = 50, low2: int = 40, blocks: int = 100) -> GroupState:
    return GroupState("/a", ALL, mean * 100, mean * mean * 100 + 50 * 100, mean, mean, low2 // 2, low2, blocks)


@pytest.mark.parametrize(
    ("state", "blocks", "count", "found"),
    [
        (group(), 100, 0, True),
        (group(), 100, 15, True),
        (group(), 100, 16, False),  # not below 0.4 of the second-smallest block
        (group(mean=19), 100, 0, False),  # too little is logged
        (group(blocks=89), 100, 0, False),  # often not heard of
        (group(), 23, 0, False),  # too early
    ],
)
def test_silence(state: GroupState, blocks: int, count: int, found: bool) -> None:
    view = View(NOW - 4, NOW, blocks, {}, {("/a", ALL): state}, volume={"/a": count} if count else {})
    assert [c.score for c in silent_groups(view, (), DEFAULTS)] == ([0.0] if found else [])
    declared = silent_groups(view, ("/a",), DEFAULTS)
    assert [(c.score, c.severity_class) for c in declared] == ([(6.0, 2)] if found else [])


def periodic(id_: int, last: int, gaps: int = 12, longest: int = 5) -> FamilyState:
    return FamilyState(id_, "/a", 0, "normal", None, 1, NOW - last, 9, 9, 9, 9, 9, gaps, longest)


@pytest.mark.parametrize(
    ("states", "observed"),
    [
        ([periodic(id_, 14) for id_ in range(3)], 0),  # more than twice the longest pause and three minutes
        ([*(periodic(id_, 14) for id_ in range(3)), periodic(7, 2)], 1),
        ([periodic(id_, 13) for id_ in range(3)], None),
        ([periodic(id_, 14) for id_ in range(2)], None),
        ([periodic(id_, 14, gaps=11) for id_ in range(3)], None),
        ([periodic(id_, 14, longest=60) for id_ in range(3)], None),
    ],
)
def test_overdue_patterns(states: list[FamilyState], observed: int | None) -> None:
    view = View(NOW - 4, NOW, 100, {}, {})
    found = overdue_patterns(view, "/a", states, False, DEFAULTS)
    assert (found.observed if found else None) == observed
    assert found is None or found.score == 0.0


@pytest.mark.parametrize(
    ("silent_s", "overdue"),
    [(180, False), (181, True), (60, False), (None, False)],  # twice 60 s and a minute; never one not heard yet
)
def test_heartbeat(silent_s: int | None, overdue: bool) -> None:
    end_ms = (NOW + 1) * MINUTE_MS
    last_ms = None if silent_s is None else end_ms - silent_s * 1000
    view = View(NOW - 4, NOW, 0, {}, {})
    found = overdue_beat(view, Heartbeat("/a", "all is well", 60), last_ms, DEFAULTS)
    assert bool(found) is overdue
    assert not found or (found.kind, found.log_group, found.score) == ("heartbeat", "/a", 6.0)
