"""Vectors for the patterns that wait for one."""

from typing import NamedTuple

from autoir.embed.fingerprint import verify
from autoir.embed.interface import DIM, Embedder, EmbedFailure, Vector
from autoir.embed.recipe import views
from autoir.store import Store

LEASE_MS = 60_000
"""How long a claimed pattern is left to whoever claimed it."""

BATCH = 256


class Filled(NamedTuple):
    """How many patterns got a vector, and how many were refused by the model."""

    done: int
    failed: int


def combined(parts: list[Vector | EmbedFailure]) -> Vector | EmbedFailure:
    """One vector of a pattern's views: their sum, of length 1."""
    import numpy as np

    total = np.zeros(DIM, dtype=np.float64)
    for part in parts:
        if isinstance(part, EmbedFailure):
            return part
        total += np.frombuffer(part, dtype="<f4")
    norm = float(np.linalg.norm(total))
    if not np.isfinite(norm) or norm == 0.0:
        return EmbedFailure("the vector has no direction")
    return (total / norm).astype("<f4").tobytes()


def fill_pending(store: Store, embedder: Embedder, now_ms: int, limit: int = 100_000) -> Filled:
    """Embed up to ``limit`` pending patterns. Raises UnreachableError when the engine does not answer: what was
    claimed is free again after a minute, and nothing is lost."""
    done = failed = 0
    while done + failed < limit:
        pending = store.claim_pending(now_ms, LEASE_MS, min(BATCH, limit - done - failed))
        if not pending:
            break
        if not done + failed:
            verify(store, embedder)
        texts = [views(p.template, p.component) for p in pending]
        vectors = embedder.embed_documents([text for pair in texts for text in pair])
        found: list[tuple[int, Vector]] = []
        at = 0
        for pattern, pair in zip(pending, texts, strict=True):
            vector = combined(vectors[at : at + len(pair)])
            at += len(pair)
            if isinstance(vector, EmbedFailure):
                store.embed_failed(pattern.pattern_id, vector.reason)
                failed += 1
            else:
                found.append((pattern.pattern_id, vector))
        store.save_vectors(embedder.spec.id, now_ms, found)
        done += len(found)
    return Filled(done, failed)
