"""What a subscription filter of CloudWatch Logs delivers to a function, as events.

``{"awslogs": {"data": base64(gzip(json))}}``, with one log stream's events in the JSON
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html). Nothing about it is trusted: what
comes out of the compression is bounded before it is unpacked and while it is, what stands behind its end is refused,
and one event that cannot be read takes no other with it. Nothing is said of an event's text, in no message and no log.
"""

import binascii
import json
import zlib
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NamedTuple

import orjson

from autoir.errors import AutoirError
from autoir.events import LogEvent
from autoir.tail.formats import Refused

MAX_DECODED: Final = 64 * 2**20
"""Bytes that a payload may unpack to. Lambda takes 1 MB of request, and logs shrink to a tenth or a thirtieth."""
MAX_DATA: Final = 8_000_000
"""Characters of base64: more than Lambda takes of any request (6 MB when somebody waits for the answer)."""

_FIRST, _CHUNK = 2**10, 2**20
_GZIP: Final = 31
_MAGIC: Final = b"\x1f\x8b"
_TRAILER: Final = 4


class PayloadError(AutoirError):
    """A payload that is refused whole. ``reason`` is one of few texts; ``size`` and ``sha256`` are of its base64 text,
    by which it is found again among the failed deliveries."""

    def __init__(self, reason: str, data: str) -> None:
        raw = data.encode("utf-8", "surrogatepass")
        self.reason, self.size, self.sha256 = reason, len(raw), sha256(raw).hexdigest()
        super().__init__(
            f"The payload is refused: {reason} ({self.size} bytes, SHA-256 {self.sha256[:16]}…).",
            "It stays among the failed deliveries: autoir aws replay-failed",
        )


class Delivery(NamedTuple):
    """What one payload holds; ``control`` marks CloudWatch's own test of the destination."""

    account: str
    log_group: str
    log_stream: str
    events: list[LogEvent | Refused]
    control: bool = False


def decode(event: object, region: str, now_ms: int) -> Delivery:
    """The delivery in a function's ``event``. Raises PayloadError.

    ``region`` is where the log group is: the function's own Region, for a filter delivers to no other. ``now_ms`` is
    noted as the time of ingestion, which a subscription does not tell.
    """
    data = _data(event)
    document = _document(data)
    events = document.get("logEvents") or []
    if document.get("messageType") == "CONTROL_MESSAGE" or events == []:
        return Delivery("", "", "", [], control=document.get("messageType") == "CONTROL_MESSAGE")
    if not isinstance(events, list):
        raise PayloadError("logEvents is no list", data)
    names = [document.get(name) for name in ("owner", "logGroup", "logStream")]
    if not all(isinstance(name, str) and name for name in names):
        raise PayloadError("it does not say whose events these are", data)
    account, log_group, log_stream = map(str, names)
    place = LogEvent(log_group, log_stream, 0, "", "", now_ms, account, region)
    return Delivery(account, log_group, log_stream, [_event(place, n, fields) for n, fields in enumerate(events)])


def _data(event: object) -> str:
    match event:
        case {"awslogs": {"data": str(data)}} if len(data) <= MAX_DATA:
            return data
        case {"awslogs": {"data": str(data)}}:
            raise PayloadError(f"its text is over {MAX_DATA} characters", data)
        case _:
            raise PayloadError("it has no awslogs.data", _written(event))


def _written(value: object) -> str:
    """``value`` as JSON; no more than a remark where it is nested deeper than can be written."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True, default=repr)
    except RecursionError:
        return "(nested too deeply)"


def _document(data: str) -> Mapping[str, object]:
    raw = _unpacked(data)
    try:
        document: object = orjson.loads(raw)
    except orjson.JSONDecodeError:
        document = _lenient(raw, data)
    if not isinstance(document, dict):
        raise PayloadError("it is no JSON object", data)
    return document


def _lenient(raw: bytearray, data: str) -> object:
    """JSON with half a pair of surrogates in it, or with bytes that are no UTF-8: one bad event loses no other."""
    try:
        return json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise PayloadError("it is no JSON", data) from None


def _unpacked(data: str) -> bytearray:
    """The bytes that one gzip member holds; never more than it says of itself, nor than ``MAX_DECODED``."""
    try:
        packed = binascii.a2b_base64(data, strict_mode=True)
    except ValueError:
        raise PayloadError("it is no base64", data) from None
    if packed[: len(_MAGIC)] != _MAGIC:
        raise PayloadError("it is no gzip", data)
    # A member ends with the size of what it holds: a bomb that tells the truth is not even begun.
    declared = int.from_bytes(packed[-_TRAILER:], "little")
    if declared > MAX_DECODED:
        raise PayloadError(f"its gzip is damaged, or holds over {MAX_DECODED} bytes", data)
    inflater = zlib.decompressobj(_GZIP)
    try:
        raw = bytearray(inflater.decompress(packed, _FIRST))
        if raw.lstrip()[:1] != b"{":
            raise PayloadError("it is no JSON object", data)
        while len(raw) <= declared and not inflater.eof and (rest := inflater.unconsumed_tail):
            raw += inflater.decompress(rest, _CHUNK)
    except zlib.error:
        raise PayloadError("its gzip is damaged", data) from None
    if len(raw) != declared or not inflater.eof or inflater.unused_data:
        raise PayloadError("its gzip is damaged, cut short, or something follows it", data)
    return raw


def _event(place: LogEvent, number: int, fields: object) -> LogEvent | Refused:
    """One of ``logEvents``; fields that are not known are left alone."""
    match fields:
        case {"id": str(event_id), "timestamp": int(ts_ms), "message": str(message)} if event_id and not isinstance(
            ts_ms, bool
        ):
            return place._replace(ts_ms=ts_ms, message=message, event_id=event_id)
        case {"id": str(event_id), "timestamp": int(ts_ms)} if event_id and not isinstance(ts_ms, bool):
            lacking = "message"
        case {"id": str(event_id)} if event_id:
            lacking = "timestamp"
        case _:
            lacking = "event id"
    text = _written(fields)
    size = len(text.encode("utf-8", "surrogatepass"))
    detail = f"an event of a subscription needs its {lacking}"
    return Refused(place.log_group, place.log_stream, f"no {lacking}", detail, text, size, str(number))
