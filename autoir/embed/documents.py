"""Patterns and queries as vectors: the text recipe and an engine, put together in one place.

Whatever writes vectors, verifies an engine or asks a question goes through here, so all three see the same texts.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autoir.embed.interface import Embedder, EmbedFailure, Vector
from autoir.embed.recipe import query_text, views

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def checked(numbers: "NDArray[np.floating]", dim: int) -> Vector | EmbedFailure:
    """``numbers`` at length 1, or why they are no vector: wrong shape, not finite, all zero."""
    import numpy as np

    if numbers.shape != (dim,):
        return EmbedFailure(f"the model gave {'x'.join(map(str, numbers.shape))} numbers instead of {dim}")
    norm = float(np.linalg.norm(numbers.astype(np.float64)))
    if not np.isfinite(norm):
        return EmbedFailure("the model gave a vector that is not finite")
    if norm == 0.0:
        return EmbedFailure("the model gave a vector of zeros")
    return (numbers / norm).astype("<f4").tobytes()


def _numbers(vector: Vector) -> "NDArray[np.float32]":
    import numpy as np

    return np.frombuffer(vector, dtype="<f4") if len(vector) % 4 == 0 else np.zeros(0, dtype="<f4")


def _combined(vectors: Sequence[Vector | EmbedFailure], dim: int) -> Vector | EmbedFailure:
    """The normalised sum of a pattern's views; a failure if one of them failed."""
    found = []
    for vector in vectors:
        good = vector if isinstance(vector, EmbedFailure) else checked(_numbers(vector), dim)
        if isinstance(good, EmbedFailure):
            return good
        found.append(_numbers(good))
    total = checked(sum(found[1:], found[0]), dim)
    # Two views that cancel out say nothing together; the plain text says something alone.
    return found[0].tobytes() if isinstance(total, EmbedFailure) else total


def embed_patterns(embedder: Embedder, patterns: Sequence[tuple[str, str]]) -> list[Vector | EmbedFailure]:
    """A vector or a failure for each (template, component), in order; equal texts are sent once.

    Raises UnreachableError when the engine cannot answer.
    """
    wanted = [views(template, component) for template, component in patterns]
    texts = list(dict.fromkeys(text for pair in wanted for text in pair))
    vectors = dict(zip(texts, embedder.embed_documents(texts), strict=True)) if texts else {}
    return [_combined([vectors[text] for text in pair], embedder.spec.dim) for pair in wanted]


def embed_question(embedder: Embedder, query: str) -> Vector | EmbedFailure:
    """The vector of a query, whose identifiers are split as those of the patterns were.

    Raises what the engine's ``embed_query`` raises.
    """
    return checked(_numbers(embedder.embed_query(query_text(query))), embedder.spec.dim)
