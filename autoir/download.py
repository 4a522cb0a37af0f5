"""A large file over HTTP, whole and verified, from a server that stalls, cuts off and limits.

What has arrived is kept beside the target as ``<name>.part`` and never asked for twice: a try goes on where the last
one stopped, in this run or in the next. A file takes its name only when its hash is the expected one. Tries are counted
from the last byte that came, so a slow server is no failure and a silent one is.
"""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import httpx

from autoir import __version__
from autoir.errors import AutoirError, UnreachableError, UsageError

TRIES: Final = 8
"""Tries in a row that bring nothing."""
STALLED_S: Final = 30.0
"""How long a server may stay silent."""
LONGEST_PAUSE_S: Final = 300.0
"""Most that is waited before a try, whatever the server asks for."""

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[int, int], None]
"""Told how many bytes are there, and of how many (0: not known)."""


class WrongContentError(AutoirError):
    """What arrived is not the file that was asked for."""


class _Interrupted(Exception):
    """A try ended early. ``pause_s``: how long the server asked to be left alone."""

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


@dataclass(frozen=True, slots=True)
class Downloads:
    """Fetches files. ``pause`` waits for seconds, ``now`` is epoch seconds."""

    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time
    stalled_s: float = STALLED_S

    def fetch(self, url: str, target: Path, sha256: str = "", progress: Progress = lambda done, size: None) -> int:
        """Bring what ``url`` names to ``target``; the bytes that came over the wire.

        Without ``sha256`` the file is verified by what the server's ETag says: a SHA-256, or the id that Git gives the
        content, as Hugging Face does for a commit's files. Raises WrongContentError, UsageError where there is no such
        file, and UnreachableError.
        """
        part = target.with_name(f"{target.name}.part")
        tries, came = 0, 0
        with httpx.Client(
            follow_redirects=True, timeout=self.stalled_s, headers={"User-Agent": f"autoir/{__version__}"}
        ) as client:
            while True:
                before = _size(part)
                try:
                    etag = self._try(client, url, part, progress)
                    came += max(_size(part) - before, 0)
                    break
                except _Interrupted as stopped:
                    arrived = max(_size(part) - before, 0)
                    came += arrived
                    tries = 1 if arrived else tries + 1
                    if tries >= TRIES:
                        raise UnreachableError(
                            f"{url}: {stopped} ({tries} tries).",
                            f"{_size(part):,} bytes are kept: the same command goes on.",
                        ) from None
                    self.pause(min(max(stopped.pause_s, 2.0**tries / 2), LONGEST_PAUSE_S))
        _verify(url, part, sha256 or etag)
        os.replace(part, target)
        return came

    def _try(self, client: httpx.Client, url: str, part: Path, progress: Progress) -> str:
        """Append what is missing to ``part``; the ETag. Raises _Interrupted, UsageError and UnreachableError."""
        have = _size(part)
        # Without this the length would be that of what is sent, not of the file.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        try:
            with client.stream("GET", url, headers=headers) as answer:
                if answer.status_code == 416 and _whole(answer) == have:
                    return _etag(answer)
                if answer.status_code == 416:
                    part.unlink()
                    raise _Interrupted("the server has less than is here")
                self._require_good(url, answer)
                resumed = answer.status_code == 206
                if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                    part.unlink()
                    raise _Interrupted("the server sent another part than was asked for")
                size = _whole(answer) if resumed else int(answer.headers.get("Content-Length", "0"))
                with part.open("ab" if resumed else "wb") as stream:
                    for block in answer.iter_raw():  # as it comes: what waits to fill a block is lost by a cut
                        stream.write(block)
                        progress(stream.tell(), size)
                if size and _size(part) < size:
                    raise _Interrupted("the connection was cut")
                return _etag(answer)
        except httpx.TimeoutException:
            raise _Interrupted(f"silent for {self.stalled_s:g} s") from None
        except httpx.UnsupportedProtocol:
            raise UsageError(f"{url!r} is no address.", "Example: https://huggingface.co") from None
        except httpx.TransportError as error:
            raise _Interrupted(f"the connection was cut ({type(error).__name__})") from None

    def _require_good(self, url: str, answer: httpx.Response) -> None:
        status = answer.status_code
        if status in _AGAIN:
            raise _Interrupted(f"the server answers {status}", self._asked_pause_s(answer))
        if status in (401, 403, 404, 410):
            raise UsageError(f"{url}: the server answers {status}.", "Is that the right address, and is it public?")
        if status not in (200, 206):
            raise UnreachableError(f"{url}: the server answers {status}.", "Try again later.")

    def _asked_pause_s(self, answer: httpx.Response) -> float:
        """Seconds that Retry-After asks for: a number, or a date (RFC 9110, 10.2.3)."""
        text = answer.headers.get("Retry-After", "")
        if text.isascii() and text.isdigit():
            return float(text)
        try:
            return parsedate_to_datetime(text).timestamp() - datetime.fromtimestamp(self.now(), UTC).timestamp()
        except ValueError:
            return 0.0


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _whole(answer: httpx.Response) -> int:
    """The size of the whole file, by Content-Range; -1 where it is not said."""
    _, _, size = answer.headers.get("Content-Range", "").rpartition("/")
    return int(size) if size.isdigit() else -1


def _etag(answer: httpx.Response) -> str:
    """The file's own ETag: Hugging Face names it before it sends one on to a store that has another."""
    for seen in (*answer.history, answer):
        for name in ("X-Linked-Etag", "ETag"):
            if etag := seen.headers.get(name):
                return str(etag).removeprefix("W/").strip('"')
    return ""


def _verify(url: str, path: Path, expected: str) -> None:
    """Remove ``path`` and raise WrongContentError unless its SHA-256, or its id in Git, is ``expected``."""
    with path.open("rb") as stream:
        if len(expected) == 64:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        elif len(expected) == 40:
            blob = hashlib.sha1(b"blob %d\0" % _size(path), usedforsecurity=False)
            digest = hashlib.file_digest(stream, lambda: blob).hexdigest()
        else:
            digest = ""
    if digest and digest == expected:
        return
    path.unlink()
    if not digest:
        raise WrongContentError(f"{url}: nothing says what it has to be.", "Fetch it from https://huggingface.co.")
    raise WrongContentError(f"{url}: what came is {digest}, not {expected}.", "It was not kept; try again.")
