"""One model a store: eight canaries tell whether an engine is the one whose vectors are there.

A name proves nothing: the same weights pooled or quantised another way, a forgotten prefix or a changed text recipe
give vectors that compare without an error and rank at random. So the first engine leaves the vectors of eight fixed
patterns, by the document path and by the query path, and every later one must reproduce them. Engines of one model
agree to 0.999999; a quantised copy reaches 0.992, wrong pooling 0.56.
"""

import base64
import json
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar
from weakref import WeakKeyDictionary

from autoir.embed.documents import embed_patterns, embed_question
from autoir.embed.interface import Embedder, EmbedFailure, ModelMismatchError, Vector
from autoir.errors import AutoirError

T = TypeVar("T")

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

    def held_meta(self, key: str) -> str | None:
        """The same; inside a transaction nobody else changes it until the end."""

    def set_meta(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key``."""

    def atomically(self, work: Callable[[], T]) -> T:
        """``work``, all or nothing."""


class Fingerprint(NamedTuple):
    """A model by its id, its dimension and its vectors of the canaries, by either path.

    ``clearing`` names the model before it while the store still holds vectors of that one: nothing is compared then,
    and nothing is written.
    """

    model: str
    dim: int
    documents: Sequence[Vector]
    queries: Sequence[Vector]
    clearing: str = ""


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


def measured(embedder: Embedder) -> Fingerprint:
    """The fingerprint of an engine. Raises AutoirError where it cannot embed the canaries."""
    spec = embedder.spec
    documents = _good(embed_patterns(embedder, CANARIES), spec.id)
    queries = _good([embed_question(embedder, template) for template, _ in CANARIES], spec.id)
    return Fingerprint(spec.id, spec.dim, documents, queries)


def written(found: Fingerprint) -> str:
    """``found`` as it is kept under ``META_KEY``."""
    documents, queries = ([base64.b64encode(v).decode("ascii") for v in vs] for vs in found[2:4])
    kept = {"id": found.model, "dim": found.dim, "documents": documents, "queries": queries}
    return json.dumps(kept | ({"clearing": found.clearing} if found.clearing else {}))


def read(text: str) -> Fingerprint:
    """What ``written`` wrote."""
    kept = json.loads(text)
    documents, queries = ([base64.b64decode(v) for v in kept.get(path, ())] for path in ("documents", "queries"))
    return Fingerprint(str(kept["id"]), int(kept["dim"]), documents, queries, str(kept.get("clearing", "")))


def _refusal(kept: str, what: str) -> ModelMismatchError:
    return ModelMismatchError(
        f"The store holds vectors of {kept}; {what}.",
        "Use the engine that filled the store, or give all of it vectors of another one: autoir embed reembed",
    )


def _least_cosine(ours: Sequence[Vector], theirs: Sequence[Vector]) -> tuple[float, int]:
    """The least cosine of two lists of vectors of length 1, and the number of the text it belongs to."""
    import numpy as np

    a, b = (np.frombuffer(b"".join(vs), dtype="<f4").reshape(len(vs), -1).astype(np.float64) for vs in (ours, theirs))
    cosines = (a * b).sum(axis=1)
    return float(cosines.min()), int(cosines.argmin()) + 1


def difference(kept: Fingerprint, found: Fingerprint) -> str:
    """In what the engine of ``found`` differs from the model ``kept``; empty where it is that model."""
    if kept.model != found.model:
        return f"this engine is {found.model}"
    if kept.dim != found.dim:
        return f"they have {kept.dim} numbers, this engine's {found.dim}"
    for path, theirs, ours in (
        ("documents", kept.documents, found.documents),
        ("queries", kept.queries, found.queries),
    ):
        if len(ours) != len(theirs):
            return f"they were recorded with {len(theirs)} test texts, not {len(ours)}"
        cosine, number = _least_cosine(ours, theirs)
        if not cosine >= LEAST_COSINE:
            return (
                f"this engine has that name but embeds {path} otherwise: test text {number} has cosine"
                f" {cosine:.3f} to what is recorded, and {LEAST_COSINE} is needed"
            )
    return ""


def _require(kept: Fingerprint, embedder: Embedder) -> None:
    """Raise ModelMismatchError unless ``embedder`` is of the model ``kept`` and that one alone is in the store."""
    spec = embedder.spec
    named = (kept.model, kept.dim) == (spec.id, spec.dim)
    # An engine of another name or width is not asked for a vector.
    found = measured(embedder) if named else Fingerprint(spec.id, spec.dim, (), ())
    if what := difference(kept, found):
        raise _refusal(kept.model, what)
    if kept.clearing:
        raise ModelMismatchError(
            f"The store is on its way from {kept.clearing} to {kept.model}, and holds vectors of the former yet.",
            "autoir embed reembed goes on with it. Until then search goes by words alone.",
        )


def recorded_model(store: MetaStore) -> str | None:
    """The id of the model whose vectors the store holds; None before the first."""
    kept = store.meta(META_KEY)
    return None if kept is None else read(kept).model


def verify_model(store: MetaStore, embedder: Embedder) -> bool:
    """Whether the store has a model, which then is ``embedder``'s. Never writes.

    Raises ModelMismatchError when it is another one, and says in what they differ.
    """
    kept = store.meta(META_KEY)
    if kept is None:
        return False
    if _reproduced.get(embedder) != kept:
        _require(read(kept), embedder)
        _reproduced[embedder] = kept
    return True


def claim_model(store: MetaStore, embedder: Embedder) -> None:
    """Make the store ``embedder``'s if it has no model yet; verify that it is otherwise.

    Raises ModelMismatchError.
    """
    if verify_model(store, embedder):
        return
    found = written(measured(embedder))

    def record() -> None:
        if store.held_meta(META_KEY) is None:
            store.set_meta(META_KEY, found)

    store.atomically(record)
    verify_model(store, embedder)


def hold_model(store: MetaStore, embedder: Embedder) -> None:
    """Inside a transaction: the store's model stays what ``embedder`` was verified to be until the end.

    Raises ModelMismatchError where it is another by now: vectors made before that are not to be stored.
    """
    kept = store.held_meta(META_KEY)
    if kept is None or kept != _reproduced.get(embedder):
        model = "no model" if kept is None else read(kept).model
        raise ModelMismatchError(
            f"The store was given over to {model} while {embedder.spec.id} embedded.",
            "Nothing of that was stored. Run the same again.",
        )
