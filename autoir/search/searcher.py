"""One search: which patterns are in scope, how well each answers, and what is known of the best."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from autoir.clock import MINUTE_MS, minute_of
from autoir.embed import Embedder, EmbedFailure, ModelMismatchError, verify_model
from autoir.embed.documents import embed_question
from autoir.embed.recipe import LIMIT, query_text
from autoir.embed.words import terms
from autoir.errors import AutoirError, UsageError
from autoir.search.catalog import Catalog
from autoir.search.results import Hit, Results
from autoir.store import Store
from autoir.store.rows import PatternUse, StoredEvent, StoredPattern

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DENSE_WEIGHT = 0.7
"""Share of the vector score in the blend with a model that knows meaning (measured best on graded queries)."""

HASHED_WEIGHT = 0.5
"""Share of the vector score for hashed vectors, which see the same words as BM25 does."""

_EVER = 2**62
_AT_ONCE = 16
"""Documents whose counts are read at a time, best first."""

_EXAMPLE = 'Example: autoir logs query "timeout contacting DB"'


class _Scope(NamedTuple):
    """What a search is held to: log groups (None: all), minutes, and the patterns seen in them (None: all)."""

    log_groups: frozenset[str] | None
    first: int
    last: int
    seen: frozenset[int] | None

    def holds(self, pattern: StoredPattern) -> bool:
        return (self.log_groups is None or pattern.log_group in self.log_groups) and (
            self.seen is None or pattern.pattern_id in self.seen
        )


class _Scores(NamedTuple):
    """Scores of the documents in scope, 0 to 1, in their order; ``answers`` tells which can answer at all."""

    answers: "NDArray[np.bool_]"
    total: "NDArray[np.float64]"
    dense: "NDArray[np.float64]"
    bm25: "NDArray[np.float64]"


def _stretched(scores: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Scores from 0 to 1; all 0 where they do not differ."""
    low, high = (float(scores.min()), float(scores.max())) if len(scores) else (0.0, 0.0)
    return (scores - low) / (high - low) if high > low else scores * 0.0


