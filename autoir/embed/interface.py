"""What every engine is: a spec, vectors of documents, the vector of a query."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from autoir.errors import UsageError

DIM = 384
"""Numbers of every vector, float32."""

Vector = bytes
"""``DIM`` float32, little endian, of length 1."""


class EmbedFailure(NamedTuple):
    """Why one text got no vector. It is recorded, and the text not tried again under this model."""

    reason: str


class ModelMismatchError(UsageError):
    """The store's vectors are another model's; the message says in what they differ."""


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """What makes two engines interchangeable: the weights and how a text is brought to them.

    ``query_prefix`` goes before queries only. ``max_tokens`` is where a text is cut; 128 lose nothing in search.
    ``recipe`` is the version of the text recipe, for it decides a vector as much as the weights do.
    """

    model: str
    revision: str
    dim: int = DIM
    pooling: Literal["cls", "mean", "none"] = "none"
    normalize: bool = True
    query_prefix: str = ""
    max_tokens: int = 128
    recipe: str = "r1"

    @property
    def id(self) -> str:
        """Such as ``bge-small-en-v1.5/cls/r1``."""
        pooling = "" if self.pooling == "none" else f"/{self.pooling}"
        return f"{self.model}{pooling}/{self.recipe}"


class Embedder(Protocol):
    """An engine. Texts are those of the recipe, already redacted; ``documents.py`` brings patterns to it."""

    @property
    def spec(self) -> EmbedderSpec:
        """Which model this is."""

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        """A vector or a failure for each text, in their order. Never raises for one bad text.

        Raises UnreachableError when the engine does not answer at all: then no text is judged.
        """

    def embed_query(self, text: str) -> Vector:
        """The vector of a question. Raises UnreachableError, or UsageError for a text that it refuses."""

    def close(self) -> None:
        """Release what the engine holds."""
