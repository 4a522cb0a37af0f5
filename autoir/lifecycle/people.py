"""What a person does to an incident: take it, close it, or say that it is none, which teaches the detector."""

from autoir.errors import UsageError
from autoir.events import stable_id
from autoir.incidents import Incident, PatternStatus, Transition, Verdict, moved
from autoir.lifecycle.telling import told
from autoir.store import Store


def _by_person(
    store: Store, incident_id_: str, transition: Transition, now_ms: int, by: str, note: str
) -> Incident:  # fmt: skip
    incident = store.incident(incident_id_)
    if incident is None:
        raise UsageError(f"No incident {incident_id_!r}.", "autoir incidents list shows their ids.")
    incident = moved(incident, transition, now_ms, by, note)
    told(store, incident, transition, False, store.meta("stage") or "local", now_ms)
    return incident


def _teach(
    store: Store, incident: Incident, status: PatternStatus, until_ms: int | None, now_ms: int, by: str, note: str
) -> None:
    verdict_id = stable_id("verdict", incident.id, str(incident.revision), status)
    store.add_verdict(Verdict(verdict_id, now_ms, incident.id, 0, status, until_ms, by, note))


def acknowledge(store: Store, incident_id: str, now_ms: int, by: str, note: str = "") -> Incident:
    """Somebody has it: repeats stay silent, a rise of severity does not. Raises UsageError where it is not open."""
    return store.atomically(lambda: _by_person(store, incident_id, "ack", now_ms, by, note))


def resolve(
    store: Store, incident_id: str, now_ms: int, by: str, note: str = "", *, known_failure: bool = False
) -> Incident:
    """It is over. With ``known_failure`` its errors are a known failure that is news on every return; without, they
    stay suspect. Raises UsageError where it is closed already."""

    def close() -> Incident:
        incident = _by_person(store, incident_id, "resolve", now_ms, by, note)
        if known_failure:
            _teach(store, incident, "known_failure", None, now_ms, by, note)
        return incident

    return store.atomically(close)


def dismiss(
    store: Store,
    incident_id: str,
    now_ms: int,
    by: str,
    note: str = "",
    mute_until: int | None = None,
    *,
    mute: bool = False,
) -> Incident:
    """Not an incident: from the next sweep its patterns are part of what is normal.

    With ``mute_until`` (epoch milliseconds) they are counted but raise nothing until then, with ``mute`` for good.
    Raises UsageError where it is dismissed already.
    """

    def close() -> Incident:
        incident = _by_person(store, incident_id, "dismiss", now_ms, by, note)
        status: PatternStatus = "muted" if mute or mute_until is not None else "normal"
        _teach(store, incident, status, mute_until, now_ms, by, note)
        return incident

    return store.atomically(close)
