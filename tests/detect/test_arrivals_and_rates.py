"""What is news and what is an unusual rate, by tables over one minute's view."""

import pytest

from autoir.detect.arrivals import arrivals, learned
from autoir.detect.baseline import ALL, CLASS2, dispersion, learned_families, learned_groups, with_block
from autoir.detect.parameters import DEFAULTS
from autoir.detect.rates import high_rates, scored
from autoir.detect.view import View, view_of
from autoir.store.rows import FamilyMinute, FamilyState, GroupState

NOW, BLOCKS = 1_004, 100
"""A minute that ends a block, and the blocks learned from."""


def family(
    id_: int = 1, severity: int = 2, status: str = "normal", seen: int | None = 10, muted: int | None = None,
    every: int = 0, blocks: int = 0,
) -> FamilyState:  # fmt: skip
    """A family that had ``every`` events in each block so far."""
    state = FamilyState(id_, "/a", severity, status, muted, seen, seen, 0, 0, 0, 0, blocks)
    for n in [every] * (BLOCKS if every else 0):
        state = with_block(state, n)
    return state


def view(states: list[FamilyState], counts: dict[int, int], volume: int = 1_000, usual: int = 1_000) -> View:
    """The families' events, all in the last minute, in a group that logs ``volume`` now and ``usual`` a block."""
    other = family(99, 0, every=usual)
    known = {s.family_id: s for s in [*states, other]}
    rows = [FamilyMinute(f, NOW, n) for f, n in {**counts, 99: volume}.items()]
    groups = {
        ("/a", ALL): GroupState("/a", ALL, usual * BLOCKS, 0, usual, usual, usual, usual, BLOCKS),
        ("/a", CLASS2): GroupState("/a", CLASS2, 0, 0, 0, 0, None, None, 0),
    }
    return view_of(NOW, 5, BLOCKS, rows, known, groups)


@pytest.mark.parametrize(
    ("state", "n", "expected"),
    [
        # never seen: by class, and a little by number
        (family(severity=2, seen=None), 1, ("new", 6.1505)),
        (family(severity=2, seen=None), 99, ("new", 7.0)),
        (family(severity=1, seen=None), 1, ("new", 2.1505)),
        (family(severity=0, seen=None), 1, ("new", 0.6505)),
        # a suspect is news when its mute is over and it is rare
        (family(status="suspect"), 1, ("recur", 6.1505)),
        (family(status="suspect", muted=NOW), 1, ("recur", 6.1505)),
        (family(status="suspect", muted=NOW + 1), 1, None),
        (family(status="suspect", blocks=3), 1, ("recur", 6.1505)),
        (family(status="suspect", blocks=4), 1, None),
        (family(status="suspect", severity=1), 1, ("recur", 2.1505)),
        # a known failure always is, as an error
        (family(status="known_failure", blocks=50), 1, ("recur", 6.1505)),
        (family(status="known_failure", severity=1), 1, ("recur", 6.1505)),
        (family(status="known_failure", muted=NOW + 1), 1, None),
        # what people call normal, or muted, is no news
        (family(status="normal"), 1, None),
        (family(status="muted"), 1, None),
    ],
)
def test_what_is_news(state: FamilyState, n: int, expected: tuple[str, float] | None) -> None:
    found = arrivals(view([state], {1: n}), DEFAULTS)
    news = [(c.kind, c.score) for c in found.candidates if c.family_id == 1]
    assert news == ([expected] if expected else [])
    if expected:
        assert found.states[1].muted_until == NOW + DEFAULTS.mute_min


def test_a_lifted_mute_does_not_count() -> None:
    muted = view([family(status="suspect", muted=NOW + 9)], {1: 1})
    assert [c.kind for c in arrivals(muted, DEFAULTS, {1}).candidates] == ["recur"]


@pytest.mark.parametrize(("severity", "status"), [(2, "suspect"), (1, "suspect"), (0, "normal")])
def test_what_is_new_and_speaks_of_failure_becomes_suspect(severity: int, status: str) -> None:
    fresh = view([family(severity=severity, seen=None)], {1: 1})
    assert arrivals(fresh, DEFAULTS).states[1].status == status
    assert learned(fresh)[1][3:7] == ("normal", None, NOW, NOW)  # but not during the warm-up


