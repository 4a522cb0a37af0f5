"""The messages about a change of an incident, as rows of the outbox.

A message says everything itself: it is read on a phone, at night, with no AutoIR at hand, or by a program that knows
nothing but docs/schema/message.schema.json. What comes from logs is harmless in it wherever it is shown: no link, no
mention, no markup, no control character and no secret, though the stored line keeps what it had.
"""

import json
from collections.abc import Sequence
from typing import TypedDict

from autoir.errors import AutoirError
from autoir.events import stable_id
from autoir.incidents import Incident, Transition
from autoir.redact import redact
from autoir.report.describe import phrase_of, service_of
from autoir.report.document import ClaimDocument, StepDocument
from autoir.report.text import defanged, excerpt, shown
from autoir.store.rows import OutboxRow, StoredEvent

EVENTS, PAGES = "events", "pages"
"""The channel of machines, which hears of every change, and that of people."""

SCHEMA_VERSION = 1

_EVIDENCE = 3
_LINE_LIMIT = 480
_NAME_LIMIT = 512
_CLAIMS, _CLAIM_LIMIT = 12, 500
_TEXT_LIMIT = 900
_WHOLE = 1_048_576


class RefusedError(AutoirError):
    """This message will never be taken; the next one may be."""


class EvidenceDocument(TypedDict):
    """A stored line, made harmless; its id finds the line as it is."""

    id: str
    ts_ms: int
    log_group: str
    log_stream: str
    message: str


class Message(TypedDict):
    """docs/schema/message.schema.json. Times are epoch milliseconds."""

    schema_version: int
    id: str
    incident_id: str
    dedup_key: str
    revision: int
    channel: str
    transition: str
    at_ms: int
    by: str
    note: str
    stage: str
    environment: str
    status: str
    severity: str
    detection_confidence: int
    explanation_confidence: int
    basis: list[str]
    title: str
    summary: str
    kind: str
    service: str
    log_groups: list[str]
    log_stream: str
    opened_ms: int
    first_ts_ms: int
    last_ts_ms: int
    event_count: int
    evidence: list[EvidenceDocument]
    claims: list[ClaimDocument]
    steps: list[StepDocument]
    previous_id: str
    command: str


def harmless(text: str, limit: int) -> str:
    """``text`` for a message: no secret and nothing alive in it, on one line, cut near ``limit`` characters."""
    return excerpt(defanged(shown(redact(text), _WHOLE)), limit)


def message_of(row: OutboxRow) -> Message:
    """The message that ``row`` carries. Raises RefusedError where it is none."""
    try:
        message: Message = json.loads(row.body)
        if message["schema_version"] == SCHEMA_VERSION and message["incident_id"] == row.incident_id:
            return message
    except (ValueError, TypeError, KeyError):
        pass
    raise RefusedError(f"outbox row {row.id} holds no message of version {SCHEMA_VERSION}.")


def messages_for(
    incident: Incident,
    transition: Transition,
    *,
    evidence: Sequence[StoredEvent],
    page: bool,
    stage: str,
    now_ms: int,
) -> list[OutboxRow]:
    """One row for the machine channel, and one for people when ``page``; to be saved with the incident.

    ``evidence`` are stored events that the incident cites; up to three are shown, in the order of its ``sample_ids``.
    Each row has an id of its own, the same whenever it is made again; all of an incident share its ``dedup_key``.
    """
    return [
        _row(incident, transition, channel, evidence, stage, now_ms)
        for channel in ((PAGES, EVENTS) if page else (EVENTS,))
    ]


def _row(
    incident: Incident, transition: Transition, channel: str, evidence: Sequence[StoredEvent], stage: str, now_ms: int
) -> OutboxRow:
    message_id = stable_id("message", incident.id, str(incident.revision), channel, transition)
    message = _message(incident, transition, channel, message_id, evidence, stage, now_ms)
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    return OutboxRow(message_id, incident.id, incident.revision, channel, transition, body, now_ms)


def _message(
    incident: Incident,
    transition: Transition,
    channel: str,
    message_id: str,
    evidence: Sequence[StoredEvent],
    stage: str,
    now_ms: int,
) -> Message:
    last = incident.history[-1] if incident.history else None
    return {
        "schema_version": SCHEMA_VERSION,
        "id": message_id,
        "incident_id": incident.id,
        "dedup_key": incident.dedupe_key,
        "revision": incident.revision,
        "channel": channel,
        "transition": transition,
        "at_ms": now_ms,
        "by": harmless(last.by, 60) if last else "",
        "note": harmless(last.note, 300) if last else "",
        "stage": stage,
        "environment": harmless(incident.environment, _NAME_LIMIT),
        "status": incident.status,
        "severity": incident.severity,
        "detection_confidence": incident.detection_confidence,
        "explanation_confidence": incident.explanation_confidence,
        "basis": [harmless(line, _CLAIM_LIMIT) for line in incident.basis],
        "title": harmless(incident.title, 120),
        "summary": harmless(incident.summary, _TEXT_LIMIT),
        "kind": phrase_of(incident),
        "service": service_of(incident.affected_group),
        "log_groups": [harmless(group, _NAME_LIMIT) for group in incident.log_groups],
        "log_stream": harmless(incident.affected_stream, _NAME_LIMIT),
        "opened_ms": incident.opened_ms,
        "first_ts_ms": incident.first_ts_ms,
        "last_ts_ms": incident.last_ts_ms,
        "event_count": incident.event_count,
        "evidence": [_line(event) for event in _shown_first(incident, evidence)],
        "claims": [
            {"kind": c.kind, "text": harmless(c.text, _CLAIM_LIMIT), "cites": list(c.cites)}
            for c in incident.claims[:_CLAIMS]
        ],
        "steps": [
            {
                "action": harmless(s.action, _CLAIM_LIMIT),
                "risk": harmless(s.risk, _CLAIM_LIMIT),
                "impact": harmless(s.impact, _CLAIM_LIMIT),
                "rollback": harmless(s.rollback, _CLAIM_LIMIT),
            }
            for s in incident.steps
        ],
        "previous_id": incident.previous_id,
        "command": f"autoir incidents show {incident.id}",
    }


def _shown_first(incident: Incident, evidence: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The lines that say most: one of each claim before a second one of any."""
    stored = {event.id: event for event in evidence}
    firsts = [cite for claim in incident.claims for cite in claim.cites[:1]]
    wanted = dict.fromkeys([*firsts, *incident.sample_ids, *stored])
    return [stored[event_id] for event_id in wanted if event_id in stored][:_EVIDENCE]


def _line(event: StoredEvent) -> EvidenceDocument:
    return {
        "id": event.id,
        "ts_ms": event.ts_ms,
        "log_group": harmless(event.log_group, _NAME_LIMIT),
        "log_stream": harmless(event.log_stream, _NAME_LIMIT),
        "message": harmless(event.message, _LINE_LIMIT),
    }
