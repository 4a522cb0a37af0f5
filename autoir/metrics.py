"""Counting: what became of every event, what engines that embed were asked for, what searches answered.

``received = stored + duplicate + filtered + quarantined``: a run for which that does not hold has lost or invented
something, and raises instead of reporting success. The other counts are for people who wonder how well it goes; nothing
depends on them, so nothing may fail or wait for them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Protocol, Self

from autoir import metric_names
from autoir.errors import AutoirError


class UnaccountedError(AutoirError):
    """Nobody knows what became of some events."""


@dataclass(slots=True)
class Tally:
    """What became of the events of one run."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    patterns_new: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)

    @property
    def unaccounted(self) -> int:
        """Events received whose fate is not known; 0 unless something is broken."""
        return self.received - self.stored - self.duplicate - self.filtered.total() - self.quarantined.total()

    def document(self) -> dict[str, object]:
        """The account for a program."""
        return {
            "received": self.received,
            "stored": self.stored,
            "duplicate": self.duplicate,
            "filtered": dict(self.filtered),
            "quarantined": dict(self.quarantined),
            "patterns_new": self.patterns_new,
        }

    def check(self) -> None:
        """Raise AutoirError unless every event received is accounted for."""
        if self.unaccounted:
            raise UnaccountedError(
                f"{self.unaccounted} of {self.received} events are unaccounted for.",
                "This is a defect of AutoIR: run the same input again (nothing is stored twice) and report it.",
            )


_SECOND_MS = 1_000


@dataclass(slots=True)
class Work:
    """Counts that can be added up; those that begin with ``slowest`` keep the larger."""

    def add(self, other: Self) -> None:
        """Count what ``other`` counted."""
        for name in (entry.name for entry in fields(self)):
            ours, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, max(ours, theirs) if name.startswith("slowest") else ours + theirs)


@dataclass(slots=True)
class EmbedWork(Work):
    """What an engine was asked for: ``texts`` got a vector, ``refused`` ones were not to its taste; ``failures`` are
    requests without an answer. Seconds are those of answered requests."""

    requests: int = 0
    texts: int = 0
    refused: int = 0
    failures: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0

    @property
    def mean_s(self) -> float:
        """Seconds a request."""
        return self.seconds / max(1, self.requests - self.failures)


@dataclass(slots=True)
class SearchWork(Work):
    """What searches answered: ``results`` in all, with scores from 0 to 1; ``degraded`` ones could not use all of the
    vectors."""

    searches: int = 0
    degraded: int = 0
    results: int = 0
    scores: float = 0.0
    seconds: float = 0.0
    slowest_s: float = 0.0

    @property
    def mean_s(self) -> float:
        """Seconds a search."""
        return self.seconds / max(1, self.searches)

    @property
    def mean_score(self) -> float:
        """Mean score of the results."""
        return self.scores / max(1, self.results)


class Traffic(Protocol):
    """What an endpoint was asked for since its client was made, and whether it is left alone now."""

    @property
    def texts(self) -> int: ...
    @property
    def requests(self) -> int: ...
    @property
    def refused(self) -> int: ...
    @property
    def failures(self) -> int: ...
    @property
    def latency_sum_s(self) -> float: ...
    @property
    def breaker(self) -> str: ...


def embedding_metrics(before: Traffic | None, now: Traffic) -> Mapping[str, float]:
    """What an endpoint was asked for since ``before``, by the names of its metrics.

    Empty where it was asked for nothing and is not left alone: CloudWatch charges a metric by the hours that it has a
    value in, and most hours bring no new pattern. A client that was made anew begins at nothing.
    """
    old = before if before and before.requests <= now.requests else None
    requests = now.requests - (old.requests if old else 0)
    is_open = now.breaker == "open"
    if not requests and not is_open:
        return {}
    values: dict[str, float] = {
        metric_names.EMBED_TEXTS: now.texts - (old.texts if old else 0),
        metric_names.EMBED_REQUESTS: requests,
        metric_names.EMBED_BREAKER_OPEN: int(is_open),
    }
    unanswered = now.refused + now.failures - (old.refused + old.failures if old else 0)
    if answered := requests - unanswered:
        took_s = now.latency_sum_s - (old.latency_sum_s if old else 0.0)
        values[metric_names.EMBED_LATENCY_MS] = took_s * _SECOND_MS / answered
    return values
