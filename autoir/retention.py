"""The retention job: what is older than it may be goes, once a day, whoever comes by first."""

from autoir.clock import DAY_MS
from autoir.settings import Settings
from autoir.store import Store

_LAST = "expired_ms"


def expire_daily(store: Store, settings: Settings, now_ms: int) -> int:
    """Delete events and counts older than their retention, unless that was done within a day; rows that went."""
    last = store.meta(_LAST)
    if last is not None and now_ms - int(last) < DAY_MS:
        return 0
    events_days = 0 if store.meta("keep_old") == "yes" else settings.retention_days_events
    gone = store.expire(now_ms, events_days, settings.retention_days_counts)
    store.set_meta(_LAST, str(now_ms))
    return gone
