"""A circuit breaker: an endpoint that keeps failing is left alone for a while (Nygard, Release It!, 2007).

Five failures in a row open it for 30 seconds; then one request is let through, and what becomes of that decides. Times
are seconds of any clock that only goes forward.
"""

from typing import Literal

FAILURES = 5
OPEN_S = 30.0

State = Literal["closed", "open", "half-open"]


class Breaker:
    """Counts failures in a row. Not shared between threads."""

    def __init__(self) -> None:
        self.reason = ""
        """What the last failure was."""
        self._failures = 0
        self._until_s = 0.0

    def state(self, now_s: float) -> State:
        """``half-open``: the next request is the probe."""
        if self._failures < FAILURES:
            return "closed"
        return "open" if now_s < self._until_s else "half-open"

    def wait_s(self, now_s: float) -> float:
        """Seconds until a request may go."""
        return self._until_s - now_s if self.state(now_s) == "open" else 0.0

    def failed(self, reason: str, now_s: float) -> None:
        """Count a failure of a request that was sent at ``now_s``."""
        self.reason = reason
        self._failures += 1
        self._until_s = now_s + OPEN_S

    def trip(self, reason: str, now_s: float) -> None:
        """Open at once: one failure that says all."""
        self.failed(reason, now_s)
        self._failures = max(self._failures, FAILURES)

    def succeeded(self) -> None:
        """Close."""
        self._failures = 0
