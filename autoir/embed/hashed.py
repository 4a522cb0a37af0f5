"""Vectors without a model: hashed words and pieces of words.

It finds what shares words, stems or parts of words with the question, not what means the same. It needs no weights, no
network and no start-up, so it is what a laptop has until a model is there, and it gives the same vector on every
machine and Python.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import log

import numpy as np

from autoir.embed.interface import DIM, EmbedFailure, Vector
from autoir.embed.models import HASHED
from autoir.embed.words import terms

_PIECES = (3, 4)
_WORD_WEIGHT = 1.0
_PIECES_WEIGHT = 0.6
_PAIR_WEIGHT = 0.3

Place = tuple[int, float]
"""Slot and signed weight; the sign keeps collisions from adding up."""


def _place(feature: str, weight: float) -> Place:
    code = int.from_bytes(blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
    return (code >> 1) % DIM, weight if code & 1 else -weight


@lru_cache(maxsize=65_536)
def _word(word: str) -> tuple[Place, ...]:
    """Where a word and its pieces go."""
    bounded = f"<{word}>"
    pieces = [bounded[i : i + n] for n in _PIECES for i in range(len(bounded) - n + 1)]
    weight = _PIECES_WEIGHT / max(1, len(pieces)) ** 0.5
    return (_place(f"word {word}", _WORD_WEIGHT), *(_place(f"piece {piece}", weight) for piece in pieces))


@lru_cache(maxsize=65_536)
def _pair(first: str, second: str) -> Place:
    return _place(f"pair {first} {second}", _PAIR_WEIGHT)


class HashedEmbedder:
    """384 numbers from hashed words, their 3- and 4-grams and pairs of neighbours, of length 1. Refuses no text."""

    spec = HASHED

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        """A vector for every text."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> Vector:
        """The vector of a text; documents and questions are treated alike."""
        words = terms(text)
        vector = [0.0] * DIM
        for word, count in Counter(words).items():
            often = 1.0 + log(count)
            for slot, weight in _word(word):
                vector[slot] += often * weight
        for pair in set(pairwise(words)):
            slot, weight = _pair(*pair)
            vector[slot] += weight
        numbers = np.array(vector)
        norm = float(np.linalg.norm(numbers))
        if norm < 1e-9:  # no word, or words that cancel out: a place of the text's own
            slot, weight = _place(f"text {text}", 1.0)
            numbers[slot], norm = weight, 1.0
        return (numbers / norm).astype("<f4").tobytes()

    def close(self) -> None:
        """Nothing is held."""
