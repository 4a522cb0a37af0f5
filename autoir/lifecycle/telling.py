"""An incident put into words from the rows that prove it, and saved with the messages about its newest change."""

from collections.abc import Sequence
from dataclasses import replace

from autoir.clock import MINUTE_MS
from autoir.detect.grouping import matters, ordered_groups
from autoir.detect.parameters import Params
from autoir.detect.selection import selected
from autoir.incidents import Candidate, Incident, Transition
from autoir.notify import messages_for
from autoir.report.describe import describe
from autoir.report.evidence import Evidence
from autoir.store import Store


def told(store: Store, incident: Incident, transition: Transition, page: bool, stage: str, now_ms: int) -> None:
    """Save ``incident`` with the messages about its newest change."""
    evidence = store.events(incident.sample_ids)
    store.save_incident(
        incident, messages_for(incident, transition, evidence=evidence, page=page, stage=stage, now_ms=now_ms)
    )


def _evidence(
    store: Store, candidates: Sequence[Candidate], groups: Sequence[str], first: int, last: int, params: Params
) -> tuple[list[Evidence], int]:
    """What tells the incident, and how many events its families have from minute ``first`` to ``last``."""
    events = {e.id: e for e in store.events(sorted({i for c in candidates for i in c.sample_ids}))}
    chosen = selected(candidates, {id_: e.message for id_, e in events.items()}, groups, params)
    families = {c.family_id for c in candidates if c.family_id and matters(c, params)}
    families |= {c.family_id for c in chosen if c.family_id}
    series = store.family_series(sorted(families), first, last)
    totals = {family: sum(minutes.values()) for family, minutes in series.items()}
    samples = {c.subject: tuple(events[i] for i in c.sample_ids if i in events) for c in chosen}
    patterns = {p.pattern_id: p for p in store.patterns(sorted({s[0].pattern_id for s in samples.values() if s}))}
    evidence = []
    for c in chosen:
        own = samples[c.subject]
        pattern = patterns.get(own[0].pattern_id) if own and c.family_id else None
        evidence.append(
            Evidence(
                c,
                pattern.template if pattern else "",
                pattern.component if pattern else "",
                own,
                totals.get(c.family_id, c.observed),
                c.expected / params.span_min,
                c.kind == "new",
            )
        )
    return evidence, sum(totals.values())


def described(
    store: Store, incident: Incident, candidates: Sequence[Candidate], minute: int, params: Params
) -> Incident:
    """``incident`` with its words, groups, counts and samples as of the end of ``minute``."""
    groups = ordered_groups(candidates, params)
    incident = replace(incident, log_groups=groups)
    evidence, total = _evidence(store, candidates, groups, incident.first_ts_ms // MINUTE_MS, minute, params)
    streams = [s.log_stream for e in evidence for s in e.samples if s.log_group == incident.affected_group]
    stream = min(streams, key=lambda name: (-streams.count(name), name), default="")
    samples = tuple(dict.fromkeys(s.id for e in evidence for s in e.samples))[:12]
    return describe(replace(incident, event_count=total, affected_stream=stream, sample_ids=samples), evidence)
