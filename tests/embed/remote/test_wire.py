"""The engines `sagemaker` and `http` against a real server: what is sent, and how each kind of answer is read."""

from collections.abc import Callable

import pytest

from autoir.embed.models import known_spec
from autoir.embed.remote.embedder import RemoteEmbedder
from autoir.embed.remote.endpoint import Endpoint
from autoir.embed.remote.http import Http
from autoir.errors import UnreachableError
from tests.embed.remote.server import (
    CUT,
    HANG,
    Answer,
    Fault,
    Script,
    Server,
    cold,
    compact,
    error,
    in_turn,
    model_error,
    pooled,
    right,
    throttled,
    token_level,
)
from tests.embed.remote.virtual import VirtualTime

SPEC = known_spec()
TEXTS = [f"pattern number {n} of the shop" for n in range(32)]

only_sagemaker = pytest.mark.parametrize("endpoint", ["sagemaker"], indirect=True)
only_http = pytest.mark.parametrize("endpoint", ["http"], indirect=True)


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
