"""How bad an incident is and how sure detection is of it, by points that anyone can add up.

Both are computed from candidates alone and say in words how. The model that investigates later has no part in either:
with it dead, severity and confidence are the same.
"""

from collections.abc import Sequence
from typing import NamedTuple

from autoir.clock import MINUTE_MS
from autoir.detect.grouping import is_independent, matters, sum_rule_met
from autoir.detect.parameters import Params
from autoir.incidents import SEVERITIES, Candidate, Severity

_LONG_MIN = 10
_MANY_EVENTS = 10
_AT_LEAST_POINTS: tuple[tuple[int, Severity], ...] = ((7, "critical"), (5, "high"), (3, "medium"), (2, "low"))
_RATE_CONFIDENCE = ((3.0, 60.0), (5.5, 80.0), (8.0, 90.0))
_SURE = 99


class Grade(NamedTuple):
    """Severity and detection confidence (0 to 100), and one line each on how they came about."""

    severity: Severity
    confidence: int
    basis: tuple[str, str]


def grade(candidates: Sequence[Candidate], duration_ms: int, known_failure: bool, params: Params) -> Grade:
    """The grade of an incident with those candidates; ``known_failure`` says that one of them was taught as such."""
    severity, why = _severity(candidates, duration_ms, known_failure, params)
    confidence, how = _confidence(candidates, known_failure, params)
    return Grade(severity, confidence, (why, how))


def _severity(
    candidates: Sequence[Candidate], duration_ms: int, known_failure: bool, params: Params
) -> tuple[Severity, str]:
    worst = max((c.severity_class for c in candidates), default=0)
    groups = len({c.log_group for c in candidates if matters(c, params)})
    ratio = max((_ratio(c) for c in candidates if _is_rate(c) and c.severity_class), default=0.0)
    news = any(is_independent(c) for c in candidates) or any(_is_declared(c, params) for c in candidates)
    parts = [
        (worst, ("", "warnings", "errors")[worst]),
        (int(news), "never or seldom seen before"),
        (
            (ratio >= params.spike_ratio) + (ratio >= 4 * params.spike_ratio),
            f"{ratio:.0f} times the usual rate or more",
        ),
        ((groups >= 2) + (groups >= 5), f"{groups} log groups"),
        (int(sum_rule_met(candidates, params)), "several independent signs"),
        (int(duration_ms >= _LONG_MIN * MINUTE_MS), f"for over {_LONG_MIN} min"),
    ]
    points = sum(value for value, _ in parts)
    severity: Severity = next((name for least, name in _AT_LEAST_POINTS if points >= least), "info")
    text = ", ".join(f"{label} {value}" for value, label in parts if value)
    if known_failure and SEVERITIES.index(severity) < SEVERITIES.index("high"):
        return "high", f"severity high: a known failure is back (points: {text or 'none'})"
    return severity, f"severity {severity}: {points} points ({text or 'none'})"


def _ratio(candidate: Candidate) -> float:
    """Times the expected count; what is expected less than once a span has no rate to speak of, so once is assumed."""
    return candidate.observed / max(1.0, candidate.expected)


def _is_rate(candidate: Candidate) -> bool:
    return candidate.kind in ("spike", "errshare")


def _sign(candidate: Candidate) -> str:
    """What kind of sign it is; a burst of one error and its group's share of errors are the same."""
    if candidate.kind in ("new", "recur"):
        return "news"
    return "rate" if _is_rate(candidate) else candidate.kind


def _is_declared(candidate: Candidate, params: Params) -> bool:
    return candidate.kind in ("silence", "gap", "heartbeat") and candidate.score >= params.open_score


def _rate_confidence(candidate: Candidate, params: Params) -> float:
    """Between the points of ``_RATE_CONFIDENCE`` by the corrected evidence that the score was made of; a score at its
    cap has the most."""
    score = candidate.score * (2 if candidate.severity_class == 0 else 1)
    if score >= params.spike_cap:
        return _RATE_CONFIDENCE[-1][1]
    evidence = score * params.spike_evidence / params.open_score
    (x0, y0), *rest = _RATE_CONFIDENCE
    for x1, y1 in rest:
        if evidence < x1:
            return max(0.0, y0 + (y1 - y0) * (evidence - x0) / (x1 - x0))
        x0, y0 = x1, y1
    return y0


def _confidence(candidates: Sequence[Candidate], known_failure: bool, params: Params) -> tuple[int, str]:
    news = [c for c in candidates if c.kind in ("new", "recur")]
    groups = len({c.log_group for c in candidates if matters(c, params)})
    events = sum(c.observed for c in news if c.severity_class >= 2)
    scores: list[tuple[float, str]] = [(40.0, "an unusual pattern")]
    if known_failure:
        scores.append((95.0, "a known failure is back"))
    if any(c.severity_class >= 2 for c in news):
        scores.append((85.0 + 5 * (groups >= 2) + 5 * (events >= _MANY_EVENTS), "errors never or seldom seen before"))
    if any(c.severity_class == 1 for c in news):
        scores.append((60.0, "warnings never or seldom seen before"))
    scores += [(_rate_confidence(c, params), "an improbable rate") for c in candidates if _is_rate(c)]
    if any(_is_declared(c, params) for c in candidates):
        scores.append((85.0, "something declared to keep coming has stopped"))
    best, reason = max(scores)
    kinds = {_sign(c) for c in candidates if c.score >= params.keep_score}
    several = len(kinds) >= 2 or sum_rule_met(candidates, params)
    value = min(_SURE, int(best) + 10 * several)
    return value, f"confidence {value}: {reason} {int(best)}{', independent signs 10' if several else ''}"
