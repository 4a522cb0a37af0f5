"""One log line as CloudWatch gives it, and the identity under which it is stored.

Identity is what makes every write idempotent: the same event has the same id in every Lambda, task, laptop and
replay, so delivering it twice stores it once. It is derived from CloudWatch's own event id and the place of the
event, never from the clock, an order of arrival or a random number.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

ID_LENGTH = 24
"""Characters of an event id: 15 bytes in base32hex, short enough to cite and without a hot leading key."""

_DIGITS = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [high + low for high in _DIGITS for low in _DIGITS]
_SHIFTS = range(110, -1, -10)
_PLACES = 4_096
"""Streams whose part of a digest is kept: a batch is of few."""


class LogEvent(NamedTuple):
    """One log line.

    ``ts_ms`` is the event's own time and ``ingest_ms`` the time CloudWatch took it in, both epoch milliseconds.
    ``event_id`` is CloudWatch's (``id`` of a subscription, ``eventId`` of FilterLogEvents) or, for a file, one made
    from the line's place in it. ``account`` and ``region`` are empty outside AWS.
    """

    log_group: str
    log_stream: str
    ts_ms: int
    message: str
    event_id: str
    ingest_ms: int
    account: str = ""
    region: str = ""


def _hashed(parts: tuple[str, ...], size: int) -> blake2b:
    """BLAKE2b over length-prefixed parts, so that no two lists of parts share their bytes."""
    raws = [part.encode("utf-8", "surrogatepass") for part in parts]
    return blake2b(b"".join([b"%d:%b" % (len(raw), raw) for raw in raws]), digest_size=size)


def _base32hex(digest: bytes) -> str:
    """15 bytes as text. ``base64.b32hexencode`` costs twice as much, and every event pays."""
    number = int.from_bytes(digest, "big")
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def stable_id(*parts: str) -> str:
    """24 characters of lower-case base32hex over ``parts``: the form of every id AutoIR makes."""
    return _base32hex(_hashed(parts, 15).digest())


def stable_number(*parts: str) -> int:
    """A 63-bit number over ``parts``: the form of pattern, family and stream ids."""
    return int.from_bytes(_hashed(parts, 8).digest(), "big") >> 1


def identity(event: LogEvent) -> str:
    """The id under which ``event`` is stored, cited and shown."""
    hasher = _place(event.account, event.region, event.log_group, event.log_stream).copy()
    raw = event.event_id.encode("utf-8", "surrogatepass")
    hasher.update(b"%d:%b" % (len(raw), raw))
    return _base32hex(hasher.digest())


@lru_cache(_PLACES)
def _place(*parts: str) -> blake2b:
    return _hashed(parts, 15)
