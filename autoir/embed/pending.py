"""Vectors for the patterns that wait for one.

Storing never waits for a model: a new pattern is inserted as pending, and this fills it in later, from any process.
A lease keeps two of them from embedding the same pattern; one that dies loses only its lease. What the model refuses
is recorded with the reason and not tried again; when the engine itself is down nothing is judged and all stay pending.
What was embedded is stored only while the store is still that model's, in the same transaction.
"""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from autoir.clock import SECOND_MS, Clock
from autoir.embed.documents import embed_patterns
from autoir.embed.fingerprint import MetaStore, claim_model, hold_model
from autoir.embed.interface import Embedder, EmbedFailure, Vector

LEASE_MS = 45 * SECOND_MS
"""How long claimed patterns are left to whoever claimed them: all are filled within a minute of a recovery."""

BATCH = 256
"""Patterns claimed and stored at a time."""

STEP = 64
"""The same where somebody watches: a second or two of a language model on one core."""


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


def fill_pending(
    store: VectorStore,
    embedder: Embedder,
    now_ms: int,
    limit: int = 1_000_000,
    *,
    seconds: Callable[[], float] = time.monotonic,
) -> Filled:
    """Embed pending patterns, most recently seen first, until none is left or ``limit`` are done.

    ``now_ms`` is the time at the start; by ``seconds``, a clock that only goes forward, leases given later end later.
    Raises ModelMismatchError before it touches anything when the store's vectors are another model's, and
    UnreachableError when the engine cannot answer: what was stored until then stays.
    """
    done, failed, begun = 0, 0, seconds()
    if store.embed_progress().pending:
        claim_model(store, embedder)
        while pending := store.claim_pending(
            now_ms + round((seconds() - begun) * SECOND_MS), LEASE_MS, min(BATCH, limit - done - failed)
        ):
            good = _fill(store, embedder, now_ms, pending)
            done += good
            failed += len(pending) - good
            if done + failed >= limit:
                break
    return Filled(done, failed)


def fill_all(
    store: VectorStore,
    embedder: Embedder,
    *,
    clock: Clock,
    wait: Callable[[], None],
    told: Callable[[Filled, int], None],
    limit: int = 1_000_000,
) -> Filled:
    """Embed until no pattern waits, or ``limit`` are done; what others have in hand is waited for, or for their lease.

    ``told`` after each step how far it is, and how many wait yet. What a kill leaves undone waits as before. Raises
    what ``fill_pending`` does.
    """
    total, pending = Filled(0, 0), store.embed_progress().pending
    while pending and sum(total) < limit:
        some = fill_pending(store, embedder, clock(), min(STEP, limit - sum(total)))
        total = Filled(total.done + some.done, total.failed + some.failed)
        pending = store.embed_progress().pending
        told(total, pending)
        if pending and not sum(some):
            wait()
    return total


def _fill(store: VectorStore, embedder: Embedder, now_ms: int, pending: Sequence[PendingPattern]) -> int:
    """Embed what was claimed; how many got a vector."""
    made = embed_patterns(embedder, [(p.template, p.component) for p in pending])
    outcomes = [(pattern.pattern_id, vector) for pattern, vector in zip(pending, made, strict=True)]
    vectors: list[tuple[int, Vector]] = [(n, v) for n, v in outcomes if not isinstance(v, EmbedFailure)]

    def save() -> None:
        hold_model(store, embedder)
        for pattern_id, outcome in outcomes:
            if isinstance(outcome, EmbedFailure):
                store.embed_failed(pattern_id, outcome.reason)
        store.save_vectors(embedder.spec.id, now_ms, vectors)

    store.atomically(save)
    return len(vectors)
