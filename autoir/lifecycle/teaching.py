"""What people taught, carried into what detection remembers.

A verdict takes effect with the next minute that is swept. A pattern declared normal is normal from its first line on:
the blocks that the baseline left out while its incident was open are learned now, or the next ordinary burst would
look like the first ever.
"""

from collections.abc import Sequence

from autoir.clock import MINUTE_MS
from autoir.detect.baseline import CLASS2, block_of, with_block, with_group_block
from autoir.detect.parameters import Params
from autoir.incidents import Candidate, Incident, PatternStatus, Verdict
from autoir.store import Store
from autoir.store.rows import FamilyState, GroupState


def apply_verdicts(store: Store, minute: int, params: Params) -> int:
    """Apply every verdict that no sweep has applied; ``minute`` is about to be judged. Returns how many there were."""
    verdicts = store.verdicts(unapplied=True)
    for verdict in verdicts:
        _apply(store, verdict, minute, params)
        store.verdict_applied(verdict.id, minute)
    return len(verdicts)


def _apply(store: Store, verdict: Verdict, minute: int, params: Params) -> None:
    incident = store.incident(verdict.incident_id) if verdict.incident_id else None
    candidates = store.candidates(incident_id=verdict.incident_id) if incident else []
    families = [verdict.family_id] if verdict.family_id else taught_families(candidates, verdict.status)
    states = list(store.families(families).values())
    until = None if verdict.until_ms is None else -(-verdict.until_ms // MINUTE_MS)
    muted_until = until if verdict.status == "muted" else None
    states = [state._replace(status=verdict.status, muted_until=muted_until) for state in states]
    if incident and verdict.status == "normal":
        first, last = _span(incident, minute, params)
        states = _learned(store, states, first, last, params)
        for group in incident.log_groups:
            _learn_errors(store, group, families, first, last, params)
    store.save_families(states)
    store.set_status([state.family_id for state in states], verdict.status)


def taught_families(candidates: Sequence[Candidate], status: PatternStatus) -> list[int]:
    """The families that a verdict on a whole incident is about.

    A known failure is what was news in it: its errors, or its warnings where it had no errors. A known pattern at an
    unusual rate is not one, or it would be a failure at every rate from then on.
    """
    news = [c for c in candidates if c.family_id and c.kind in ("new", "recur")]
    if status == "known_failure":
        worst = max((c.severity_class for c in news), default=0)
        return sorted({c.family_id for c in news if c.severity_class == worst and worst >= 1})
    rates = [c for c in candidates if c.kind == "spike"]
    return sorted({c.family_id for c in [*news, *rates]})


def _span(incident: Incident, minute: int, params: Params) -> tuple[int, int]:
    """First and last minute of the whole blocks from the incident's beginning up to the last one learned."""
    first = block_of(incident.first_ts_ms // MINUTE_MS, params) * params.span_min
    return first, block_of(minute, params) * params.span_min - 1


def _blocks(series: dict[int, int], params: Params) -> list[int]:
    """Events a block, of those that have any."""
    blocks: dict[int, int] = {}
    for minute, n in sorted(series.items()):
        block = block_of(minute, params)
        blocks[block] = blocks.get(block, 0) + n
    return list(blocks.values())


def _learned(store: Store, states: list[FamilyState], first: int, last: int, params: Params) -> list[FamilyState]:
    series = store.family_series([state.family_id for state in states], first, last)
    learned = []
    for state in states:
        for n in _blocks(series[state.family_id], params):
            state = with_block(state, n)
        learned.append(state)
    return learned


def _learn_errors(store: Store, group: str, taught: list[int], first: int, last: int, params: Params) -> None:
    """Let the group's share of errors learn the blocks that it left out for the incident."""
    errors = [s for s in store.families_of(group) if s.severity_class >= 2]
    normal = [s.family_id for s in errors if s.status == "normal" or s.family_id in taught]
    total: dict[int, int] = {}
    for series in store.family_series(normal, first, last).values():
        for minute, n in series.items():
            total[minute] = total.get(minute, 0) + n
    state = store.groups().get((group, CLASS2)) or GroupState(group, CLASS2, 0, 0, 0, 0, None, None, 0)
    for n in _blocks(total, params):
        state = with_group_block(state, n)
    store.save_groups([state])
