"""Rows to store, made up: enough of each to tell them apart."""

from collections.abc import Iterable, Sequence

from autoir.clock import MINUTE_MS
from autoir.events import stable_id, stable_number
from autoir.incidents import Candidate, Change, Claim, Incident, Step
from autoir.store.rows import Batch, Cursor, EventRow, OutboxRow, PatternRow, QuarantineRow, StreamRow

NOON = 1_772_452_800_000
"""2026-03-02 12:00 UTC, epoch milliseconds."""
MINUTE = NOON // MINUTE_MS
GROUP = "/shop/checkout"
STREAM = "checkout/7f2a"
RECIPE = "r" * 24


def an_event(
    n: int, ts_ms: int = NOON, *, group: str = GROUP, stream: str = STREAM, pattern: int = 1, level: int = 1,
    message: str = "",
) -> EventRow:  # fmt: skip
    return EventRow(
        stable_id("event", str(n)), ts_ms, group, stable_number(group, stream), level, pattern, message or f"line {n}"
    )


def a_pattern(
    n: int = 1, template: str = "line <*>", *, family: int = 0, group: str = GROUP, level: int = 1, severity: int = 0
) -> PatternRow:
    return PatternRow(n, family or n, "m1", group, level, 0, "", template, severity, NOON, RECIPE)


def a_batch(
    events: Sequence[EventRow], patterns: Iterable[PatternRow] = (), *, cursor: Cursor | None = None,
    quarantine: Iterable[QuarantineRow] = (), stream: str = STREAM,
) -> Batch:  # fmt: skip
    """A batch of ``events`` with their stream; patterns 1 and up are made for those not given."""
    given = {p.pattern_id: p for p in patterns}
    for e in events:
        given.setdefault(
            e.pattern_id, a_pattern(e.pattern_id, f"line {e.pattern_id} <*>", group=e.log_group, level=e.level)
        )
    streams = {e.stream_id: StreamRow(e.stream_id, e.log_group, stream) for e in events}
    return Batch(list(events), list(given.values()), list(streams.values()), list(quarantine), cursor)


def a_quarantined(n: int = 1, reason: str = "too long") -> QuarantineRow:
    return QuarantineRow(stable_id("q", str(n)), NOON + n, GROUP, STREAM, reason, "2000000 bytes", 2_000_000, "aaa")


def a_candidate(
    minute: int = MINUTE, subject: str = "1", *, family: int = 1, score: float = 6.0, incident: str = ""
) -> Candidate:
    return Candidate(
        minute, "new", subject, GROUP, 2, 12, 0.25, 9.5, score, minute - 4, NOON, family, ("e1", "e2"), "fold", incident
    )


def an_incident(name: str = "inc-00000001", **changes: object) -> Incident:
    values: dict[str, object] = {
        "id": name, "opened_ms": NOON, "updated_ms": NOON, "status": "open", "severity": "high",
        "title": "checkout: new error", "summary": "Payments fail.", "environment": "shop",
        "log_groups": ("/shop/checkout", "/shop/payments"), "affected_stream": STREAM, "first_ts_ms": NOON - 5_000,
        "last_ts_ms": NOON, "event_count": 12, "sample_ids": ("e1", "e2"), "fingerprint": "f-" + name,
        "dedupe_key": "k-" + name, "last_hit_ms": NOON, "paged_ms": NOON, "detection_confidence": 90,
        "claims": (Claim("symptom", "It fails «here».", ("e1",)),), "steps": (Step("look", "none"),),
        "basis": ("new error: 6.0",), "history": (Change(NOON, "open", "autoir", "first"),), "previous_id": "",
    }  # fmt: skip
    return Incident(**{**values, **changes})  # type: ignore[arg-type]


def a_message(
    incident: str = "inc-00000001", revision: int = 1, channel: str = "pages", kind: str = "open", at_ms: int = NOON
) -> OutboxRow:
    return OutboxRow(stable_id("m", incident, str(revision), channel, kind), incident, revision, channel, kind,
                     '{"text":"Zahlung schlägt fehl 💥"}', at_ms)  # fmt: skip
