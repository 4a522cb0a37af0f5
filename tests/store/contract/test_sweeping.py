"""What a sweep reads and writes: minutes of families, their states, candidates, verdicts, and how far it is."""

from collections.abc import Callable

import pytest

from autoir.clock import MINUTE_MS
from autoir.errors import AutoirError
from autoir.incidents import Verdict
from autoir.store import Store
from autoir.store.rows import FamilyMinute, FamilyState, GroupState
from tests.store.rows import GROUP, MINUTE, NOON, a_batch, a_candidate, a_pattern, an_event


@pytest.fixture
def filled(store: Store) -> Store:
    """Family 10 of patterns 1 and 2, family 30 of pattern 3 in another group.

    Minute 0: patterns 1, 2, 3 (twice); minute 2: pattern 1.
    """
    patterns = [a_pattern(1, "a", family=10), a_pattern(2, "b", family=10), a_pattern(3, "c", family=30, group="/x")]
    rows = [
        an_event(1), an_event(2, NOON + 1, pattern=2), an_event(3, NOON + 2, pattern=3, group="/x"),
        an_event(4, NOON + 3, pattern=3, group="/x"), an_event(5, NOON + 2 * MINUTE_MS, message="Poll 100% _ok!"),
    ]  # fmt: skip
    store.write(a_batch(rows, patterns))
    return store


@pytest.mark.parametrize(("after", "first"), [(None, 0), (-1, 0), (0, 2), (1, 2), (2, None)])
def test_the_first_minute_with_events(filled: Store, after: int | None, first: int | None) -> None:
    found = filled.first_minute(None if after is None else MINUTE + after)
    assert (None if found is None else found - MINUTE) == first


def test_an_empty_store_has_no_first_minute(store: Store) -> None:
    assert store.first_minute() is None


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(0, 2, [(10, 0, 2), (10, 2, 1), (30, 0, 2)]), (0, 0, [(10, 0, 2), (30, 0, 2)]), (1, 1, []), (2, 9, [(10, 2, 1)])],
)
def test_a_window_counts_each_family_and_minute(
    filled: Store, first: int, last: int, found: list[tuple[int, int, int]]
) -> None:
    rows = filled.window(MINUTE + first, MINUTE + last)
    assert sorted(rows) == [FamilyMinute(f, MINUTE + m, n) for f, m, n in found]


def test_states_of_families_are_kept_whole(filled: Store) -> None:
    fresh = FamilyState(10, GROUP, 0, "normal", None, None, None, 0, 0, 0, 0, 0)
    assert filled.families([10, 99]) == {10: fresh}
    learned = fresh._replace(
        status="muted", muted_until=7, first_minute=1, last_minute=2, s=3, q=4, m1=5, m2=6, blocks=7, gaps=8, gap_max=9
    )
    filled.save_families([learned])
    assert filled.families([10]) == {10: learned}
    assert filled.families_of(GROUP) == [learned]
    assert filled.families_with_status("muted") == [learned]
    assert filled.families_with_status("suspect") == []
    filled.save_families([])
    assert len(filled.families(range(2_500))) == 2


def test_states_of_groups_are_kept_whole(store: Store) -> None:
    states = [GroupState(GROUP, kind, 1, 2, 3, 4, None, None, 5) for kind in ("all", "class2")]
    store.save_groups(states)
    states[0] = states[0]._replace(s=10, low1=1, low2=2)
    store.save_groups(states[:1])
    assert store.groups() == {(GROUP, s.kind): s for s in states}


def test_a_status_is_given_to_all_patterns_of_a_family(filled: Store) -> None:
    filled.set_status([10], "suspect")
    assert {p.pattern_id: p.status for p in filled.patterns()} == {1: "suspect", 2: "suspect", 3: "normal"}


def test_a_minute_is_judged_by_one_sweep(store: Store, opener: Callable[[], Store]) -> None:
    other = opener()
    store.move_swept(None, 5)
    for expected in (None, 4, 6):
        with pytest.raises(AutoirError, match="judged minute 6"):
            other.move_swept(expected, 6)
    other.move_swept(5, 6)
    assert store.swept_to() == 6


def test_a_candidate_is_kept_as_it_was_first_and_has_one_owner(store: Store) -> None:
    first = a_candidate()
    store.save_candidates([first])
    store.save_candidates([first._replace(score=9.0), a_candidate(MINUTE + 1)])
    assert store.candidates() == [first, a_candidate(MINUTE + 1)]
    store.assign_candidates([first[:3]], "inc-a")
    store.assign_candidates([first[:3], a_candidate(MINUTE + 1)[:3]], "inc-b")
    assert [c.incident_id for c in store.candidates()] == ["inc-a", "inc-b"]
    assert store.candidates(incident_id="inc-a") == [first._replace(incident_id="inc-a")]


