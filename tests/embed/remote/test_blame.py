"""Who is to blame for an answer that is no vector: a text, which is lost alone, or the endpoint, and then no text."""

from collections.abc import Callable

import pytest

from autoir.embed import EmbedFailure, ModelMismatchError
from autoir.embed.models import known_spec
from autoir.embed.remote.embedder import CONTROL, RemoteEmbedder
from autoir.errors import UnreachableError, UsageError
from tests.embed.remote.server import (
    Answer,
    Script,
    Server,
    answer,
    cls,
    compact,
    error,
    model_error,
    pooled,
    right,
)
from tests.embed.remote.virtual import VirtualTime

SPEC = known_spec()
TEXTS = [f"pattern number {n} of the shop" for n in range(32)]
POISON = TEXTS[11]

only_sagemaker = pytest.mark.parametrize("endpoint", ["sagemaker"], indirect=True)


def refusing(refusal: Callable[[], Answer], *poison: str) -> Script:
    """Refuses any request with one of ``poison`` in it."""
    return lambda texts: refusal() if set(poison) & set(texts) else pooled(texts)


def one_bad_vector(value: float) -> Script:
    def script(texts: list[str]) -> Answer:
        rows = [[value] * 384 if text == POISON else cls(text).tolist() for text in texts]
        return answer(rows)

    return script


def one_short(texts: list[str]) -> Answer:
    """Leaves the vector of the poison out."""
    return answer([cls(text).tolist() for text in texts if text != POISON])


def narrower(texts: list[str]) -> Answer:
    return answer([cls(text).tolist()[: 100 if text == POISON else 384] for text in texts])


POISONED: list[tuple[Script, str, int]] = [
    (one_bad_vector(float("nan")), "not finite", 1),
    (one_bad_vector(0.0), "zeros", 1),
    (narrower, "100 numbers", 1),
    # One request for all, one for the control text, two for each of five halvings.
    (one_short, "0 vectors for 1 texts", 12),
    (refusing(lambda: error(413, message="too large"), POISON), "413", 12),
    (refusing(lambda: error(422, message="no tokens"), POISON), "422", 12),
    (refusing(lambda: error(400, "ValidationError", message="bad"), POISON), "400", 12),
]


@pytest.mark.parametrize("script, reason, requests", POISONED)
def test_a_bad_text_loses_only_itself(
    server: Server, engine: RemoteEmbedder, script: Script, reason: str, requests: int
) -> None:
    server.script = script
    for text, found in zip(TEXTS, engine.embed_documents(TEXTS), strict=True):
        if text == POISON:
            assert isinstance(found, EmbedFailure)
            assert reason in found.reason
        else:
            assert right(text, found)
    assert len(server.sent) == requests


@only_sagemaker
@pytest.mark.parametrize("original", [400, 413, 422])
def test_a_text_that_the_model_refuses_loses_only_itself(
    server: Server, engine: RemoteEmbedder, time: VirtualTime, original: int
) -> None:
    server.script = refusing(lambda: model_error(original, "tensor a (700) must match tensor b (512)"), POISON)
    found = dict(zip(TEXTS, engine.embed_documents(TEXTS), strict=True))
    assert found.pop(POISON) == EmbedFailure(f"424 ModelError: {original} tensor a (700) must match tensor b (512)")
    assert all(right(text, vector) for text, vector in found.items())
    assert (len(server.sent), time.pauses) == (12, [])


@pytest.mark.parametrize(
    "endpoint, crash", [("sagemaker", model_error(500)), ("http", error(424))], indirect=["endpoint"]
)
def test_a_text_that_crashes_the_model_loses_only_itself(
    server: Server, engine: RemoteEmbedder, time: VirtualTime, crash: Answer
) -> None:
    server.script = refusing(lambda: crash, POISON)
    found = dict(zip(TEXTS, engine.embed_documents(TEXTS), strict=True))
    assert isinstance(found.pop(POISON), EmbedFailure)
    assert all(right(text, vector) for text, vector in found.items())
    assert engine.traffic.breaker == "closed"
    assert time.now_s - 1_000 < 90


def test_two_bad_texts_among_many(server: Server, engine: RemoteEmbedder) -> None:
    server.script = refusing(lambda: error(422), TEXTS[0], TEXTS[31])
    found = engine.embed_documents(TEXTS)
    assert [n for n, vector in enumerate(found) if isinstance(vector, EmbedFailure)] == [0, 31]


def test_a_bad_text_that_is_alone_is_told_from_a_bad_endpoint(server: Server, engine: RemoteEmbedder) -> None:
    server.script = refusing(lambda: error(422), POISON)
    (found,) = engine.embed_documents([POISON])
    assert isinstance(found, EmbedFailure)
    assert [sent.texts for sent in server.sent] == [[POISON], [CONTROL]]
    server.script = refusing(lambda: error(422), SPEC.query_prefix + "pool")
    with pytest.raises(UsageError, match="gives this query no vector: 422"):
        engine.embed_query("pool")


ILL: list[tuple[Script, type[Exception], str]] = [
    (lambda _: error(400, "ValidationError", message="Endpoint autoir-embed not found"), UnreachableError, "400"),
    (lambda _: error(422, message="no"), UnreachableError, "embeds no text, .*422"),
    (lambda _: answer({"error": "oops"}), UnreachableError, "holds no vectors"),
    (lambda _: Answer(200, b"<html>"), UnreachableError, "no JSON"),
    (lambda texts: answer([[float("nan")] * 384 for _ in texts]), UnreachableError, "not finite"),
    (lambda texts: answer([[0.0] * 384 for _ in texts]), UnreachableError, "zeros"),
    (lambda texts: answer([[0.5] * 384] * (len(texts) + 1)), UnreachableError, "vectors for"),
    (lambda texts: answer([[0.5] * 768 for _ in texts]), ModelMismatchError, "768 numbers a text; bge.* has 384"),
    (lambda texts: compact(texts, "all-MiniLM-L6-v2/mean/r1"), ModelMismatchError, "all-MiniLM-L6-v2/mean/r1"),
    (lambda _: error(403, "AccessDeniedException", message="no"), UnreachableError, "403"),
    (lambda _: error(404), UnreachableError, "404"),
]


@pytest.mark.parametrize("well_before", [False, True])
@pytest.mark.parametrize("script, kind, words", ILL)
def test_an_endpoint_that_is_ill_condemns_no_text(
    server: Server, engine: RemoteEmbedder, script: Script, kind: type[Exception], words: str, well_before: bool
) -> None:
    if well_before:
        engine.embed_documents(["pool closed"])
        server.sent.clear()
    server.script = script
    with pytest.raises(kind, match=words):
        engine.embed_documents(TEXTS)
    assert len(server.sent) <= 2
    assert engine.traffic.breaker == "open"
    server.sent.clear()
    with pytest.raises(UnreachableError, match="is left alone for 30 s more"):
        engine.embed_query("pool")
    assert server.sent == []


def test_an_endpoint_that_recovers_is_used_again(server: Server, engine: RemoteEmbedder, time: VirtualTime) -> None:
    server.script = lambda _: error(422)
    with pytest.raises(UnreachableError):
        engine.embed_documents(TEXTS)
    server.script = pooled
    assert all(right(text, found) for text, found in zip(TEXTS, engine.embed_documents(TEXTS), strict=True))
    assert time.now_s - 1_000 <= 31