@pytest.mark.parametrize(
    ("state", "counts", "volume", "expected"),
    [
        # ten times its even past
        (family(every=4), 40, 1_000, True),
        # not twice and a half
        (family(every=4), 9, 1_000, False),
        # below the least that counts
        (family(every=1), 3, 1_000, False),
        # not above the second largest block
        (family(every=4)._replace(m1=60, m2=40), 40, 1_000, False),
        # explained by what else the group logs
        (family(every=4), 40, 4_500, False),
        # but a flood explains nothing
        (family(every=4), 40, 5_500, True),
        # a past is needed
        (family(), 40, 1_000, False),
        (family(every=4, status="muted"), 40, 1_000, False),
        (family(every=4, status="known_failure"), 40, 1_000, False),
        # bursts of a hundred were seen, if seldom
        (family(every=4)._replace(q=16 * 100 + 3 * 100**2), 30, 1_000, False),
    ],
)
def test_what_is_an_unusual_rate(state: FamilyState, counts: int, volume: int, expected: bool) -> None:
    seen = view([state], {1: counts}, volume)
    found = [scored(seen, rate, rate.observed, DEFAULTS) for rate in high_rates(seen, DEFAULTS, (), {"/a"})]
    assert any(c and c.subject == "1" for c in found) is expected


def test_a_rate_is_judged_by_the_events_that_were_in_time() -> None:
    seen = view([family(every=4)], {1: 40})
    (rate,) = (r for r in high_rates(seen, DEFAULTS, (), ()) if r.kind == "spike")
    assert scored(seen, rate, 40, DEFAULTS)
    assert scored(seen, rate, 8, DEFAULTS) is None


def test_many_kinds_of_errors_together_are_an_unusual_share() -> None:
    states = [family(id_, every=0) for id_ in range(1, 8)]
    seen = view(states, dict.fromkeys(range(1, 8), 2))
    (rate,) = high_rates(seen, DEFAULTS, (), ())
    candidate = scored(seen, rate, rate.observed, DEFAULTS)
    assert candidate is not None
    assert (candidate.kind, candidate.subject, candidate.observed) == ("errshare", "/a", 14)
    assert candidate.score >= DEFAULTS.open_score
    assert not rate.muted
    assert high_rates(seen, DEFAULTS, (), {"/a"})[0].muted
    quiet = view([family(every=4, muted=NOW + 1)], {1: 40})
    assert [r.muted for r in high_rates(quiet, DEFAULTS, (), ()) if r.kind == "spike"] == [True]


def test_an_unusual_rate_of_harmless_lines_counts_half() -> None:
    scores = []
    for severity in (0, 1):
        seen = view([family(severity=severity, every=4)], {1: 14})
        (rate,) = high_rates(seen, DEFAULTS, (), {"/a"})
        found = scored(seen, rate._replace(tests=1), 14, DEFAULTS)
        assert found is not None
        scores.append(found.score)
    assert scores[0] == pytest.approx(scores[1] / 2, abs=1e-3)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([], (0, 0, 0, 0, 0)),
        ([3], (3, 9, 3, 0, 1)),
        ([3, 5, 4], (12, 50, 5, 4, 3)),
        ([5, 5], (10, 50, 5, 5, 2)),
    ],
)
def test_a_block_is_folded(blocks: list[int], expected: tuple[int, ...]) -> None:
    state = family()
    for n in blocks:
        state = with_block(state, n)
    assert state[7:12] == expected


def test_suspects_and_silent_groups_are_left_out_of_the_baseline() -> None:
    states = [family(1), family(2), family(3, status="known_failure"), family(4, status="muted")]
    seen = view(states, {1: 3, 2: 3, 3: 3, 4: 3})
    after = {s.family_id: s.s for s in learned_families(seen, {2})}
    assert {k: after[k] for k in (1, 2, 3, 4)} == {1: 3, 2: 0, 3: 0, 4: 3}
    kinds = {(g.log_group, g.kind): g.s for g in learned_groups(seen, {"/a"}, ())}
    assert kinds == {("/a", CLASS2): 6}  # of errors, only known ones
    assert {g.kind for g in learned_groups(seen, (), {"/a"})} == {ALL}


@pytest.mark.parametrize(
    ("s", "q", "expected"),
    [
        (0, 0, 1.0),  # never seen
        (400, 1_600, DEFAULTS.dispersion_least),  # the same in every block
        (400, 100 * (16 + 4 + 8), 0.5),  # variance 12, mean 4
    ],
)
def test_dispersion(s: int, q: int, expected: float) -> None:
    assert dispersion(s, q, BLOCKS, DEFAULTS) == pytest.approx(expected)
