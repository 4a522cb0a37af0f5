"""The tailing task's sign of life: a file that is touched as long as its loop turns.

A loop that hangs in one call looks alive from outside; its file grows old. So health is the file's age, and nothing
that the loop would have to answer. The file lies in a mount of its own, for the task's root cannot be written.
"""

import os
from collections.abc import Callable
from pathlib import Path

from autoir.clock import MINUTE_MS, SECOND_MS

OLD_MS = 3 * MINUTE_MS
"""Age from which the task is not healthy: no call to CloudWatch takes as long, nor a short change of the database."""

_EVERY_MS = 5 * SECOND_MS


class Heartbeat:
    """Touches ``path`` at most every 5 seconds."""

    def __init__(self, path: Path, clock: Callable[[], int]) -> None:
        self._path = path
        self._clock = clock
        self._beaten_ms = 0

    def beat(self) -> None:
        """The loop turns."""
        now_ms = self._clock()
        if now_ms - self._beaten_ms >= _EVERY_MS:
            self._path.touch()
            os.utime(self._path, (now_ms / 1000, now_ms / 1000))
            self._beaten_ms = now_ms


def is_alive(path: Path, now_ms: int) -> bool:
    """Whether ``path`` was touched lately."""
    try:
        return now_ms - path.stat().st_mtime * 1000 < OLD_MS
    except FileNotFoundError:
        return False
