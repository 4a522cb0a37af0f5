"""From candidates to an incident: when one opens, whom it pages, what is most suspect, how it is named.

One strong candidate opens, or several weak ones that do not depend on each other. A restart or a traceback is one
piece of evidence however many lines it has, so only the best candidate of each group and minute counts. The group
that failed first is most suspect: the loudest one is usually a victim.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from autoir.detect.parameters import Params
from autoir.events import stable_id
from autoir.incidents import Candidate

_TOP_PATTERNS = 5


@lru_cache(maxsize=8)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def environment_of(log_group: str, pattern: str) -> str:
    """The environment of a log group by a pattern with one group; empty without a pattern or a match."""
    found = _compiled(pattern).search(log_group) if pattern else None
    return found[1] or "" if found else ""


def is_independent(candidate: Candidate) -> bool:
    """Whether a candidate counts in the sum: news that speaks of failure."""
    return candidate.kind in ("new", "recur") and candidate.severity_class >= 1


def summed(candidates: Iterable[Candidate], params: Params) -> float:
    """Score of several candidates together: the best of each group and minute, the top few, weighted."""
    best: dict[tuple[str, int], float] = {}
    for c in candidates:
        if is_independent(c):
            key = (c.log_group, c.minute)
            best[key] = max(best.get(key, 0.0), c.score)
    return params.sum_weight * sum(sorted(best.values(), reverse=True)[: params.sum_top])


def qualifies(fresh: Sequence[Candidate], span: Sequence[Candidate], params: Params) -> bool:
    """Whether a minute with the candidates ``fresh`` opens an incident; ``span`` are those of its five minutes."""
    if any(c.score >= params.open_score for c in fresh):
        return True
    return any(is_independent(c) for c in fresh) and summed(span, params) >= params.open_score


def sum_rule_met(candidates: Sequence[Candidate], params: Params) -> bool:
    """Whether any five minutes of ``candidates`` open an incident by the sum of weak ones alone."""
    weak = [c for c in candidates if is_independent(c) and c.score < params.open_score]
    return any(
        summed([c for c in weak if end - params.span_min < c.minute <= end], params) >= params.open_score
        for end in {c.minute for c in weak}
    )


def pages(candidates: Sequence[Candidate], params: Params) -> bool:
    """Whether people should hear of it: an error that is news or unusual, or several weak signs together.

    An unusual rate of warnings opens an incident but never pages.
    """
    strong = any(c.severity_class >= 2 and c.score >= params.open_score for c in candidates)
    return strong or sum_rule_met(candidates, params)


def matters(candidate: Candidate, params: Params) -> bool:
    """Whether a candidate says that something is wrong, beside being unusual."""
    return candidate.severity_class >= 1 and candidate.score >= params.new_scores[1]


def ordered_groups(candidates: Sequence[Candidate], params: Params) -> tuple[str, ...]:
    """Log groups, most suspect first: by minute and time of the first strong error, then by highest score."""
    shown = [c for c in candidates if matters(c, params)] or list(candidates)
    never = (1 << 62, 1 << 62)
    first: dict[str, tuple[int, int]] = {}
    best: dict[str, float] = {}
    for c in shown:
        best[c.log_group] = max(best.get(c.log_group, 0.0), c.score)
        if c.severity_class >= 2 and c.score >= params.open_score:
            first[c.log_group] = min(first.get(c.log_group, never), (c.minute, c.first_ms))
    return tuple(sorted(best, key=lambda group: (first.get(group, never), -best[group], group)))


def fingerprint_of(stage: str, group: str, candidates: Iterable[Candidate]) -> str:
    """What failed: stage, most suspect group and its strongest subjects. The same in every replay."""
    strongest = sorted(candidates, key=lambda c: (-c.score, c.first_ms, c.subject))[:_TOP_PATTERNS]
    return stable_id("fingerprint", stage, group, *sorted({c.subject for c in strongest}))
