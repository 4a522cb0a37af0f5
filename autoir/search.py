"""Search over patterns: what a store's lines say, by meaning and by words.

Two scores over every pattern in scope, each stretched to 0..1 per query, then blended: the cosine to the pattern's
vector, and BM25 over its words. Words find identifiers, vectors find what is said otherwise, and a pattern without a
vector is still found. Answers are patterns, not lines: ten lines would show three distinct messages. There is no
cut-off, since a score means nothing across queries; what is degraded is said in the answer.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING

from autoir.clock import MINUTE_MS, minute_of
from autoir.embed import Embedder, views
from autoir.embed.fingerprint import verify
from autoir.embed.recipe import split_words
from autoir.errors import AutoirError, UsageError
from autoir.store import Store
from autoir.store.rows import PatternUse, StoredEvent, StoredPattern

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DENSE_WEIGHT = 0.7
"""Share of the vector score in the blend with a model that knows meaning (measured best on graded queries)."""

HASHED_WEIGHT = 0.5
"""Share of the vector score for hashed vectors, which see the same words as BM25 does."""

QUERY_LIMIT = 2_000
_K1, _B = 1.2, 0.75
_END = 2**62
_STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "has",
        "have",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "that",
        "the",
        "this",
        "to",
        "was",
        "were",
        "with",
    ]
)
_SUFFIXES = re.compile(r"(?:ations?|ingly|edly|ings?|ions?|ies|ied|ers?|ed|es|s|ly|able)$")


@dataclass(frozen=True, slots=True)
class Hit:
    """One pattern that answers. ``score`` and its two parts are 0 to 1; times are epoch milliseconds."""

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


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """``word`` without a common English ending, where at least three letters stay."""
    found = _SUFFIXES.search(word)
    return word[: found.start()] if found and found.start() >= 3 else word


def terms(text: str) -> list[str]:
    """What BM25 knows of a text: stemmed lower-case words, identifiers split, stop words out."""
    return [stem(word) for word in split_words(text).lower().split() if word not in _STOP]


class WordIndex:
    """BM25 over the patterns' words (Robertson and Zaragoza, 2009), postings in memory."""

    def __init__(self) -> None:
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: dict[int, int] = {}

    def __contains__(self, pattern_id: int) -> bool:
        return pattern_id in self._lengths

    def add(self, pattern_id: int, text: str) -> None:
        """Index one pattern."""
        counts = Counter(terms(text))
        self._lengths[pattern_id] = counts.total()
        for term, count in counts.items():
            self._postings[term].append((pattern_id, count))

    def scores(self, query: str) -> dict[int, float]:
        """BM25 of every pattern that shares a word with ``query``."""
        total = len(self._lengths)
        average = sum(self._lengths.values()) / max(1, total) or 1.0
        found: dict[int, float] = defaultdict(float)
        for term in set(terms(query)):
            postings = self._postings.get(term, ())
            weight = math.log(1 + (total - len(postings) + 0.5) / (len(postings) + 0.5))
            for pattern_id, count in postings:
                norm = 1 - _B + _B * self._lengths[pattern_id] / average
                found[pattern_id] += weight * count * (_K1 + 1) / (count + _K1 * norm)
        return found


