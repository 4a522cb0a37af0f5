"""One log group that is read page by page: its lease, its readings, and what became of the last try.

A page and the cursor behind it are one transaction under the lease. What was read a moment ago is read again on
purpose, so events that this process stored lately are left out before they cost anything; that memory is bounded and
only saves work, for the store knows each event by its id.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Protocol

from autoir.clock import MINUTE_MS, Clock
from autoir.errors import AutoirError
from autoir.events import LogEvent, identity
from autoir.recursion import is_own_line
from autoir.store import Store
from autoir.store.rows import Batch, Cursor, Lease
from autoir.tail.cloudwatch import CloudWatch, LogGroup, StaleTokenError
from autoir.tail.cloudwatch_windows import (
    CLOSED,
    LATE_MS,
    Kind,
    Pace,
    is_open,
    lateness_ms,
    paged,
    place_of,
    restarted,
    sweep_every_ms,
    sweep_opened,
    sweep_width_ms,
    tail_begun_ms,
    tail_opened,
)  # fmt: skip

NEVER_MS = 1 << 60
MOST_IDLE = 3
"""A group that brings nothing new is asked less often, down to every third poll."""
LONGEST_BACKOFF_MS = 5 * MINUTE_MS
_ASKED_AT_ONCE = 1_000


class Sink(Protocol):
    """What stores events: the ingest job."""

    def store_events(
        self, events: Iterable[LogEvent], cursor: Cursor | None = None, lease: Lease | None = None
    ) -> None:
        """Store ``events``, and ``cursor`` with the last of them, under ``lease``."""


class Recent:
    """Ids of the events stored last, at most ``limit``: some 35 MB for 200,000, what 100,000 events a minute need."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._ids: dict[str, None] = {}

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def add(self, ids: Iterable[str]) -> None:
        """Remember ``ids``, and forget the oldest."""
        self._ids.update(dict.fromkeys(ids))
        if over := max(0, len(self._ids) - self._limit):
            for old in list(islice(self._ids, over)):
                del self._ids[old]


