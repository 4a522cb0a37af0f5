"""The sweep job: judge every closed minute of counts, in order, and keep what was found.

One transaction a minute holds all of it: the counts of five minutes and what is remembered of their patterns are
read, candidates found, incidents opened, carried on or closed with the messages about them, the baseline learns at
the end of a block, and the minute is marked as judged. So a kill at any point changes nothing that a rerun does not
do again. A minute is judged under its own time, however late, and an incident says when it was detected late.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import NamedTuple

from autoir.clock import MINUTE_MS
from autoir.detect import baseline
from autoir.detect.arrivals import learned
from autoir.detect.finding import Findings, find, hear_beats, sampled
from autoir.detect.memory import Memory
from autoir.detect.parameters import DEFAULTS, Params
from autoir.detect.view import View, totals, view_of
from autoir.incidents import Candidate
from autoir.lifecycle.changes import is_continuation
from autoir.lifecycle.rounds import Case, Outcome, Round, advance, is_old, key_of
from autoir.lifecycle.teaching import apply_verdicts
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.rows import FamilyState

_MEMORY = "sweep"


class SweepReport(NamedTuple):
    """What a sweep did: minutes judged and the last of them, candidates kept, ids of incidents opened and closed,
    pages sent to the outbox."""

    minutes: int
    last_minute: int | None
    candidates: int
    opened: tuple[str, ...]
    closed: tuple[str, ...]
    pages: int


def sweep(
    store: Store,
    now_ms: int,
    settings: Settings,
    *,
    params: Params = DEFAULTS,
    stop: Callable[[], bool] = lambda: False,
) -> SweepReport:
    """Judge every minute that ended by ``now_ms`` and was not judged yet, unless ``stop`` says so between two.

    Raises OvertakenError when another sweep judged the same minute first; nothing of it is lost then.
    """
    last = now_ms // MINUTE_MS - 1
    minutes = candidates = pages = 0
    judged: int | None = None
    opened: list[str] = []
    closed: list[str] = []

    def judge_next() -> tuple[int, int, Outcome] | None:
        step = _next(store, last, settings, params)
        if step is None:
            return None
        expected, minute, memory = step
        kept, outcome = _judge(store, minute, memory, now_ms, settings, params)
        store.set_meta(_MEMORY, json.dumps(asdict(memory), separators=(",", ":"), sort_keys=True))
        store.move_swept(expected, minute)
        return minute, kept, outcome

    while not stop() and (done := store.atomically(judge_next)):
        judged, kept, outcome = done
        minutes, candidates, pages = minutes + 1, candidates + kept, pages + outcome.paged
        opened += [incident.id for incident in outcome.opened]
        closed += [incident.id for incident in outcome.closed]
    return SweepReport(minutes, judged, candidates, tuple(opened), tuple(closed), pages)


def _next(store: Store, last: int, settings: Settings, params: Params) -> tuple[int | None, int, Memory] | None:
    """What is noted as judged, the minute to judge next and what is remembered; None when all is done.

    Time without events, incidents or anything declared to keep coming is skipped: nothing would be learned from it.
    """
    swept, text = store.swept_to(), store.meta(_MEMORY)
    if swept is None or text is None:
        first = store.first_minute()
        if first is None or first > last:
            return None
        store.set_meta("stage", settings.stage)
        return None, first, Memory(first, first)
    memory, done = Memory(**json.loads(text)), swept
    if done >= last:
        return None
    if done - memory.busy > params.idle_min and not _is_watched(settings) and not store.active_incidents():
        upcoming = store.first_minute(after=done)
        return done, last if upcoming is None else min(upcoming, last), memory
    return done, done + 1, memory


def _is_watched(settings: Settings) -> bool:
    return bool(settings.heartbeats or settings.steady_groups)


def _judge(
    store: Store, minute: int, memory: Memory, now_ms: int, settings: Settings, params: Params
) -> tuple[int, Outcome]:
    """Judge one minute; returns how many candidates were kept, and what became of the incidents."""
    apply_verdicts(store, minute, params)
    view = _read(store, minute, memory, params)
    if view.now:
        memory.busy = minute
    idle = minute - memory.busy > params.idle_min and not _is_watched(settings)
    hear_beats(store, view, memory, settings, params)
    found, outcome, kept = Findings([], learned(view), frozenset(), frozenset()), Outcome(), 0
    if memory.warm_min < settings.warmup_min:
        memory.warm_min += not idle
    else:
        found, outcome, kept = _round(store, view, memory, now_ms, settings, params)
    states = _charged(store, view, found.states, outcome)
    if baseline.is_block_end(minute, params) and not idle and view.first >= memory.first:
        states = _learn(store, view, states, found.silent, outcome.active, memory)
    store.save_families(states.values())
    store.set_status([f for f, s in found.states.items() if s.status == "suspect"], "suspect")
    return kept, outcome


def _round(
    store: Store, view: View, memory: Memory, now_ms: int, settings: Settings, params: Params
) -> tuple[Findings, Outcome, int]:
    """Find what is unusual in the minute of ``view`` and take it to the incidents."""
    minute = view.minute
    cases = [Case(i, tuple(store.candidates(incident_id=i.id))) for i in store.active_incidents()]
    recent = store.candidates(first=minute - params.mute_min + 1, last=minute - 1)
    found = find(
        store, view, recent, memory, settings, params,
        lifted={c.family_id for case in cases for c in case.candidates if is_old(case, minute, params)},
        watched={group for case in cases for group in case.incident.log_groups},
    )  # fmt: skip
    fresh = sampled(store, view, found.candidates)
    late_min = (now_ms - (minute + 1) * MINUTE_MS) // MINUTE_MS
    outcome = advance(
        store,
        Round(
            minute, fresh, recent, found.live, _known_failures(store, cases, view),
            late_min if late_min > params.late_min else 0, settings, params,
        ),
        cases,
    )  # fmt: skip
    _keep(store, fresh, recent, outcome)
    return found, outcome, len(fresh)


def _read(store: Store, minute: int, memory: Memory, params: Params) -> View:
    """The counts of the span that ends with ``minute`` and what is remembered of everything in them."""
    rows = store.window(minute - params.span_min + 1, minute)
    states = store.families(list(totals(rows)))
    ended = [s for s in states.values() if s.status == "muted" and (s.muted_until or minute + 1) <= minute]
    if ended:
        states.update((s.family_id, s._replace(status="suspect", muted_until=None)) for s in ended)
        store.save_families(states[s.family_id] for s in ended)
        store.set_status([s.family_id for s in ended], "suspect")
    return view_of(minute, params.span_min, memory.blocks, rows, states, store.groups())


def _known_failures(store: Store, cases: Sequence[Case], view: View) -> frozenset[int]:
    """Families taught as known failures, among those of the active incidents and of the minute."""
    returned = {c.family_id for case in cases for c in case.candidates if c.kind == "recur" and c.family_id}
    states = [*store.families(sorted(returned)).values(), *view.states.values()]
    return frozenset(state.family_id for state in states if state.status == "known_failure")


def _keep(store: Store, fresh: Sequence[Candidate], recent: Sequence[Candidate], outcome: Outcome) -> None:
    """Save the minute's candidates and give those before it that an incident took to it."""
    store.save_candidates(c._replace(incident_id=outcome.owners.get(key_of(c), "")) for c in fresh)
    for c in recent:
        owner = outcome.owners.get(key_of(c))
        if owner:
            store.assign_candidates([key_of(c)], owner)


