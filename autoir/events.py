"""One log line as CloudWatch gives it, and the identity under which it is stored.

Identity is what makes every write idempotent: the same event has the same id in every Lambda, task, laptop and
replay, so delivering it twice stores it once. It is derived from CloudWatch's own event id and the place of the
event, never from the clock, an order of arrival or a random number.
"""

import base64
from hashlib import blake2b
from typing import NamedTuple

ID_LENGTH = 24
"""Characters of an event id: 15 bytes in base32hex, short enough to cite and without a hot leading key."""

_LOWER_BASE32HEX = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUV", b"abcdefghijklmnopqrstuv")


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


def _digest(parts: tuple[str, ...], size: int) -> bytes:
    """BLAKE2b over length-prefixed parts, so that no two lists of parts share their bytes."""
    hasher = blake2b(digest_size=size)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        hasher.update(b"%d:" % len(raw))
        hasher.update(raw)
    return hasher.digest()


def stable_id(*parts: str) -> str:
    """24 characters of lower-case base32hex over ``parts``: the form of every id AutoIR makes."""
    return base64.b32hexencode(_digest(parts, 15)).translate(_LOWER_BASE32HEX).decode("ascii")


def stable_number(*parts: str) -> int:
    """A 63-bit number over ``parts``: the form of pattern, family and stream ids."""
    return int.from_bytes(_digest(parts, 8), "big") >> 1


def identity(event: LogEvent) -> str:
    """The id under which ``event`` is stored, cited and shown."""
    return stable_id(event.account, event.region, event.log_group, event.log_stream, event.event_id)
