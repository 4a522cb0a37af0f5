"""Vectors without a model: hashed words and pieces of words.

It finds what shares words or parts of words with the question (``timeout`` and ``timeouts``), not what means the same.
It needs no weights, no network and no start-up, so it is what a laptop has until a model is there.
"""

from collections.abc import Sequence
from functools import lru_cache
from zlib import crc32

import numpy as np

from autoir.embed.interface import DIM, EmbedderSpec, EmbedFailure, Vector
from autoir.embed.recipe import split_words

_GRAMS = (3, 4)
_WORD_WEIGHT = 1.0
_GRAM_WEIGHT = 0.35
_MAX_WORDS = 400


@lru_cache(maxsize=65_536)
def _features(word: str) -> tuple[tuple[int, float], ...]:
    """(slot, signed weight) of a word and its n-grams; the sign keeps collisions from adding up."""
    padded = f"^{word}$"
    grams = [padded[i : i + n] for n in _GRAMS for i in range(len(padded) - n + 1)]
    weighted = [(word, _WORD_WEIGHT), *((gram, _GRAM_WEIGHT / len(grams) ** 0.5) for gram in grams)]
    found = []
    for text, weight in weighted:
        code = crc32(text.encode("utf-8", "surrogatepass"))
        found.append((code % DIM, weight if code & 0x8000_0000 else -weight))
    return tuple(found)


class HashedEmbedder:
    """384 numbers from hashed words and their 3- and 4-grams, of length 1."""

    def __init__(self) -> None:
        self.spec = EmbedderSpec("hashed-ngram-384", "1")

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        """A vector for every text; one without any word gets that of its characters."""
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> Vector:
        """The vector of a text; documents and questions are treated alike."""
        vector = np.zeros(DIM, dtype=np.float64)
        words = split_words(text).lower().split()[:_MAX_WORDS] or [f"chars {text[:64]!r}"]
        for word in words:
            for slot, weight in _features(word[:64]):
                vector[slot] += weight
        norm = float(np.linalg.norm(vector))
        if norm == 0.0:
            vector[crc32(text.encode("utf-8", "surrogatepass")) % DIM] = norm = 1.0
        return (vector / norm).astype("<f4").tobytes()

    def close(self) -> None:
        """Nothing is held."""
