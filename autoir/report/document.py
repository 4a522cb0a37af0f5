"""The incident as a JSON document: the stable shape that scripts read, published as a JSON Schema.

Times are epoch milliseconds and ids strings, for a family id does not fit a double.
"""

from collections.abc import Iterable
from typing import TypedDict

from autoir.incidents import Candidate, Incident

SCHEMA_VERSION = 1


class ClaimDocument(TypedDict):
    """A claim with the ids of the events that prove it."""

    kind: str
    text: str
    cites: list[str]


class StepDocument(TypedDict):
    """A first look."""

    action: str
    risk: str
    impact: str
    rollback: str


class ChangeDocument(TypedDict):
    """A line of the history."""

    at_ms: int
    transition: str
    by: str
    note: str


class CandidateDocument(TypedDict):
    """A candidate; ``observed`` and ``expected`` are events from minute ``window_from`` to ``minute``."""

    kind: str
    subject: str
    family_id: str
    log_group: str
    severity_class: int
    minute: int
    window_from: int
    first_ms: int
    observed: int
    expected: float
    neg_log10_p: float
    score: float
    sample_ids: list[str]


class IncidentDocument(TypedDict):
    """docs/schema/incident.schema.json."""

    schema_version: int
    id: str
    dedup_key: str
    revision: int
    status: str
    severity: str
    detection_confidence: int
    explanation_confidence: int
    outcome: str
    title: str
    summary: str
    environment: str
    opened_ms: int
    updated_ms: int
    first_ts_ms: int
    last_ts_ms: int
    event_count: int
    log_groups: list[str]
    log_stream: str
    paged: bool
    paged_ms: int | None
    sample_ids: list[str]
    candidates: list[CandidateDocument]
    claims: list[ClaimDocument]
    steps: list[StepDocument]
    basis: list[str]
    investigation: str
    investigation_note: str
    previous_id: str
    history: list[ChangeDocument]


def claims_of(incident: Incident) -> list[ClaimDocument]:
    """The claims as a document holds them."""
    return [{"kind": c.kind, "text": c.text, "cites": list(c.cites)} for c in incident.claims]


def steps_of(incident: Incident) -> list[StepDocument]:
    """The steps as a document holds them."""
    return [{"action": s.action, "risk": s.risk, "impact": s.impact, "rollback": s.rollback} for s in incident.steps]


def _candidate(c: Candidate) -> CandidateDocument:
    return {
        "kind": c.kind,
        "subject": c.subject,
        "family_id": str(c.family_id),
        "log_group": c.log_group,
        "severity_class": c.severity_class,
        "minute": c.minute,
        "window_from": c.window_from,
        "first_ms": c.first_ms,
        "observed": c.observed,
        "expected": round(c.expected, 3),
        "neg_log10_p": round(c.neg_log10_p, 2),
        "score": round(c.score, 2),
        "sample_ids": list(c.sample_ids),
    }


def incident_document(incident: Incident, candidates: Iterable[Candidate]) -> IncidentDocument:
    """``incident`` as ``incidents show --json`` and its kin print it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "id": incident.id,
        "dedup_key": incident.dedupe_key,
        "revision": incident.revision,
        "status": incident.status,
        "severity": incident.severity,
        "detection_confidence": incident.detection_confidence,
        "explanation_confidence": incident.explanation_confidence,
        "outcome": incident.outcome,
        "title": incident.title,
        "summary": incident.summary,
        "environment": incident.environment,
        "opened_ms": incident.opened_ms,
        "updated_ms": incident.updated_ms,
        "first_ts_ms": incident.first_ts_ms,
        "last_ts_ms": incident.last_ts_ms,
        "event_count": incident.event_count,
        "log_groups": list(incident.log_groups),
        "log_stream": incident.affected_stream,
        "paged": incident.paged,
        "paged_ms": incident.paged_ms,
        "sample_ids": list(incident.sample_ids),
        "candidates": [_candidate(c) for c in candidates],
        "claims": claims_of(incident),
        "steps": steps_of(incident),
        "basis": list(incident.basis),
        "investigation": incident.investigation,
        "investigation_note": incident.investigation_note,
        "previous_id": incident.previous_id,
        "history": [
            {"at_ms": c.at_ms, "transition": c.transition, "by": c.by, "note": c.note} for c in incident.history
        ],
    }
