"""The ingest job: events in, stored rows out, each accounted for.

decode → filter → redact → mask → pattern → store. The order is the point: nothing is masked, hashed, quarantined or
shown before it is redacted, and nothing is embedded before it is stored. One bad event never takes its batch down,
and a run that cannot say what became of every event raises instead of reporting success.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, tzinfo
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from autoir.clock import DAY_MS, HOUR_MS, Clock
from autoir.embed.recipe import recipe_hash
from autoir.errors import RejectedError, UsageError
from autoir.events import LogEvent, identity, stable_id, stable_number
from autoir.metrics import Tally
from autoir.patterns import TOKEN_MASK_VERSION, Masker, MissRate, Pattern
from autoir.redact import Redactor, compile_user_rules
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.rows import Batch, Cursor, EventRow, Lease, PatternRow, QuarantineRow, StreamRow
from autoir.tail.files import Following, LogFile, Place, loads
from autoir.tail.formats import AWS_TAIL_STARTS, Refused, Source, is_aws_tail, parse, parse_aws_tail
from autoir.tail.lines import MAX_LINE, Joiner, Record, is_quiet, looks_binary, read_chunks

BATCH_EVENTS = 1_000
BATCH_BYTES = 900_000
EARLIEST_MS = 2 * HOUR_MS
"""How far ahead of its arrival an event may be: what CloudWatch accepts."""

_KNOWN = 65_536
_NAME = 512
_BODY = 4_096

Progress = Callable[[Tally, int], None]
"""Told after every batch: the tally so far, and bytes of input read."""


class Ingest:
    """One run of the pipeline into one store. Not shared between threads."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, redactor: Redactor | None = None) -> None:
        self.store = store
        self.tally = Tally()
        self._clock = clock
        self._redact = (redactor or Redactor(compile_user_rules(settings.redact))).redact
        self._versions = store.mask_versions()
        self._masker = Masker({g: v for g, v in self._versions.items() if v == TOKEN_MASK_VERSION})
        self._miss_rate = MissRate()
        self._keep_ms = settings.retention_days_events * DAY_MS
        if store.meta("keep_old") == "yes":
            self._keep_ms = 0
        self._home = store.meta("home")
        self._known: dict[int, str] = {}
        self._streams: dict[tuple[str, str], int] = {}

    def store_events(
        self, events: Iterable[LogEvent | Refused], cursor: Cursor | None = None, lease: Lease | None = None
    ) -> None:
        """Store ``events`` in batches, each under ``lease``; ``cursor`` moves in the transaction of the last one.

        Raises UnreachableError when the store is gone, LeaseLostError when another process has taken the source over:
        what was committed stays, and the same events again are safe.
        """
        stream = iter(events)
        batch = self._take(stream)
        while following := self._take(stream):
            self._commit(batch, None, lease)
            batch = following
        if batch or cursor:
            self._commit(batch, cursor, lease)
        self.tally.check()

    def note_repairs(self, records: Iterable[Record]) -> None:
        """Count the records whose bytes were no UTF-8: each such byte is stored as U+FFFD."""
        if broken := sum(record.invalid for record in records):
            self.tally.repaired["invalid UTF-8"] += broken

    def _take(self, stream: Iterator[LogEvent | Refused]) -> list[LogEvent | Refused]:
        """The next batch; empty when there is no more."""
        batch: list[LogEvent | Refused] = []
        size = 0
        for item in islice(stream, BATCH_EVENTS):
            batch.append(item)
            size += len(item.message if isinstance(item, LogEvent) else item.text)
            if size >= BATCH_BYTES:
                break
        return batch

    def _commit(self, items: Sequence[LogEvent | Refused], cursor: Cursor | None, lease: Lease | None) -> None:
        tally, now = self.tally, self._clock()
        tally.received += len(items)
        rows: dict[str, tuple[EventRow, Pattern]] = {}
        quarantine: list[QuarantineRow] = []
        streams: dict[tuple[str, str], StreamRow] = {}
        for item in items:
            if not isinstance(item, LogEvent):
                quarantine.append(self._refused(item, now))
                continue
            prepared = self._prepare(item, now, streams)
            if prepared is None:
                continue
            if isinstance(prepared, QuarantineRow):
                quarantine.append(prepared)
            elif prepared[0].id in rows:
                tally.duplicate += 1
            else:
                rows[prepared[0].id] = prepared
        patterns = self._new_patterns(rows, quarantine, now)
        batch = Batch([row for row, _ in rows.values()], patterns, list(streams.values()), quarantine, cursor, lease)
        self._write(batch)
        self._remember(streams)
        self._escalate(batch, now)

    def _prepare(
        self, event: LogEvent, now: int, streams: dict[tuple[str, str], StreamRow]
    ) -> tuple[EventRow, Pattern] | QuarantineRow | None:
        """An event as its row and pattern; None when it was filtered."""
        if self._keep_ms and event.ts_ms < now - self._keep_ms:
            self.tally.filtered["expired"] += 1
            return None
        row_id = identity(event)
        message = self._redact(self._repaired(event.message))
        if not (event.log_group.isprintable() and event.log_stream.isprintable()):
            event = event._replace(log_group=_storable(event.log_group), log_stream=_storable(event.log_stream))
        if event.ts_ms > now + EARLIEST_MS:
            ahead = (event.ts_ms - now) // HOUR_MS
            return self._quarantine(row_id, event, "in the future", f"{ahead} hours ahead of the clock", message, now)
        if len(message) > MAX_LINE:
            return self._quarantine(row_id, event, "too long", f"over {MAX_LINE} bytes", message, now)
        if max(len(event.log_group), len(event.log_stream)) > _NAME:
            return self._quarantine(row_id, event, "name too long", f"over {_NAME} characters", message, now)
        group = self._qualified(event)
        pattern = self._masker.pattern(group, message)
        key = (group, event.log_stream)
        stream_id = self._streams.get(key)
        if stream_id is None:
            stream_id = stable_number(*key)
            streams[key] = StreamRow(stream_id, *key)
        row = EventRow(row_id, event.ts_ms, group, stream_id, pattern.level, pattern.pattern_id, message)
        return row, pattern

    def _repaired(self, message: str) -> str:
        """``message`` with what no store can hold replaced by a visible mark, and counted."""
        if "\0" in message:
            self.tally.repaired["NUL"] += 1
        elif message.isascii():
            return message
        if not _is_unicode(message):
            self.tally.repaired["lone surrogate"] += 1
        return _storable(message)

    def _qualified(self, event: LogEvent) -> str:
        """The log group's name in this store: with account and Region when they are not the store's own."""
        if not event.account:
            return event.log_group
        place = f"{event.account}/{event.region}"
        if self._home is None:
            self._home = place
            self.store.set_meta("home", place)
        return event.log_group if place == self._home else f"{place}:{event.log_group}"

    def _quarantine(
        self, row_id: str, event: LogEvent, reason: str, detail: str, message: str, now: int
    ) -> QuarantineRow:
        return QuarantineRow(
            row_id, now, event.log_group[:_NAME], event.log_stream[:_NAME], reason, detail,
            len(message), message[:_BODY],
        )  # fmt: skip

    def _refused(self, item: Refused, now: int) -> QuarantineRow:
        body = self._redact(self._repaired(item.text))
        key = stable_id("refused", item.log_group, item.log_stream, item.place, body)
        return QuarantineRow(
            key, now, item.log_group, item.log_stream, item.reason, item.detail, item.size, body[:_BODY]
        )

    def _new_patterns(
        self, rows: dict[str, tuple[EventRow, Pattern]], quarantine: list[QuarantineRow], now: int
    ) -> list[PatternRow]:
        """Patterns that the store lacks. Events whose pattern's number is taken by another are quarantined."""
        unknown: dict[int, tuple[Pattern, int]] = {}
        for row, pattern in rows.values():
            if pattern.pattern_id not in self._known:
                seen = unknown.get(pattern.pattern_id)
                unknown[pattern.pattern_id] = (pattern, min(row.ts_ms, seen[1]) if seen else row.ts_ms)
        if not unknown:
            return []
        if len(self._known) > _KNOWN:
            self._known.clear()
        stored = self.store.templates(list(unknown))
        taken = {i for i, (p, _) in unknown.items() if stored.get(i, p.template) != p.template}
        for key in [key for key, (row, _) in rows.items() if row.pattern_id in taken]:
            row, _ = rows.pop(key)
            quarantine.append(
                QuarantineRow(key, now, row.log_group, "", "pattern collision", f"pattern {row.pattern_id}",
                              len(row.message), row.message[:_BODY])
            )  # fmt: skip
        self._known.update((i, t) for i, t in stored.items() if i not in taken)
        return [
            PatternRow(*pattern[:8], pattern.severity_class, seen, recipe_hash(pattern.template, pattern.component))
            for pattern, seen in unknown.values()
            if pattern.pattern_id not in stored
        ]

    def _write(self, batch: Batch) -> None:
        """Store ``batch``; rows the database refuses are found by halving and quarantined, the others stored."""
        try:
            written = self.store.write(batch)
        except RejectedError as error:
            self._bisect(batch, error)
            return
        self.tally.stored += written.stored
        self.tally.duplicate += written.duplicate
        self.tally.quarantined.update(row.reason for row in batch.quarantine)
        self.tally.patterns_new += sum(p.pattern_id not in self._known for p in batch.patterns)
        self._known.update((p.pattern_id, p.template) for p in batch.patterns)

    def _bisect(self, batch: Batch, error: RejectedError) -> None:
        events = batch.events
        if len(events) == 0:
            raise error
        if len(events) == 1:
            row = events[0]
            refused = QuarantineRow(row.id, self._clock(), row.log_group, "", "rejected", str(error)[:512],
                                    len(row.message), None)  # fmt: skip
            self._write(batch._replace(events=[], patterns=[], quarantine=[*batch.quarantine, refused]))
            return
        middle = len(events) // 2
        self._write(_with_events(batch, events[:middle])._replace(quarantine=[], cursor=None))
        self._write(_with_events(batch, events[middle:]))

    def _remember(self, streams: dict[tuple[str, str], StreamRow]) -> None:
        if len(self._streams) > _KNOWN:
            self._streams.clear()
        self._streams.update((key, row.stream_id) for key, row in streams.items())

    def _escalate(self, batch: Batch, now: int) -> None:
        """Mask a group whose patterns explode more coarsely, from now on and for every writer."""
        lines = Counter(row.log_group for row in batch.events)
        new = Counter(row.log_group for row in batch.patterns)
        for group, count in lines.items():
            if self._versions.get(group) != TOKEN_MASK_VERSION and self._miss_rate.observe(group, count, new[group]):
                self.store.escalate(group, TOKEN_MASK_VERSION, now)
                self._versions[group] = TOKEN_MASK_VERSION
                self._masker.escalate(group)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _storable(text: str) -> str:
    """``text`` with NUL and lone surrogates, which no store can hold, as visible marks."""
    if not _is_unicode(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", "␀")


def _with_events(batch: Batch, events: list[EventRow]) -> Batch:
    """``batch`` with those of its events alone, and the patterns that they need."""
    needed = {row.pattern_id for row in events}
    return batch._replace(events=events, patterns=[p for p in batch.patterns if p.pattern_id in needed])


def read_file(
    ingest: Ingest,
    file: LogFile,
    log_group: str,
    log_stream: str,
    *,
    clock: Clock,
    zone: tzinfo = UTC,
    restart: bool = False,
    progress: Progress | None = None,
) -> int:
    """Store what ``file`` holds beyond its cursor; returns the bytes read (uncompressed).

    The cursor moves with each batch, so a run that is stopped goes on where it was.
    """
    name = "file:" + stable_id(str(file.path.resolve()))
    saved = ingest.store.cursor(name, log_group)
    place = loads(saved.token) if saved and not restart else None
    source = Source(log_group, log_stream, zone, fixed_ms=file.modified_ms)
    if saved and place and file.resumes(place):
        source.last_ms = saved.watermark_ms or None
    else:
        place = Place(0, "", 0)
    parser = parse_aws_tail if file.aws_tail else parse
    records = file.records(file.start(place))
    offset = place.offset
    while block := _block(records):
        offset, now = block[-1].end, clock()
        events = [parser(source, record, now) for record in block]
        token = file.place(offset, None if block[-1].whole else block[-1].start).dumps()
        ingest.store_events(events, Cursor(name, log_group, source.last_ms or 0, token))
        ingest.note_repairs(block)
        if progress:
            progress(ingest.tally, offset - place.offset)
    return offset - place.offset


def follow_file(
    ingest: Ingest,
    path: Path,
    log_group: str,
    log_stream: str,
    *,
    clock: Clock,
    wait: Callable[[], bool],
    zone: tzinfo = UTC,
    progress: Progress | None = None,
) -> int:
    """Store ``path`` and what is appended to it, until ``wait`` (which pauses) says False; returns the bytes read.

    A line is taken when it is ended, and the last one when nothing followed it for a pause: it may go on. A file that
    was rotated is read to its end before the next one, a truncated one anew from its start.
    """
    done = 0

    def watch(tally: Tally, read: int) -> None:
        if progress:
            progress(tally, done + read)

    with Following(path) as following:

        def read(*, last: bool = False) -> None:
            nonlocal done
            for file in following.look(last=last):
                done += read_file(ingest, file, log_group, log_stream, clock=clock, zone=zone, progress=watch)

        read()
        while wait():
            read()
        read(last=True)
    return done


def read_pipe(
    ingest: Ingest,
    stream: BinaryIO,
    log_group: str,
    log_stream: str,
    *,
    clock: Clock,
    zone: tzinfo = UTC,
    quiet: Callable[[BinaryIO], bool] = is_quiet,
    progress: Progress | None = None,
) -> int:
    """Store the lines of a pipe as they come; returns the bytes read. A pipe has no cursor: a line that carries its
    own time is stored once however often it comes, as long as it is not repeated within that time."""
    source = Source(log_group, log_stream, zone, by_place=False)
    parser, joiner = parse, Joiner()
    end = 0

    def store(records: Iterator[Record]) -> None:
        nonlocal end
        while block := _block(records):
            now = clock()
            ingest.store_events([parser(source, record, now) for record in block])
            ingest.note_repairs(block)
            end = block[-1].end
        if progress:
            progress(ingest.tally, end)

    for number, (lines, is_settled) in enumerate(read_chunks(stream, quiet)):
        if number == 0:
            head = [line.text for line in lines]
            if looks_binary(b"\n".join(head)[:8192]):
                raise UsageError("The input is binary, not a log.", "Give text or JSON Lines: zcat app.log.gz | …")
            if is_aws_tail(text.decode("utf-8", "replace") for text in head):
                parser, joiner = parse_aws_tail, Joiner(starts=AWS_TAIL_STARTS)
        store(joiner.records(lines))
        if is_settled:
            store(joiner.flush())
    store(joiner.flush())
    return end


def _block(records: Iterator[Record]) -> list[Record]:
    """Records for one transaction."""
    block: list[Record] = []
    size = 0
    for record in records:
        block.append(record)
        size += record.size
        if len(block) >= BATCH_EVENTS or size >= BATCH_BYTES:
            break
    return block
