"""Clock times as a reader wants them: in the reader's zone, the zone named once, the date only where it is needed."""

from datetime import UTC, datetime, tzinfo


def at(ts_ms: int, zone: tzinfo = UTC) -> datetime:
    """``ts_ms`` in ``zone``; out-of-range times are clamped to the years 1970 to 9999."""
    return datetime.fromtimestamp(min(max(ts_ms, 0), 253_402_214_400_000) / 1000, UTC).astimezone(zone)


def clock(ts_ms: int, zone: tzinfo = UTC) -> str:
    """``14:30:12``."""
    return at(ts_ms, zone).strftime("%H:%M:%S")


def day_and_clock(ts_ms: int, zone: tzinfo = UTC) -> str:
    """``2026-03-17 14:30:12``."""
    return at(ts_ms, zone).strftime("%Y-%m-%d %H:%M:%S")


def zone_name(ts_ms: int, zone: tzinfo = UTC) -> str:
    """What ``zone`` is called at that time: ``UTC``, ``CET``, or its offset."""
    moment = at(ts_ms, zone)
    return moment.tzname() or moment.strftime("UTC%z")
