"""One model a store: eight canaries that every engine must reproduce before it may write or search.

Two engines of one model agree on a vector to a cosine of 0.999 and better (measured for torch, ONNX, numpy and fp16
weights); a wrong pooling, a quantised copy or another model does not. Names can lie, vectors do not.
"""

import base64
import json

from autoir.embed.interface import Embedder, EmbedFailure
from autoir.embed.recipe import views
from autoir.errors import UsageError
from autoir.store import Store

CANARIES = (
    ("connection refused", ""),
    ("request to <*> timed out after <*>", "http.client"),
    ("HTTP/<*> 503 Service Unavailable", "gateway"),
    ("NullPointerException in OrderService.placeOrder", "shop.orders.OrderService"),
    ("user <*> logged in from <*>", "auth"),
    ("exit status 137, container killed (OOM)", "kubelet"),
    ("SQLSTATE 40001 deadlock detected while waiting for ShareLock on transaction <*>", "postgres"),
    ("slow query took <*>: select name, price, stock from products where category = <*> " * 4, "db"),
)
"""(template, component): from two words to a long statement, with identifiers and kept numbers."""

_LEAST_COSINE = 0.999


def _canaries(embedder: Embedder) -> list[bytes]:
    """The canaries' vectors: all views as documents in one batch, then the first of each as a question."""
    texts = [views(template, component) for template, component in CANARIES]
    vectors = embedder.embed_documents([text for pair in texts for text in pair])
    vectors += [embedder.embed_query(pair[0]) for pair in texts]
    good = [vector for vector in vectors if not isinstance(vector, EmbedFailure)]
    if len(good) != len(vectors):
        raise UsageError(f"{embedder.spec.id} refuses a canary text.", "The engine is broken: use another one.")
    return good


def verify(store: Store, embedder: Embedder) -> None:
    """Raise UsageError unless ``embedder`` is the store's model; an empty store takes this one as its model."""
    import numpy as np

    saved = store.meta("embedder")
    vectors = _canaries(embedder)
    if saved is None:
        encoded = [base64.b64encode(vector).decode() for vector in vectors]
        store.set_meta("embedder", json.dumps({"id": embedder.spec.id, "dim": embedder.spec.dim, "canaries": encoded}))
        return
    known = json.loads(saved)
    hint = "Search with that engine, or make a store of its own for this one: vectors of two models do not compare."
    if known["id"] != embedder.spec.id or known["dim"] != embedder.spec.dim:
        raise UsageError(
            f"The store's vectors were made by {known['id']} ({known['dim']} numbers), this engine is"
            f" {embedder.spec.id} ({embedder.spec.dim}).",
            hint,
        )
    for number, (ours, theirs) in enumerate(zip(vectors, known["canaries"], strict=True)):
        a = np.frombuffer(ours, dtype="<f4").astype(np.float64)
        b = np.frombuffer(base64.b64decode(theirs), dtype="<f4").astype(np.float64)
        cosine = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
        if not cosine >= _LEAST_COSINE:
            raise UsageError(
                f"{embedder.spec.id} does not reproduce the store's vectors: canary {number} has cosine {cosine:.3f},"
                f" {_LEAST_COSINE} is needed.",
                hint,
            )
