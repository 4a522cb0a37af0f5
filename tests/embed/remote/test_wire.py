"""The engines `sagemaker` and `http` against a real server: what is sent, and what becomes of each kind of answer."""

from collections.abc import Callable, Iterator
from random import Random

import numpy as np
import pytest

from autoir.embed import EmbedFailure, ModelMismatchError, Vector
from autoir.embed.models import KNOWN
from autoir.embed.remote.embedder import CONTROL, RemoteEmbedder
from autoir.embed.remote.endpoint import Endpoint
from autoir.embed.remote.http import Http
from autoir.embed.remote.sagemaker import SageMaker
from autoir.embed.remote.transport import Transport
from autoir.errors import UnreachableError, UsageError
from tests.embed.remote.server import (
    CUT,
    HANG,
    Answer,
    Fault,
    Script,
    Server,
    answer,
    cls,
    cold,
    compact,
    error,
    in_turn,
    model_error,
    pooled,
    serving,
    throttled,
    token_level,
)
from tests.embed.remote.virtual import VirtualTime

SPEC = KNOWN["bge-small-en-v1.5"]
TEXTS = [f"pattern number {n} of the shop" for n in range(32)]
POISON = TEXTS[11]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


def sagemaker(server: Server) -> Transport:
    return SageMaker("autoir-embed")


def http(server: Server) -> Transport:
    return Http(server.url)


