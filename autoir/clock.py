"""Time as a parameter.

Every job takes ``now`` or a ``Clock``; only the doors pass ``system_clock``. So a week of logs replays in minutes,
a test never sleeps, and the same rows with the same ``now`` give the same incidents.
"""

import time
from collections.abc import Callable

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

Clock = Callable[[], int]
"""Returns epoch milliseconds."""


def system_clock() -> int:
    """Epoch milliseconds by the machine's clock."""
    return time.time_ns() // 1_000_000


def minute_of(ts_ms: int) -> int:
    """The epoch minute that holds ``ts_ms`` (floor, so it is right before 1970 too)."""
    return ts_ms // MINUTE_MS
