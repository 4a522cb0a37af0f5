"""Vectors for the patterns that wait for one.

Storing never waits for a model: a new pattern is inserted as pending, and this fills it in later, from any process.
A lease keeps two of them from embedding the same pattern; one that dies loses only its lease. What the model refuses
is recorded with the reason and not tried again; when the engine itself is down nothing is judged and all stay pending.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from autoir.clock import SECOND_MS
from autoir.embed.documents import embed_patterns
from autoir.embed.fingerprint import MetaStore, claim_model
from autoir.embed.interface import Embedder, EmbedFailure, Vector

LEASE_MS = 45 * SECOND_MS
"""How long claimed patterns are left to whoever claimed them: all are filled within a minute of a recovery."""

BATCH = 256
"""Patterns claimed and stored at a time."""


class PendingPattern(Protocol):
    """A pattern without a vector."""

    @property
    def pattern_id(self) -> int: ...
    @property
    def component(self) -> str: ...
    @property
    def template(self) -> str: ...


class Progress(Protocol):
    """How far the store's patterns are embedded."""

    @property
    def pending(self) -> int: ...


class VectorStore(MetaStore, Protocol):
    """What is asked of a store."""

    def embed_progress(self) -> Progress:
        """How many patterns wait."""

    def claim_pending(self, now_ms: int, lease_ms: int, limit: int) -> Sequence[PendingPattern]:
        """Pending patterns that nobody else gets until the lease ends."""

    def save_vectors(self, model: str, now_ms: int, vectors: Sequence[tuple[int, bytes]]) -> None:
        """Store vectors by pattern id."""

    def embed_failed(self, pattern_id: int, reason: str) -> None:
        """Note that the model refuses a pattern."""


class Filled(NamedTuple):
    """How many patterns got a vector, and how many were refused by the model."""

    done: int
    failed: int


def fill_pending(store: VectorStore, embedder: Embedder, now_ms: int, limit: int = 1_000_000) -> Filled:
    """Embed pending patterns, most recently seen first, until none is left or ``limit`` are done.

    Raises ModelMismatchError before it touches anything when the store's vectors are another model's, and
    UnreachableError when the engine cannot answer: what was stored until then stays.
    """
    done = failed = 0
    if store.embed_progress().pending:
        claim_model(store, embedder)
        while pending := store.claim_pending(now_ms, LEASE_MS, min(BATCH, limit - done - failed)):
            good = _fill(store, embedder, now_ms, pending)
            done += good
            failed += len(pending) - good
            if done + failed >= limit:
                break
    return Filled(done, failed)


def _fill(store: VectorStore, embedder: Embedder, now_ms: int, pending: Sequence[PendingPattern]) -> int:
    """Embed what was claimed; how many got a vector."""
    vectors: list[tuple[int, Vector]] = []
    for pattern, vector in zip(
        pending, embed_patterns(embedder, [(p.template, p.component) for p in pending]), strict=True
    ):
        if isinstance(vector, EmbedFailure):
            store.embed_failed(pattern.pattern_id, vector.reason)
        else:
            vectors.append((pattern.pattern_id, vector))
    store.save_vectors(embedder.spec.id, now_ms, vectors)
    return len(vectors)
