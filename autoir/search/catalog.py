"""Every pattern of a store in memory, as search needs it: words, vectors, groups. Only what is new is read.

The same message in several log groups is one document: it is scored once, and its rarity is not diluted by how many
groups say it.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from autoir.clock import MINUTE_MS
from autoir.embed import DIM
from autoir.embed.words import pattern_terms
from autoir.search.bm25 import WordIndex
from autoir.store import Store
from autoir.store.rows import StoredPattern
from autoir.store.vectors import EmbedProgress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OVERLAP_MS = MINUTE_MS
"""Clocks of several back-fillers differ: vectors this much older than the newest known are read again."""


class Document(NamedTuple):
    """A message: its patterns, one a log group."""

    template: str
    component: str
    level: int
    patterns: list[StoredPattern]


class Catalog:
    """Documents numbered from 0. What is read stays for the life of the object."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[int, int] = {}
        self._numbers: dict[tuple[str, str, int], int] = {}
        self._groups: dict[str, int] = {}
        self._pattern_ids = array("q")
        self._owners = array("i")
        self._group_numbers = array("i")
        self._sorted: NDArray[np.int64] | array[int] = array("q")
        self._places: NDArray[np.int64] | array[int] = array("q")
        self._levels = array("b")
        self._first_ids = array("q")
        self._vectors = array("f")
        self._has_vector = bytearray()
        self._embedded: set[int] = set()
        self._embedded_at: EmbedProgress | None = None
        self._read_at: object = None
        self.progress = EmbedProgress(0, 0, 0, None)
        self.documents: list[Document] = []
        self.words = WordIndex()

    def read_patterns(self) -> None:
        """Read the patterns that came since the last time."""
        changes = self._store.db.changes()
        if changes == self._read_at:
            return
        self._read_at = changes
        self.progress = self._store.embed_progress()
        if sum(self.progress[:3]) == len(self._known):
            return
        if not self._known:
            self._add(self._store.patterns())
        else:
            self._add(self._store.patterns([i for i in self._store.pattern_ids() if i not in self._known]))

    def _add(self, patterns: Iterable[StoredPattern]) -> None:
        for pattern in patterns:
            key = (pattern.template, pattern.component, pattern.level)
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = len(self.documents)
                self.documents.append(Document(*key, []))
                self.words.add(pattern_terms(pattern.template, pattern.component))
                self._levels.append(pattern.level)
                self._first_ids.append(pattern.pattern_id)
            self.documents[number].patterns.append(pattern)
            self._pattern_ids.append(pattern.pattern_id)
            self._owners.append(number)
            self._group_numbers.append(self._groups.setdefault(pattern.log_group, len(self._groups)))
            self._known[pattern.pattern_id] = number
        missing = len(self.documents) - len(self._has_vector)
        self._has_vector.extend(bytes(missing))
        self._vectors.frombytes(bytes(missing * DIM * 4))

    def read_vectors(self) -> None:
        """Read the vectors that came since the last time; after ``read_patterns``."""
        now, before = self.progress, self._embedded_at
        self._embedded_at = now
        if not now.done or (before and now[1:] == before[1:]):
            return
        if before and before.newest_ms is not None:
            self._take(self._store.vectors(before.newest_ms - _OVERLAP_MS))
        if len(self._embedded) < now.done:
            self._take(self._store.vectors())

    def _take(self, vectors: Iterable[tuple[int, bytes]]) -> None:
        size = DIM * 4
        with memoryview(self._vectors).cast("B") as held:
            for pattern_id, vector in vectors:
                number = self._known.get(pattern_id)
                if number is not None:
                    held[number * size : (number + 1) * size] = vector
                    self._has_vector[number] = 1
                    self._embedded.add(pattern_id)

    def forget_vectors(self) -> None:
        """Drop all vectors: they are another model's."""
        self._has_vector = bytearray(len(self.documents))
        self._embedded.clear()
        self._embedded_at = None

    def matrix(self) -> tuple["NDArray[np.float32]", "NDArray[np.bool_]"]:
        """Vectors, a row a document, and which rows hold one. Only until the next read."""
        import numpy as np

        return np.frombuffer(self._vectors, np.float32).reshape(-1, DIM), np.frombuffer(self._has_vector, np.bool_)

    def log_groups(self) -> list[str]:
        """Every log group with a pattern."""
        return list(self._groups)

    def document_of(self, pattern_id: int) -> Document:
        """The document that a known pattern belongs to."""
        return self.documents[self._known[pattern_id]]

    def first_ids(self) -> "NDArray[np.int64]":
        """One pattern id a document, the same for every process: what equal scores are ordered by."""
        import numpy as np

        return np.frombuffer(self._first_ids, np.int64)

    def numbers(
        self, log_groups: Iterable[str] | None, pattern_ids: Sequence[int] | None, level: int
    ) -> "NDArray[np.int64]":
        """The documents of ``level`` or above in those groups and with those patterns (None: all), in their order."""
        import numpy as np

        held = np.ones(len(self._pattern_ids), np.bool_)
        if log_groups is not None:
            wanted = np.zeros(len(self._groups) + 1, np.bool_)
            wanted[[self._groups[group] for group in log_groups]] = True
            held = wanted[np.frombuffer(self._group_numbers, np.int32)]
        if pattern_ids is not None:
            held &= self._are_among(np.fromiter(pattern_ids, np.int64, len(pattern_ids)))
        found = np.zeros(len(self.documents), np.bool_)
        found[np.frombuffer(self._owners, np.int32)[held]] = True
        if level:
            found &= np.frombuffer(self._levels, np.int8) >= level
        return np.flatnonzero(found)

    def _are_among(self, wanted: "NDArray[np.int64]") -> "NDArray[np.bool_]":
        """Which of the patterns are wanted."""
        import numpy as np

        if len(self._sorted) != len(self._pattern_ids):
            ids = np.frombuffer(self._pattern_ids, np.int64)
            self._places = np.argsort(ids)
            self._sorted = ids[self._places]
        at = np.minimum(np.searchsorted(self._sorted, wanted), len(self._sorted) - 1)
        found = np.zeros(len(self._sorted), np.bool_)
        found[self._places[at[self._sorted[at] == wanted]]] = True
        return found
