"""One model a store: eight canaries tell whether an engine is the one whose vectors are there.

A name proves nothing: the same weights pooled or quantised another way, a forgotten prefix or a changed text recipe
give vectors that compare without an error and rank at random. So the first engine leaves the vectors of eight fixed
patterns, by the document path and by the query path, and every later one must reproduce them. Engines of one model
agree to 0.999999; a quantised copy reaches 0.992, wrong pooling 0.56.
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol
from weakref import WeakKeyDictionary

from autoir.embed.documents import embed_patterns, embed_question
from autoir.embed.interface import Embedder, EmbedFailure, ModelMismatchError, Vector
from autoir.errors import AutoirError

LEAST_COSINE = 0.999
META_KEY = "embedder"

CANARIES: tuple[tuple[str, str], ...] = (
    ("connection refused", ""),
    ("QueuePool limit of size <*> overflow <*> reached, connection timed out", "checkout.db.pool"),
    ("GET /api/v2/orders/<*> 503 upstream prematurely closed connection", "nginx"),
    ("java.lang.NullPointerException at com.example.billing.InvoiceService.renderPdf(InvoiceService.java:<*>)", ""),
    ("user <*> logged in from <*>", "AuthController"),
    ("x509: certificate has expired or is not yet valid: current time <*> is after <*>", "payments-gateway"),
    ("Speicherplatz erschöpft: /var/lib/data ist zu <*> % belegt, 磁盘空间不足", "df_monitor"),
    (
        "consumer group orders-worker rebalancing: partition <*> revoked from member <*>, generation <*>, lag <*>, "
        "reason=SESSION_TIMEOUT; committing offsets before leaving, retry in <*> with backoff, maxPollInterval=<*> "
        "heartbeatInterval=<*>, assigned topics order-created order-paid order-shipped stock-reserved stock-released "
        "invoice-rendered mail-queued; see KafkaConsumerConfig for the settings that were in force when the poll loop "
        "was last entered, and the thread dump of worker-pool-<*> for what it has been doing since",
        "o.s.k.l.KafkaMessageListenerContainer",
    ),
)
"""(template, component): 2 to about 120 tokens, with identifiers, codes, and words of other scripts."""


class MetaStore(Protocol):
    """What is asked of a store."""

    def meta(self, key: str) -> str | None:
        """The fact kept under ``key``."""

    def set_meta(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key``."""

    def atomically(self, work: Callable[[], None]) -> None:
        """``work``, all or nothing."""


class _Fingerprint(NamedTuple):
    model: str
    dim: int
    documents: list[Vector]
    queries: list[Vector]


_reproduced: WeakKeyDictionary[Embedder, str] = WeakKeyDictionary()
"""Which recorded canaries an engine has reproduced already: an endpoint is not asked again for every batch."""


def _good(vectors: Sequence[Vector | EmbedFailure], model: str) -> list[Vector]:
    good = []
    for vector in vectors:
        if isinstance(vector, EmbedFailure):
            raise AutoirError(
                f"{model} cannot embed AutoIR's own test texts: {vector.reason}.", "Check the engine's settings."
            )
        good.append(vector)
    return good


def _measured(embedder: Embedder) -> _Fingerprint:
    spec = embedder.spec
    documents = _good(embed_patterns(embedder, CANARIES), spec.id)
    queries = _good([embed_question(embedder, template) for template, _ in CANARIES], spec.id)
    return _Fingerprint(spec.id, spec.dim, documents, queries)


def _written(found: _Fingerprint) -> str:
    documents, queries = ([base64.b64encode(v).decode("ascii") for v in vs] for vs in found[2:])
    return json.dumps({"id": found.model, "dim": found.dim, "documents": documents, "queries": queries})


def _read(text: str) -> _Fingerprint:
    kept = json.loads(text)
    documents, queries = ([base64.b64decode(v) for v in kept.get(path, ())] for path in ("documents", "queries"))
    return _Fingerprint(str(kept["id"]), int(kept["dim"]), documents, queries)


def _refusal(kept: str, what: str) -> ModelMismatchError:
    return ModelMismatchError(
        f"The store holds vectors of {kept}; {what}.",
        "Use the engine that filled the store, or another store: vectors of two models do not compare.",
    )


def _least_cosine(ours: Sequence[Vector], theirs: Sequence[Vector]) -> tuple[float, int]:
    """The least cosine of two lists of vectors of length 1, and the number of the text it belongs to."""
    import numpy as np

    a, b = (np.frombuffer(b"".join(vs), dtype="<f4").reshape(len(vs), -1).astype(np.float64) for vs in (ours, theirs))
    cosines = (a * b).sum(axis=1)
    return float(cosines.min()), int(cosines.argmin()) + 1


def _compare(kept: _Fingerprint, embedder: Embedder) -> None:
    spec = embedder.spec
    if kept.model != spec.id:
        raise _refusal(kept.model, f"this engine is {spec.id}")
    if kept.dim != spec.dim:
        raise _refusal(kept.model, f"they have {kept.dim} numbers, this engine's {spec.dim}")
    found = _measured(embedder)
    for path, theirs, ours in (
        ("documents", kept.documents, found.documents),
        ("queries", kept.queries, found.queries),
    ):
        if len(ours) != len(theirs):
            raise _refusal(kept.model, f"they were recorded with {len(theirs)} test texts, not {len(ours)}")
        cosine, number = _least_cosine(ours, theirs)
        if not cosine >= LEAST_COSINE:
            raise _refusal(
                kept.model,
                f"this engine has that name but embeds {path} otherwise: test text {number} has cosine"
                f" {cosine:.3f} to what is recorded, and {LEAST_COSINE} is needed",
            )


def recorded_model(store: MetaStore) -> str | None:
    """The id of the model whose vectors the store holds; None before the first."""
    kept = store.meta(META_KEY)
    return None if kept is None else _read(kept).model


def verify_model(store: MetaStore, embedder: Embedder) -> bool:
    """Whether the store has a model, which then is ``embedder``'s. Never writes.

    Raises ModelMismatchError when it is another one, and says in what they differ.
    """
    kept = store.meta(META_KEY)
    if kept is None:
        return False
    if _reproduced.get(embedder) != kept:
        _compare(_read(kept), embedder)
        _reproduced[embedder] = kept
    return True


def claim_model(store: MetaStore, embedder: Embedder) -> None:
    """Make the store ``embedder``'s if it has no model yet; verify that it is otherwise.

    Raises ModelMismatchError.
    """
    if verify_model(store, embedder):
        return
    measured = _written(_measured(embedder))

    def record() -> None:
        if store.meta(META_KEY) is None:
            store.set_meta(META_KEY, measured)

    store.atomically(record)
    verify_model(store, embedder)
