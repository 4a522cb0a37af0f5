"""``POST /_localcloud/tick/NAME``: the schedule fires now, so that nobody waits a minute for it."""

import re

from ministack.services import scheduler

from tools.localcloud.emulator import door


def install() -> None:
    """Add the path."""
    door.PATHS[re.compile(r"/_localcloud/tick/([\w.-]+)")] = _tick


def _tick(_body: bytes, name: str) -> tuple[int, bytes]:
    schedules = [key for key in scheduler._schedules._data if key[2].rpartition("/")[2] == name]
    for key in schedules:
        scheduler._schedule_last_fired[key] = 0
    scheduler._tick_schedules()
    return (200 if schedules else 404), b"{}"
