"""What the tailing task says, read from its log group and, where asked, followed.

Its lines are AutoIR's own and hold no event of anybody, so they are shown as they are. They are JSON; what it publishes
as metrics comes the same way and is left out.
"""

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

from autoir.clock import SECOND_MS, Clock
from autoir.errors import UsageError
from autoir.events import LogEvent
from autoir.tail.cloudwatch import CloudWatch, LogGroup

POLL_S = 2.0
AGAIN_MS = 30 * SECOND_MS
"""How far back a poll looks again: a line may be stored some seconds after its time."""


class Line(NamedTuple):
    """One line of the task; ``level`` is empty for a line that is not one of its own, such as Python's last words."""

    ts_ms: int
    level: str
    message: str
    stream: str


def lines(
    cloudwatch: CloudWatch, group: str, since_ms: int, *, clock: Clock, pause: Callable[[float], bool], follow: bool
) -> Iterator[Line]:
    """The lines since ``since_ms`` (epoch milliseconds), each once, oldest first; with ``follow`` until ``pause`` says
    False. Raises UsageError where there is no such group, and what CloudWatch's pages raise."""
    place, from_ms, seen = LogGroup(group, "", ""), since_ms, dict[str, int]()
    while True:
        for event in _events(cloudwatch, place, from_ms, clock()):
            if event.event_id not in seen and (line := _line(event)):
                yield line
            seen[event.event_id] = event.ts_ms
        if not follow or not pause(POLL_S):
            return
        from_ms = max(since_ms, clock() - AGAIN_MS)
        seen = {event_id: ts_ms for event_id, ts_ms in seen.items() if ts_ms >= from_ms}


def _events(cloudwatch: CloudWatch, group: LogGroup, from_ms: int, now_ms: int) -> Iterator[LogEvent]:
    token = ""
    while True:
        try:
            page = cloudwatch.page(group, from_ms, now_ms + 1, token)
        except UsageError as error:
            raise UsageError(str(error), "The tailing task makes it: deploy that first.") from error
        yield from page.events
        token = page.token
        if not token:
            return


def _line(event: LogEvent) -> Line | None:
    try:
        fields = json.loads(event.message)
    except ValueError:
        fields = None
    match fields:
        case {"_aws": _}:
            return None
        case {"level": str(level), "message": str(message)}:
            hint = f" {fields['hint']}" if fields.get("hint") else ""
            return Line(event.ts_ms, level, message + hint, event.log_stream)
    return Line(event.ts_ms, "", event.message, event.log_stream)
