"""A record of a file to a log event, whichever of the known shapes it has.

CloudWatch events as JSON Lines keep their own group, stream, time and id. ``aws logs tail`` writes time and stream in
front of the message. Anything else is the line itself: its time is read off it, or the last time seen above it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from hashlib import blake2b
from typing import NamedTuple

import orjson

from autoir.events import LogEvent
from autoir.tail import timestamps
from autoir.tail.lines import MAX_LINE, Record

_CLOUDWATCH = frozenset({"logGroup", "logGroupName", "logStream", "logStreamName", "eventId", "ingestionTime"})
# The name of a stream holds no colon, and a level or a lone dash is no name.
_AWS_TAIL = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00) "
    r"(?!\[?(?i:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b)(?=\S*\w)"
    r"(?=[^\s:*]*[/\[-])([^\s:*]++) (.*)",
    re.DOTALL,
)
AWS_TAIL_STARTS = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00 \S")
"""What every record of ``aws logs tail`` begins with; the further lines of a message do not."""
_SNIFF = 20
_TWINS = 10_000


class Refused(NamedTuple):
    """A record that cannot become an event, and why. ``text`` is as it came, not yet redacted."""

    log_group: str
    log_stream: str
    reason: str
    detail: str
    text: str
    size: int
    place: str


@dataclass(slots=True)
class Source:
    """What a file or pipe lends its lines: a group, a stream, and a time for lines that carry none."""

    log_group: str
    log_stream: str
    zone: tzinfo = UTC
    fixed_ms: int | None = None
    """Time of lines before the first dated one; None means the time of reading."""
    by_place: bool = True
    """Whether a line is known by its place (a file), or by its time and how often it came (a pipe)."""
    last_ms: int | None = None

    _twins: dict[tuple[int, str], int] = field(default_factory=dict, init=False)

    def event_id(self, record: Record, ts_ms: int) -> str:
        """An id for a line that has none of its own."""
        digest = blake2b(record.text.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()
        if self.by_place:
            return f"{record.start}:{digest}"
        twin = self._twins.pop((ts_ms, digest), -1) + 1
        if len(self._twins) >= _TWINS:
            del self._twins[next(iter(self._twins))]
        self._twins[ts_ms, digest] = twin
        return f"{ts_ms}:{twin}:{digest}"


def _text(value: object, default: str) -> str:
    return value if isinstance(value, str) and value else default


def cloudwatch(source: Source, record: Record, fields: Mapping[str, object]) -> LogEvent | Refused:
    """One CloudWatch event as ``filter-log-events``, an export or a replay writes it."""
    group = _text(fields.get("logGroup"), _text(fields.get("logGroupName"), source.log_group))
    stream = _text(fields.get("logStream"), _text(fields.get("logStreamName"), source.log_stream))
    ts, message = fields.get("timestamp"), fields.get("message")
    dated = isinstance(ts, int) and not isinstance(ts, bool)
    if not isinstance(ts, int) or not dated or not isinstance(message, str):
        missing = "message" if dated else "timestamp"
        wanted = {"message": "message as text", "timestamp": "timestamp in epoch milliseconds"}[missing]
        detail = f"a CloudWatch event needs {wanted}"
        return Refused(group, stream, f"no {missing}", detail, record.text, record.size, str(record.start))
    ingested = fields.get("ingestionTime")
    return LogEvent(
        group,
        stream,
        ts,
        message,
        _text(fields.get("eventId"), "") or source.event_id(record, ts),
        ingested if isinstance(ingested, int) else ts,
        _text(fields.get("owner"), ""),
        _text(fields.get("region"), ""),
    )


def plain(source: Source, record: Record, now_ms: int, fields: Mapping[str, object] | None = None) -> LogEvent:
    """A line of an application's own log."""
    found = None
    if fields is not None:
        found = timestamps.from_fields(dict(fields), zone=source.zone)
    if found is None:
        found = timestamps.from_text(record.text, zone=source.zone, year=_year(now_ms))
        if found is not None and found > now_ms + 86_400_000 and not record.text[:4].isdigit():
            found = timestamps.from_text(record.text, zone=source.zone, year=_year(now_ms) - 1)
    if found is not None:
        source.last_ms = found
    ts_ms = found if found is not None else source.last_ms
    if ts_ms is None:
        ts_ms = now_ms if source.fixed_ms is None else source.fixed_ms
    return LogEvent(source.log_group, source.log_stream, ts_ms, record.text, source.event_id(record, ts_ms), now_ms)


def _year(now_ms: int) -> int:
    return datetime.fromtimestamp(now_ms / 1000, UTC).year


def _fields(text: str) -> Mapping[str, object] | None:
    """The fields of a JSON object; None for anything else."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        if "\\ud" not in text.lower():
            return None
        # Half a pair of surrogates is no Unicode, but no reason to lose the group and time of a line either.
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def _is_cloudwatch(fields: Mapping[str, object]) -> bool:
    """Whether fields are those of a CloudWatch event, be it one that lacks its message."""
    own = len(_CLOUDWATCH & fields.keys())
    return own > 1 or (own == 1 and "message" in fields)


def parse(source: Source, record: Record, now_ms: int) -> LogEvent | Refused:
    """``record`` as an event, or why it is none."""
    if record.size > MAX_LINE:
        detail = f"{record.size} bytes, an event has at most {MAX_LINE}"
        return Refused(
            source.log_group, source.log_stream, "too long", detail, record.text, record.size, str(record.start)
        )
    if record.text.startswith("{"):
        fields = _fields(record.text)
        if fields is not None and _is_cloudwatch(fields):
            return cloudwatch(source, record, fields)
        return plain(source, record, now_ms, fields)
    return plain(source, record, now_ms)


def parse_aws_tail(source: Source, record: Record, now_ms: int) -> LogEvent | Refused:
    """A record of ``aws logs tail``: time, stream, message."""
    if record.size > MAX_LINE or not (found := _AWS_TAIL.match(record.text)):
        return parse(source, record, now_ms)
    time, stream, message = found.groups()
    ts_ms = timestamps.from_text(time)
    if ts_ms is None:
        return parse(source, record, now_ms)
    source.last_ms = ts_ms
    return LogEvent(source.log_group, stream, ts_ms, message, source.event_id(record, ts_ms), now_ms)


def is_aws_tail(head: Iterable[str]) -> bool:
    """Whether the first lines of a file are those of ``aws logs tail``."""
    lines = [line for line in head if line and not line[0].isspace()][:_SNIFF]
    told = [bool(_AWS_TAIL.match(line)) for line in lines]
    return bool(told) and told[0] and sum(told) * 2 >= len(told)


def is_json_lines(head: Iterable[str]) -> bool:
    """Whether the first lines of a file are JSON objects, one a line."""
    lines = [line for line in head if line.strip()][:_SNIFF]
    return bool(lines) and all(line.startswith("{") and line.rstrip().endswith("}") for line in lines)
