"""What should have been logged and was not: silent groups, overdue patterns and heartbeats.

Logs end for harmless reasons all the time, so silence alone is only evidence, with a score of zero. It opens an
incident where the user said so: for groups declared steady, and for lines declared to keep coming.
"""

from collections.abc import Collection, Iterable

from autoir.clock import MINUTE_MS
from autoir.detect.baseline import ALL, dispersion, mean_of
from autoir.detect.parameters import Params
from autoir.detect.tails import surprise_below
from autoir.detect.view import View
from autoir.incidents import Candidate, Kind
from autoir.settings import Heartbeat
from autoir.store.rows import FamilyState


def _absence(
    view: View, kind: Kind, subject: str, group: str, observed: int, expected: float, surprise: float, declared: bool,
    params: Params,
) -> Candidate:  # fmt: skip
    return Candidate(
        view.minute, kind, subject, group, 2 if declared else 0, observed, round(expected, 4), round(surprise, 4),
        params.declared_score if declared else 0.0, view.first, 0,
    )  # fmt: skip


def silent_groups(view: View, steady: Collection[str], params: Params) -> list[Candidate]:
    """Groups that log far less than they ever did, muted or not."""
    if view.blocks < params.silence_blocks:
        return []
    found = []
    for (group, kind), state in view.groups.items():
        if kind != ALL or state.low2 is None or state.blocks < params.silence_share * view.blocks:
            continue
        mean, count = mean_of(state.s, view.blocks), view.volume.get(group, 0)
        if mean < params.silence_mean or count >= params.silence_ratio * state.low2:
            continue
        surprise = surprise_below(count, mean, 1 / dispersion(state.s, state.q, view.blocks, params))
        if surprise >= params.silence_evidence:
            found.append(_absence(view, "silence", group, group, count, mean, surprise, group in steady, params))
    return found


def overdue_patterns(
    view: View, group: str, families: Iterable[FamilyState], declared: bool, params: Params
) -> Candidate | None:
    """The group's periodic patterns that are overdue, if enough of them are so together."""
    periodic = [f for f in families if f.gaps >= params.gap_count and f.last_minute is not None]
    late = [
        f for f in periodic if f.family_id not in view.total and view.minute - (f.last_minute or 0) > 2 * f.gap_max + 3
    ]
    if len(late) < params.gap_least:
        return None
    return _absence(view, "gap", group, group, len(periodic) - len(late), len(periodic), 0.0, declared, params)


def beat_key(beat: Heartbeat) -> str:
    """The subject of a heartbeat's candidates, unique among the declared ones."""
    return f"{beat.log_group}: {beat.contains}"[:512]


def overdue_beat(view: View, beat: Heartbeat, last_ms: int | None, params: Params) -> Candidate | None:
    """A heartbeat that has missed two intervals and a minute; never one that was not heard yet."""
    now_ms = (view.minute + 1) * MINUTE_MS
    if last_ms is None or now_ms - last_ms <= 2 * beat.every_s * 1000 + MINUTE_MS:
        return None
    expected = (now_ms - last_ms) / (beat.every_s * 1000)
    found = _absence(view, "heartbeat", beat_key(beat), beat.log_group, 0, expected, 0.0, True, params)
    return found._replace(first_ms=last_ms + beat.every_s * 1000, window_from=last_ms // MINUTE_MS)
