"""What on-call hears of: the incident, what points at it, and the states it may pass through.

Plain data and pure functions. An incident never reopens: what comes back after it was resolved is a new incident
that names the old one, so that a recurrence pages again instead of vanishing into a closed ticket. Who may change
what is decided here and nowhere else: code sets severity, confidence, title and the deduplication key.
"""

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from autoir.errors import UsageError
from autoir.events import stable_id

Status = Literal["open", "ack", "resolved", "dismissed"]
Severity = Literal["info", "low", "medium", "high", "critical"]
Outcome = Literal["unexplained", "inconclusive", "partial", "explained"]
Kind = Literal["new", "recur", "spike", "errshare", "silence", "gap", "heartbeat", "deploy"]
ClaimKind = Literal["symptom", "cause", "impact", "timeline", "ruled_out", "assumption"]
Transition = Literal["open", "worse", "findings", "ack", "resolve", "dismiss", "auto_resolve", "cut"]
PatternStatus = Literal["normal", "suspect", "muted", "known_failure"]

SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high", "critical")
ACTIVE: tuple[Status, ...] = ("open", "ack")

_ID_LENGTH = 8


class Candidate(NamedTuple):
    """One unusual thing that a sweep found about a family of patterns, a log group or a heartbeat.

    ``subject`` is the family id, the log group or the heartbeat's text; (``minute``, ``kind``, ``subject``) is
    unique. ``observed`` and ``expected`` are events over the window of ``window_from`` to ``minute`` (epoch minutes,
    both included), ``neg_log10_p`` the tail probability, ``first_ms`` the subject's first event in the window.
    ``fold`` joins candidates that are one piece of evidence (the lines of one traceback share it).
    """

    minute: int
    kind: Kind
    subject: str
    log_group: str
    severity_class: int
    observed: int
    expected: float
    neg_log10_p: float
    score: float
    window_from: int
    first_ms: int
    family_id: int = 0
    sample_ids: tuple[str, ...] = ()
    fold: str = ""
    incident_id: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the report with the ids of the stored events that prove it."""

    kind: ClaimKind
    text: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Something on-call may do first."""

    action: str
    risk: str = ""
    impact: str = ""
    rollback: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an incident's history."""

    at_ms: int
    transition: Transition
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """The row of ``autoir_incidents``. Times are epoch milliseconds, confidences 0 to 100.

    ``log_groups`` is most suspect first; ``affected_group`` its first and ``affected_stream`` the stream of that
    group with most evidence; ``event_count`` the events of the incident's patterns between first and last time;
    ``sample_ids`` the evidence shown. ``fingerprint`` names what failed, ``dedupe_key`` this occurrence of it.
    ``last_hit_ms`` is the last minute that alone would have opened it; ``basis`` says in one line each how severity
    and confidence were computed.
    """

    id: str
    opened_ms: int
    updated_ms: int
    status: Status
    severity: Severity
    title: str
    summary: str
    environment: str
    log_groups: tuple[str, ...]
    affected_stream: str
    first_ts_ms: int
    last_ts_ms: int
    event_count: int
    sample_ids: tuple[str, ...]
    fingerprint: str
    dedupe_key: str
    last_hit_ms: int
    revision: int = 1
    paged_ms: int | None = None
    detection_confidence: int = 0
    explanation_confidence: int = 0
    outcome: Outcome = "unexplained"
    investigation: str = "none"
    investigation_note: str = ""
    claims: tuple[Claim, ...] = ()
    steps: tuple[Step, ...] = ()
    basis: tuple[str, ...] = ()
    history: tuple[Change, ...] = ()
    previous_id: str = ""

    @property
    def affected_group(self) -> str:
        """The most suspect log group, empty when there is none."""
        return self.log_groups[0] if self.log_groups else ""

    @property
    def active(self) -> bool:
        """Whether the incident still asks for somebody's attention."""
        return self.status in ACTIVE

    @property
    def paged(self) -> bool:
        """Whether people were paged for it."""
        return self.paged_ms is not None


class Verdict(NamedTuple):
    """What a person taught the detector about an incident or a family of patterns.

    ``family_id`` 0 means every suspect of ``incident_id``. ``until_ms`` bounds a mute; None is for good.
    """

    id: str
    at_ms: int
    incident_id: str
    family_id: int
    status: PatternStatus
    until_ms: int | None
    by: str
    note: str


def incident_id(dedupe_key: str) -> str:
    """``inc-`` and eight characters: short enough to say on the phone, the same in every replay."""
    return "inc-" + stable_id("incident", dedupe_key)[:_ID_LENGTH]


def changed(
    incident: Incident, transition: Transition, now_ms: int, by: str, note: str = "", *, status: Status | None = None
) -> Incident:
    """``incident`` after ``transition``: history and revision grow, so that each change is told once."""
    return replace(
        incident,
        status=status or incident.status,
        updated_ms=now_ms,
        revision=incident.revision + 1,
        history=(*incident.history, Change(now_ms, transition, by, note)),
    )


_TARGETS: dict[Transition, tuple[Status, tuple[Status, ...]]] = {
    "ack": ("ack", ("open",)),
    "resolve": ("resolved", ("open", "ack")),
    "auto_resolve": ("resolved", ("open", "ack")),
    "dismiss": ("dismissed", ("open", "ack", "resolved")),
}


def moved(incident: Incident, transition: Transition, now_ms: int, by: str, note: str = "") -> Incident:
    """``incident`` acknowledged, resolved or dismissed. Raises UsageError where its state does not allow that."""
    target, allowed = _TARGETS[transition]
    if incident.status not in allowed:
        raise UsageError(
            f"{incident.id} is {incident.status}: only an incident that is {' or '.join(allowed)} can become {target}.",
            "Nothing was changed. What comes back after an incident was closed opens a new one that names it.",
        )
    return changed(incident, transition, now_ms, by, note, status=target)


def at_least(severity: Severity, floor: Severity) -> bool:
    """Whether ``severity`` is ``floor`` or worse."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(floor)
