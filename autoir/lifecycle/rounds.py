"""One minute in the life of all incidents: which one a candidate belongs to, which one ends.

Candidates join the incident of their environment while it is young and was hit lately, or the one that they are
suspects of already; what else is strong enough opens a new one. An incident that goes on for too long is cut, and a
new one goes on from it without paging again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from autoir.clock import MINUTE_MS
from autoir.detect.baseline import is_block_end
from autoir.detect.finding import Subject
from autoir.detect.grouping import environment_of, qualifies
from autoir.detect.parameters import Params
from autoir.incidents import Candidate, Incident
from autoir.lifecycle.changes import closed, extended, opened
from autoir.settings import Settings
from autoir.store import Store


class Case(NamedTuple):
    """An incident that is open or acknowledged, with its candidates."""

    incident: Incident
    candidates: tuple[Candidate, ...]


@dataclass(slots=True)
class Round:
    """A judged minute: ``fresh`` candidates of it, ``recent`` ones before it, and the subjects that are ``live``,
    unusual now whether or not they are news. ``known`` are families taught as failures; ``late_min`` is 0 in time."""

    minute: int
    fresh: Sequence[Candidate]
    recent: Sequence[Candidate]
    live: frozenset[Subject]
    known: frozenset[int]
    late_min: int
    settings: Settings
    params: Params


@dataclass(slots=True)
class Outcome:
    """What became of the incidents: those opened, closed and paged for, those still active, and every candidate that
    has an owner now, by (minute, kind, subject)."""

    opened: list[Incident] = field(default_factory=list)
    closed: list[Incident] = field(default_factory=list)
    paged: int = 0
    active: list[Case] = field(default_factory=list)
    owners: dict[tuple[int, str, str], str] = field(default_factory=dict)


def subject_of(candidate: Candidate) -> Subject:
    """What ``candidate`` is about."""
    return ("family" if candidate.family_id else candidate.kind, candidate.subject)


def key_of(candidate: Candidate) -> tuple[int, str, str]:
    """What makes ``candidate`` unique."""
    return candidate[:3]


def is_live(case: Case, live: frozenset[Subject]) -> bool:
    """Whether an error of the incident still arrives."""
    return any(c.severity_class >= 2 and subject_of(c) in live for c in case.candidates)


def is_old(case: Case, minute: int, params: Params) -> bool:
    """Whether the incident has lasted for as long as one may."""
    return (minute + 1) * MINUTE_MS - case.incident.opened_ms >= params.join_most_min * MINUTE_MS


def advance(store: Store, round_: Round, cases: Sequence[Case]) -> Outcome:
    """Take every incident through the minute, environment by environment."""
    outcome = Outcome()
    pattern = round_.settings.environment_pattern

    def environment(candidate: Candidate) -> str:
        return environment_of(candidate.log_group, pattern)

    active = {case.incident.id for case in cases}
    names = sorted({c.incident.environment for c in cases} | {environment(c) for c in round_.fresh})
    for name in names:
        fresh = [c for c in round_.fresh if environment(c) == name]
        recent = [c for c in round_.recent if environment(c) == name and (not c.incident_id or c.incident_id in active)]
        _advance(store, round_, name, [c for c in cases if c.incident.environment == name], fresh, recent, outcome)
    return outcome


def _advance(
    store: Store, round_: Round, environment: str, cases: Sequence[Case], fresh: list[Candidate],
    recent: list[Candidate], outcome: Outcome,
) -> None:  # fmt: skip
    minute, params, settings = round_.minute, round_.params, round_.settings
    span = [c for c in recent if c.minute > minute - params.span_min]

    def hits(some: Sequence[Candidate]) -> bool:
        return qualifies(some, [*span, *some], params)

    def near(case: Case) -> bool:
        return minute - case.incident.last_hit_ms // MINUTE_MS <= settings.window_min

    def own(case: Case) -> list[Candidate]:
        """What keeps the incident going: its errors come back. Mere evidence or a busy warning would never let go."""
        subjects = {subject_of(c) for c in case.candidates}
        return [c for c in fresh if c.severity_class >= 2 and subject_of(c) in subjects]

    previous: Incident | None = None
    young = []
    for case in cases:
        going_on = is_live(case, round_.live) or (hits(fresh) and (near(case) or bool(own(case))))
        if is_old(case, minute, params) and going_on:
            done = closed(store, case.incident, case.candidates, minute, settings, params, cut=True)
            outcome.closed.append(done)
            previous = previous or done
        else:
            young.append(case)
    joinable = [case for case in young if not is_old(case, minute, params)]
    target = max((c for c in joinable if near(c)), key=lambda c: (c.incident.last_hit_ms, c.incident.id), default=None)
    for case in young:
        joining = fresh if case is target else [] if target or case not in joinable else own(case)
        fresh = [c for c in fresh if c not in joining]
        _carry_on(store, round_, case, joining, hits(joining), outcome)
    if fresh and hits(fresh):
        look_back = [c for c in recent if not c.incident_id and c.minute > minute - settings.window_min]
        _open(store, round_, environment, [*look_back, *fresh], previous, outcome)


def _open(
    store: Store, round_: Round, environment: str, candidates: Sequence[Candidate], previous: Incident | None,
    outcome: Outcome,
) -> None:  # fmt: skip
    incident = opened(
        store, environment, candidates, round_.minute, round_.settings, round_.params,
        known=_known(round_, candidates), previous=previous, late_min=round_.late_min,
    )  # fmt: skip
    outcome.opened.append(incident)
    outcome.paged += incident.paged
    outcome.active.append(Case(incident, tuple(candidates)))
    outcome.owners.update({key_of(c): incident.id for c in candidates})


def _carry_on(
    store: Store, round_: Round, case: Case, joining: Sequence[Candidate], hit: bool, outcome: Outcome
) -> None:
    minute, params, settings = round_.minute, round_.params, round_.settings
    incident, candidates = case.incident, (*case.candidates, *joining)
    if joining or is_live(case, round_.live):
        age_min = minute - incident.opened_ms // MINUTE_MS
        retell = bool(joining) or age_min < settings.window_min or is_block_end(minute, params)
        before = incident
        incident = extended(
            store, incident, candidates, minute, settings, params,
            known=_known(round_, candidates), hit=hit, retell=retell,
        )  # fmt: skip
        outcome.paged += incident.paged and (not before.paged or incident.severity != before.severity)
    elif _quiet_min(incident, minute) >= params.quiet_min:
        outcome.closed.append(closed(store, incident, candidates, minute, settings, params, cut=False))
        return
    outcome.active.append(Case(incident, candidates))
    outcome.owners.update({key_of(c): incident.id for c in joining})


def _quiet_min(incident: Incident, minute: int) -> int:
    return minute - max(incident.last_ts_ms, incident.last_hit_ms) // MINUTE_MS


def _known(round_: Round, candidates: Sequence[Candidate]) -> bool:
    return any(c.kind == "recur" and c.family_id in round_.known for c in candidates)
