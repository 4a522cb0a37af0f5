"""How often CloudWatch may be asked: one bucket of tokens for an account and Region.

FilterLogEvents is limited to 5 calls a second for the whole account, consoles and other tools included, and that
cannot be raised. So nothing here assumes the limit to be ours alone: a throttled call halves the rate, and each call
that goes through gives a little of it back (additive increase, multiplicative decrease).
"""

from collections.abc import Callable

from autoir.clock import SECOND_MS, Clock

LIMIT_PER_S = 5.0
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""

_LEAST_PER_S = 0.25
_REGAINED = 0.05

Pause = Callable[[float], bool]
"""Waits for so many seconds; False when the process is to end, as soon as it is."""


class Bucket:
    """At most ``per_s`` calls a second, up to a second's worth of them at once. Not shared between threads."""

    def __init__(self, clock: Clock, per_s: float = LIMIT_PER_S) -> None:
        self._clock = clock
        self._most_per_s = self._per_s = per_s
        self._tokens = max(1.0, per_s)
        self._filled_ms = clock()

    @property
    def per_s(self) -> float:
        """Calls a second at present."""
        return self._per_s

    def wait_s(self) -> float:
        """Seconds until a call may be made; 0 for now."""
        now_ms = self._clock()
        gained = max(0, now_ms - self._filled_ms) / SECOND_MS * self._per_s
        self._tokens = min(max(1.0, self._per_s), self._tokens + gained)
        self._filled_ms = now_ms
        return max(0.0, (1.0 - self._tokens) / self._per_s)

    def take(self) -> None:
        """Count a call; one that was not waited for is waited for by the next."""
        self.wait_s()
        self._tokens -= 1.0

    def passed(self) -> None:
        """The call was answered."""
        self._per_s = min(self._most_per_s, self._per_s + self._most_per_s * _REGAINED)

    def throttled(self) -> None:
        """The call was refused for the rate: others use it up."""
        self._per_s = max(min(_LEAST_PER_S, self._most_per_s), self._per_s / 2)
        self._tokens = min(self._tokens, 0.0)
