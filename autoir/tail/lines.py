"""Bytes to lines to records, bounded whatever comes in.

A record is what one log call wrote: a line and its continuations (a traceback, an indented block), since a file, as
opposed to CloudWatch, does not say where an event ends. Each record knows the byte offset behind it, so that a
cursor can only ever point between two records.
"""

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

MAX_LINE = 1_048_576
"""Bytes of the longest event that CloudWatch takes."""

_CHUNK = 262_144
_MAX_LINES = 1_000
_TRACEBACK = "Traceback (most recent call last):"
_CONTINUES = re.compile(r"[ \t]|Caused by: |\.\.\. \d+ more|Traceback \(most recent call last\):|$")


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


def read_chunks(stream: BinaryIO) -> Iterator[list[Line]]:
    """Lines of a pipe as they arrive: those that each read completed, and at the end what is left."""
    feed = _Feed(stream)
    lines = read_lines(feed)  # type: ignore[arg-type]
    ready: list[Line] = []
    for line in lines:
        ready.append(line)
        if feed.drained(line.end) or len(ready) >= _MAX_LINES:
            yield ready
            ready = []
    if ready:
        yield ready


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
    raw = b"\n".join(line.text for line in lines)
    try:
        text, invalid = raw.decode("utf-8"), False
    except UnicodeDecodeError:
        text, invalid = raw.decode("utf-8", "replace"), True
    last = lines[-1]
    return Record(text, lines[0].start, last.end, sum(line.size for line in lines), invalid, last.whole)


class Joiner:
    """Lines to records. ``joining`` off makes each line one record (JSON Lines say so themselves)."""

    def __init__(self, *, joining: bool = True) -> None:
        self._joining = joining
        self._held: list[Line] = []
        self._held_bytes = 0
        self._in_traceback = False

    def records(self, lines: Iterable[Line]) -> Iterator[Record]:
        """Records that are complete; the last one stays held until ``flush``."""
        for line in lines:
            if not self._continues(line):
                yield from self.flush()
            self._held.append(line)
            self._held_bytes += line.size

    def _continues(self, line: Line) -> bool:
        if not self._held or not self._joining:
            return False
        if self._held_bytes + line.size > MAX_LINE or len(self._held) >= _MAX_LINES:
            return False
        text = line.text[:64].decode("ascii", "replace")
        if text.startswith(_TRACEBACK):
            self._in_traceback = True
            return True
        if _CONTINUES.match(text):
            return True
        last_of_traceback, self._in_traceback = self._in_traceback, False
        return last_of_traceback

    def flush(self) -> Iterator[Record]:
        """The record that is held, if any: nothing more will come for it."""
        held, self._held, self._held_bytes = self._held, [], 0
        self._in_traceback = False
        if held and any(line.text.strip() for line in held):
            yield _record(held)
