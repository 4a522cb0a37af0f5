"""An engine that counts what it is asked for, whichever engine it is."""

import time
from collections.abc import Callable, Sequence

from autoir.embed.interface import Embedder, EmbedderSpec, EmbedFailure, Vector
from autoir.errors import AutoirError
from autoir.metrics import EmbedWork


class MeasuredEmbedder:
    """``engine``, counted into ``work``. ``seconds`` is a clock that only goes forward."""

    def __init__(self, engine: Embedder, work: EmbedWork, seconds: Callable[[], float] = time.perf_counter) -> None:
        self.engine = engine
        self.work = work
        self._seconds = seconds

    @property
    def spec(self) -> EmbedderSpec:
        """The engine's."""
        return self.engine.spec

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        """What the engine answers; raises what it raises."""
        return self._counted(lambda: self.engine.embed_documents(texts))

    def embed_query(self, text: str) -> Vector:
        """What the engine answers; raises what it raises."""
        (vector,) = self._counted(lambda: [self.engine.embed_query(text)])
        assert not isinstance(vector, EmbedFailure)
        return vector

    def close(self) -> None:
        """Release what the engine holds."""
        self.engine.close()

    def _counted(self, ask: Callable[[], list[Vector | EmbedFailure]]) -> list[Vector | EmbedFailure]:
        work, begun = self.work, self._seconds()
        work.requests += 1
        try:
            answers = ask()
        except AutoirError:
            work.failures += 1
            raise
        took_s = self._seconds() - begun
        work.seconds += took_s
        work.slowest_s = max(work.slowest_s, took_s)
        refused = sum(isinstance(answer, EmbedFailure) for answer in answers)
        work.refused += refused
        work.texts += len(answers) - refused
        return answers
