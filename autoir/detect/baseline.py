"""What is normal: sums and extremes over five-minute blocks, and nothing else.

Blocks lie on multiples of five epoch minutes, so that a restart does not move them. A pattern that is silent in a
block costs no write: the number of blocks is kept once, for all. Suspects of an open incident are left out, or an
outage would teach the detector that outages are normal.
"""

from collections.abc import Collection

from autoir.detect.parameters import Params
from autoir.detect.view import View
from autoir.store.rows import FamilyState, GroupState

ALL, CLASS2 = "all", "class2"


def is_block_end(minute: int, params: Params) -> bool:
    """Whether a block ends with ``minute``."""
    return (minute + 1) % params.span_min == 0


def block_of(minute: int, params: Params) -> int:
    """The number of the block that holds ``minute``."""
    return minute // params.span_min


def with_block(state: FamilyState, n: int) -> FamilyState:
    """``state`` after a block with ``n`` events, n >= 1."""
    high, second = (n, state.m1) if n > state.m1 else (state.m1, max(n, state.m2))
    return state._replace(s=state.s + n, q=state.q + n * n, m1=high, m2=second, blocks=state.blocks + 1)


def with_group_block(state: GroupState, n: int) -> GroupState:
    """``state`` after a block with ``n`` events, n >= 1."""
    high, second = (n, state.m1) if n > state.m1 else (state.m1, max(n, state.m2))
    lows = sorted(low for low in (state.low1, state.low2, n) if low is not None)
    return state._replace(
        s=state.s + n, q=state.q + n * n, m1=high, m2=second, low1=lows[0], low2=lows[1] if len(lows) > 1 else None,
        blocks=state.blocks + 1,
    )  # fmt: skip


def mean_of(s: int, blocks: int) -> float:
    """Events a block."""
    return s / blocks if blocks else 0.0


def dispersion(s: int, q: int, blocks: int, params: Params) -> float:
    """By how much counts vary beyond a Poisson process: (variance - mean) / mean², 1 for what was never seen."""
    mean = mean_of(s, blocks)
    if not mean:
        return 1.0
    return max(params.dispersion_least, (q / blocks - mean * mean - mean) / (mean * mean))


def _periodic(state: FamilyState, seen: tuple[int, int]) -> FamilyState:
    """``state`` with the pause before ``seen`` counted."""
    if state.last_minute is None or seen[0] <= state.last_minute:
        return state._replace(last_minute=seen[1])
    pause = seen[0] - state.last_minute
    return state._replace(last_minute=seen[1], gaps=state.gaps + 1, gap_max=max(state.gap_max, pause))


def learned_families(view: View, protected: Collection[int]) -> list[FamilyState]:
    """The states of all families of a block's view after it, those of ``protected`` without its events."""
    states = []
    for family, n in view.total.items():
        state = view.states[family]
        if family in protected or state.status == "known_failure":
            states.append(state._replace(last_minute=view.seen[family][1]))
        else:
            states.append(with_block(_periodic(state, view.seen[family]), n))
    return states


def learned_groups(view: View, silent: Collection[str], suspect: Collection[str]) -> list[GroupState]:
    """The states of all groups of a block's view after it: not the volume of ``silent`` ones, nor the errors of
    ``suspect`` ones."""
    states = []
    for kind, counts, left_out in ((ALL, view.volume, silent), (CLASS2, view.errors, suspect)):
        for group, n in counts.items():
            if group not in left_out:
                state = view.groups.get((group, kind)) or GroupState(group, kind, 0, 0, 0, 0, None, None, 0)
                states.append(with_group_block(state, n))
    return states
