"""BM25 over the words of every pattern.

No inverted index: the words of all patterns lie one after the other as numbers, and a query looks at each. That is a
few milliseconds for two million words, takes 8 bytes a word, and lets a pattern be added at any time for nothing.
"""

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_K1, _B = 1.2, 0.75
"""Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), section 3.4.1: 1.2 to 2, and 0.5 to 0.8."""


class WordIndex:
    """Documents numbered from 0 in the order in which they were added."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._words = array("i")
        self._owners = array("i")
        self._lengths = array("i")

    def __len__(self) -> int:
        return len(self._lengths)

    def add(self, document: Sequence[str]) -> None:
        """Add a document, by its terms."""
        numbers = self._numbers
        words = [numbers.setdefault(term, len(numbers)) for term in document]
        self._words.extend(words)
        self._owners.extend([len(self._lengths)] * len(words))
        self._lengths.append(len(words))

    def scores(self, query: Mapping[str, float]) -> "NDArray[np.float64]":
        """BM25 of every document for weighted terms; 0 where none of them occurs."""
        import numpy as np

        n = len(self._lengths)
        known = [(self._numbers[term], weight) for term, weight in query.items() if term in self._numbers]
        if not known:
            return np.zeros(n)
        rows = np.full(len(self._numbers), -1, np.int32)
        rows[[number for number, _ in known]] = np.arange(len(known))
        row = rows[np.frombuffer(self._words, np.int32)]
        at = np.flatnonzero(row >= 0)
        cells = row[at] * np.int64(n) + np.frombuffer(self._owners, np.int32)[at]
        counts = np.bincount(cells, minlength=len(known) * n).reshape(len(known), n)
        having = np.count_nonzero(counts, axis=1)
        idf = np.log(1 + (n - having + 0.5) / (having + 0.5)) * [weight for _, weight in known]
        lengths = np.frombuffer(self._lengths, np.int32)
        norm = _K1 * (1 - _B + _B * lengths / max(1.0, float(lengths.mean())))
        scores: NDArray[np.float64] = idf @ (counts * (_K1 + 1) / (counts + norm))
        return scores
