"""A made-up incident and its evidence, with what a test wants changed."""

from dataclasses import replace

from autoir.clock import MINUTE_MS, SECOND_MS
from autoir.events import stable_id
from autoir.incidents import Candidate, Change, Incident, Kind, incident_id
from autoir.patterns import shape_of
from autoir.report.evidence import Evidence
from autoir.store.rows import StoredEvent

START_MS = 1_773_758_000_000
"""2026-03-17 14:33:20 UTC."""

POOL = "2026-03-17 14:33:20,123 ERROR shop.db [trace=00a1] QueuePool limit of size 20 overflow 10 reached"
UPSTREAM = '{"level":"error","time":1773758035000,"trace":"ab12","msg":"upstream checkout returned 503","status":503}'


def event(message: str, log_group: str = "/shop/checkout", after_ms: int = 0, stream: str = "app/1") -> StoredEvent:
    """A stored event ``after_ms`` behind the start."""
    ts_ms = START_MS + after_ms
    return StoredEvent(stable_id(log_group, str(ts_ms), message), ts_ms, log_group, stream, 3, 7, message)


def evidence(
    message: str = POOL,
    log_group: str = "/shop/checkout",
    kind: Kind = "new",
    *,
    after_ms: int = 0,
    severity_class: int = 2,
    observed: int = 12,
    total: int = 312,
    usual: float = 0.0,
    score: float = 6.5,
    samples: int = 3,
    subject: str = "",
    fold: str = "",
) -> Evidence:
    """A candidate with ``samples`` lines, one a second."""
    lines = tuple(event(message, log_group, after_ms + n * SECOND_MS) for n in range(samples))
    minute = (START_MS + after_ms) // MINUTE_MS
    candidate = Candidate(
        minute,
        kind,
        subject or stable_id(log_group, message),
        log_group,
        severity_class,
        observed,
        usual * 5,
        9.0,
        score,
        minute - 4,
        START_MS + after_ms,
        fold=fold,
        family_id=1 + len(message) if kind in ("new", "recur", "spike") else 0,
        sample_ids=tuple(line.id for line in lines),
    )
    template = shape_of(message).template if candidate.family_id else ""
    return Evidence(candidate, template, "", lines, total, usual, kind == "new")


def incident(*log_groups: str, **changes: object) -> Incident:
    """An open incident of two minutes in ``log_groups``, most suspect first."""
    made = Incident(
        id=incident_id("k#1"),
        opened_ms=START_MS + MINUTE_MS,
        updated_ms=START_MS + MINUTE_MS,
        status="open",
        severity="high",
        title="",
        summary="",
        environment="shop",
        log_groups=log_groups or ("/shop/checkout",),
        affected_stream="app/1",
        first_ts_ms=START_MS,
        last_ts_ms=START_MS + 125 * SECOND_MS,
        event_count=1_284,
        sample_ids=(),
        fingerprint="k",
        dedupe_key="k#1",
        last_hit_ms=START_MS,
        detection_confidence=95,
        basis=("severity high: 5 points (errors 2, 3 log groups 1)", "confidence 95: errors never seen before 95"),
        history=(Change(START_MS + MINUTE_MS, "open", "autoir"),),
    )
    return replace(made, **changes)  # type: ignore[arg-type]
