"""What a search answers."""

from dataclasses import dataclass

from autoir.store.rows import StoredEvent


@dataclass(frozen=True, slots=True)
class Hit:
    """One pattern that answers: the same message in several log groups is one hit.

    ``score``, ``dense`` and ``bm25`` are 0 to 1 within the scope of the query. ``count`` and the times are those of the
    span asked for; times are epoch milliseconds, to the minute. ``sample`` is the newest of its events, None when none
    is kept any more.
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
    why: "Why"


@dataclass(frozen=True, slots=True)
class Why:
    """Where a hit's score comes from: ``score = dense_share * dense + (1 - dense_share) * bm25``.

    ``cosine`` and ``raw_bm25`` are what ``dense`` and ``bm25`` were stretched from, the means where there were several
    wordings; ``cosine`` is None for a pattern without a vector, whose ``dense_share`` is 0. ``words`` are those of the
    pattern and its component that the query holds too, in any form: in their order, as they stand there, lower-case.
    """

    cosine: float | None
    raw_bm25: float
    dense_share: float
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """Answers, best first. ``degraded`` says in words what search could not use, and is empty when all is well.

    ``also`` are the further wordings that were asked together with ``query``.
    """

    query: str
    engine: str
    degraded: str
    hits: tuple[Hit, ...]
    also: tuple[str, ...] = ()