class Searcher:
    """Search over one store with one engine. Keeps patterns, words and vectors in memory and reads only what is new."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self._catalog = Catalog(store)

    def search(
        self,
        query: str,
        *,
        limit: int = 10,
        group_glob: str = "",
        since_ms: int | None = None,
        until_ms: int | None = None,
        level: int = 0,
    ) -> Results:
        """The patterns that answer ``query``, among those of ``level`` or above seen in the groups and time asked for.

        ``group_glob`` is fnmatch's, case-sensitive. Time counts in whole minutes, ``until_ms`` excluded. Only the first
        1,500 characters of a query are read. Raises UsageError for a query without a word to search for.
        """
        query = query.strip()[:LIMIT]
        words = terms(query_text(query))
        if not words:
            raise UsageError(f"{query!r} holds no word to search for.", _EXAMPLE)
        if limit < 1:
            raise UsageError(f"A limit of {limit} asks for no answer.", "Give at least 1.")
        self._catalog.read_patterns()
        scope = self._scope(group_glob, since_ms, until_ms)
        numbers = self._catalog.numbers(scope.log_groups, scope.seen, level)
        scores, degraded = self._scores(query, words, numbers)
        hits = [] if not len(numbers) else list(islice(self._hits(scope, numbers, scores), limit))
        return Results(query, self._embedder.spec.id, degraded, tuple(hits))

    def _scope(self, group_glob: str, since_ms: int | None, until_ms: int | None) -> _Scope:
        groups = None
        if group_glob:
            groups = frozenset(g for g in self._catalog.log_groups() if fnmatchcase(g, group_glob))
        first = -_EVER if since_ms is None else minute_of(since_ms)
        last = _EVER if until_ms is None else minute_of(until_ms - 1)
        timed = since_ms is not None or until_ms is not None
        return _Scope(groups, first, last, frozenset(self._store.seen_between(first, last)) if timed else None)

    def _scores(self, query: str, words: list[str], numbers: "NDArray[np.int64]") -> tuple[_Scores, str]:
        """Scores of the documents in scope, and what was missing for them."""
        import numpy as np

        raw = self._catalog.words.scores(dict.fromkeys(words, 1.0))[numbers]
        bm25 = _stretched(raw)
        vector, trouble = self._question(query)
        if vector is None:
            return _Scores(raw > 0, bm25, np.zeros(len(numbers)), bm25), trouble if len(numbers) else ""
        matrix, has_vector = self._catalog.matrix()
        embedded = has_vector[numbers]
        rows = numbers[embedded]
        few = len(rows) * 4 < len(matrix)
        dense = np.zeros(len(numbers))
        dense[embedded] = _stretched((matrix[rows] @ vector if few else (matrix @ vector)[rows]).astype(np.float64))
        weight = HASHED_WEIGHT if self._embedder.spec.pooling == "none" else DENSE_WEIGHT
        # A pattern without a vector is judged by its words alone, not as one that means something else.
        total = np.where(embedded, weight * dense + (1 - weight) * bm25, bm25)
        missing = min(len(numbers) - len(rows), self._catalog.progress.pending)
        if missing:
            trouble = f"{missing:,} of {len(numbers):,} patterns have no vector yet and are found by words only"
        return _Scores(embedded | (raw > 0), total, dense, bm25), trouble

    def _question(self, query: str) -> tuple["NDArray[np.float32] | None", str]:
        """The query's vector, with the catalog's read; None, and why, where only words can be compared."""
        import numpy as np

        try:
            if not verify_model(self._store, self._embedder):
                return None, "words only: no pattern has a vector yet"
            self._catalog.read_vectors()
            vector = embed_question(self._embedder, query)
        except ModelMismatchError as error:
            self._catalog.forget_vectors()
            return None, f"words only: {error}"
        except AutoirError as error:
            return None, f"words only: {error}"
        if isinstance(vector, EmbedFailure):
            return None, f"words only: {vector.reason}"
        return np.frombuffer(vector, np.float32), ""

    def _hits(self, scope: _Scope, numbers: "NDArray[np.int64]", scores: _Scores) -> Iterator[Hit]:
        """Answers, best first."""
        import numpy as np

        order = np.argsort(-scores.total, kind="stable")
        order = order[scores.answers[order]]
        for start in range(0, len(order), _AT_ONCE):
            some = order[start : start + _AT_ONCE].tolist()
            patterns = {at: self._patterns(scope, int(numbers[at])) for at in some}
            ids = [pattern.pattern_id for found in patterns.values() for pattern in found]
            uses = {use.pattern_id: use for use in self._store.uses_of(ids, scope.first, scope.last)}
            for at in some:
                seen = [pattern for pattern in patterns[at] if pattern.pattern_id in uses]
                if seen:
                    parts = (float(scores.total[at]), float(scores.dense[at]), float(scores.bm25[at]))
                    yield self._hit(scope, seen, uses, parts)

    def _patterns(self, scope: _Scope, number: int) -> list[StoredPattern]:
        """The patterns of a document that are in scope."""
        return [pattern for pattern in self._catalog.documents[number].patterns if scope.holds(pattern)]

    def _hit(
        self,
        scope: _Scope,
        patterns: list[StoredPattern],
        uses: Mapping[int, PatternUse],
        parts: tuple[float, float, float],
    ) -> Hit:
        # The newest line stands for all of them.
        patterns = sorted(patterns, key=lambda p: (-uses[p.pattern_id].last_minute, p.pattern_id))
        own = [uses[pattern.pattern_id] for pattern in patterns]
        newest = patterns[0]
        return Hit(
            newest.pattern_id,
            newest.template,
            newest.level,
            newest.component,
            *parts,
            sum(use.n for use in own),
            min(use.first_minute for use in own) * MINUTE_MS,
            (max(use.last_minute for use in own) + 1) * MINUTE_MS,
            tuple(sorted({pattern.log_group for pattern in patterns})),
            self._sample(newest.pattern_id, scope),
        )

    def _sample(self, pattern_id: int, scope: _Scope) -> StoredEvent | None:
        """The newest event of the span; any, where late ones were counted in a later minute than their own."""
        from_ms = scope.first * MINUTE_MS if scope.first > -_EVER else -_EVER
        until_ms = (scope.last + 1) * MINUTE_MS if scope.last < _EVER else _EVER
        return self._store.sample(pattern_id, from_ms, until_ms) or self._store.sample(pattern_id, -_EVER, _EVER)
