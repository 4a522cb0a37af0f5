"""One search: which patterns are in scope, how well each answers, and what is known of the best."""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from autoir.clock import MINUTE_MS, minute_of
from autoir.embed import Embedder, EmbedFailure, ModelMismatchError, verify_model
from autoir.embed.documents import embed_question
from autoir.embed.recipe import LIMIT, component_text, query_text
from autoir.embed.words import terms
from autoir.errors import AutoirError, UsageError
from autoir.search.catalog import Catalog
from autoir.search.results import Hit, Results, Why
from autoir.search.scoring import DENSE_WEIGHT, HASHED_WEIGHT, Scores, best_first, blended
from autoir.store import Store
from autoir.store.rows import PatternUse, StoredEvent, StoredPattern

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EVER = 2**62
_AT_ONCE = 16
"""Documents whose counts are read at a time, best first."""

_WORDINGS = 8
"""As many wordings as one search takes: people and agents try two or three."""

_WORD = re.compile(r"[^\W_]+")

_EXAMPLE = 'Example: autoir logs query "timeout contacting DB"'


class _Scope(NamedTuple):
    """What a search is held to: log groups (None: all) and minutes."""

    log_groups: frozenset[str] | None
    first: int
    last: int


class Searcher:
    """Search over one store with one engine. Keeps patterns, words and vectors in memory and reads only what is new."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self._catalog = Catalog(store)
        self._seen_at: object = None
        self._seen: list[int] = []

    def prepare(self) -> None:
        """Read what every search needs, so that the first one takes no longer than those after it."""
        self._catalog.read_patterns()
        self._catalog.read_vectors()

    def search(
        self,
        query: str,
        *,
        also: Sequence[str] = (),
        limit: int = 10,
        group_glob: str = "",
        since_ms: int | None = None,
        until_ms: int | None = None,
        level: int = 0,
    ) -> Results:
        """The patterns that answer ``query``, among those of ``level`` or above seen in the groups and time asked for.

        ``also`` are other wordings of the same need: what answers several of them comes before what answers one.
        ``group_glob`` is fnmatch's, case-sensitive. Time counts in whole minutes, ``until_ms`` excluded. Only the first
        1,500 characters of a wording are read. Raises UsageError for a wording without a word to search for.
        """
        wordings = list(dict.fromkeys(text.strip()[:LIMIT] for text in (query, *also)))
        words = [terms(query_text(wording)) for wording in wordings]
        for wording, found in zip(wordings, words, strict=True):
            if not found:
                raise UsageError(f"{wording!r} holds no word to search for.", _EXAMPLE)
        if len(wordings) > _WORDINGS:
            raise UsageError(f"{len(wordings)} wordings are too many.", f"Give at most {_WORDINGS}.")
        if limit < 1:
            raise UsageError(f"A limit of {limit} asks for no answer.", "Give at least 1.")
        self._catalog.read_patterns()
        scope = self._scope(group_glob, since_ms, until_ms)
        numbers = self._numbers(scope, level)
        hits: list[Hit] = []
        scores, degraded = self._scores(wordings, words, numbers)
        if len(numbers):
            asked = frozenset(word for found in words for word in found)
            hits = list(islice(self._hits(scope, numbers, scores, asked, limit), limit))
        return Results(wordings[0], self._embedder.spec.id, degraded, tuple(hits), tuple(wordings[1:]))

    def lines(self, hit: Hit, limit: int = 20) -> list[StoredEvent]:
        """The newest events of a hit of this searcher, newest first, in the log groups and the time it was found in."""
        patterns = [p for p in self._catalog.document_of(hit.pattern_id).patterns if p.log_group in hit.log_groups]
        # Late events were counted in a later minute than their own, perhaps all of them.
        for span in ((hit.first_ms, hit.last_ms), (-_EVER, _EVER)):
            found = [event for p in patterns for event in self._store.newest(p.pattern_id, limit, *span)]
            if found:
                return sorted(found, key=lambda event: (-event.ts_ms, event.id))[:limit]
        return []

    def _scope(self, group_glob: str, since_ms: int | None, until_ms: int | None) -> _Scope:
        groups = None
        if group_glob:
            groups = frozenset(g for g in self._catalog.log_groups() if fnmatchcase(g, group_glob))
        first = -_EVER if since_ms is None else minute_of(since_ms)
        return _Scope(groups, first, _EVER if until_ms is None else minute_of(until_ms - 1))

    def _numbers(self, scope: _Scope, level: int) -> "NDArray[np.int64]":
        """The documents in scope."""
        seen = None
        if scope.first > -_EVER or scope.last < _EVER:
            seen = self._seen_between(scope)
        return self._catalog.numbers(scope.log_groups, seen, level)

    def _seen_between(self, scope: _Scope) -> list[int]:
        """The patterns seen in those minutes. Who types on asks again and again for the same ones."""
        now = self._store.db.changes(), scope.first, scope.last
        if now != self._seen_at:
            self._seen_at, self._seen = now, self._store.seen_between(scope.first, scope.last)
        return self._seen

    def _scores(
        self, wordings: Sequence[str], words: Sequence[list[str]], numbers: "NDArray[np.int64]"
    ) -> tuple[Scores, str]:
        """Scores of the documents in scope, and what was missing for them."""
        import numpy as np

        raws = [self._catalog.words.scores(dict.fromkeys(found, 1.0))[numbers] for found in words]
        questions, trouble = self._questions(wordings)
        if questions is None:
            return blended(raws, [], np.zeros(len(numbers), np.bool_), 0.0), trouble if len(numbers) else ""
        matrix, has_vector = self._catalog.matrix()
        embedded = has_vector[numbers]
        rows = numbers[embedded]
        few = len(rows) * 4 < len(matrix)
        cosines = matrix[rows] @ questions if few else (matrix @ questions)[rows]
        weight = HASHED_WEIGHT if self._embedder.spec.pooling == "none" else DENSE_WEIGHT
        missing = min(len(numbers) - len(rows), self._catalog.progress.pending)
        if missing:
            trouble = f"{missing:,} of {len(numbers):,} patterns have no vector yet and are found by words only"
        return blended(raws, list(cosines.T.astype(np.float64)), embedded, weight), trouble

    def _questions(self, wordings: Sequence[str]) -> tuple["NDArray[np.float32] | None", str]:
        """The wordings' vectors, a column each, with the catalog's read; None, and why, where only words can be
        compared."""
        import numpy as np

        try:
            if not verify_model(self._store, self._embedder):
                return None, "words only: no pattern has a vector yet"
            self._catalog.read_vectors()
            vectors = [embed_question(self._embedder, wording) for wording in wordings]
            verify_model(self._store, self._embedder)  # what was read meanwhile may be another model's
        except ModelMismatchError as error:
            self._catalog.forget_vectors()
            return None, f"words only: {error}"
        except AutoirError as error:
            return None, f"words only: {error}"
        columns = []
        for vector in vectors:
            if isinstance(vector, EmbedFailure):
                return None, f"words only: {vector.reason}"
            columns.append(np.frombuffer(vector, np.float32))
        return np.stack(columns, axis=1), ""

    def _hits(
        self, scope: _Scope, numbers: "NDArray[np.int64]", scores: Scores, asked: frozenset[str], limit: int
    ) -> Iterator[Hit]:
        """Answers, best first."""
        for part in best_first(scores.total, self._catalog.first_ids()[numbers], scores.answers, limit + _AT_ONCE):
            for start in range(0, len(part), _AT_ONCE):
                some = part[start : start + _AT_ONCE].tolist()
                patterns = {at: self._patterns(scope, int(numbers[at])) for at in some}
                ids = [pattern.pattern_id for found in patterns.values() for pattern in found]
                uses = {use.pattern_id: use for use in self._store.uses_of(ids, scope.first, scope.last)}
                for at in some:
                    seen = [pattern for pattern in patterns[at] if pattern.pattern_id in uses]
                    if seen:
                        yield self._hit(scope, seen, uses, scores, at, asked)

    def _patterns(self, scope: _Scope, number: int) -> list[StoredPattern]:
        """The patterns of a document that are in the log groups asked for."""
        patterns = self._catalog.documents[number].patterns
        return [p for p in patterns if scope.log_groups is None or p.log_group in scope.log_groups]

    def _hit(
        self,
        scope: _Scope,
        patterns: list[StoredPattern],
        uses: Mapping[int, PatternUse],
        scores: Scores,
        at: int,
        asked: frozenset[str],
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
            float(scores.total[at]),
            float(scores.dense[at]),
            float(scores.bm25[at]),
            sum(use.n for use in own),
            min(use.first_minute for use in own) * MINUTE_MS,
            (max(use.last_minute for use in own) + 1) * MINUTE_MS,
            tuple(sorted({pattern.log_group for pattern in patterns})),
            self._sample(newest.pattern_id, scope),
            Why(
                float(scores.cosine[at]) if scores.embedded[at] else None,
                float(scores.raw[at]),
                scores.weight if scores.embedded[at] else 0.0,
                _matched(newest, asked),
            ),
        )

    def _sample(self, pattern_id: int, scope: _Scope) -> StoredEvent | None:
        """The newest event of the span; any, where late ones were counted in a later minute than their own."""
        from_ms = scope.first * MINUTE_MS if scope.first > -_EVER else -_EVER
        until_ms = (scope.last + 1) * MINUTE_MS if scope.last < _EVER else _EVER
        return self._store.sample(pattern_id, from_ms, until_ms) or self._store.sample(pattern_id, -_EVER, _EVER)


def _matched(pattern: StoredPattern, asked: frozenset[str]) -> tuple[str, ...]:
    """The words of a pattern whose stems are asked for."""
    found: dict[str, str] = {}
    for word in _WORD.findall(component_text(pattern.template, pattern.component).lower()):
        for term in terms(word):
            if term in asked:
                found.setdefault(term, word)
    return tuple(dict.fromkeys(found.values()))
