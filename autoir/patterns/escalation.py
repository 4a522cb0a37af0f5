"""When typed masks are not enough for a log group, and the coarser mask it then gets.

Some groups write values that no type describes. Every line is then a new pattern, and each would be embedded. Such a
group alone moves to a mask that removes any token with a value in it. The mask over-merges a little (0.4 % of lines
on public log sets), so it is never the default.
"""

import re

_WINDOW_LINES = 2_000
_MISS_RATE = 0.05
_TOKEN = re.compile(r"[^\s=]*<\*>[^\s]*")
_RUN = re.compile(r"<\*>(?:[ ,]+<\*>)+")


def token_mask(template: str) -> str:
    """``template`` with every token that holds a placeholder masked whole, and runs of them as one.

    The key of a ``key=value`` token stays, and so do kept numbers that stand in a token of their own.
    """
    return _RUN.sub("<*>", _TOKEN.sub("<*>", template)) if "<*>" in template else template


class MissRate:
    """Counts new patterns a log group, and says when it must escalate.

    Each group is judged over windows of 2,000 lines. Its first window is a warm-up: every group is new once. The
    caller persists the decision; this class only counts, and forgets with the process.
    """

    def __init__(self, window_lines: int = _WINDOW_LINES, miss_rate: float = _MISS_RATE) -> None:
        self._window = window_lines
        self._rate = miss_rate
        self._counts: dict[str, tuple[int, int, bool]] = {}

    def observe(self, log_group: str, lines: int, new_patterns: int) -> bool:
        """Count a batch; True when a window has just closed above the rate."""
        seen, missed, warm = self._counts.get(log_group, (0, 0, False))
        seen, missed = seen + lines, missed + new_patterns
        if seen < self._window:
            self._counts[log_group] = (seen, missed, warm)
            return False
        self._counts[log_group] = (0, 0, True)
        return warm and missed > self._rate * seen
