"""What a sweep does to an incident: open it, carry it on, close it.

Severity only rises, and a page goes out when an incident first meets the rule for paging and when it gets worse.
"""

from collections.abc import Sequence
from dataclasses import replace

from autoir.clock import MINUTE_MS
from autoir.detect.grading import Grade, grade
from autoir.detect.grouping import fingerprint_of, matters, ordered_groups, pages
from autoir.detect.parameters import Params
from autoir.incidents import SEVERITIES, Candidate, Change, Incident, at_least, changed, incident_id, moved
from autoir.lifecycle.telling import described, told
from autoir.settings import Settings
from autoir.store import Store

SWEEP = "autoir"
"""Who a sweep's changes are by."""

_PAGED_BEFORE = "already paged"


def is_continuation(incident: Incident) -> bool:
    """Whether ``incident`` goes on from one that was cut for its length."""
    return incident.history[0].note.startswith("continues")


def _covered(incident: Incident) -> bool:
    """Whether people were paged for it, or for what it continues."""
    return incident.paged or incident.history[0].note.endswith(_PAGED_BEFORE)


def _may_page(grade_: Grade, candidates: Sequence[Candidate], settings: Settings, params: Params) -> bool:
    return (
        pages(candidates, params)
        and at_least(grade_.severity, settings.min_severity)
        and grade_.confidence >= settings.min_confidence
    )


def since_ms(candidates: Sequence[Candidate], params: Params) -> int:
    """When it began: the first event of what opened it, or of anything in it."""
    strong = [c.first_ms for c in candidates if c.score >= params.open_score]
    return min(strong or [c.first_ms for c in candidates if matters(c, params)] or [c.first_ms for c in candidates])


def opened(
    store: Store,
    environment: str,
    candidates: Sequence[Candidate],
    minute: int,
    settings: Settings,
    params: Params,
    *,
    known: bool,
    previous: Incident | None,
    late_min: int,
) -> Incident:
    """Open an incident with ``candidates``; ``previous`` is the one that it continues after a cut."""
    now_ms = (minute + 1) * MINUTE_MS
    first_ms, last_ms = min(since_ms(candidates, params), now_ms - 1), now_ms - 1
    found = grade(candidates, last_ms - first_ms, known, params)
    groups = ordered_groups(candidates, params)
    strong = [c for c in candidates if matters(c, params)] or candidates
    fingerprint = fingerprint_of(settings.stage, groups[0], strong)
    key = f"{fingerprint}#{len(store.incidents(fingerprint=fingerprint)) + 1}"
    severity = found.severity
    paged_before = previous is not None and _covered(previous)
    if previous:
        severity = max(severity, previous.severity, key=SEVERITIES.index)
        note = f"continues {previous.id}{', ' + _PAGED_BEFORE if paged_before else ''}"
    else:
        note = f"detected {late_min} min late" if late_min else ""
    linked = previous.id if previous else store.last_incident_of([c.family_id for c in strong if c.family_id])
    page = _may_page(found, candidates, settings, params)
    if previous and paged_before:
        page = page and SEVERITIES.index(severity) > SEVERITIES.index(previous.severity)
    incident = Incident(
        id=incident_id(key), opened_ms=now_ms, updated_ms=now_ms, status="open", severity=severity, title="",
        summary="", environment=environment, log_groups=groups, affected_stream="", first_ts_ms=first_ms,
        last_ts_ms=last_ms,
        event_count=0, sample_ids=(), fingerprint=fingerprint, dedupe_key=key, last_hit_ms=minute * MINUTE_MS,
        paged_ms=now_ms if page else None, detection_confidence=found.confidence, basis=found.basis,
        history=(Change(now_ms, "open", SWEEP, note),), previous_id=linked,
    )  # fmt: skip
    incident = described(store, incident, candidates, minute, params)
    told(store, incident, "open", page, settings.stage, now_ms)
    return incident


def extended(
    store: Store,
    incident: Incident,
    candidates: Sequence[Candidate],
    minute: int,
    settings: Settings,
    params: Params,
    *,
    known: bool,
    hit: bool,
    retell: bool,
) -> Incident:
    """Carry ``incident`` on to ``minute``; people are paged again when it got worse, or meets the rule only now."""
    now_ms = (minute + 1) * MINUTE_MS
    first_ms = min(incident.first_ts_ms, since_ms(candidates, params))
    found = grade(candidates, now_ms - 1 - first_ms, known, params)
    severity = max(incident.severity, found.severity, key=SEVERITIES.index)
    may_page = _may_page(found, candidates, settings, params)
    worse = severity != incident.severity
    page = may_page and (worse or not _covered(incident))
    incident = replace(
        incident, severity=severity, detection_confidence=max(incident.detection_confidence, found.confidence),
        basis=found.basis, first_ts_ms=first_ms, last_ts_ms=now_ms - 1, updated_ms=now_ms,
        last_hit_ms=minute * MINUTE_MS if hit else incident.last_hit_ms,
        paged_ms=now_ms if page and not incident.paged else incident.paged_ms,
    )  # fmt: skip
    if worse or page:
        incident = changed(incident, "worse", now_ms, SWEEP, "" if worse else "now meets the rule for paging")
    if worse or page or retell:
        incident = described(store, incident, candidates, minute, params)
    if worse or page:
        told(store, incident, "worse", page, settings.stage, now_ms)
    else:
        store.save_incident(incident)
    return incident


def closed(
    store: Store, incident: Incident, candidates: Sequence[Candidate], minute: int, settings: Settings, params: Params,
    *, cut: bool,
) -> Incident:  # fmt: skip
    """Close ``incident``: quiet long enough, or ``cut`` because it went on too long to be one."""
    now_ms = (minute + 1) * MINUTE_MS
    if cut:
        note = f"cut after {params.join_most_min} min"
        incident = changed(incident, "cut", now_ms, SWEEP, note, status="resolved")
    else:
        incident = moved(incident, "auto_resolve", now_ms, SWEEP, f"quiet for {params.quiet_min} min")
    last = incident.last_ts_ms // MINUTE_MS
    incident = described(store, incident, candidates, last, params)
    told(store, incident, "cut" if cut else "auto_resolve", False, settings.stage, now_ms)
    return incident
