"""When a line happened, read off the line.

Logs write their time in a dozen ways. Only forms that carry a date are read: a time of day alone does not say which
day. A time without a zone is taken as UTC unless the caller names another zone.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "|".join(_MONTHS)
_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?(?!\d)"
)
_CLF = re.compile(rf"\b(\d\d)/({_MONTH})/(\d{{4}}):(\d\d):(\d\d):(\d\d) ([+-]\d{{4}})", re.IGNORECASE)
_SYSLOG = re.compile(rf"^(?:<\d{{1,3}}>)?({_MONTH}) +(\d{{1,2}}) (\d\d):(\d\d):(\d\d)(?:\.(\d+))? ", re.IGNORECASE)
_KEYS = ("timestamp", "@timestamp", "time", "ts", "date", "datetime", "eventTime", "asctime", "t")
_LOOK = 120
_MILLISECONDS = 10**11


def _fraction_ms(digits: str | None) -> int:
    return int((digits or "0")[:3].ljust(3, "0"))


@lru_cache(maxsize=64)
def _zone(text: str) -> tzinfo:
    if text in ("Z", "UTC", "GMT"):
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


@lru_cache(maxsize=1024)
def _second(year: int, month: int, day: int, hour: int, minute: int, second: int, zone: tzinfo) -> int | None:
    try:
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        return int(moment.timestamp()) * 1000
    except (ValueError, OverflowError, OSError):
        return None


def from_text(text: str, *, zone: tzinfo = UTC, year: int = 1970) -> int | None:
    """Epoch milliseconds of the first dated time in the head of ``text``; ``year`` is for forms that lack one."""
    head = text[:_LOOK]
    if found := _ISO.search(head):
        *numbers, fraction, offset = found.groups()
        base = _second(*map(int, numbers), _zone(offset) if offset else zone)
        return None if base is None else base + _fraction_ms(fraction)
    if found := _CLF.search(head):
        day, month, y, hour, minute, second, offset = found.groups()
        month_number = _MONTHS.index(month.lower()) + 1
        return _second(int(y), month_number, int(day), int(hour), int(minute), int(second), _zone(offset))
    if found := _SYSLOG.match(head):
        month, day, hour, minute, second, fraction = found.groups()
        month_number = _MONTHS.index(month.lower()) + 1
        base = _second(year, month_number, int(day), int(hour), int(minute), int(second), zone)
        return None if base is None else base + _fraction_ms(fraction)
    return None


def from_number(value: float) -> int | None:
    """Epoch milliseconds of a number that counts seconds, milliseconds, microseconds or nanoseconds."""
    if not 10**8 < value < 10**20:
        return None
    while value >= _MILLISECONDS * 100:
        value /= 1000
    return int(value if value >= _MILLISECONDS else value * 1000)


def from_fields(fields: dict[str, object], *, zone: tzinfo = UTC) -> int | None:
    """Epoch milliseconds by the usual keys of a JSON log line."""
    for key in _KEYS:
        value = fields.get(key)
        if isinstance(value, str):
            found = from_text(value, zone=zone)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found = from_number(value)
        else:
            continue
        if found is not None:
            return found
    return None
