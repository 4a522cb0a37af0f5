"""Bytes to lines to records, bounded whatever comes in.

A record is what one log call wrote: a line and its continuations (a traceback, an indented block), since a file, as
opposed to CloudWatch, does not say where an event ends. Each record knows the byte offset behind it, so that a
cursor can only ever point between two records.
"""

import re
import select
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, NamedTuple

MAX_LINE = 1_048_576
"""Bytes of the longest event that CloudWatch takes."""

_CHUNK = 262_144
_MAX_LINES = 1_000
_TRACEBACK = b"Traceback (most recent call last):"
_CONTINUES = re.compile(
    r"[ \t]|Caused by: |\.\.\. \d+ more|$"
    r"|Traceback \(most recent call last\):|During handling of the above exception|The above exception was the direct"
    r"|(?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error)\b"
)
_LOOK = 160
_KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_KEY_ENDS = b"-----END "
_KEY_GOES_ON = re.compile(rb"[ \t]{0,40}(?:[A-Za-z0-9+/=]{0,80}\s*$|(?:Proc-Type|DEK-Info): |-----END )")
_PAUSE_S = 0.5


class Line(NamedTuple):
    """One line without its end. ``start`` and ``end`` are byte offsets; ``size`` its bytes, of which a line that is
    too long keeps only the first. ``whole`` is False when the input ended before the line did."""

    text: bytes
    start: int
    end: int
    size: int
    whole: bool


class Record(NamedTuple):
    """The text of one log call, where it stands, and its size in bytes."""

    text: str
    start: int
    end: int
    size: int
    invalid: bool
    whole: bool


def read_lines(stream: BinaryIO, offset: int = 0) -> Iterator[Line]:
    """Lines of ``stream``, whose first byte is at ``offset``; never holds more than a line and a chunk."""
    start, size, parts = offset, 0, bytearray()
    read = getattr(stream, "read1", None) or stream.read
    while chunk := read(_CHUNK):
        position = 0
        while (end := chunk.find(b"\n", position)) >= 0:
            size += end - position
            if len(parts) <= MAX_LINE:
                parts += chunk[position : min(end, position + MAX_LINE + 1)]
            yield Line(bytes(parts).rstrip(b"\r"), start, start + size + 1, size, True)
            start, size, position = start + size + 1, 0, end + 1
            parts.clear()
        size += len(chunk) - position
        if len(parts) <= MAX_LINE:
            parts += chunk[position : position + MAX_LINE + 1]
    if size:
        yield Line(bytes(parts), start, start + size, size, False)


def is_quiet(stream: BinaryIO) -> bool:
    """Whether nothing comes from ``stream`` for half a second; False where that cannot be asked."""
    try:
        return not select.select([stream.fileno()], [], [], _PAUSE_S)[0]
    except (OSError, ValueError):
        return False


def read_chunks(stream: BinaryIO, quiet: Callable[[BinaryIO], bool] = is_quiet) -> Iterator[tuple[list[Line], bool]]:
    """Lines of a pipe as they arrive: those that each read completed, and whether it is ``quiet`` behind them, so that
    what was one call to the log has come whole. At the end what is left."""
    feed = _Feed(stream)
    ready: list[Line] = []
    for line in read_lines(feed):  # type: ignore[arg-type]
        ready.append(line)
        drained = feed.drained(line.end)
        if drained or len(ready) >= _MAX_LINES:
            yield ready, drained and line.whole and quiet(stream)
            ready = []


class _Feed:
    """A stream that knows how far it was read, so that lines are handed on before the next read can block."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", None) or stream.read
        self._position = 0
        self._last_line_end = 0

    def read1(self, size: int) -> bytes:
        chunk: bytes = self._read(size)
        end = chunk.rfind(b"\n")
        if end >= 0:
            self._last_line_end = self._position + end + 1
        self._position += len(chunk)
        return chunk

    def drained(self, end: int) -> bool:
        """Whether no further line is complete in what was read so far."""
        return end >= self._last_line_end


def looks_binary(head: bytes) -> bool:
    """Whether ``head`` is no text: over a tenth of it control bytes, or over a third not UTF-8."""
    if not head:
        return False
    control = sum(1 for byte in head if byte < 9 or 13 < byte < 27 or 27 < byte < 32)
    broken = head.decode("utf-8", "replace").count("�") - head.count(b"\xef\xbf\xbd")
    return control * 10 > len(head) or broken * 3 > len(head)


def _record(lines: list[Line]) -> Record:
    texts = [line.text for line in lines]
    while len(texts) > 1 and not texts[-1].strip():
        texts.pop()
    raw = b"\n".join(texts)
    try:
        text, invalid = raw.decode("utf-8"), False
    except UnicodeDecodeError:
        text, invalid = raw.decode("utf-8", "replace"), True
    last = lines[-1]
    return Record(text, lines[0].start, last.end, sum(line.size for line in lines), invalid, last.whole)


class Joiner:
    """Lines to records. ``joining`` off makes each line one record (JSON Lines say so themselves); ``starts`` is what
    every record begins with, where the format says so."""

    def __init__(self, *, joining: bool = True, starts: re.Pattern[bytes] | None = None) -> None:
        self._joining = joining
        self._starts = starts
        self._held: list[Line] = []
        self._held_bytes = 0
        self._in_traceback = False
        self._in_key = False

    def records(self, lines: Iterable[Line]) -> Iterator[Record]:
        """Records that are complete; the last one stays held until ``flush``."""
        for line in lines:
            if not self._continues(line):
                yield from self.flush()
            self._held.append(line)
            self._held_bytes += line.size
            if line.text.startswith(_TRACEBACK):
                self._in_traceback = True
            if not self._in_key and b"PRIVATE KEY-----" in line.text:
                self._in_key = bool(_KEY_BEGINS.search(line.text, line.text.rfind(_KEY_ENDS) + 1))

    def _continues(self, line: Line) -> bool:
        if not self._held or not self._joining:
            return False
        if self._held_bytes + line.size > MAX_LINE or len(self._held) >= _MAX_LINES:
            return False
        if self._in_key:
            # A private key in one piece, or redaction would not know its lines.
            self._in_key = _KEY_ENDS not in line.text
            if _KEY_GOES_ON.match(line.text):
                return True
            self._in_key = False
        if self._starts:
            return not self._starts.match(line.text)
        if _CONTINUES.match(line.text[:_LOOK].decode("ascii", "replace")):
            return True
        last_of_traceback, self._in_traceback = self._in_traceback, False
        return last_of_traceback

    def flush(self) -> Iterator[Record]:
        """The record that is held, if any: nothing more will come for it."""
        held, self._held, self._held_bytes = self._held, [], 0
        self._in_traceback = self._in_key = False
        if held and any(line.text.strip() for line in held):
            yield _record(held)
