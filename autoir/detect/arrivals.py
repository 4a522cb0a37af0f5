"""Patterns that were never seen before, and suspects that are back.

Novelty finds nearly all faults: what a failing service logs, it does not log otherwise. A failure's second occurrence
must be news again although its first has been seen, so a new pattern that speaks of failure stays suspect until
people say otherwise or it turns out to be common.
"""

from collections.abc import Collection
from math import log10
from typing import NamedTuple

from autoir.detect.parameters import Params
from autoir.detect.view import View
from autoir.incidents import Candidate, Kind
from autoir.store.rows import FamilyState

WATCHED = ("suspect", "known_failure")


class Arrivals(NamedTuple):
    """Candidates, the states that changed with them, and the suspects that arrive whether or not they are news."""

    candidates: list[Candidate]
    states: dict[int, FamilyState]
    live: set[int]


def new_score(severity_class: int, n: int, params: Params) -> float:
    """Score of a pattern that is news: by class, and a little by how often it came."""
    return params.new_scores[severity_class] + 0.5 * log10(1 + n)


def is_rare(state: FamilyState, blocks: int, params: Params) -> bool:
    """Whether a suspect was seen so seldom that its return is news."""
    return state.blocks <= max(params.rare_blocks, params.rare_share * blocks)


def _candidate(view: View, kind: Kind, state: FamilyState, severity_class: int, params: Params) -> Candidate:
    n = view.total[state.family_id]
    expected = 0.0 if kind == "new" else state.s / view.blocks if view.blocks else 0.0
    score = new_score(severity_class, n, params)
    return Candidate(
        view.minute, kind, str(state.family_id), state.log_group, severity_class, n, round(expected, 4), 0.0,
        round(score, 4), view.first, 0, state.family_id,
    )  # fmt: skip


def learned(view: View) -> dict[int, FamilyState]:
    """During the warm-up: every new family becomes a normal one."""
    return {
        family: view.states[family]._replace(first_minute=view.minute, last_minute=view.minute)
        for family in view.now
        if view.states[family].first_minute is None
    }


def arrivals(view: View, params: Params, lifted: Collection[int] = ()) -> Arrivals:
    """New families and recurring suspects among those with events in the last minute.

    ``lifted`` are families whose mute does not count: their incident is about to be cut.
    """
    found = Arrivals([], {}, set())
    muted_until = view.minute + params.mute_min
    for family in view.now:
        state = view.states[family]
        if state.first_minute is None:
            status = "suspect" if state.severity_class >= 1 else "normal"
            found.candidates.append(_candidate(view, "new", state, state.severity_class, params))
            found.states[family] = state._replace(
                first_minute=view.minute, last_minute=view.minute, status=status, muted_until=muted_until
            )
            if status == "suspect":
                found.live.add(family)
        elif state.status in WATCHED:
            found.live.add(family)
            known = state.status == "known_failure"
            muted = state.muted_until is not None and view.minute < state.muted_until and family not in lifted
            if not muted and (known or is_rare(state, view.blocks, params)):
                found.candidates.append(_candidate(view, "recur", state, 2 if known else state.severity_class, params))
                found.states[family] = state._replace(muted_until=muted_until)
    return found
