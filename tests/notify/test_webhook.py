"""The webhook: what is posted where, and what becomes of each answer."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.notify import publish_due
from autoir.notify.messages import RefusedError, message_of
from autoir.notify.webhook import Webhook
from tests.notify.outbox import NOW_MS, fill, open_outbox
from tests.notify.test_messages import rows, valid

ROW = rows(page=False)[0]


class Receiver(HTTPServer):
    """A server on this machine that answers 503 until it is ``well``, and keeps what it was sent."""

    well = True
    requests: list[tuple[dict[str, str], bytes]]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(204 if server.well else 503)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(("127.0.0.1", 0), _Handler) as server:
        server.requests = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_from_the_outbox_to_the_receiver(receiver: Receiver, tmp_path: Path) -> None:
    store = open_outbox(tmp_path)
    fill(store, ("open", "auto_resolve"))
    hook = Webhook(f"http://127.0.0.1:{receiver.server_port}/hook")
    receiver.well = False
    assert publish_due(store, [hook], NOW_MS, jitter=Random(1)).failed == 2
    receiver.well = True
    assert publish_due(store, [hook], NOW_MS + 5_000, jitter=Random(1)).sent == 2
    store.close()
    refused, *taken = receiver.requests
    headers, body = refused
    row = ROW._replace(body=body.decode())
    assert headers["idempotency-key"] == valid(row)["id"]
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("autoir/")
    assert refused[1] in [body for _, body in taken]
    assert len({json.loads(body)["dedup_key"] for _, body in taken}) == 1


def answering(status: int, **headers: str) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(status, headers=headers, content=b"x"))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, None) for status in (200, 201, 202, 204)),
        # the message itself: never again
        *((status, RefusedError) for status in (400, 410, 413, 415, 422)),
        # later, perhaps
        *((status, UnreachableError) for status in (301, 302, 401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_what_becomes_of_an_answer(status: int, error: type[AutoirError] | None) -> None:
    hook = Webhook("https://alerts.example.com/x", transport=answering(status, location="https://evil.example"))
    if error is None:
        hook.send(ROW, message_of(ROW))
        return
    with pytest.raises(error, match=rf"alerts\.example\.com answered {status}"):
        hook.send(ROW, message_of(ROW))


@pytest.mark.parametrize(
    "raised",
    [
        httpx.ConnectError("boom secret-token"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.ReadError("x"),
    ],
)
def test_no_answer_is_a_failure_that_may_pass_and_tells_no_token(raised: httpx.HTTPError) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise raised

    hook = Webhook("https://alerts.example.com/hook?token=secret-token", transport=httpx.MockTransport(fail))
    with pytest.raises(UnreachableError, match=r"alerts\.example\.com: no answer") as caught:
        hook.send(ROW, message_of(ROW))
    assert "secret-token" not in str(caught.value)


def test_nothing_of_an_endless_answer_is_read() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b"x" * 65_536

    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=endless()))
    Webhook("https://alerts.example.com/x", transport=transport).send(ROW, message_of(ROW))
    assert read == 0


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://alerts.example.com/x", "unencrypted"),
        ("http://127.0.0.1.example.com/", "unencrypted"),
        ("http://localhost.example.com/", "unencrypted"),
        ("http://10.0.0.1/", "unencrypted"),
        ("ftp://alerts.example.com", "begins with https"),
        ("alerts.example.com/x", "begins with https"),
        ("https://", "begins with https"),
        ("https://[::1", "no address"),
        ("https://a.example:port/", "no address"),
        ("https://a.example/\x00", "no address"),
        ("https://me:s3cr3t/7@a.example/x", "no address"),  # read as a port
        ("https://[s3cr3t]/x", "no address"),
    ],
)
def test_addresses_that_are_refused(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        Webhook(url)
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://alerts.example.com/x", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/x"]
)
def test_addresses_that_are_taken(url: str) -> None:
    Webhook(url, transport=answering(200)).send(ROW, message_of(ROW))
