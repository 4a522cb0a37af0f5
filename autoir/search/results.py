"""What a search answers."""

from dataclasses import dataclass

from autoir.store.rows import StoredEvent


@dataclass(frozen=True, slots=True)
class Hit:
    """One pattern that answers: the same message in several log groups is one hit.

    ``score`` and its two parts are 0 to 1 within the scope of the query. ``count`` and the times are those of the span
    asked for; times are epoch milliseconds, to the minute. ``sample`` is the newest of its events, None when none is
    kept any more.
    """

    pattern_id: int
    template: str
    level: int
    component: str
    score: float
    dense: float
    bm25: float
    count: int
    first_ms: int
    last_ms: int
    log_groups: tuple[str, ...]
    sample: StoredEvent | None


@dataclass(frozen=True, slots=True)
class Results:
    """Answers, best first. ``degraded`` says in words what search could not use, and is empty when all is well."""

    query: str
    engine: str
    degraded: str
    hits: tuple[Hit, ...]
