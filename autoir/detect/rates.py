"""Known patterns at an unusual rate, and groups with an unusual share of known errors.

A count is unusual when it is above all blocks seen but one, several times what the pattern's own past and the group's
present volume explain, and improbable for something that comes in bursts. The tail is corrected for how many such
tests the minute made, by severity: counting every harmless pattern would hide the errors.
"""

from collections.abc import Collection
from math import log10
from typing import NamedTuple

from autoir.detect.baseline import ALL, CLASS2, dispersion, mean_of
from autoir.detect.parameters import Params
from autoir.detect.tails import surprise_above
from autoir.detect.view import View
from autoir.incidents import Candidate, Kind
from autoir.store.rows import FamilyState, GroupState


class Rate(NamedTuple):
    """A count that is above its past. ``families`` are those it counts; ``size`` is 1 / over-dispersion."""

    kind: Kind
    subject: str
    log_group: str
    severity_class: int
    families: tuple[int, ...]
    observed: int
    expected: float
    second_largest: int
    size: float
    tests: int
    muted: bool


def _is_high(count: int, expected: float, second_largest: int, least: int, params: Params) -> bool:
    return count >= least and count > second_largest and count >= params.spike_ratio * expected


def _expected(view: View, s: int, count: int, group: str, params: Params) -> float:
    """Events a block by the subject's own past, or by what else the group logs now where that explains more.

    ``s`` are the subject's events so far and ``count`` those now; both are taken out of the group's volume, or a
    burst would explain itself.
    """
    own = (s + 0.5) / view.blocks
    whole = view.groups.get((group, ALL))
    if whole is None or whole.s <= s:
        return own
    usual, rest = mean_of(whole.s - s, view.blocks), view.volume[group] - count
    if rest > params.flood_ratio * usual:
        return own
    return max(own, own * (rest + 0.5) / (usual + 0.5))


def high_rates(view: View, params: Params, skip: Collection[int], muted_groups: Collection[str]) -> list[Rate]:
    """Everything above its past, muted or not, with the number of tests that its probability is corrected for.

    ``skip`` are families that are news anyway; ``muted_groups`` those whose share of errors was reported lately.
    """
    if view.blocks < params.spike_blocks:
        return []
    tests = sum(1 for family in view.total if view.states[family].severity_class >= 1)
    rates = []
    for family, count in view.total.items():
        if count < params.spike_least or family in skip:
            continue
        state = view.states[family]
        if count <= state.m2 or not state.s or state.status in ("muted", "known_failure"):
            continue
        expected = _expected(view, state.s, count, state.log_group, params)
        if count >= params.spike_ratio * expected:
            rates.append(_family_rate(view, state, count, expected, tests, params))
    for group, count in view.errors.items():
        share = view.groups.get((group, CLASS2)) or GroupState(group, CLASS2, 0, 0, 0, 0, None, None, 0)
        expected = _expected(view, share.s, count, group, params)
        if _is_high(count, expected, share.m2, params.spike_least + 1, params):
            rates.append(_share_rate(view, share, count, expected, group in muted_groups, params))
    return rates


def known_errors(view: View, group: str) -> tuple[int, ...]:
    """The families that a group's share of errors is made of."""
    return tuple(
        family for family in view.total
        if (state := view.states[family]).log_group == group
        and state.severity_class >= 2 and state.status == "normal"
    )  # fmt: skip


def _family_rate(view: View, state: FamilyState, count: int, expected: float, tests: int, params: Params) -> Rate:
    return Rate(
        "spike", str(state.family_id), state.log_group, state.severity_class, (state.family_id,), count, expected,
        state.m2, 1 / dispersion(state.s, state.q, view.blocks, params),
        tests if state.severity_class >= 1 else len(view.total),
        state.muted_until is not None and view.minute < state.muted_until,
    )  # fmt: skip


def _share_rate(view: View, share: GroupState, count: int, expected: float, muted: bool, params: Params) -> Rate:
    group = share.log_group
    families = known_errors(view, group)
    size = 1 / dispersion(share.s, share.q, view.blocks, params)
    return Rate(
        "errshare", group, group, 2, families, count, expected, share.m2, size, len(view.volume) + 1, muted
    )  # fmt: skip


def scored(view: View, rate: Rate, count: int, params: Params) -> Candidate | None:
    """``rate`` as a candidate if ``count`` of its events were unusual too, and are worth keeping."""
    least = params.spike_least + (rate.kind == "errshare")
    if not _is_high(count, rate.expected, rate.second_largest, least, params):
        return None
    surprise = surprise_above(count, rate.expected, rate.size)
    score = min(params.spike_cap, params.open_score * (surprise - log10(max(1, rate.tests))) / params.spike_evidence)
    if rate.severity_class == 0:
        score /= 2
    if score < params.keep_score:
        return None
    return Candidate(
        view.minute, rate.kind, rate.subject, rate.log_group, rate.severity_class, rate.observed,
        round(rate.expected, 4), round(surprise, 4), round(score, 4), view.first, 0,
        rate.families[0] if rate.kind == "spike" else 0,
    )  # fmt: skip
