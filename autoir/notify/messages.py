"""The messages about a change of an incident, as rows of the outbox."""

import json
from collections.abc import Sequence

from autoir.events import stable_id
from autoir.incidents import Incident, Transition
from autoir.store.rows import OutboxRow, StoredEvent

EVENTS, PAGES = "events", "pages"
"""The channel of machines, which hears of every change, and that of people."""


def messages_for(
    incident: Incident,
    transition: Transition,
    *,
    evidence: Sequence[StoredEvent],
    page: bool,
    stage: str,
    now_ms: int,
) -> list[OutboxRow]:
    """One row for the machine channel, and one for people when ``page``; to be saved with the incident."""
    rows = []
    for channel in (EVENTS, PAGES) if page else (EVENTS,):
        message_id = stable_id("message", incident.id, str(incident.revision), channel, transition)
        body = json.dumps({"id": message_id, "incident_id": incident.id, "stage": stage, "evidence": len(evidence)})
        rows.append(OutboxRow(message_id, incident.id, incident.revision, channel, transition, body, now_ms))
    return rows
