"""A log file, plain or gzip, read from where the last run stopped.

The cursor says how far (an offset into the uncompressed bytes) and of which file (a hash of its first bytes), so that
a grown file goes on, a rotated or rewritten one starts anew, and a killed run leaves no gap.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from shlex import quote
from typing import BinaryIO, NamedTuple, Self

import orjson

from autoir.errors import UsageError
from autoir.tail import formats
from autoir.tail.lines import Joiner, Line, Record, looks_binary, read_lines

_HEAD = 1024
_SNIFF_BYTES = 65_536
_GZIP = b"\x1f\x8b"
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)


class Place(NamedTuple):
    """How far a file was read: ``offset`` bytes of the file whose first ``head_size`` bytes hash to ``head``.

    ``begun`` is where the last line starts if it was not ended: once the file has grown, that line is read again.
    """

    offset: int
    head: str
    head_size: int
    begun: int | None = None

    def dumps(self) -> str:
        """As a cursor keeps it."""
        return orjson.dumps(self._asdict()).decode()


def loads(token: str) -> Place:
    """A place out of a cursor's token."""
    return Place(**orjson.loads(token))


@dataclass(slots=True)
class Cut:
    """Set when a gzip file ended before its end."""

    reason: str = ""


class LogFile:
    """One file on disk. Raises UsageError when it cannot be read as a log.

    Of a ``growing`` one the last line counts when it is ended, and the last record, which may go on, when the file is
    ``settled``. ``descriptor`` is the file itself where another may stand under its name by now.
    """

    def __init__(
        self, path: Path, *, growing: bool = False, settled: bool = True, descriptor: int | None = None
    ) -> None:
        self.path = path
        self.growing = growing
        self.settled = settled
        self.cut = Cut()
        self._descriptor = descriptor
        try:
            with self._raw() as raw:
                self.gzipped = raw.read(2) == _GZIP
            with self._open() as stream:
                head = _read_some(stream, _SNIFF_BYTES, self.cut)
        except FileNotFoundError:
            raise UsageError(f"{path}: no such file.{_suggestion(path)}", "Name a file that is there.") from None
        except IsADirectoryError:
            raise UsageError(f"{path} is a folder.", f"Name its files: {quote(str(path))}/*.log") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}.", "Check its rights.") from None
        if looks_binary(head[:8192]):
            raise UsageError(f"{path} is a binary file, not a log.", "Give text, gzip of text, or JSON Lines.")
        lines = head.decode("utf-8", "replace").split("\n")
        if growing or len(head) == _SNIFF_BYTES:
            lines = lines[:-1]
        self.aws_tail = formats.is_aws_tail(lines)
        self.json_lines = formats.is_json_lines(lines)
        self._head = head[:_HEAD]

    def _raw(self) -> BinaryIO:
        if self._descriptor is None:
            return self.path.open("rb")
        stream = os.fdopen(os.dup(self._descriptor), "rb")
        stream.seek(0)
        return stream

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with self._raw() as raw:
            yield gzip.GzipFile(fileobj=raw) if self.gzipped else raw  # type: ignore[misc]

    def _stat(self) -> os.stat_result:
        return os.stat(self.path if self._descriptor is None else self._descriptor)

    @property
    def modified_ms(self) -> int:
        """When the file was last written."""
        return int(self._stat().st_mtime * 1000)

    def place(self, offset: int, begun: int | None = None) -> Place:
        """The place ``offset`` bytes into this file."""
        head = self._head[:offset]
        return Place(offset, blake2b(head, digest_size=9).hexdigest(), len(head), begun)

    def start(self, place: Place) -> int:
        """Where to go on from ``place``, which lies in this file."""
        grown = place.begun is not None and not self.gzipped and self._stat().st_size > place.offset
        return place.begun if grown and place.begun is not None else place.offset

    def resumes(self, place: Place) -> bool:
        """Whether ``place`` lies in this file as it is now."""
        head = self._head[: place.head_size]
        if len(head) < place.head_size or blake2b(head, digest_size=9).hexdigest() != place.head:
            return False
        return self.gzipped or self._stat().st_size >= place.offset

    def records(self, offset: int) -> Iterator[Record]:
        """Records from ``offset`` to the present end of the file; of a growing one, those that are complete."""
        with self._open() as stream:
            if not self._skip(stream, offset):
                return
            joiner = Joiner(joining=not self.json_lines, starts=formats.AWS_TAIL_STARTS if self.aws_tail else None)
            yield from joiner.records(self._lines(stream, offset))
            if self.settled or not self.growing:
                yield from joiner.flush()

    def _skip(self, stream: BinaryIO, offset: int) -> bool:
        try:
            stream.seek(offset)
        except _DAMAGED as error:
            self.cut.reason = _told(error)
            return False
        return True

    def _lines(self, stream: BinaryIO, offset: int) -> Iterator[Line]:
        reader = _Tolerant(stream, self.cut)
        for line in read_lines(reader, offset):  # type: ignore[arg-type]
            if not line.whole and (self.cut.reason or self.growing):
                return
            yield line


class _Tolerant:
    """A stream that ends where a damaged gzip file does, and remembers it."""

    def __init__(self, stream: BinaryIO, cut: Cut) -> None:
        self._stream = stream
        self._cut = cut

    def read(self, size: int) -> bytes:
        return _read_some(self._stream, size, self._cut)


def _read_some(stream: BinaryIO, size: int, cut: Cut) -> bytes:
    """Up to ``size`` bytes; what a damaged gzip file still gives, then nothing."""
    read = getattr(stream, "read1", None) or stream.read
    chunks: list[bytes] = []
    left = size
    try:
        while left > 0:
            chunk = read(left)
            if not chunk:
                break
            chunks.append(chunk)
            left -= len(chunk)
    except _DAMAGED as error:
        cut.reason = cut.reason or _told(error)
    return b"".join(chunks)


def _told(error: Exception) -> str:
    return "the gzip data ends in the middle" if isinstance(error, EOFError) else f"damaged gzip: {error}"


class Following:
    """A file that others write to, across its rotation.

    The file itself is held open, not its name, so that what was written before a rotation is read to its end: the one
    that follows is taken up when the old one has stood still for a look.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: BinaryIO | None = None
        self._size = -1
        self._settled = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()

    def look(self, *, last: bool = False) -> Iterator[LogFile]:
        """What is to be read now; with ``last``, everything, since no look will follow."""
        held = self._held or self._take()
        if held is None:
            return
        size = os.fstat(held.fileno()).st_size
        if size != self._size or not self._settled:
            self._settled = last or size == self._size
            self._size = size
            yield LogFile(self.path, growing=True, settled=self._settled, descriptor=held.fileno())
        if self._settled and self._is_rotated(held):
            yield LogFile(self.path, descriptor=held.fileno())
            self._let_go()
            yield from self.look(last=last)

    def _take(self) -> BinaryIO | None:
        try:
            self._held = self.path.open("rb")
        except FileNotFoundError:
            return None
        return self._held

    def _is_rotated(self, held: BinaryIO) -> bool:
        try:
            named = self.path.stat()
        except FileNotFoundError:
            return False
        own = os.fstat(held.fileno())
        return (named.st_dev, named.st_ino) != (own.st_dev, own.st_ino)

    def _let_go(self) -> None:
        if self._held:
            self._held.close()
        self._held, self._size, self._settled = None, -1, True


def _suggestion(path: Path) -> str:
    import difflib

    try:
        names = os.listdir(path.parent)
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, 1)
    return f" Did you mean {path.with_name(close[0])}?" if close else ""
