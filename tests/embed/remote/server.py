"""An embedding endpoint on 127.0.0.1 that answers as it is told, by SageMaker's path and by TEI's."""

import base64
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]


class Answer(NamedTuple):
    """Status, body and, for SageMaker's errors, their type."""

    status: int
    body: bytes
    error_type: str = ""


class Fault(NamedTuple):
    """No answer: the connection is cut, or nothing comes until the client has gone."""

    kind: str


CUT, HANG = Fault("cut"), Fault("hang")
Script = Callable[[list[str]], Answer | Fault]


class Sent(NamedTuple):
    """A request as it came."""

    path: str
    headers: dict[str, str]
    document: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        return list(self.document["inputs"])


def tokens(text: str) -> Rows:
    """[T][384] of a made-up model: a row for every word between two marks, each depending on the whole text."""
    seed = int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")
    return np.random.default_rng(seed).normal(size=(2 + len(text.split()), 384))


def cls(text: str) -> Rows:
    return tokens(text)[0]


def mean(text: str) -> Rows:
    return tokens(text).mean(axis=0)


def right(text: str, found: object) -> bool:
    """Whether ``found`` is the vector of ``text`` by the first token."""
    expected = cls(text) / np.linalg.norm(cls(text))
    return isinstance(found, bytes) and bool(np.allclose(np.frombuffer(found, "<f4"), expected, atol=1e-6))


def answer(document: object) -> Answer:
    return Answer(200, json.dumps(document).encode())


def pooled(texts: Sequence[str], vector: Callable[[str], Rows] = cls) -> Answer:
    """[N][384]"""
    return answer([vector(text).tolist() for text in texts])


def token_level(texts: Sequence[str]) -> Answer:
    """[N][1][T][384]"""
    return answer([[tokens(text).tolist()] for text in texts])


def compact(texts: Sequence[str], spec: str | None = None, vector: Callable[[str], Rows] = cls) -> Answer:
    """AutoIR's own container."""
    rows = np.array([vector(text) for text in texts])
    vectors = base64.b64encode(rows.astype("<f4").tobytes()).decode()
    named = {} if spec is None else {"spec": spec}
    return answer({**named, "dim": rows.shape[1], "n": len(rows), "vectors": vectors, "errors": {}})


def error(status: int, error_type: str = "", **body: object) -> Answer:
    return Answer(status, json.dumps(body).encode(), error_type)


def model_error(original: int, message: str = "the model failed") -> Answer:
    return error(
        424, "ModelError", Message="Received error from primary", OriginalStatusCode=original, OriginalMessage=message
    )


def cold() -> Answer:
    return error(429, "ModelNotReadyException", Message="Model is not ready for inference")


def throttled() -> Answer:
    return error(400, "ThrottlingException", message=None)


def in_turn(first: Iterable[Answer | Fault], then: Script = pooled) -> Script:
    """The answers of ``first`` one by one, and those of ``then`` after."""
    left = iter(first)
    return lambda texts: next(left, None) or then(texts)


class Server(ThreadingHTTPServer):
    """``script`` may be changed at any time; ``sent`` is what came."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        self.script = script
        self.sent: list[Sent] = []
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sent = Sent(self.path, dict(self.headers), json.loads(body))
        self.server.sent.append(sent)
        found = self.server.script(sent.texts)
        if isinstance(found, Fault):
            if found is HANG:
                self.server.over.wait(60)
            self.close_connection = True
            return
        self.send_response(found.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(found.body)))
        if found.error_type:
            self.send_header("x-amzn-errortype", found.error_type)
        self.end_headers()
        self.wfile.write(found.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(script: Script = pooled) -> Iterator[Server]:
    """A server, from now to the end of the block."""
    server = Server(script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