@dataclass(slots=True)
class Seen:
    """What CloudWatch gave, whether its groups are still there or not: ``events``, each as often as it was read, and of
    them the lines of AutoIR's own."""

    events: int = 0
    own_lines: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the groups of a tailer share."""

    store: Store
    sink: Sink
    cloudwatch: CloudWatch
    recent: Recent
    seen: Seen
    owner: str
    clock: Clock
    jitter: Random
    pace: Pace


@dataclass(slots=True)
class Reading:
    """One of a group's readings: when it is next due, when its window was begun, whether that held anything new, and
    how many before it did not."""

    kind: Kind
    cursor: Cursor
    due_ms: int
    begun_ms: int = 0
    brought: bool = False
    idle: int = 0


class TailedGroup:
    """``group``, read as ``first`` says unless the store knows better: the first entry is the one that is leased."""

    def __init__(self, group: LogGroup, first: Mapping[Kind, Cursor], around: Surroundings) -> None:
        self.group = group
        self.lease: Lease | None = None
        self.readings: dict[Kind, Reading] = {}
        self.error: AutoirError | None = None
        self.blocked_until_ms = 0
        self.complete_ms = around.clock()
        self.was_complete = False
        self.begun = False
        """Whether the store knows where it begins."""
        self._first = first
        self._around = around
        self._failures = 0
        self._late_ms = 0

    @property
    def newest_ingest_ms(self) -> int:
        """The newest time of ingestion that is stored; 0 for none."""
        return max((reading.cursor.newest_ingest_ms for reading in self.readings.values()), default=0)

    def lag_ms(self, now_ms: int) -> int:
        """How long ago the group was last read to its end."""
        return now_ms - self.complete_ms

    def acquire(self) -> bool:
        """Take the lease and load the cursors, made where there are none; False while another process has it."""
        store, now_ms, pace = self._around.store, self._around.clock(), self._around.pace
        leased = next(iter(self._first.values())).source
        lease = store.lease(leased, self.group.name, self._around.owner, now_ms, now_ms + pace.lease_ms)
        if lease is None:
            self.begun = self.begun or store.cursor(leased, self.group.name) is not None
            self.blocked_until_ms = now_ms + pace.poll_ms
            return False
        readings = {}
        for kind, first in self._first.items():
            cursor = store.cursor(first.source, self.group.name)
            if cursor is None:
                cursor = first
                store.write(Batch([], [], [], [], cursor, lease))
            readings[kind] = Reading(kind, cursor, now_ms, tail_begun_ms(cursor))
        self.lease, self.readings, self.begun = lease, readings, True
        if "tail" in readings:
            self._late_ms = place_of(readings["tail"].cursor).late_ms
        for reading in readings.values():
            if reading.kind != "tail":
                reading.due_ms = self._due_ms(reading, now_ms)
        return True

    def release(self) -> None:
        """Let another process go on at once."""
        if self.lease:
            self._around.store.release(self.lease)
            self.lease = None

    def ready(self, now_ms: int) -> Iterator[Reading]:
        """The readings that are due. A sweep begins between two windows of the tail."""
        if self.lease is None or self.blocked_until_ms > now_ms:
            return
        tail = self.readings.get("tail")
        for reading in self.readings.values():
            waits = reading is not tail and tail is not None and is_open(tail.cursor) and not is_open(reading.cursor)
            if reading.due_ms <= now_ms and not waits:
                yield reading

    def next_ms(self) -> int:
        """When something is due next."""
        if self.lease is None:
            return self.blocked_until_ms
        return max(self.blocked_until_ms, min(reading.due_ms for reading in self.readings.values()))

    def read(self, reading: Reading) -> None:
        """Read and store one page. Raises what CloudWatch and the store do; the page is read again then."""
        now_ms = self._around.clock()
        if not is_open(reading.cursor):
            reading.cursor, reading.begun_ms, reading.brought = self._opened(reading, now_ms), now_ms, False
        cursor = reading.cursor
        assert cursor.from_ms is not None
        assert cursor.until_ms is not None
        events: list[LogEvent] = []
        token = ""
        if cursor.from_ms < cursor.until_ms:
            try:
                events, token = self._around.cloudwatch.page(
                    self.group, cursor.from_ms, cursor.until_ms, place_of(cursor).page
                )
            except StaleTokenError:
                reading.cursor = restarted(cursor)
                return
        self._late_ms = max(self._late_ms, lateness_ms(events))
        after = paged(cursor, events, token)
        if not token:
            after = CLOSED[reading.kind](after, reading.begun_ms, self._late_ms)
        self._store(reading, events, after, now_ms)
        self._around.seen.events += len(events)
        reading.cursor = after
        if not is_open(after):
            self._closed(reading)
        reading.due_ms = self._due_ms(reading, now_ms)
        self.error, self._failures, self.blocked_until_ms = None, 0, 0

    def failed(self, error: AutoirError) -> None:
        """Note why the last try failed, and wait: twice as long each time, up to five minutes, less a random part."""
        self.error = error
        self._failures += 1
        wait_ms = min(LONGEST_BACKOFF_MS, self._around.pace.poll_ms << min(self._failures - 1, 10))
        self.blocked_until_ms = self._around.clock() + round(self._around.jitter.uniform(0.5, 1.0) * wait_ms)

    def lost(self) -> None:
        """Another process has the lease: leave the group to it, and ask again at the next poll."""
        self.lease = None
        self.blocked_until_ms = self._around.clock() + self._around.pace.poll_ms

    def _opened(self, reading: Reading, now_ms: int) -> Cursor:
        pace = self._around.pace
        if reading.kind == "tail":
            return tail_opened(reading.cursor, now_ms, pace)
        width_ms = sweep_width_ms(self._late_ms, pace) if reading.kind == "sweep" else LATE_MS
        return sweep_opened(reading.cursor, self.readings["tail"].cursor, now_ms, pace, width_ms)

    def _store(self, reading: Reading, events: list[LogEvent], after: Cursor, now_ms: int) -> None:
        """Store what of ``events`` is new and the cursor behind them; nothing where neither says anything new."""
        assert self.lease
        around = self._around
        fresh = {event_id: event for event in events if (event_id := identity(event)) not in around.recent}
        if reading.kind != "tail":
            for known in _existing(around.store, list(fresh)):
                del fresh[known]
        moved = not is_open(after) and (reading.kind != "tail" or after.watermark_ms != reading.cursor.watermark_ms)
        if fresh or moved or self.lease.until_ms - now_ms < around.pace.lease_ms // 2:
            lease = self.lease._replace(until_ms=around.clock() + around.pace.lease_ms)
            foreign = [event for event in fresh.values() if not is_own_line(event.message)]
            around.sink.store_events(foreign, after, lease)
            around.seen.own_lines += len(fresh) - len(foreign)
            self.lease = lease
            around.recent.add(fresh)
        reading.brought = reading.brought or bool(fresh)

    def _closed(self, reading: Reading) -> None:
        reading.idle = 0 if reading.brought else reading.idle + 1
        if reading.kind == "tail":
            self.complete_ms, self.was_complete = reading.begun_ms, True
        elif reading.kind == "wide":
            self._late_ms //= 2  # one very late batch is not the rule: it is forgotten in some days

    def _due_ms(self, reading: Reading, now_ms: int) -> int:
        pace, cursor = self._around.pace, reading.cursor
        if is_open(cursor):
            return now_ms
        match reading.kind:
            case "tail":
                return reading.begun_ms + pace.poll_ms * min(1 + reading.idle, MOST_IDLE)
            case "sweep":
                return cursor.swept_ms + sweep_every_ms(self._late_ms, pace)
            case "wide":
                return cursor.swept_ms + pace.wide_ms
            case "backfill":
                return NEVER_MS


def _existing(store: Store, ids: list[str]) -> set[str]:
    found: set[str] = set()
    for at in range(0, len(ids), _ASKED_AT_ONCE):
        found |= store.existing(ids[at : at + _ASKED_AT_ONCE])
    return found
