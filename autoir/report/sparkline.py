"""A row of counts drawn with blocks: enough to see when something began and whether it goes on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from autoir.incidents import Candidate

_BLOCKS = "▁▂▃▄▅▆▇█"
_NOTHING = "·"


class Series(NamedTuple):
    """Events a minute of one suspect: ``counts`` by epoch minute, ``usual_per_min`` its baseline."""

    log_group: str
    counts: Mapping[int, int]
    usual_per_min: float


def suspects(
    log_groups: Sequence[str], candidates: Iterable[Candidate], counts: Mapping[int, Mapping[int, int]]
) -> list[Series]:
    """One series a log group, in their order: the sum of the families that its candidates point at.

    ``counts`` is family id to events by epoch minute (the store's ``family_series``).
    """
    families: dict[str, dict[int, float]] = {group: {} for group in log_groups}
    for c in candidates:
        if c.family_id and c.log_group in families:
            families[c.log_group].setdefault(c.family_id, c.expected / max(1, c.minute - c.window_from + 1))
    series = []
    for group, usual in families.items():
        total: Counter[int] = Counter()
        for family in usual:
            total.update(counts.get(family, {}))
        if total:
            series.append(Series(group, dict(total), sum(usual.values())))
    return series


class Span(NamedTuple):
    """Epoch minutes ``first`` to ``last``, both included, drawn as columns of ``step`` minutes."""

    first: int
    last: int
    step: int

    @property
    def width(self) -> int:
        """Columns."""
        return (self.last - self.first) // self.step + 1

    def column(self, minute: int) -> int:
        """The column of a minute, the nearest where it lies outside."""
        return min(max((minute - self.first) // self.step, 0), self.width - 1)


def span_of(opened_minute: int, last_minute: int, columns: int, lead: int = 15) -> Span:
    """From ``lead`` minutes before the opening to ``last_minute``, in at most ``columns`` columns."""
    first = opened_minute - lead
    last = max(last_minute, opened_minute)
    return Span(first, last, -(-(last - first + 1) // columns))


def sparkline(counts: Mapping[int, int], span: Span) -> str:
    """One character a column, its height by the busiest minute of the column; a dot where nothing came."""
    columns = [0] * span.width
    for minute, n in counts.items():
        if span.first <= minute <= span.last:
            at = span.column(minute)
            columns[at] = max(columns[at], n)
    top = max(columns, default=0)
    return "".join(_BLOCKS[(n * len(_BLOCKS) - 1) // top] if n else _NOTHING for n in columns)
