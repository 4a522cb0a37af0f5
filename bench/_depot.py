"""A made-up parcel depot that logs: its lines, their rates, and what may befall them.

Counts a minute are drawn from negative binomial distributions around a daily wave, so that benign errors come in
bursts. Everything follows from a seed. Lines are masked by the product, written to a store of their own
and swept every minute.
"""

import math
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from autoir.clock import MINUTE_MS
from autoir.events import stable_id, stable_number
from autoir.patterns import Masker
from autoir.settings import Heartbeat, Settings
from autoir.store import Store, migrated
from autoir.store.rows import Batch, EventRow, PatternRow, StreamRow
from autoir.store.sqlite import SqliteDatabase
from autoir.sweep import sweep

START = 29_500_000
"""Epoch minute at which the depot's logs begin; a multiple of five."""

WARMUP = 270
GATE, ROUTER, BILLING, MAILER = "/depot/gate", "/depot/router", "/depot/billing", "/depot/mailer"
BEAT = "queue drained, nothing waiting"
SETTINGS = Settings(
    stage="depot", warmup_min=240, heartbeats=(Heartbeat(MAILER, BEAT, 120),), steady_groups=(ROUTER,)
)  # fmt: skip


class Line(NamedTuple):
    """A kind of log line: ``rate`` events a minute with ``burst`` as variance over mean (0: like clockwork); ``#``
    becomes a number."""

    group: str
    text: str
    rate: float
    burst: float = 1.0


def _lines() -> list[Line]:
    words = {
        GATE: ["parcel # weighed # g", "belt # running at # mm/s", "label # read", "gate # opened", "gate # closed",
               "scale # calibrated", "tray # returned", "lamp # switched", "pallet # wrapped", "door # locked"],
        ROUTER: ["parcel # sent to lane #", "lane # has # waiting", "lanes reloaded, # rows", "sorter # turned",
                 "parcel # merged into wave #", "wave # released", "buffer # holds #", "arm # parked"],
        BILLING: ["invoice # written", "tariff # applied to parcel #", "ledger page # closed", "customer # credited #",
                  "receipt # archived", "batch # of # invoices printed"],
        MAILER: ["letter # queued", "letter # handed to carrier #", "template # rendered", "address # looked up"],
    }  # fmt: skip
    lines = [
        Line(group, f"INFO {group[7:]} - {text}", 3.0 / (1 + at), 1.0 + at % 3)
        for group, texts in words.items()
        for at, text in enumerate(texts)
    ]
    lines += [
        Line(MAILER, f"INFO mailer - {BEAT}", 1.0, 0.0),
        Line(ROUTER, "INFO router - tick # of the sorter", 12.0, 1.5),
    ]
    lines += [
        Line(GATE, "WARN gate - label # smudged, reading again", 0.6, 2.0),
        Line(ROUTER, "WARN router - lane # is nearly full", 0.4, 2.0),
        Line(BILLING, "WARN billing - tariff service slow, took # ms", 0.5, 3.0),
        Line(BILLING, "ERROR billing - card of customer # declined", 0.4, 2.0),
        Line(MAILER, "ERROR mailer - carrier # refused letter #", 0.15, 2.0),
        Line(GATE, "ERROR gate - parcel # has no label", 0.1, 1.0),
    ]
    return lines


