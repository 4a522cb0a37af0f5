"""An engine that does what a test tells it: another name, bent vectors, refused texts, no answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from autoir.embed import Embedder, EmbedderSpec, EmbedFailure, Vector
from autoir.embed.hashed import HashedEmbedder
from autoir.errors import UnreachableError

Numbers = NDArray[np.float64]
Bend = Callable[[Numbers], Numbers]


def unbent(numbers: Numbers) -> Numbers:
    return numbers


class ScriptedEmbedder:
    """Hashed vectors, passed through ``documents`` or ``queries``; texts holding a word of ``refuses`` fail."""

    def __init__(
        self,
        *,
        documents: Bend = unbent,
        queries: Bend = unbent,
        refuses: Sequence[str] = (),
        **spec: str | int,
    ) -> None:
        self._engine: Embedder = HashedEmbedder()
        self.spec: EmbedderSpec = replace(self._engine.spec, **spec)  # type: ignore[arg-type]
        self._documents, self._queries, self._refuses = documents, queries, refuses
        self.down = False
        self.asked: list[str] = []

    def _bent(self, text: str, bend: Bend) -> Vector:
        return bend(np.frombuffer(self._engine.embed_query(text), "<f4").astype(np.float64)).astype("<f4").tobytes()

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        self._answering()
        self.asked += texts
        return [
            EmbedFailure("no such word")
            if any(word in text for word in self._refuses)
            else self._bent(text, self._documents)
            for text in texts
        ]

    def embed_query(self, text: str) -> Vector:
        self._answering()
        return self._bent(text, self._queries)

    def _answering(self) -> None:
        if self.down:
            raise UnreachableError("the endpoint does not answer")

    def close(self) -> None:
        pass
