"""What one judgement sees: five minutes of counts and what is remembered of everything in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoir.store.rows import FamilyMinute, FamilyState, GroupState


@dataclass(slots=True)
class View:
    """The minutes ``first`` to ``minute`` (epoch minutes, both included), by family and by log group.

    ``total`` holds events of the span and ``now`` those of its last minute; ``seen`` the first and last minute of the
    span with events. ``volume`` and ``errors`` are the events of a group and those of known errors among them (what
    is suspect is judged by itself). ``blocks`` is how many five-minute blocks the baseline has learned from.
    """

    first: int
    minute: int
    blocks: int
    states: Mapping[int, FamilyState]
    groups: Mapping[tuple[str, str], GroupState]
    total: dict[int, int] = field(default_factory=dict)
    now: dict[int, int] = field(default_factory=dict)
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    volume: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)


def totals(rows: Iterable[FamilyMinute]) -> dict[int, int]:
    """Events a family over ``rows``."""
    total: dict[int, int] = {}
    for family, _, n in rows:
        total[family] = total.get(family, 0) + n
    return total


def view_of(
    minute: int,
    span_min: int,
    blocks: int,
    rows: Iterable[FamilyMinute],
    states: Mapping[int, FamilyState],
    groups: Mapping[tuple[str, str], GroupState],
) -> View:
    """A view of the ``span_min`` minutes up to ``minute``; rows in any order, of families that ``states`` holds."""
    view = View(minute - span_min + 1, minute, blocks, states, groups)
    total, now, seen = view.total, view.now, view.seen
    for family, at, n in rows:
        total[family] = total.get(family, 0) + n
        if at == minute:
            now[family] = n
        first, last = seen.get(family, (at, at))
        seen[family] = (min(first, at), max(last, at))
    volume, errors = view.volume, view.errors
    for family, n in total.items():
        state = states[family]
        group = state.log_group
        volume[group] = volume.get(group, 0) + n
        if state.severity_class >= 2 and state.status == "normal":
            errors[group] = errors.get(group, 0) + n
    return view
