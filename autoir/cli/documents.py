"""The JSON of the command line: stable shapes, published in ``docs/schema/``.

Times are epoch milliseconds. Ids are strings, since a pattern's number does not fit the double that most readers of
JSON make of it.
"""

from collections.abc import Iterable
from dataclasses import asdict

from autoir.incidents import Candidate, Incident
from autoir.store.rows import StoredEvent


def event_document(event: StoredEvent) -> dict[str, object]:
    """One stored line."""
    return {
        "id": event.id,
        "ts_ms": event.ts_ms,
        "log_group": event.log_group,
        "log_stream": event.log_stream,
        "message": event.message,
    }


def candidate_document(candidate: Candidate) -> dict[str, object]:
    """One unusual thing that points at an incident."""
    return {
        "kind": candidate.kind,
        "log_group": candidate.log_group,
        "subject": candidate.subject,
        "first_ms": candidate.first_ms,
        "minute": candidate.minute,
        "severity_class": candidate.severity_class,
        "observed": candidate.observed,
        "expected": candidate.expected,
        "score": candidate.score,
        "sample_ids": list(candidate.sample_ids),
    }


def incident_document(incident: Incident, candidates: Iterable[Candidate] | None) -> dict[str, object]:
    """An incident, with the candidates that point at it where these are still known."""
    pointing = {} if candidates is None else {"candidates": [candidate_document(c) for c in candidates]}
    return {
        "id": incident.id,
        "status": incident.status,
        "severity": incident.severity,
        "detection_confidence": incident.detection_confidence,
        "explanation_confidence": incident.explanation_confidence,
        "outcome": incident.outcome,
        "title": incident.title,
        "summary": incident.summary,
        "opened_ms": incident.opened_ms,
        "first_ts_ms": incident.first_ts_ms,
        "last_ts_ms": incident.last_ts_ms,
        "event_count": incident.event_count,
        "log_groups": list(incident.log_groups),
        "paged": incident.paged,
        **pointing,
        "claims": [asdict(claim) for claim in incident.claims],
        "steps": [asdict(step) for step in incident.steps],
        "basis": list(incident.basis),
        "history": [asdict(change) for change in incident.history],
        "previous_id": incident.previous_id,
    }
