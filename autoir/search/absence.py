"""Why a search found nothing, told from what the store holds: what a person changes next."""

from datetime import tzinfo
from fnmatch import fnmatchcase

from autoir.report.text import shown
from autoir.report.times import day_and_clock
from autoir.store import Store

EMPTY = "The store holds no line yet: autoir logs ingest app.log"
_GROUPS = 5


def why_nothing(
    store: Store, zone: tzinfo, *, group_glob: str = "", since_ms: int | None = None, level: int = 0
) -> str:
    """One line: the first filter that leaves nothing over, times in ``zone``."""
    span = store.time_span()
    if span is None:
        return EMPTY
    groups = store.log_groups()
    if group_glob and not any(fnmatchcase(group, group_glob) for group in groups):
        some = ", ".join(shown(group, 80) for group in groups[:_GROUPS])
        more = f" and {len(groups) - _GROUPS:,} more" if len(groups) > _GROUPS else ""
        return f"No log group is like {shown(group_glob, 80)}. There are {some}{more}"
    if since_ms is not None and since_ms >= span[1]:
        newest = day_and_clock(span[1], zone)[:16]
        return f"No line since {day_and_clock(since_ms, zone)}: the newest is of {newest}."
    filters = [
        name for name, given in (("group", group_glob), ("time", since_ms is not None), ("level", level)) if given
    ]
    if filters:
        return f"Nothing found: try other words, or a wider {' or '.join(filters)}."
    return "Nothing found: try other words."
