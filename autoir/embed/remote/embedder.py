"""The engine that asks an endpoint: batches sent, bad texts found, and no text judged by an endpoint that is ill.

One request at a time. A store has hundreds of patterns a million lines, a warm serverless worker embeds dozens a
second, and a second request in flight would mean a second cold start; several processes may fill at once all the same.
"""

from collections.abc import Sequence

from autoir.embed.interface import EmbedderSpec, EmbedFailure, Vector
from autoir.embed.recipe import LIMIT
from autoir.embed.remote.batches import queued, take
from autoir.embed.remote.endpoint import Endpoint, Traffic
from autoir.embed.remote.replies import Reply
from autoir.embed.remote.transport import RequestRefusedError
from autoir.errors import UsageError

PATIENCE_S = 180.0
"""For documents: as long as SageMaker gives a container to start."""

QUERY_PATIENCE_S = 10.0
"""For a query: somebody waits, and search goes on by words alone."""

CONTROL = "connection refused"
"""A text that every model embeds. What is refused while this one is not is the texts' fault, else the endpoint's."""


class RemoteEmbedder:
    """Vectors of ``spec`` from ``endpoint``. Not shared between threads."""

    def __init__(
        self,
        endpoint: Endpoint,
        spec: EmbedderSpec,
        *,
        patience_s: float = PATIENCE_S,
        query_patience_s: float = QUERY_PATIENCE_S,
    ) -> None:
        self.spec = spec
        self._endpoint = endpoint
        self._patience_s = patience_s
        self._query_patience_s = query_patience_s
        self._pooled = False

    @property
    def traffic(self) -> Traffic:
        """What the endpoint was asked for, and the state of its breaker."""
        return self._endpoint.traffic()

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        """A vector or a failure for each text, in their order; only the first 1,500 characters of one are sent.

        Raises UnreachableError when the endpoint does not answer within the patience or embeds nothing at all, and
        ModelMismatchError when it is another model: then no text is judged.
        """
        found: dict[str, Vector | EmbedFailure] = {}
        queue = queued(texts)
        while queue:
            batch = take(queue, self.spec.max_tokens, pooled=self._pooled)
            found.update(zip(batch, self._judged(batch, self._patience_s), strict=True))
        return [found[text[:LIMIT]] for text in texts]

    def embed_query(self, text: str) -> Vector:
        """The vector of a question, behind the prefix that the model wants.

        Raises UnreachableError at once while the endpoint is left alone, ModelMismatchError, and UsageError for a text
        that the model refuses.
        """
        (vector,) = self._judged([self.spec.query_prefix + text[:LIMIT]], self._query_patience_s)
        if isinstance(vector, EmbedFailure):
            raise UsageError(
                f"The {self._endpoint.name} gives this query no vector: {vector.reason}.", "Word it differently."
            )
        return vector

    def close(self) -> None:
        """Release connections."""
        self._endpoint.close()

    def _judged(self, batch: Sequence[str], patience_s: float) -> list[Vector | EmbedFailure]:
        """The outcome of each text of a batch, none of which is blamed for an endpoint that is ill."""
        try:
            reply = self._asked(batch, patience_s)
        except RequestRefusedError as refused:
            self._require_sound_endpoint(patience_s)
            return self._parted(batch, refused.reason, patience_s)
        if all(isinstance(vector, EmbedFailure) for vector in reply.vectors):
            self._require_sound_endpoint(patience_s)
        return reply.vectors

    def _parted(self, refused: Sequence[str], reason: str, patience_s: float) -> list[Vector | EmbedFailure]:
        """Outcomes of texts that were refused together: halves are asked until each culprit stands alone."""
        if len(refused) == 1:
            return [EmbedFailure(reason)]
        outcomes: list[Vector | EmbedFailure] = []
        middle = len(refused) // 2
        for half in (refused[:middle], refused[middle:]):
            try:
                outcomes += self._asked(half, patience_s).vectors
            except RequestRefusedError as error:
                outcomes += self._parted(half, error.reason, patience_s)
        return outcomes

    def _require_sound_endpoint(self, patience_s: float) -> None:
        """Raise unless the endpoint embeds the control text."""
        try:
            reply = self._asked([CONTROL], patience_s)
        except RequestRefusedError as refused:
            raise self._endpoint.blame(refused.reason, 0) from refused
        vector = reply.vectors[0]
        if isinstance(vector, EmbedFailure):
            raise self._endpoint.blame(vector.reason, reply.width)

    def _asked(self, texts: Sequence[str], patience_s: float) -> Reply:
        reply = self._endpoint.ask(texts, patience_s)
        self._pooled = reply.pooled
        return reply
