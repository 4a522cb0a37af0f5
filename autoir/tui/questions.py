"""What the search screen asks of a store."""

from dataclasses import dataclass
from datetime import tzinfo
from typing import NamedTuple

from autoir.cli.options import moment_ms
from autoir.clock import Clock
from autoir.embed import Embedder
from autoir.search import Hit, Results, Searcher
from autoir.search.absence import why_nothing
from autoir.store import Store
from autoir.store.rows import StoredEvent

HITS, LINES = 50, 50
"""Patterns of an answer, and lines of a pattern, that are shown."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What answers are held to. ``since`` is as it was typed (``2h``, an ISO time), for the store's clock goes on."""

    group_glob: str = ""
    since: str = ""
    level: int = 0


class Answer(NamedTuple):
    """What was found; where that is nothing, why."""

    results: Results
    why_nothing: str


class Overview(NamedTuple):
    """What there is to search."""

    patterns: int
    log_groups: int
    span: tuple[int, int] | None


class Library:
    """A store and its search, for the thread that opened it. Holds no transaction open between two questions."""

    def __init__(self, store: Store, embedder: Embedder, clock: Clock, zone: tzinfo) -> None:
        self._store = store
        self._searcher = Searcher(store, embedder)
        self._clock = clock
        self._zone = zone

    def overview(self) -> Overview:
        """How much there is."""
        return Overview(sum(self._store.embed_progress()[:3]), len(self._store.log_groups()), self._store.time_span())

    def prepare(self) -> None:
        """Read what answers are made of, while a person still thinks what to type."""
        self._searcher.prepare()

    def answer(self, text: str, filters: Filters) -> Answer:
        """The patterns that answer. Raises UsageError for a text without a word, and for a time that is none."""
        group_glob, level = filters.group_glob, filters.level
        since_ms = moment_ms("since", filters.since, self._clock()) if filters.since else None
        found = self._searcher.search(text, limit=HITS, group_glob=group_glob, since_ms=since_ms, level=level)
        why = ""
        if not found.hits:
            why = why_nothing(self._store, self._zone, group_glob=group_glob, since_ms=since_ms, level=level)
        return Answer(found, why)

    def lines(self, hit: Hit) -> list[StoredEvent]:
        """The newest stored lines of a hit, newest first."""
        return self._searcher.lines(hit, LINES)
