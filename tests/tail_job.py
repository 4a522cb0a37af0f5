"""The tail job over a made-up CloudWatch in virtual time, and the oracle that counts what it lost or invented."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autoir.aws.session import Access
from autoir.clock import MINUTE_MS
from autoir.events import LogEvent, identity
from autoir.ingest import Ingest
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.rows import Batch, Lease, Written
from autoir.store.sqlite import SqliteDatabase
from autoir.tail.cloudwatch import CloudWatch
from autoir.tail.cloudwatch_groups import Selection
from autoir.tail.cloudwatch_rate import Bucket
from autoir.tail.cloudwatch_windows import Pace
from autoir.tailer import Tailer
from tests.tail.cloudwatch_fake import ACCOUNT, REGION, START_MS, FakeLogs, Faults, Put, Time, Wire, client_of

BACK_MS = 15 * MINUTE_MS


class Killed(BaseException):
    """The process dies here: no handler of ours may see it."""


class DyingStore(Store):
    """Dies before or after one of its writes, counted from the moment that ``dies_at`` is set; never for None."""

    dies_at: int | None = None
    after_commit = False

    def _reached(self, *, after: bool) -> None:
        if self.dies_at is None:
            return
        if not after:
            self.dies_at -= 1
        if self.dies_at == 0 and after == self.after_commit:
            self.dies_at = None
            raise Killed

    def write(self, batch: Batch) -> Written:
        self._reached(after=False)
        written = super().write(batch)
        self._reached(after=True)
        return written

    def lease(self, source: str, log_group: str, owner: str, now_ms: int, until_ms: int) -> Lease | None:
        self._reached(after=False)
        lease = super().lease(source, log_group, owner, now_ms, until_ms)
        self._reached(after=True)
        return lease


@dataclass
class World:
    """A store, a CloudWatch and the time they share."""

    wire: Wire
    folder: Path
    faults: Faults = field(default_factory=Faults)
    seed: int = 0

    def __post_init__(self) -> None:
        self.time = Time()
        self.logs = self.wire.logs = FakeLogs(self.time, self.faults, self.seed)
        self.store = self.another_store()
        self.store.migrate()
        self.read = 0
        self._owners = 0

    def another_store(self) -> DyingStore:
        """The store as another process opens it."""
        return DyingStore(SqliteDatabase(self.folder / "store.db", durable=False))

    def tailer(
        self, *wanted: str, pace: Pace | None = None, per_s: float = 1000.0, store: Store | None = None,
        back_ms: int = BACK_MS, owner: str = "", between: tuple[int, int] | None = None, excluded: Sequence[str] = (),
        ingest: Ingest | None = None,
    ) -> Tailer:  # fmt: skip
        """A tailer of its own owner, as a new process would make it."""
        self._owners += 1
        jitter = random.Random(self._owners)
        clock, pause = self.time.clock, self.time.pause
        store = store or self.store
        cloudwatch = CloudWatch(Access(), Bucket(clock, per_s), pause=pause, jitter=jitter, client=client_of(self.wire))
        return Tailer(
            store, ingest or Ingest(store, Settings(retention_days_events=0), clock), cloudwatch,
            Selection(wanted or ("*",), excluded), owner=owner or f"task-{self._owners}", clock=clock, pause=pause,
            jitter=jitter, back_ms=back_ms, pace=pace, between=between,
        )  # fmt: skip

    def run(self, tailer: Tailer, *, until_ms: int) -> None:
        """Let ``tailer`` work until ``until_ms``; what it read is counted also where it dies."""
        self.time.end_ms = until_ms
        try:
            if not tailer.groups:
                tailer.discover()
            tailer.run()
        finally:
            self.read += tailer.events_read

    def wanted(self, from_ms: int, *, seen_by_ms: int | None = None) -> Counter[str]:
        """The ids under which every event from ``from_ms`` on that can be seen by now should be stored."""
        by_ms = self.time.now_ms if seen_by_ms is None else seen_by_ms
        return Counter(
            identity(event_of(name, put))
            for name, group in self.logs.groups.items()
            for put in group.events
            if put.ts_ms >= from_ms and put.visible_ms <= by_ms
        )

    def stored(self) -> Counter[str]:
        """Ids in the store, each as often as it stands there."""
        return Counter(str(row[0]) for row in self.store.query("SELECT id FROM autoir_events"))

    def counted(self) -> int:
        """Events by the minute counts."""
        return int(self.store.query("SELECT COALESCE(SUM(n), 0) FROM autoir_counts")[0][0])

    def check(self, from_ms: int, *, seen_by_ms: int | None = None) -> None:
        """Nothing lost, nothing twice, nothing invented; counts equal rows."""
        wanted, stored = self.wanted(from_ms, seen_by_ms=seen_by_ms), self.stored()
        assert (sum((wanted - stored).values()), sum((stored - wanted).values())) == (0, 0)
        assert self.counted() == stored.total()


def event_of(group: str, put: Put) -> LogEvent:
    """The event as a subscription's payload carries it: same id, group, stream, account and Region."""
    return LogEvent(group, put.stream, put.ts_ms, put.message, put.event_id, 0, ACCOUNT, REGION)


def lateness_ms(draw: random.Random, most_ms: int = 10 * MINUTE_MS) -> int:
    """90 % 0.8 s on average, 9 % 8 s, 1 % up to ``most_ms``."""
    kind = draw.random()
    if kind < 0.90:
        return round(draw.expovariate(1 / 800))
    if kind < 0.99:
        return round(draw.expovariate(1 / 8_000))
    return draw.randrange(most_ms)


def fill(logs: FakeLogs, name: str, draw: random.Random, events: int, span_ms: int, most_late_ms: int) -> None:
    """``events`` over ``span_ms`` from the start, many of the same millisecond, on three streams."""
    if name not in logs.groups:
        logs.make(name)
    for _ in range(events):
        ts_ms = START_MS + draw.randrange(span_ms)
        ts_ms -= ts_ms % draw.choice((1, 1000))
        text = f"{draw.choice(('GET', 'PUT'))} /order/{draw.randrange(10**6)} took {draw.randrange(500)} ms"
        logs.put(
            name, ts_ms, text, late_ms=lateness_ms(draw, most_late_ms), unseen_ms=draw.randrange(3_000),
            stream=f"s-{draw.randrange(3)}",
        )  # fmt: skip


@contextmanager
def dying(store: DyingStore, at: int, *, after: bool) -> Iterator[None]:
    """``store`` dies at its ``at``-th write or lease from now on."""
    store.dies_at, store.after_commit = at, after
    try:
        yield
    except Killed:
        pass
    finally:
        store.dies_at = None