@pytest.fixture(params=[sagemaker, http])
def endpoint(
    request: pytest.FixtureRequest, server: Server, time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Endpoint]:
    """Either kind, with time that stands still unless it pauses."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    made = Endpoint(request.param(server), SPEC, clock=time.clock, pause=time.pause, jitter=Random(1))
    yield made
    made.close()


@pytest.fixture
def engine(endpoint: Endpoint) -> RemoteEmbedder:
    return RemoteEmbedder(endpoint, SPEC)


@pytest.fixture
def impatient(endpoint: Endpoint) -> RemoteEmbedder:
    """An engine with next to no patience, which is also how long it waits for bytes."""
    return RemoteEmbedder(endpoint, SPEC, patience_s=0.25, query_patience_s=0.25)


only_sagemaker = pytest.mark.parametrize("endpoint", [sagemaker], indirect=True)
only_http = pytest.mark.parametrize("endpoint", [http], indirect=True)


def right(text: str, found: Vector | EmbedFailure) -> bool:
    expected = cls(text) / np.linalg.norm(cls(text))
    return isinstance(found, bytes) and bool(np.allclose(np.frombuffer(found, "<f4"), expected, atol=1e-6))


def refusing(refusal: Callable[[], Answer], *poison: str, others: Script = pooled) -> Script:
    """Refuses any request with one of ``poison`` in it."""
    return lambda texts: refusal() if set(poison) & set(texts) else others(texts)


# What is sent


@only_sagemaker
def test_a_request_to_sagemaker(server: Server, engine: RemoteEmbedder) -> None:
    engine.embed_documents(["pool closed", "é"])
    (sent,) = server.sent
    assert sent.path == "/endpoints/autoir-embed/invocations"
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/sagemaker/" in sent.headers["Authorization"]
    assert sent.document == {
        "inputs": ["é", "pool closed"],
        "truncate": True,
        "normalize": True,
        "parameters": {"tokenize_kwargs": {"truncation": True, "max_length": 128}},
    }


@only_http
def test_a_request_by_http(server: Server, engine: RemoteEmbedder) -> None:
    engine.embed_documents(["pool closed", "é"])
    (sent,) = server.sent
    assert sent.path == "/embed"
    assert sent.document == {"inputs": ["é", "pool closed"], "truncate": True, "normalize": True}
    assert "Authorization" not in sent.headers


def test_equal_texts_are_sent_once_and_come_back_in_order(server: Server, engine: RemoteEmbedder) -> None:
    texts = ["pool closed", "a", "pool closed", "x" * 1_700, "x" * 1_600]
    found = engine.embed_documents(texts)
    assert [right(text[:1_500], vector) for text, vector in zip(texts, found, strict=True)] == [True] * 5
    assert [sent.texts for sent in server.sent] == [["a", "pool closed", "x" * 1_500]]


def test_no_text_is_no_request(server: Server, engine: RemoteEmbedder) -> None:
    assert (engine.embed_documents([]), server.sent) == ([], [])


def test_a_query_goes_behind_the_prefix_of_the_model(server: Server, engine: RemoteEmbedder) -> None:
    text = SPEC.query_prefix + "timeout contacting DB"
    assert right(text, engine.embed_query("timeout contacting DB"))
    assert server.sent[0].texts == [text]


def test_a_text_that_utf8_cannot_hold_is_sent_all_the_same(server: Server, engine: RemoteEmbedder) -> None:
    assert isinstance(engine.embed_documents(["half \ud800 a pair"])[0], bytes)
    assert server.sent[0].texts == ["half ? a pair"]


@only_http
def test_a_token_is_sent_and_never_said(
    server: Server, engine: RemoteEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBED_TOKEN", "s3cr3t")
    transport = Http(server.url, token_env="EMBED_TOKEN")
    server.script = in_turn([error(401)])
    with pytest.raises(UnreachableError, match="answered 401") as refused:
        RemoteEmbedder(Endpoint(transport, SPEC), SPEC).embed_query("pool")
    assert server.sent[0].headers["Authorization"] == "Bearer s3cr3t"
    assert "s3cr3t" not in repr((transport.name, transport.hint, refused.value, refused.value.hint, vars(transport)))
    transport.close()


# What comes


@pytest.mark.parametrize("reply", [pooled, token_level, lambda texts: compact(texts, SPEC.id)])
def test_every_form_of_reply_is_read(server: Server, engine: RemoteEmbedder, reply: Script) -> None:
    server.script = reply
    assert all(right(text, found) for text, found in zip(TEXTS, engine.embed_documents(TEXTS), strict=True))


def test_batches_are_small_until_the_server_has_shown_that_it_pools(server: Server, engine: RemoteEmbedder) -> None:
    texts = [f"{n} {'word ' * 20}" for n in range(100, 164)]
    engine.embed_documents(texts)
    assert [len(sent.texts) for sent in server.sent] == [9, 32, 23]
    server.sent.clear()
    server.script = token_level
    engine.embed_documents(texts)
    assert [len(sent.texts) for sent in server.sent] == [32, 9, 9, 9, 5]
    server.sent.clear()
    engine.embed_documents(texts)
    assert max(len(sent.texts) for sent in server.sent) == 9


@pytest.mark.parametrize(
    "fault",
    [
        error(429),
        error(500),
        error(502),
        error(503),
        error(504),
        error(530),
        Answer(503, b"<html>"),
        CUT,
    ],
)
def test_what_may_pass_is_tried_again(
    server: Server, engine: RemoteEmbedder, time: VirtualTime, fault: Answer | Fault
) -> None:
    server.script = in_turn([fault, fault])
    assert right("pool closed", engine.embed_documents(["pool closed"])[0])
    assert (len(server.sent), len(time.pauses), engine.traffic.retries, engine.traffic.failures) == (3, 2, 2, 2)


@only_sagemaker
@pytest.mark.parametrize(
    "fault",
    [
        cold(),
        throttled(),
        error(400, message=None),
        error(400, "ThrottlingException", message="Rate exceeded"),
        error(429, "TooManyRequestsException"),
        error(500, "InternalFailure"),
        error(503, "ServiceUnavailable"),
        error(530, "InternalDependencyException"),
        model_error(500),
        model_error(503),
        model_error(0, "Your invocation timed out"),
        model_error(429),
    ],
)
def test_what_passes_at_sagemaker_is_tried_again(server: Server, engine: RemoteEmbedder, fault: Answer) -> None:
    server.script = in_turn([fault, fault])
    assert right("pool closed", engine.embed_documents(["pool closed"])[0])
    assert len(server.sent) == 3


@only_sagemaker
@pytest.mark.parametrize("fault", [cold, throttled])
def test_a_minute_of_429_shows_in_latency_only(
    server: Server, engine: RemoteEmbedder, time: VirtualTime, fault: Callable[[], Answer]
) -> None:
    server.script = lambda texts: fault() if time.now_s < 1_060 else pooled(texts)
    assert all(right(text, found) for text, found in zip(TEXTS, engine.embed_documents(TEXTS), strict=True))
    assert 60 <= time.now_s - 1_000 <= 90


@pytest.mark.parametrize("fault", [HANG, CUT])
def test_a_server_that_gives_no_answer(server: Server, impatient: RemoteEmbedder, fault: Fault) -> None:
    server.script = lambda _: fault
    for ask in (lambda: impatient.embed_documents(["pool closed"]), lambda: impatient.embed_query("pool")):
        with pytest.raises(UnreachableError, match=r"gave no answer in 0\.25 s, 1 tries: no answer"):
            ask()


def test_a_server_that_is_not_there(server: Server, impatient: RemoteEmbedder) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(UnreachableError, match=r"no answer .*(ConnectError|EndpointConnectionError)") as gone:
        impatient.embed_documents(["pool closed"])
    assert "Patterns wait" in gone.value.hint


# Who is to blame


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


@pytest.mark.parametrize("endpoint, crash", [(sagemaker, model_error(500)), (http, error(424))], indirect=["endpoint"])
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


def test_what_a_server_says_reaches_no_terminal_as_it_is(server: Server, engine: RemoteEmbedder) -> None:
    server.script = lambda _: error(422, "ValidationError", message="\x1b[2J\n" + "x" * 9_999)
    with pytest.raises(UnreachableError) as ill:
        engine.embed_documents(TEXTS)
    assert str(ill.value).isprintable()
    assert len(str(ill.value)) < 400


def test_a_reply_without_an_end_is_not_read_to_it(server: Server, engine: RemoteEmbedder) -> None:
    server.script = lambda _: Answer(200, b"[" + b" " * 17_000_000 + b"]")
    with pytest.raises(UnreachableError):
        engine.embed_documents(["pool closed"])


def test_traffic_is_told(server: Server, engine: RemoteEmbedder) -> None:
    engine.embed_documents(TEXTS)
    engine.embed_query("pool")
    traffic = engine.traffic
    assert (traffic.texts, traffic.requests, traffic.failures, traffic.breaker) == (33, 2, 0, "closed")
