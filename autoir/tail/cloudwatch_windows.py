"""What to read of a log group next, so that nothing is missed: pure functions from one cursor to the next.

CloudWatch selects events by their own time and gives them when it has them, up to 14 days late. So there is no place
behind which all is read, and three readings share the work:

tail   from 120 s before the watermark to the end. The watermark is the newest time of ingestion that was stored, and
       moves when all pages of its window are: never on an empty page or an error. Only where a group has been still
       for 15 minutes does it follow the clock, that far behind, for else its last burst would be read again forever.
sweep  what came since the last sweep and was up to twice as late as the latest seen lately, at least 15 minutes:
       from that long before the last sweep to where the tail begins.
wide   the same for all that CloudWatch may still take, 14 days, once a day, with what the others leave of the rate.

A sweep begins between two windows of the tail and ends where its next one begins, and its lower end counts from when
the last sweep began. So an event that came after one sweep began lies in the next one or in the tail, wherever the
watermark stands: how that moves decides how soon something late is found, and never whether. Whatever is
interrupted goes on with the page it was at; a token that is too old has its window read anew.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from autoir.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from autoir.events import LogEvent, stable_id
from autoir.store.rows import Cursor
from autoir.tail.cloudwatch import LogGroup

AHEAD_MS = 2 * HOUR_MS + SECOND_MS
"""How far ahead of the clock an event may be (2 hours), and a second, for CloudWatch has been seen to leave out an
event of exactly the end."""

STILL_MS = 15 * MINUTE_MS
LATE_MS = 14 * DAY_MS
"""How late an event is still taken (PutLogEvents)."""

Kind = Literal["tail", "sweep", "wide", "backfill"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how far back is read. Each event is read about 1 + overlap / poll times by the tail, up to 5 times
    by the sweeps and 15 times by the wide ones."""

    poll_ms: int = 10 * SECOND_MS
    overlap_ms: int = 120 * SECOND_MS
    sweep_ms: int = 15 * MINUTE_MS
    """Least width of a sweep, and least time between two."""
    wide_ms: int = DAY_MS
    """Time between two wide sweeps."""
    lease_ms: int = MINUTE_MS
    discover_ms: int = 5 * MINUTE_MS


class Place(NamedTuple):
    """What a cursor's token says: the page to read next, the first time that is wanted at all, and how late events
    were of late."""

    page: str = ""
    start_ms: int = 0
    late_ms: int = 0

    def dumps(self) -> str:
        """As the cursor keeps it."""
        return json.dumps(self._asdict(), separators=(",", ":"))


def place_of(cursor: Cursor) -> Place:
    """The place that ``cursor`` holds."""
    fields: dict[str, Any] = json.loads(cursor.token)
    return Place(**fields)


def source_of(kind: Kind, group: LogGroup) -> str:
    """The source under which a reading's cursor is kept."""
    return f"cloudwatch-{kind}:{group.account}/{group.region}"


def first_cursors(group: LogGroup, *, start_ms: int, read_ms: int, now_ms: int) -> dict[Kind, Cursor]:
    """Where a group that was never read begins: at ``read_ms``, and with nothing of before ``start_ms`` however late it
    comes."""
    token = Place(start_ms=start_ms).dumps()
    kinds: tuple[Kind, ...] = ("tail", "sweep", "wide")
    return {kind: Cursor(source_of(kind, group), group.name, read_ms, token, swept_ms=now_ms) for kind in kinds}


def backfill_cursor(group: LogGroup, from_ms: int, until_ms: int) -> Cursor:
    """The beginning of a range that is read once."""
    source = f"cloudwatch-backfill:{stable_id(group.account, group.region, str(from_ms), str(until_ms))}"
    return Cursor(source, group.name, from_ms, Place().dumps(), from_ms=from_ms, until_ms=until_ms)


def is_open(cursor: Cursor) -> bool:
    """Whether a window is being read."""
    return cursor.from_ms is not None


def tail_opened(cursor: Cursor, now_ms: int, pace: Pace) -> Cursor:
    """``cursor`` with the tail's next window."""
    from_ms = max(place_of(cursor).start_ms, cursor.watermark_ms - pace.overlap_ms)
    return cursor._replace(from_ms=from_ms, until_ms=now_ms + AHEAD_MS)


def tail_begun_ms(cursor: Cursor) -> int:
    """When the tail's open window was begun; 0 for none."""
    return cursor.until_ms - AHEAD_MS if cursor.until_ms else 0


def sweep_opened(cursor: Cursor, tail: Cursor, now_ms: int, pace: Pace, width_ms: int) -> Cursor:
    """``cursor`` with a sweep's next window; ``watermark_ms`` is when it began. It may hold no time at all."""
    start_ms = place_of(tail).start_ms
    until_ms = max(start_ms, tail.watermark_ms - pace.overlap_ms)
    from_ms = max(start_ms, cursor.swept_ms - width_ms)
    return cursor._replace(watermark_ms=now_ms, from_ms=min(from_ms, until_ms), until_ms=until_ms)


def sweep_width_ms(late_ms: int, pace: Pace) -> int:
    """Twice as late as events were, within 15 minutes and 14 days."""
    return min(max(2 * late_ms, pace.sweep_ms), LATE_MS)


def sweep_every_ms(late_ms: int, pace: Pace) -> int:
    """Time between two sweeps: a quarter of their width, so that each event is read five times at most."""
    return max(pace.sweep_ms, sweep_width_ms(late_ms, pace) // 4)


def lateness_ms(events: Iterable[LogEvent]) -> int:
    """How late the latest of ``events`` was taken in."""
    return max((event.ingest_ms - event.ts_ms for event in events), default=0)


def paged(cursor: Cursor, events: Iterable[LogEvent], page: str) -> Cursor:
    """``cursor`` behind a page of its window, ``page`` being the next one."""
    newest_ms = max((event.ingest_ms for event in events), default=0)
    return cursor._replace(
        newest_ingest_ms=max(cursor.newest_ingest_ms, newest_ms), token=place_of(cursor)._replace(page=page).dumps()
    )


def restarted(cursor: Cursor) -> Cursor:
    """``cursor`` at the first page of its window again."""
    return cursor._replace(token=place_of(cursor)._replace(page="").dumps())


def _closed(cursor: Cursor) -> Cursor:
    return restarted(cursor)._replace(from_ms=None, until_ms=None)


def tail_closed(cursor: Cursor, begun_ms: int, late_ms: int) -> Cursor:
    """All pages of the tail's window, begun at ``begun_ms``, are stored: the watermark moves to the newest time of
    ingestion among them, or to ``STILL_MS`` before the window was begun."""
    token = place_of(cursor)._replace(page="", late_ms=late_ms).dumps()
    watermark_ms = max(cursor.watermark_ms, cursor.newest_ingest_ms, begun_ms - STILL_MS)
    return _closed(cursor)._replace(watermark_ms=watermark_ms, token=token)


def sweep_closed(cursor: Cursor, _begun_ms: int, _late_ms: int) -> Cursor:
    """All pages of the sweep are stored: the next one counts from when this one began."""
    return _closed(cursor)._replace(swept_ms=cursor.watermark_ms)


def backfill_closed(cursor: Cursor, _begun_ms: int, _late_ms: int) -> Cursor:
    """The whole range is stored."""
    return _closed(cursor)._replace(watermark_ms=cursor.until_ms or 0)


CLOSED: Mapping[Kind, Callable[[Cursor, int, int], Cursor]] = {
    "tail": tail_closed,
    "sweep": sweep_closed,
    "wide": sweep_closed,
    "backfill": backfill_closed,
}
"""How each reading ends its window."""