def _charged(
    store: Store, view: View, states: dict[int, FamilyState], outcome: Outcome
) -> dict[int, FamilyState]:  # fmt: skip
    """The changed states; a suspect has one more block for each incident that it became part of."""
    joined: list[int] = []
    for case in outcome.active:
        suspects = [c for c in case.candidates if c.family_id and c.kind in ("new", "recur") and c.severity_class >= 1]
        before = {c.family_id for c in suspects if key_of(c) not in outcome.owners}
        joined += sorted({c.family_id for c in suspects} - before)
    missing = store.families([family for family in joined if family not in view.states])
    for family in joined:
        state = states.get(family) or view.states.get(family) or missing[family]
        states[family] = state._replace(blocks=state.blocks + 1)
    return states


def _learn(
    store: Store, view: View, states: dict[int, FamilyState], silent: frozenset[str], active: Sequence[Case],
    memory: Memory,
) -> dict[int, FamilyState]:  # fmt: skip
    """Let the baseline learn the block that has just ended, but for suspects of what is open.

    What goes on after an incident was cut for its length is learned where it is a known pattern at a higher rate:
    the rate has changed for good.
    """
    protected: set[int] = set()
    suspect: set[str] = set()
    for incident, candidates in active:
        going_on = is_continuation(incident)
        protected.update(
            c.family_id for c in candidates if c.severity_class >= 1 and not (going_on and c.kind == "spike")
        )
        if not going_on:
            suspect.update(incident.log_groups)
    view.states = {**view.states, **states}
    store.save_groups(baseline.learned_groups(view, silent, suspect))
    memory.blocks += 1
    return {**states, **{state.family_id: state for state in baseline.learned_families(view, protected)}}
