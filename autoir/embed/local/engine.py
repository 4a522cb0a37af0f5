"""The ``local`` engine: texts to vectors with the BERT of a folder."""

from collections.abc import Sequence
from pathlib import Path

from autoir.embed.documents import checked
from autoir.embed.interface import EmbedderSpec, EmbedFailure, Vector
from autoir.embed.local import ModelFileError
from autoir.embed.local.bert import Bert
from autoir.embed.local.folder import CONFIG, WEIGHTS, vocabulary_of
from autoir.embed.local.tokenizer import Tokenizer, read_vocabulary
from autoir.embed.local.weights import read_config, read_weights
from autoir.errors import UsageError


class LocalEmbedder:
    """Vectors of ``spec.dim`` numbers from the model in ``folder``, whose files the caller has verified.

    Threads may share it.
    """

    def __init__(self, folder: Path, spec: EmbedderSpec) -> None:
        """Raises ModelFileError where the folder's files are no BERT, or not one that ``spec`` can be of."""
        config = read_config(folder / CONFIG)
        if spec.pooling == "none":
            raise ModelFileError(f"{spec.id} says nothing of pooling.", "cls and mean are known.")
        if config.hidden_size != spec.dim:
            raise ModelFileError(
                f"{folder}/{CONFIG}: vectors of {config.hidden_size} numbers; {spec.dim} are needed.",
                "A store holds vectors of one length.",
            )
        if not 2 < spec.max_tokens <= config.max_position_embeddings:
            raise ModelFileError(
                f"{folder}/{CONFIG}: texts of up to {config.max_position_embeddings} tokens; {spec.id} is cut at"
                f" {spec.max_tokens}.",
                "Set max_tokens to no more than that.",
            )
        vocabulary = read_vocabulary(vocabulary_of(folder))
        if len(vocabulary) != config.vocab_size:
            raise ModelFileError(
                f"{vocabulary_of(folder)} has {len(vocabulary):,} tokens; config.json says {config.vocab_size:,}.",
                "Copy the whole folder of the model.",
            )
        self.spec = spec
        self._pooling = spec.pooling
        self._tokenizer = Tokenizer(vocabulary)
        self._bert = Bert(read_weights(folder / WEIGHTS, config))

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        """A vector for each text, in their order; a failure where the numbers are none."""
        tokens = [self._tokenizer.encode(text, self.spec.max_tokens) for text in texts]
        return [checked(row, self.spec.dim) for row in self._bert.vectors(tokens, self._pooling)]

    def embed_query(self, text: str) -> Vector:
        """The vector of a question. Raises UsageError where its numbers are none."""
        [found] = self.embed_documents([self.spec.query_prefix + text])
        if isinstance(found, EmbedFailure):
            raise UsageError(f"{self.spec.id} cannot embed this question: {found.reason}.", "Ask in other words.")
        return found

    def close(self) -> None:
        """The mapping ends with the object."""
