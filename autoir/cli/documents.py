"""Parts of the JSON that several commands print: stable shapes, published in ``docs/schema/``."""

from autoir.events import LogEvent, identity
from autoir.incidents import Incident
from autoir.report.document import IncidentDocument, incident_document
from autoir.store import Store
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


def live_document(event: LogEvent) -> dict[str, object]:
    """One line as CloudWatch has it, under the id that it is stored with."""
    return {
        "id": identity(event),
        "ts_ms": event.ts_ms,
        "log_group": event.log_group,
        "log_stream": event.log_stream,
        "message": event.message,
    }


def stored_incident_document(store: Store, incident: Incident) -> IncidentDocument:
    """A stored incident with the candidates that point at it."""
    return incident_document(incident, store.candidates(incident_id=incident.id))