@pytest.mark.parametrize(
    ("first", "last", "found"), [(None, None, [0, 1, 2]), (1, None, [1, 2]), (None, 1, [0, 1]), (1, 1, [1]), (3, 9, [])]
)
def test_candidates_of_a_span(store: Store, first: int | None, last: int | None, found: list[int]) -> None:
    store.save_candidates(a_candidate(MINUTE + n) for n in (2, 0, 1))
    span = {k: MINUTE + v for k, v in (("first", first), ("last", last)) if v is not None}
    assert [c.minute - MINUTE for c in store.candidates(**span)] == found


def test_the_newest_incident_of_families(store: Store) -> None:
    store.save_candidates(
        [a_candidate(MINUTE, incident="inc-a"), a_candidate(MINUTE + 1, incident="inc-b"), a_candidate(MINUTE + 2)]
    )
    assert [store.last_incident_of(f) for f in ([1], [2, 1], [2], [])] == ["inc-b", "inc-b", "", ""]


@pytest.mark.parametrize(
    ("family", "until", "newest", "found"),
    [
        (10, 9, False, ["line 1", "line 2", "Poll 100% _ok!"]),
        (10, 9, True, ["Poll 100% _ok!", "line 2", "line 1"]),
        (10, 2, False, ["line 1", "line 2"]),
        (99, 9, False, []),
    ],
)
def test_samples_of_a_family_come_first_or_newest_first(
    filled: Store, family: int, until: int, newest: bool, found: list[str]
) -> None:
    samples = filled.samples(family, NOON, NOON + until * MINUTE_MS, newest=newest)
    assert [e.message for e in samples] == found
    assert [e.message for e in filled.samples(family, NOON, NOON + until * MINUTE_MS, 1, newest=newest)] == found[:1]


def test_events_are_counted_by_their_own_time(filled: Store) -> None:
    filled.move_swept(None, MINUTE + 50)
    filled.write(a_batch([an_event(9, NOON + 4)], [a_pattern(1, "a", family=10)]))
    assert filled.events_in_time([10, 30], NOON, NOON + 3) == 3
    assert filled.events_in_time([10], NOON, NOON + MINUTE_MS) == 3
    assert filled.events_in_time([], NOON, NOON + MINUTE_MS) == 0


def test_templates_and_series_of_families(filled: Store) -> None:
    assert filled.family_templates([10, 30]) == [(10, "a"), (10, "b"), (30, "c")]
    assert filled.family_series([10, 99], MINUTE, MINUTE + 2) == {10: {MINUTE: 2, MINUTE + 2: 1}, 99: {}}
    assert filled.family_series([], MINUTE, MINUTE) == {}
    assert filled.group_templates(GROUP) == []
    filled.save_families(s._replace(first_minute=MINUTE) for s in filled.families([10]).values())
    assert filled.group_templates(GROUP) == [(10, "a"), (10, "b")]


@pytest.mark.parametrize(
    ("contains", "group", "until", "found"),
    [
        ("poll", GROUP, 3 * MINUTE_MS, 2 * MINUTE_MS),
        ("100% _OK!", GROUP, 3 * MINUTE_MS, 2 * MINUTE_MS),
        ("line", GROUP, 3 * MINUTE_MS, 1),
        ("100%_ok", GROUP, 3 * MINUTE_MS, None),
        ("1%0", GROUP, 3 * MINUTE_MS, None),
        ("poll", GROUP, 2 * MINUTE_MS, None),
        ("poll", "/x", 3 * MINUTE_MS, None),
    ],
)
def test_the_last_line_that_holds_a_text(
    filled: Store, contains: str, group: str, until: int, found: int | None
) -> None:
    last = filled.last_line_ms(group, contains, NOON, NOON + until)
    assert (None if last is None else last - NOON) == found
    assert len(filled.lines_at(group, contains, NOON if last is None else last)) == (found is not None)


def test_a_verdict_waits_until_it_is_applied(store: Store) -> None:
    verdicts = [Verdict(f"v{n}", NOON + n, "inc-1", 0, "muted", None, "ana", "nö") for n in (2, 1)]
    for verdict in [*verdicts, verdicts[0]._replace(note="again")]:
        store.add_verdict(verdict)
    assert store.verdicts() == store.verdicts(unapplied=True) == verdicts[::-1]
    store.verdict_applied("v1", MINUTE)
    assert store.verdicts(unapplied=True) == verdicts[:1]
    assert store.verdicts() == verdicts[::-1]
