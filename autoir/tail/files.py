"""A log file, plain or gzip, read from where the last run stopped.

The cursor says how far (an offset into the uncompressed bytes) and of which file (a hash of its first bytes), so that
a grown file goes on, a rotated or rewritten one starts anew, and a killed run leaves no gap.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from autoir.errors import UsageError
from autoir.tail import formats
from autoir.tail.lines import Joiner, Line, Record, looks_binary, read_lines

_HEAD = 1024
_SNIFF_BYTES = 65_536
_GZIP = b"\x1f\x8b"


class Place(NamedTuple):
    """How far a file was read: ``offset`` bytes of the file whose first ``head_size`` bytes hash to ``head``."""

    offset: int
    head: str
    head_size: int
    fixed_ms: int | None = None

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
    """One file on disk, which may be ``growing``. Raises UsageError when it cannot be read as a log."""

    def __init__(self, path: Path, *, growing: bool = False) -> None:
        self.path = path
        self.growing = growing
        self.cut = Cut()
        try:
            with path.open("rb") as raw:
                self.gzipped = raw.read(2) == _GZIP
            with self._open() as stream:
                head = _read_some(stream, _SNIFF_BYTES, self.cut)
        except FileNotFoundError:
            raise UsageError(
                f"{path}: no such file.{_suggestion(path)}", "Example: autoir logs ingest app.log"
            ) from None
        except IsADirectoryError:
            raise UsageError(f"{path} is a folder.", f"Name its files: autoir logs ingest {path}/*.log") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}.", "Check its rights.") from None
        if looks_binary(head[:8192]):
            raise UsageError(f"{path} is a binary file, not a log.", "Give text, gzip of text, or JSON Lines.")
        lines = head.decode("utf-8", "replace").split("\n")
        if len(head) == _SNIFF_BYTES:
            lines = lines[:-1]
        self.aws_tail = formats.is_aws_tail(lines)
        self.json_lines = formats.is_json_lines(lines)
        self._head = head[:_HEAD]

    def _open(self) -> BinaryIO:
        return gzip.open(self.path, "rb") if self.gzipped else self.path.open("rb")  # type: ignore[return-value]

    @property
    def modified_ms(self) -> int:
        """When the file was last written."""
        return int(self.path.stat().st_mtime * 1000)

    def place(self, offset: int, fixed_ms: int | None) -> Place:
        """The place ``offset`` bytes into this file."""
        head = self._head[:offset]
        return Place(offset, blake2b(head, digest_size=9).hexdigest(), len(head), fixed_ms)

    def resumes(self, place: Place) -> bool:
        """Whether ``place`` lies in this file as it is now."""
        head = self._head[: place.head_size]
        if len(head) < place.head_size or blake2b(head, digest_size=9).hexdigest() != place.head:
            return False
        return self.gzipped or self.path.stat().st_size >= place.offset

    def records(self, offset: int) -> Iterator[Record]:
        """Records from ``offset`` to the present end of the file; of a growing one, without an unended last line."""
        with self._open() as stream:
            stream.seek(offset)
            joiner = Joiner(joining=not self.json_lines)
            yield from joiner.records(self._lines(stream, offset))
            yield from joiner.flush()

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
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        cut.reason = "the gzip data ends in the middle" if isinstance(error, EOFError) else f"damaged gzip: {error}"
    return b"".join(chunks)


def _suggestion(path: Path) -> str:
    import difflib

    try:
        names = os.listdir(path.parent)
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, 1)
    return f" Did you mean {path.with_name(close[0])}?" if close else ""
