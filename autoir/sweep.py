"""The sweep job: judge every closed minute of counts, in order, and keep what was found.

One transaction a minute holds all of it: the counts of five minutes and what is remembered of their patterns are
read, candidates found, incidents opened, carried on or closed with the messages about them, the baseline learns at
the end of a block, and the minute is marked as judged. So a kill at any point changes nothing that a rerun does not
do again. A minute is judged under its own time, however late, and an incident says when it was detected late.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from autoir.clock import MINUTE_MS
from autoir.detect import absences, baseline, rates
from autoir.detect.arrivals import Arrivals, arrivals, learned
from autoir.detect.folding import folded
from autoir.detect.parameters import DEFAULTS, VERSION, Params
from autoir.detect.renames import common_run, inherited, known_templates, renames_of
from autoir.detect.view import View, totals, view_of
from autoir.incidents import Candidate
from autoir.lifecycle.changes import is_continuation
from autoir.lifecycle.rounds import Case, Outcome, Round, Subject, advance, key_of
from autoir.lifecycle.teaching import apply_verdicts
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.rows import FamilyState, StoredEvent

_MEMORY = "sweep"
_MOST_OF_GROUP = 50
"""Candidates of one group and minute that are kept: a flood of new patterns is told by its first ones."""

_RUNS_KEPT = 5


@dataclass(slots=True)
class Memory:
    """What a sweep remembers beside the statistics, kept under one key. Minutes are epoch minutes.

    ``warm_min`` counts the minutes learned from, ``blocks`` the blocks; ``busy`` is the last minute with events;
    ``runs`` are the words that deployments put into the lines of a group; ``beats`` the times of the last heartbeats.
    """

    first: int
    busy: int
    warm_min: int = 0
    blocks: int = 0
    runs: dict[str, list[str]] = field(default_factory=dict)
    beats: dict[str, int] = field(default_factory=dict)
    version: str = VERSION


class SweepReport(NamedTuple):
    """What a sweep did: minutes judged and the last of them, candidates kept, ids of incidents opened and closed,
    pages sent to the outbox."""

    minutes: int
    last_minute: int | None
    candidates: int
    opened: tuple[str, ...]
    closed: tuple[str, ...]
    pages: int


class _Findings(NamedTuple):
    """Everything unusual in a minute: what is news, the states that changed, and what is unusual still."""

    candidates: list[Candidate]
    states: dict[int, FamilyState]
    live: frozenset[Subject]
    silent: frozenset[str]


def sweep(store: Store, now_ms: int, settings: Settings, *, params: Params = DEFAULTS) -> SweepReport:
    """Judge every minute that ended by ``now_ms`` and was not judged yet.

    Raises AutoirError when another sweep judged the same minute first; nothing of it is lost then.
    """
    last = now_ms // MINUTE_MS - 1
    minutes = candidates = pages = 0
    judged: int | None = None
    opened: list[str] = []
    closed: list[str] = []
    while True:
        with store.transaction():
            step = _next(store, last, settings, params)
            if step is None:
                return SweepReport(minutes, judged, candidates, tuple(opened), tuple(closed), pages)
            expected, minute, memory = step
            kept, outcome = _judge(store, minute, memory, now_ms, settings, params)
            store.set_meta(_MEMORY, json.dumps(asdict(memory), separators=(",", ":"), sort_keys=True))
            store.move_swept(expected, minute)
        minutes, judged, candidates, pages = minutes + 1, minute, candidates + kept, pages + outcome.paged
        opened += [incident.id for incident in outcome.opened]
        closed += [incident.id for incident in outcome.closed]


def _next(store: Store, last: int, settings: Settings, params: Params) -> tuple[int | None, int, Memory] | None:
    """What is noted as judged, the minute to judge next and what is remembered; None when all is done.

    Time without events, incidents or anything declared to keep coming is skipped: nothing would be learned from it.
    """
    swept, text = store.meta("swept_to"), store.meta(_MEMORY)
    if swept is None or text is None:
        first = store.first_minute()
        if first is None or first > last:
            return None
        store.set_meta("stage", settings.stage)
        return None, first, Memory(first, first)
    memory, done = Memory(**json.loads(text)), int(swept)
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
    _hear_beats(store, view, memory, settings, params)
    outcome, kept = Outcome(), 0
    if memory.warm_min < settings.warmup_min:
        memory.warm_min += not idle
        found = _Findings([], learned(view), frozenset(), frozenset())
    else:
        cases = [
            Case(incident, tuple(store.candidates(incident_id=incident.id))) for incident in store.active_incidents()
        ]
        recent = store.candidates(first=minute - params.mute_min + 1, last=minute - 1)
        found = _find(store, view, cases, recent, memory, settings, params)
        fresh = _sampled(store, view, found.candidates)
        late_min = (now_ms - (minute + 1) * MINUTE_MS) // MINUTE_MS
        known = _known_failures(store, cases, view)
        late_min = late_min if late_min > params.late_min else 0
        outcome = advance(
            store, Round(minute, fresh, recent, found.live, known, late_min, settings, params), cases
        )  # fmt: skip
        kept = len(fresh)
        _keep(store, fresh, recent, outcome)
    states = _charged(store, view, found.states, outcome)
    if baseline.is_block_end(minute, params) and not idle and view.first >= memory.first:
        states = _learn(store, view, states, found.silent, outcome.active, memory)
    store.save_families(states.values())
    store.set_status([f for f, s in found.states.items() if s.status == "suspect"], "suspect")
    return kept, outcome


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


def _hear_beats(store: Store, view: View, memory: Memory, settings: Settings, params: Params) -> None:
    """Note when each heartbeat was last heard; one that seems overdue is looked for among late lines too."""
    until_ms = (view.minute + 1) * MINUTE_MS
    for beat in settings.heartbeats:
        key = absences.beat_key(beat)
        known = memory.beats.get(key)
        from_ms = view.first * MINUTE_MS if known is not None else until_ms - 2 * beat.every_s * 1000
        heard = store.last_line_ms(beat.log_group, beat.contains, from_ms, until_ms)
        if heard is None and absences.overdue_beat(view, beat, known, params) and known is not None:
            heard = store.last_line_ms(beat.log_group, beat.contains, known, until_ms)
        if heard is not None:
            memory.beats[key] = max(heard, known or heard)


def _find(
    store: Store, view: View, cases: Sequence[Case], recent: Sequence[Candidate], memory: Memory, settings: Settings,
    params: Params,
) -> _Findings:  # fmt: skip
    """Every test over the minute. Subjects that were reported lately stay muted, but are known to be unusual still."""
    old = {c.family_id for case in cases for c in case.candidates if _is_ending(case, view.minute, params)}
    news = arrivals(view, params, old)
    deployed = _without_renames(store, view, news, recent, memory, params)
    muted = {(c.kind, c.subject) for c in recent}
    live: set[Subject] = {("family", str(family)) for family in news.live}
    candidates, states = [*news.candidates, *deployed], dict(news.states)
    high = rates.high_rates(view, params, {*news.states}, {s for kind, s in muted if kind == "errshare"})
    for rate in high:
        live.add(("family" if rate.kind == "spike" else rate.kind, rate.subject))
        candidate = _in_time(store, view, rate, params)
        if candidate:
            candidates.append(candidate)
            if candidate.score >= params.open_score and candidate.family_id:
                state = view.states[candidate.family_id]
                states[state.family_id] = state._replace(muted_until=view.minute + params.mute_min)
    missing = _absent(store, view, cases, memory, settings, params)
    live |= {(c.kind, c.subject) for c in missing if c.score}
    silent = frozenset(c.log_group for c in missing if c.kind == "silence")
    candidates += [c for c in missing if (c.kind, c.subject) not in muted]
    return _Findings(candidates, states, frozenset(live), silent)


def _is_ending(case: Case, minute: int, params: Params) -> bool:
    return (minute + 1) * MINUTE_MS - case.incident.opened_ms >= params.join_most_min * MINUTE_MS


def _in_time(store: Store, view: View, rate: rates.Rate, params: Params) -> Candidate | None:
    """``rate`` as a candidate, unless its events are old ones that were delivered together."""
    candidate = rates.scored(view, rate, rate.observed, params)
    if candidate is None:
        return None
    from_ms, until_ms = view.first * MINUTE_MS, (view.minute + 1) * MINUTE_MS
    in_time = store.events_in_time(rate.families, from_ms, until_ms)
    return candidate if in_time >= rate.observed else rates.scored(view, rate, in_time, params)


def _absent(
    store: Store, view: View, cases: Sequence[Case], memory: Memory, settings: Settings, params: Params
) -> list[Candidate]:
    """What should have been logged and was not."""
    missing = absences.silent_groups(view, settings.steady_groups, params)
    if baseline.is_block_end(view.minute, params):
        watched = {*settings.steady_groups, *(group for case in cases for group in case.incident.log_groups)}
        for group in sorted(watched):
            declared = group in settings.steady_groups
            gap = absences.overdue_patterns(view, group, store.families_of(group), declared, params)
            missing += [gap] if gap else []
    for beat in settings.heartbeats:
        overdue = absences.overdue_beat(view, beat, memory.beats.get(absences.beat_key(beat)), params)
        missing += [overdue] if overdue else []
    return missing


def _without_renames(
    store: Store, view: View, news: Arrivals, recent: Sequence[Candidate], memory: Memory, params: Params
) -> list[Candidate]:
    """Take out of ``news`` what is an old pattern with the words of a deployment in it; returns the deployments."""
    deployed = []
    new: dict[str, list[Candidate]] = {}
    for c in news.candidates:
        if c.kind == "new":
            new.setdefault(c.log_group, []).append(c)
    for group, own in sorted(new.items()):
        lately = {c.family_id for c in recent if c.kind == "new" and c.log_group == group}
        if len(own) + len(lately) < params.rename_least and group not in memory.runs:
            continue
        known = known_templates(row for row in store.group_templates(group) if row[0] not in lately)
        fresh = {family: renames_of(template, known) for family, template in _templates(store, own)}
        before = [renames_of(t, known) for _, t in store.family_templates(sorted(lately))]
        run = common_run([*fresh.values(), *before], params.rename_least)
        runs = memory.runs.setdefault(group, [])
        if run and run not in runs:
            memory.runs[group] = [*runs, run][-_RUNS_KEPT:]
            deployed.append(_deployment(view, group, run, len(fresh)))
        renamed = {
            family: rename.family
            for family, renames in fresh.items()
            for rename in renames
            if rename.run in memory.runs[group]
        }
        if not memory.runs[group]:
            del memory.runs[group]
        old = store.families(sorted(set(renamed.values())))
        for family, before_family in renamed.items():
            news.states[family] = inherited(view.states[family], old[before_family], view.minute)
            news.live.discard(family)
        news.candidates[:] = [c for c in news.candidates if c.kind != "new" or c.family_id not in renamed]
    return deployed


def _templates(store: Store, candidates: Iterable[Candidate]) -> list[tuple[int, str]]:
    return store.family_templates(sorted(c.family_id for c in candidates))


def _deployment(view: View, group: str, run: str, patterns: int) -> Candidate:
    return Candidate(
        view.minute, "deploy", group, group, 0, patterns, 0.0, 0.0, 0.0, view.first, view.minute * MINUTE_MS,
        fold=run[:255],
    )  # fmt: skip


def _sampled(store: Store, view: View, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates worth keeping, with up to three events each and the lines of a traceback folded."""
    kept: list[Candidate] = []
    taken: dict[str, int] = {}
    for c in sorted(candidates, key=lambda c: (-c.score, -c.observed, c.kind, c.subject)):
        taken[c.log_group] = taken.get(c.log_group, 0) + 1
        if taken[c.log_group] <= _MOST_OF_GROUP:
            kept.append(c)
    samples: dict[str, list[StoredEvent]] = {}
    result = []
    for c in kept:
        own = _samples(store, view, c)
        samples[c.subject] = own
        first_ms = c.first_ms or (own[0].ts_ms if own else view.first * MINUTE_MS)
        result.append(c._replace(sample_ids=tuple(e.id for e in own), first_ms=first_ms))
    return folded(result, samples)


def _samples(store: Store, view: View, candidate: Candidate) -> list[StoredEvent]:
    """Up to three events of a candidate, earliest first: of the span, or the newest where all of them came late."""
    family = candidate.family_id
    if candidate.kind == "errshare":
        errors = [
            f for f in view.total if view.states[f].log_group == candidate.log_group
            and view.states[f].severity_class >= 2
        ]  # fmt: skip
        family = max(errors, key=lambda f: (view.total[f], f), default=0)
    if not family:
        return []
    from_ms = 0 if candidate.kind == "new" else view.first * MINUTE_MS
    until_ms = (view.minute + 1) * MINUTE_MS
    return store.samples(family, from_ms, until_ms) or store.samples(family, 0, until_ms, newest=True)[::-1]


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
