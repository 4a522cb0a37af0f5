"""What the watched group logs: four hours of ordinary life, and three minutes of something new and bad."""

from autoir.clock import MINUTE_MS

GROUP, STREAM = "/shop/checkout", "one"
ORDINARY = ("INFO served /cart in 12 ms", "INFO payment of order 4711 accepted")
NEW = "ERROR ledger is lost: connection pool exhausted"
_HISTORY_MIN = 262
"""More than the warm-up of detection."""


def lines(now_ms: int) -> list[dict[str, object]]:
    """Events for PutLogEvents, up to the last minute that is over."""
    last = now_ms // MINUTE_MS - 1
    said = [
        (minute * MINUTE_MS + 7_000 * n, text)
        for minute in range(last - _HISTORY_MIN, last + 1)
        for n, text in enumerate(ORDINARY)
    ]
    said += [(minute * MINUTE_MS + 1_000 * n, NEW) for minute in range(last - 3, last) for n in range(6)]
    return [{"timestamp": ts_ms, "message": text} for ts_ms, text in sorted(said)]