class Searcher:
    """Search over one store with one engine. Keeps vectors and words in memory and reads only what is new."""

    def __init__(self, store: Store, embedder: Embedder) -> None:
        self._store = store
        self._embedder = embedder
        self._words = WordIndex()
        self._patterns: dict[int, StoredPattern] = {}
        self._rows: dict[int, int] = {}
        self._vectors: list[bytes] = []
        self._matrix: NDArray[np.float32] | None = None
        self._refused = ""
        try:
            verify(store, embedder)
        except AutoirError as error:
            self._refused = str(error)

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

        Raises UsageError for a query without a word.
        """
        query = query.strip()[:QUERY_LIMIT]
        if not split_words(query):
            raise UsageError(
                f"{query!r} holds no word to search for.", 'Example: autoir logs query "timeout contacting DB"'
            )
        uses = self._scope(group_glob, since_ms, until_ms)
        self._refresh()
        scope = [i for i in uses if i in self._patterns and self._patterns[i].level >= level]
        dense = self._stretched(self._dense(query, scope))
        lexical = self._words.scores(query)
        bm25 = self._stretched({i: lexical.get(i, 0.0) for i in scope})
        weight = HASHED_WEIGHT if self._embedder.spec.pooling == "none" else DENSE_WEIGHT
        if not dense:
            weight = 0.0
        scored = {i: (weight * dense.get(i, 0.0) + (1 - weight) * bm25[i], dense.get(i, 0.0), bm25[i]) for i in scope}
        hits = self._hits(scored, uses, limit, since_ms, until_ms)
        return Results(query, self._embedder.spec.id, self._degraded(scope), hits)

    def _scope(self, group_glob: str, since_ms: int | None, until_ms: int | None) -> dict[int, PatternUse]:
        groups = None
        if group_glob:
            groups = [g for g in self._store.log_groups() if fnmatchcase(g, group_glob)]
        first = -_END if since_ms is None else minute_of(since_ms)
        last = _END if until_ms is None else minute_of(until_ms)
        return {use.pattern_id: use for use in self._store.pattern_uses(groups, first, last)}

    def _refresh(self) -> None:
        """Read the patterns and vectors that came since the last search."""
        for pattern in self._store.patterns():
            self._patterns[pattern.pattern_id] = pattern
            if pattern.pattern_id not in self._words:
                self._words.add(pattern.pattern_id, views(pattern.template, pattern.component)[-1])
        if self._refused:
            return
        waiting = {i for i, p in self._patterns.items() if p.embed_state == "done" and i not in self._rows}
        if waiting:
            for pattern_id, vector in self._store.vectors():
                if pattern_id in waiting:
                    self._rows[pattern_id] = len(self._vectors)
                    self._vectors.append(vector)
            self._matrix = None

    def _dense(self, query: str, scope: list[int]) -> dict[int, float]:
        """Cosine to every pattern in scope that has a vector."""
        known = [i for i in scope if i in self._rows]
        if self._refused or not known:
            return {}
        import numpy as np

        if self._matrix is None:
            self._matrix = np.frombuffer(b"".join(self._vectors), dtype="<f4").reshape(len(self._vectors), -1)
        vector = np.frombuffer(self._embedder.embed_query(query), dtype="<f4")
        scores = self._matrix @ vector
        return {i: float(scores[self._rows[i]]) for i in known}

    @staticmethod
    def _stretched(scores: dict[int, float]) -> dict[int, float]:
        """Scores stretched to 0..1; all 0 where they do not differ."""
        if not scores:
            return {}
        low, high = min(scores.values()), max(scores.values())
        span = high - low
        return {i: (s - low) / span if span else 0.0 for i, s in scores.items()}

    def _hits(
        self,
        scored: dict[int, tuple[float, float, float]],
        uses: dict[int, PatternUse],
        limit: int,
        since_ms: int | None,
        until_ms: int | None,
    ) -> tuple[Hit, ...]:
        """The best patterns; the same message in several groups is one hit."""
        merged: dict[tuple[str, str, int], list[int]] = {}
        for pattern_id in sorted(scored, key=lambda i: (-scored[i][0], i)):
            p = self._patterns[pattern_id]
            key = (p.template, p.component, p.level)
            if key in merged:
                merged[key].append(pattern_id)
            elif len(merged) < limit and scored[pattern_id][0] > 0:
                merged[key] = [pattern_id]
        return tuple(self._hit(ids, scored, uses, since_ms, until_ms) for ids in merged.values())

    def _hit(
        self,
        ids: list[int],
        scored: dict[int, tuple[float, float, float]],
        uses: dict[int, PatternUse],
        since_ms: int | None,
        until_ms: int | None,
    ) -> Hit:
        best = self._patterns[ids[0]]
        own: Iterable[PatternUse] = [uses[i] for i in ids]
        first, last = min(u.first_minute for u in own), max(u.last_minute for u in own)
        score, dense, bm25 = scored[ids[0]]
        sample = self._store.sample(
            ids[0], -_END if since_ms is None else since_ms, _END if until_ms is None else until_ms
        )
        return Hit(
            best.pattern_id,
            best.template,
            best.level,
            best.component,
            score,
            dense,
            bm25,
            sum(u.n for u in own),
            first * MINUTE_MS,
            (last + 1) * MINUTE_MS,
            tuple(sorted({self._patterns[i].log_group for i in ids})),
            sample,
        )

    def _degraded(self, scope: list[int]) -> str:
        if self._refused:
            return f"words only: {self._refused}"
        missing = sum(1 for i in scope if i not in self._rows)
        return f"{missing} of {len(scope)} patterns have no vector yet and are found by words only" if missing else ""
