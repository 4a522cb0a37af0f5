"""Everything unusual in a minute, with the stored events that show it.

The one part of detection that asks the store: for sample lines, for templates when a deployment is suspected, and for
how many events of an unusual count were in time. What is unusual is decided by the pure tests beside it.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from autoir.clock import MINUTE_MS
from autoir.detect import absences, baseline, rates
from autoir.detect.arrivals import Arrivals, arrivals
from autoir.detect.folding import folded
from autoir.detect.memory import Memory
from autoir.detect.parameters import Params
from autoir.detect.renames import Rename, common_run, inherited, known_templates, renames_of
from autoir.detect.view import View
from autoir.incidents import Candidate
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.rows import FamilyState, StoredEvent

Subject = tuple[str, str]
"""What a candidate is about: ("family", family id) or (kind, subject)."""

_MOST_OF_GROUP = 50
"""Candidates of one group and minute that are kept: a flood of new patterns is told by its first ones."""

_RUNS_KEPT = 5


class Findings(NamedTuple):
    """Everything unusual in a minute: what is news, the states that changed, and what is unusual still."""

    candidates: list[Candidate]
    states: dict[int, FamilyState]
    live: frozenset[Subject]
    silent: frozenset[str]


def find(
    store: Store, view: View, recent: Sequence[Candidate], memory: Memory, settings: Settings, params: Params, *,
    lifted: Collection[int], watched: Collection[str],
) -> Findings:  # fmt: skip
    """Every test over the minute. Subjects that were reported lately (``recent``) stay muted, but are known to be
    unusual still.

    ``lifted`` are families whose mute does not count; ``watched`` log groups of open incidents, where patterns that
    have stopped are evidence.
    """
    news = arrivals(view, params, lifted)
    deployed = _without_renames(store, view, news, recent, memory, params)
    muted = {(c.kind, c.subject) for c in recent}
    live: set[Subject] = {("family", str(family)) for family in news.live}
    candidates, states = [*news.candidates, *deployed], dict(news.states)
    reported = {c.subject for c in recent if c.kind == "errshare" and c.score >= params.open_score}
    for rate in rates.high_rates(view, params, {*news.states}, reported):
        candidate = _in_time(store, view, rate, params)
        if candidate:
            live.add(("family" if rate.kind == "spike" else rate.kind, rate.subject))
        if candidate and not rate.muted:
            candidates.append(candidate)
            if candidate.score >= params.open_score and candidate.family_id:
                state = view.states[candidate.family_id]
                states[state.family_id] = state._replace(muted_until=view.minute + params.mute_min)
    missing = _absent(store, view, watched, memory, settings, params)
    live |= {(c.kind, c.subject) for c in missing if c.score}
    silent = frozenset(c.log_group for c in missing if c.kind == "silence")
    candidates += [c for c in missing if (c.kind, c.subject) not in muted]
    return Findings(candidates, states, frozenset(live), silent)


def _in_time(store: Store, view: View, rate: rates.Rate, params: Params) -> Candidate | None:
    """``rate`` as a candidate, unless its events are old ones that were delivered together."""
    candidate = rates.scored(view, rate, rate.observed, params)
    if candidate is None:
        return None
    from_ms, until_ms = view.first * MINUTE_MS, (view.minute + 1) * MINUTE_MS
    in_time = store.events_in_time(rate.families, from_ms, until_ms)
    return candidate if in_time >= rate.observed else rates.scored(view, rate, in_time, params)


def _absent(
    store: Store, view: View, watched: Collection[str], memory: Memory, settings: Settings, params: Params
) -> list[Candidate]:
    """What should have been logged and was not."""
    missing = absences.silent_groups(view, settings.steady_groups, params)
    if baseline.is_block_end(view.minute, params):
        for group in sorted({*settings.steady_groups, *watched}):
            declared = group in settings.steady_groups
            gap = absences.overdue_patterns(view, group, store.families_of(group), declared, params)
            missing += [gap] if gap else []
    for beat in settings.heartbeats:
        last_ms = memory.beats.get(absences.beat_key(beat))
        overdue = absences.overdue_beat(view, beat, last_ms, params)
        if overdue and last_ms is not None:
            last_heard = store.lines_at(beat.log_group, beat.contains, last_ms)[:1]
            missing.append(overdue._replace(sample_ids=tuple(last_heard)))
    return missing


def _without_renames(
    store: Store, view: View, news: Arrivals, recent: Sequence[Candidate], memory: Memory, params: Params
) -> list[Candidate]:
    """Take out of ``news`` what is an old pattern with the words of a deployment in it; returns the deployments.

    What such a pattern raised lately, before its deployment showed, is made good: it is no suspect any more.
    """
    deployed = []
    for group in sorted({c.log_group for c in news.candidates if c.kind == "new"}):
        own = [c for c in news.candidates if c.kind == "new" and c.log_group == group]
        lately = [c for c in recent if c.kind == "new" and c.log_group == group]
        if len(own) + len(lately) < params.rename_least and group not in memory.runs:
            continue
        fresh = {c.family_id: c for c in [*lately, *own]}
        before = {c.family_id for c in lately}
        known = known_templates(row for row in store.group_templates(group) if row[0] not in before)
        renames: dict[int, list[Rename]] = {}
        for family, template in store.family_templates(sorted(fresh)):
            renames.setdefault(family, []).extend(renames_of(template, known))
        run = common_run(renames, {f for f, c in fresh.items() if c.severity_class == 0}, params.rename_least)
        if run and run not in memory.runs.get(group, ()):
            memory.runs[group] = [*memory.runs.get(group, ()), run][-_RUNS_KEPT:]
            deployed.append(_deployment(view, group, run, len(fresh)))
        _inherit(store, view, news, renames, memory.runs.get(group, ()))
    return deployed


def _inherit(store: Store, view: View, news: Arrivals, renames: dict[int, list[Rename]], runs: Collection[str]) -> None:
    """Give the families that gained one of ``runs`` the past of their old names."""
    renamed = {family: r.family for family, own in renames.items() for r in own if r.run in runs}
    states = store.families(sorted({*renamed, *renamed.values()}))
    for family, old in renamed.items():
        news.states[family] = inherited(states[family], states[old], view.minute)
        news.live.discard(family)
    news.candidates[:] = [c for c in news.candidates if c.family_id not in renamed]


def _deployment(view: View, group: str, run: str, patterns: int) -> Candidate:
    return Candidate(
        view.minute, "deploy", group, group, 0, patterns, 0.0, 0.0, 0.0, view.first, view.minute * MINUTE_MS,
        fold=run[:255],
    )  # fmt: skip


def sampled(store: Store, view: View, candidates: list[Candidate]) -> list[Candidate]:
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
        result.append(c._replace(sample_ids=c.sample_ids or tuple(e.id for e in own), first_ms=first_ms))
    return folded(result, samples)


def _samples(store: Store, view: View, candidate: Candidate) -> list[StoredEvent]:
    """Up to three events of a candidate, earliest first: of the span, or the newest where all of them came late."""
    family = candidate.family_id
    if candidate.kind == "errshare":
        family = max(rates.known_errors(view, candidate.log_group), key=lambda f: (view.total[f], f), default=0)
    if not family:
        return []
    from_ms = 0 if candidate.kind == "new" else view.first * MINUTE_MS
    until_ms = (view.minute + 1) * MINUTE_MS
    return store.samples(family, from_ms, until_ms) or store.samples(family, 0, until_ms, newest=True)[::-1]


def hear_beats(store: Store, view: View, memory: Memory, settings: Settings, params: Params) -> None:
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
