"""Backtest: which incidents would have been opened?

Events are replayed through the very same ingest and sweep as in production, on a store of their own and under a
virtual clock that follows the time at which each event was taken in. So a week passes in minutes, and what is found
is what on-call would have got, at the minute they would have got it.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from heapq import merge
from operator import itemgetter
from pathlib import Path
from statistics import median, quantiles

from autoir.clock import DAY_MS, MINUTE_MS
from autoir.errors import UsageError
from autoir.events import LogEvent
from autoir.incidents import Incident
from autoir.ingest import BATCH_BYTES, BATCH_EVENTS, Ingest
from autoir.metrics import Tally
from autoir.settings import Settings
from autoir.store import Store, migrated
from autoir.store.sqlite import SqliteDatabase
from autoir.sweep import sweep
from autoir.tail.files import LogFile
from autoir.tail.formats import Refused, Source, parse, parse_aws_tail

SETTLE_MS = 120 * MINUTE_MS
"""How long after the last event sweeps go on, so that what is open can close by itself."""

Progress = Callable[[Tally, int], None]
"""Told after every sweep: the tally so far and the virtual time."""


@contextmanager
def scratch_store() -> Iterator[Store]:
    """A store that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="autoir-backtest-") as folder:
        store = migrated(SqliteDatabase(Path(folder) / "backtest.db", durable=False))
        try:
            yield store
        finally:
            store.close()


def read_events(path: Path, zone: tzinfo = UTC) -> Iterator[LogEvent | Refused]:
    """The events of one file in its own order. A line of a plain log was taken in when it was written."""
    file = LogFile(path)
    source = Source(f"/local/{path.name.split('.')[0]}", path.name, zone, fixed_ms=file.modified_ms)
    parser = parse_aws_tail if file.aws_tail else parse
    now_ms = taken_ms = file.modified_ms
    for record in file.records(0):
        item = parser(source, record, now_ms)
        if isinstance(item, LogEvent) and item.ingest_ms == now_ms:
            # It says nothing of its arrival. A time that was still to come when the file was closed is none.
            taken_ms = taken_ms if item.ts_ms > now_ms + DAY_MS else item.ts_ms
            item = item._replace(ingest_ms=taken_ms)
        yield item
    if file.cut.reason:
        raise UsageError(f"{path}: {file.cut.reason}.", "A backtest needs the whole file: fetch it again.")


