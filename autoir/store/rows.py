"""The rows that enter and leave the store."""

from typing import NamedTuple


class EventRow(NamedTuple):
    """A row of ``autoir_events``."""

    id: str
    ts_ms: int
    log_group: str
    stream_id: int
    level: int
    pattern_id: int
    message: str


class StreamRow(NamedTuple):
    """A row of ``autoir_streams``."""

    stream_id: int
    log_group: str
    log_stream: str


class PatternRow(NamedTuple):
    """A new row of ``autoir_patterns`` and of its family."""

    pattern_id: int
    family_id: int
    mask_version: str
    log_group: str
    level: int
    kind: int
    component: str
    template: str
    severity_class: int
    seen_ms: int
    recipe_hash: str


class QuarantineRow(NamedTuple):
    """A row of ``autoir_quarantine``: what could not be stored, and why. ``body`` is redacted or None."""

    id: str
    seen_ms: int
    log_group: str
    log_stream: str
    reason: str
    detail: str
    bytes: int
    body: str | None


class Cursor(NamedTuple):
    """How far a source has been stored. ``token`` is the source's own note of its place; ``from_ms`` to ``until_ms``
    the window that it is reading, ``swept_ms`` up to when it looked for what came late."""

    source: str
    log_group: str
    watermark_ms: int
    token: str
    newest_ingest_ms: int = 0
    from_ms: int | None = None
    until_ms: int | None = None
    swept_ms: int = 0


class Lease(NamedTuple):
    """One process's right to move the cursors of a log group, until ``until_ms``; ``fence`` rises with each lease."""

    source: str
    log_group: str
    owner: str
    fence: int
    until_ms: int


class Batch(NamedTuple):
    """What one transaction stores. Events carry distinct ids. Under a ``lease``, nothing once that is another's."""

    events: list[EventRow]
    patterns: list[PatternRow]
    streams: list[StreamRow]
    quarantine: list[QuarantineRow]
    cursor: Cursor | None = None
    lease: Lease | None = None


class Written(NamedTuple):
    """What became of a batch."""

    stored: int
    duplicate: int


class StoredEvent(NamedTuple):
    """An event as a reader gets it (the view ``autoir_log_events``)."""

    id: str
    ts_ms: int
    log_group: str
    log_stream: str
    level: int
    pattern_id: int
    message: str


class StoredPattern(NamedTuple):
    """A pattern without its vector."""

    pattern_id: int
    family_id: int
    log_group: str
    level: int
    kind: int
    component: str
    template: str
    status: str
    embed_state: str


class PatternUse(NamedTuple):
    """How often a pattern occurred in a span of time."""

    pattern_id: int
    n: int
    first_minute: int
    last_minute: int


class Pending(NamedTuple):
    """A pattern that waits for its vector."""

    pattern_id: int
    component: str
    template: str


class FamilyMinute(NamedTuple):
    """Events of a family in a minute."""

    family_id: int
    minute: int
    n: int


class FamilyState(NamedTuple):
    """What detection remembers of a family. Minutes are epoch minutes; ``s``, ``q``, ``m1``, ``m2`` are the sum,
    the sum of squares and the two largest of its events over five-minute blocks; ``blocks`` those it was seen in.
    ``muted_until`` is the first minute that is no longer muted, None under status ``muted`` for good; ``gaps`` counts
    the pauses between those blocks and ``gap_max`` is the longest of them in minutes."""

    family_id: int
    log_group: str
    severity_class: int
    status: str
    muted_until: int | None
    first_minute: int | None
    last_minute: int | None
    s: int
    q: int
    m1: int
    m2: int
    blocks: int
    gaps: int = 0
    gap_max: int = 0


class GroupState(NamedTuple):
    """What detection remembers of a log group: all its lines (``all``) or those of class 2 (``class2``)."""

    log_group: str
    kind: str
    s: int
    q: int
    m1: int
    m2: int
    low1: int | None
    low2: int | None
    blocks: int


class OutboxRow(NamedTuple):
    """A message not yet known to be sent."""

    id: str
    incident_id: str
    revision: int
    channel: str
    kind: str
    body: str
    created_ms: int
    tries: int = 0


class StoreStats(NamedTuple):
    """What is in the store."""

    events: int
    patterns: int
    patterns_pending: int
    groups: int
    quarantined: int
    incidents_active: int
    outbox_unsent: int
    oldest_ms: int | None
    newest_ms: int | None
    stored_bytes: int
