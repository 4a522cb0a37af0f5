"""One run of ``logs ingest``: the inputs read, the embedding of what is new, and the account of every line."""

import time
from collections.abc import Callable, Iterator
from datetime import tzinfo
from pathlib import Path
from typing import BinaryIO

from autoir.cli.embedding import engine_for, open_engine
from autoir.cli.output import Block, Heading, Lines, Progress, Table, note, size
from autoir.cli.stores import Opened
from autoir.embed import Embedder, ModelMismatchError, fill_pending
from autoir.embed.engines import Choice
from autoir.errors import UsageError
from autoir.ingest import Ingest, follow_file, read_file, read_pipe
from autoir.metrics import Tally
from autoir.settings import Settings
from autoir.tail.files import LogFile

_EMBED_EVERY_S = 5.0
_WORTH_A_RATE_S = 1.0
_ADVICE = {
    "expired": "older than the {days} days that events are kept: --keep-old keeps them, autoir backtest replays them",
    "in the future": "their time is ahead of the clock: is it the zone? --timezone names another",
    "no timestamp": "a CloudWatch event without its time: autoir stats shows the newest",
    "too long": "over 1 MiB, the longest that CloudWatch takes",
}


def _engine(opened: Opened) -> Choice | None:
    """The store's engine; None, with a remark, where this machine has none of its model: lines are stored all the same.

    A model's folder that is broken is found out here, before a line is read.
    """
    try:
        return engine_for(opened.store)
    except ModelMismatchError as error:
        note(f"New patterns wait for their vectors: {error} {error.hint}")
        return None


class Run:
    """The inputs of one call, read one after the other into one store."""

    def __init__(
        self, opened: Opened, settings: Settings, zone: tzinfo, *, group: str, stream: str, restart: bool
    ) -> None:
        self._opened = opened
        self._settings = settings
        self._zone = zone
        self._group = group
        self._stream = stream
        self._restart = restart
        self._ingest = Ingest(opened.store, settings, opened.clock)
        self._progress = Progress()
        self._cpu_s = time.process_time()
        self._bytes = 0
        self._had_lines = False
        self._engine = _engine(opened)
        self._embedder: Embedder | None = None
        self._embedded_new = 0
        self._embedded_at = time.monotonic()

    @property
    def tally(self) -> Tally:
        """What became of the lines so far."""
        return self._ingest.tally

    def read(self, file: LogFile) -> None:
        """Store a file. Raises UsageError where it cannot be read, or only in part: the part is stored."""
        path = file.path
        size_on_disk = path.stat().st_size
        read_file(
            self._ingest, file, self._group_of(path), self._stream or path.name, clock=self._opened.clock,
            zone=self._zone, restart=self._restart,
            progress=self._watch(path.name, 0 if file.gzipped else size_on_disk),
        )  # fmt: skip
        if file.cut.reason:
            raise UsageError(
                f"{path}: {file.cut.reason}.", "The lines before that are stored. Fetch the file again for the rest."
            )
        self._had_lines |= size_on_disk > 0

    def follow(self, file: LogFile, wait: Callable[[], bool]) -> None:
        """Store a file and what is appended to it, until ``wait`` says False."""
        path = file.path
        watch = self._watch(path.name, 0)

        def progress(tally: Tally, read: int) -> None:
            watch(tally, read)
            self._embed()

        self._had_lines = path.stat().st_size > 0
        follow_file(
            self._ingest, path, self._group_of(path), self._stream or path.name, clock=self._opened.clock, wait=wait,
            zone=self._zone, progress=progress,
        )  # fmt: skip

    def read_pipe(self, pipe: BinaryIO) -> None:
        """Store the lines of a pipe until it ends."""
        watch = self._watch("standard input", 0)

        def progress(tally: Tally, read: int) -> None:
            watch(tally, read)
            if time.monotonic() - self._embedded_at > _EMBED_EVERY_S:
                self._embed()

        read_pipe(
            self._ingest, pipe, self._group or "/local/stdin", self._stream or "stdin", clock=self._opened.clock,
            zone=self._zone, progress=progress,
        )  # fmt: skip

    def finish(self) -> None:
        """Give what is new its vectors; without them, search goes by words alone."""
        self._embed()

    def stop(self) -> None:
        """Count what was in hand as not read: the next run reads it again."""
        self.tally.received -= self.tally.unaccounted

    def close(self) -> None:
        """Leave the terminal as it was, however the run ended."""
        self._progress.done()

    def _group_of(self, path: Path) -> str:
        return self._group or f"/local/{path.name.split('.')[0] or path.name}"

    def _watch(self, name: str, whole: int) -> Callable[[Tally, int], None]:
        started, before, bytes_before = time.monotonic(), self.tally.received, self._bytes

        def watch(tally: Tally, read: int) -> None:
            self._bytes = bytes_before + read
            lines = tally.received - before
            rate = lines / max(time.monotonic() - started, 0.001)
            left = f", {(whole - read) / (read / (time.monotonic() - started)):,.0f} s left" if whole and read else ""
            text = f"reading {name}: {lines:,} lines, {size(read)}, {rate:,.0f} lines/s{left}"
            self._progress.update(text, read / whole if whole else None)

        return watch

    def _embed(self) -> None:
        self._embedded_at = time.monotonic()
        if self._engine is None or self.tally.patterns_new == self._embedded_new:
            return
        self._embedded_new = self.tally.patterns_new
        self._progress.update("learning the new patterns")
        self._embedder = self._embedder or open_engine(self._engine)
        fill_pending(self._opened.store, self._embedder, self._opened.clock())

    def document(self) -> dict[str, object]:
        """The run for a program."""
        return {
            **self.tally.document(),
            "cpu_s": round(time.process_time() - self._cpu_s, 3),
        }

    def summary(self, flag: str) -> Iterator[Block]:
        """The run for people."""
        self._progress.done()
        tally, seconds = self.tally, max(self._progress.elapsed_s, 0.001)
        rate = size(self._bytes)
        if seconds > _WORTH_A_RATE_S:
            rate += f" in {seconds:,.1f} s, {tally.received / seconds:,.0f} lines/s"
        rows = [("read", f"{tally.received:,}", rate), ("stored", f"{tally.stored:,}", "")]
        if tally.duplicate:
            rows.append(("duplicate", f"{tally.duplicate:,}", "stored already"))
        for name, reasons in (("filtered", tally.filtered), ("quarantined", tally.quarantined)):
            for reason, count in reasons.most_common():
                advice = _ADVICE.get(reason, "").format(days=self._settings.retention_days_events)
                rows.append((name, f"{count:,}", f"{reason}: {advice}" if advice else reason))
        for reason, count in tally.repaired.most_common():
            rows.append(("repaired", f"{count:,}", f"{reason} replaced by a mark"))
        engine = f"vectors of {self._embedder.spec.id}" if self._embedder else ""
        rows.append(("new patterns", f"{tally.patterns_new:,}", engine))
        yield Table(("LINES", "COUNT", ""), rows, frozenset({1}))
        if not tally.received:
            read_before = "Nothing new: an earlier run has read all of it. --restart reads it again from the start."
            yield Lines((read_before if self._had_lines else "There was no line to read.",))
        yield Lines(("",))
        yield Heading("Next:")
        yield Lines((f'  autoir{flag} logs query "connection refused"', f"  autoir{flag} sweep"))