def replay(
    events: Iterable[LogEvent | Refused],
    store: Store,
    settings: Settings,
    *,
    sweep_every_ms: int = MINUTE_MS,
    sweep_until_ms: int | None = None,
    progress: Progress | None = None,
) -> Tally:
    """Ingest ``events``, in order of ``ingest_ms``, and sweep every ``sweep_every_ms`` of virtual time, until
    ``sweep_until_ms`` or, without one, until what is open had the time to close.

    ``store`` is marked: it lives in the time of the replay, and nobody is to be paged about what it holds.
    """
    store.set_meta("replay", "yes")
    now = 0
    next_sweep: int | None = None
    batch: list[LogEvent | Refused] = []
    size = 0
    ingest = Ingest(store, replace(settings, retention_days_events=0), lambda: now)

    def commit() -> None:
        nonlocal size
        if batch:
            ingest.store_events(batch)
            batch.clear()
            size = 0

    def sweep_until(until: int) -> int:
        nonlocal now
        at = next_sweep
        assert at is not None
        while at <= until:
            now = at
            sweep(store, now, settings)
            if progress:
                progress(ingest.tally, now)
            at += sweep_every_ms
        return at

    for event in events:
        if isinstance(event, LogEvent):
            if next_sweep is None:
                next_sweep = (event.ingest_ms // sweep_every_ms + 1) * sweep_every_ms
            if event.ingest_ms >= next_sweep:
                commit()
                if event.ingest_ms - next_sweep > DAY_MS:
                    next_sweep = sweep_until(next_sweep + SETTLE_MS)
                    next_sweep = max(next_sweep, (event.ingest_ms // sweep_every_ms) * sweep_every_ms)
                next_sweep = sweep_until(event.ingest_ms)
            now = max(now, event.ingest_ms)
        batch.append(event)
        size += len(event.message if isinstance(event, LogEvent) else event.text)
        if len(batch) >= BATCH_EVENTS or size >= BATCH_BYTES:
            commit()
    commit()
    if next_sweep is not None:
        sweep_until(now + SETTLE_MS if sweep_until_ms is None else sweep_until_ms)
    return ingest.tally


def backtest(
    paths: Sequence[Path],
    settings: Settings,
    *,
    sweep_every_ms: int = MINUTE_MS,
    baseline_ms: int | None = None,
    zone: tzinfo = UTC,
    store: Store | None = None,
    progress: Progress | None = None,
) -> list[Incident]:
    """The incidents that the logs in ``paths`` would have opened, oldest first.

    They are kept in ``store``, which is empty before; without one they are gone afterwards. ``baseline_ms`` is how long
    the beginning is only learned from; None takes the setting. Files are merged by time; each must be in order of its
    own.
    """
    if baseline_ms is not None:
        settings = replace(settings, warmup_min=baseline_ms // MINUTE_MS)
    streams = [read_events(path, zone) for path in paths]
    events: Iterable[LogEvent | Refused] = streams[0]
    if len(streams) > 1:
        events = (item for _, item in merge(*(_dated(stream) for stream in streams), key=itemgetter(0)))
    with nullcontext(store) if store else scratch_store() as kept:
        replay(events, kept, settings, sweep_every_ms=sweep_every_ms, progress=progress)
        return sorted(kept.incidents(limit=1_000_000), key=lambda i: (i.opened_ms, i.id))


def _dated(stream: Iterable[LogEvent | Refused]) -> Iterator[tuple[int, LogEvent | Refused]]:
    """Each item with when it was taken in; what could not be read goes with what stands before it."""
    taken_ms = 0
    for item in stream:
        taken_ms = item.ingest_ms if isinstance(item, LogEvent) else taken_ms
        yield taken_ms, item


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a truth file: a fault that should have paged between two times, at a log group if that is known."""

    start_ms: int
    end_ms: int
    log_group: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How the pages compare with the truth. Delays are minutes from a fault's start; None without any hit."""

    faults: int
    found: int
    guilty_first: int
    duplicates: int
    false_pages: int
    delay_p50_min: float | None
    delay_p90_min: float | None


def load_truth(path: Path) -> list[Fault]:
    """Faults of a truth file: a JSON list of {start_ms, end_ms, log_group?}. Raises UsageError naming what is wrong."""
    hint = 'Example: [{"start_ms": 1772409600000, "end_ms": 1772413200000, "log_group": "/shop/checkout"}]'
    try:
        rows = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.", hint) from None
    except ValueError as error:
        raise UsageError(f"{path}: {error}.", hint) from None
    faults = []
    for row in rows if isinstance(rows, list) else [rows]:
        match row:
            case {"start_ms": int(start), "end_ms": int(end)} if start < end:
                faults.append(Fault(start, end, str(row.get("log_group", ""))))
            case _:
                raise UsageError(f"{path}: {row!r} needs start_ms below end_ms, both epoch milliseconds.", hint)
    return faults


def score(faults: Sequence[Fault], incidents: Iterable[Incident]) -> Score:
    """A page belongs to the fault whose span holds its opening; a second one for the same fault is a duplicate."""
    hits: dict[Fault, Incident] = {}
    duplicates = false_pages = 0
    for incident in incidents:
        if not incident.paged:
            continue
        own = [fault for fault in faults if fault.start_ms <= incident.opened_ms < fault.end_ms]
        if not own:
            false_pages += 1
        elif own[-1] in hits:
            duplicates += 1
        else:
            hits[own[-1]] = incident
    delays = sorted((i.opened_ms - f.start_ms) / MINUTE_MS for f, i in hits.items())
    guilty = sum(f.log_group in ("", i.affected_group) for f, i in hits.items())
    p50 = median(delays) if delays else None
    p90 = quantiles(delays, n=10, method="inclusive")[-1] if len(delays) > 1 else p50
    return Score(len(faults), len(hits), guilty, duplicates, false_pages, p50, p90)
