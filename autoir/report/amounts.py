"""Numbers as people read them: thousands separated, rates with one digit that means something, spans of time."""

from autoir.clock import HOUR_MS, MINUTE_MS, SECOND_MS


def counted(n: int, noun: str) -> str:
    """``1 event``, ``1,284 events``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def rate(per_min: float) -> str:
    """Events a minute: ``1,200``, ``41``, ``0.1``; what rounds to nothing is ``under 0.1``, nothing is ``0``."""
    if per_min <= 0:
        return "0"
    if per_min < 0.05:
        return "under 0.1"
    return f"{per_min:,.0f}" if per_min >= 9.95 else f"{per_min:.1f}".removesuffix(".0")


def usual(per_min: float) -> str:
    """The baseline beside a number: ``usually 0.1``, ``usually none``."""
    return "usually none" if per_min <= 0 else f"usually {rate(per_min)}"


def lasting(ms: int) -> str:
    """A span of time: ``35 s``, ``2 min 5 s``, ``1 h 4 min``; parts that are nothing are left out."""
    seconds = max(0, ms) // SECOND_MS
    if ms < SECOND_MS:
        return "under 1 s"
    if ms < MINUTE_MS:
        return f"{seconds} s"
    if ms < HOUR_MS:
        return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 and seconds < 600 else "")
    minutes = seconds // 60
    return f"{minutes // 60:,} h" + (f" {minutes % 60} min" if minutes % 60 else "")


def listed(names: list[str], limit: int = 4) -> str:
    """``a``, ``a and b``, ``a, b and 3 more``."""
    head = names[:limit] if len(names) <= limit else [*names[: limit - 1], f"{len(names) - limit + 1} more"]
    return " and ".join(filter(None, [", ".join(head[:-1]), head[-1]])) if head else ""