LINES = _lines()


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson draw; by its normal limit where the mean is large."""
    if mean > 60:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, n = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        n += 1
    return n


def bursty(rng: random.Random, mean: float, burst: float) -> int:
    """A negative binomial draw with ``burst`` as variance over mean; Poisson where that is 1."""
    if mean <= 0:
        return 0
    if burst <= 1:
        return poisson(rng, mean)
    return poisson(rng, rng.gammavariate(mean / (burst - 1), burst - 1))


class Told(NamedTuple):
    """One event: the line it is of, its text, and the time it carries."""

    group: str
    text: str
    ts_ms: int


Factor = Callable[[int, Line], float]
"""Times the usual rate, by minute of the trial and line."""

Fault = Callable[["Depot", int, list[Told], random.Random], list[Told]]
"""Changes the events of a minute, numbered from the beginning of the trial."""


def usual(at: int, line: Line) -> float:
    """As every day."""
    return 1.0


def nothing(depot: "Depot", at: int, told: list[Told], rng: random.Random) -> list[Told]:
    """No fault."""
    return told


@dataclass
class Depot:
    """The depot's logs in a store, minute by minute."""

    store: Store
    seed: str
    lines: list[Line] = field(default_factory=lambda: list(LINES))
    settings: Settings = SETTINGS
    minute: int = START
    masker: Masker = field(default_factory=Masker)
    count: int = 0

    def drawn(self, rng: random.Random, line: Line, at: int, factor: Factor) -> list[Told]:
        """The events of ``line`` in the coming minute."""
        if not line.burst:
            return [self.said(rng, line) for _ in range(round(line.rate * factor(at, line)))]
        wave = 1 + 0.3 * math.sin(2 * math.pi * (self.minute % 1440) / 1440)
        n = bursty(rng, line.rate * wave * factor(at, line), line.burst)
        return [self.said(rng, line) for _ in range(n)]

    def said(self, rng: random.Random, line: Line) -> Told:
        """One event of ``line`` somewhere in the coming minute."""
        first, *rest = line.text.split("#")
        text = first + "".join(f"{rng.randrange(10, 99_999)}{part}" for part in rest)
        return Told(line.group, text, self.minute * MINUTE_MS + rng.randrange(MINUTE_MS))

    def write(self, told: Iterable[Told]) -> None:
        """Store events as the ingest job would."""
        events, patterns, streams = [], {}, {}
        for group, text, ts_ms in told:
            self.count += 1
            pattern = self.masker.pattern(group, text)
            stream = stable_number(group, "one")
            streams[stream] = StreamRow(stream, group, "one")
            patterns[pattern.pattern_id] = PatternRow(
                pattern.pattern_id, pattern.family_id, pattern.mask_version, group, pattern.level, pattern.kind,
                pattern.component, pattern.template, pattern.severity_class, ts_ms, "-",
            )  # fmt: skip
            id_ = stable_id(self.seed, str(self.count))
            events.append(EventRow(id_, ts_ms, group, stream, pattern.level, pattern.pattern_id, text))
        self.store.write(Batch(events, list(patterns.values()), list(streams.values()), []))

    def step(self) -> None:
        """Sweep the minute that has just ended."""
        self.minute += 1
        sweep(self.store, self.minute * MINUTE_MS + 2_000, self.settings)

    def run(self, minutes: int, rng: random.Random, factor: Factor = usual, fault: Fault = nothing) -> None:
        """Live for some minutes, at rates by ``factor`` of minute and line, with ``fault`` over what is said."""
        for at in range(minutes):
            told = [event for line in self.lines for event in self.drawn(rng, line, at, factor)]
            self.write(fault(self, at, told, rng))
            self.step()


@contextmanager
def opened(path: Path) -> Iterator[Store]:
    """A store in a file, its schema made."""
    store = migrated(SqliteDatabase(path, durable=False))
    try:
        yield store
    finally:
        store.close()


def warmed(folder: Path, seed: str, lines: list[Line]) -> Path:
    """A store that has lived through the warm-up; made once for each seed."""
    path = folder / f"{seed}.db"
    if not path.exists():
        with opened(path) as store:
            Depot(store, seed, lines).run(WARMUP, random.Random(f"warm-up {seed}"))
            store.query("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@contextmanager
def depot(folder: Path, seed: str, name: str, lines: list[Line], settings: Settings) -> Iterator[Depot]:
    """A depot after its warm-up, in a copy of its own."""
    path = folder / f"{seed}-{name}.db"
    shutil.copy(warmed(folder, seed, lines), path)
    try:
        with opened(path) as store:
            yield Depot(store, f"{seed} {name}", lines, settings, START + WARMUP)
    finally:
        for left in folder.glob(f"{path.name}*"):
            left.unlink()
