"""A server that stalls, cuts off, limits and lies, and the file that comes of it all the same."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autoir.download import TRIES, Downloads, WrongContentError
from autoir.errors import AutoirError, UnreachableError, UsageError

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BLOB = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT, usedforsecurity=False).hexdigest()

Trick = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """Plays one trick a request and then behaves. ``ranges`` are the ranges that were asked for."""

    url: str = ""
    etag: str = ""
    tricks: list[Trick] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            told.ranges.append(self.headers.get("Range", ""))
            (told.tricks.pop(0) if told.tricks else sends())(self)

        def log_message(self, *_: object) -> None:
            pass

    setattr(Handler, "told", told)  # noqa: B010
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{http.server_port}/model.safetensors"
    yield told
    told.over.set()
    http.shutdown()
    http.server_close()
    thread.join()


def sends(
    upto: int | None = None, *, content: bytes = CONTENT, ranges: bool = True, silent: bool = False, shift: int = 0
) -> Trick:
    """The content, up to a byte of it; then the connection is cut, or silent."""

    def play(request: BaseHTTPRequestHandler) -> None:
        told: Server = request.told  # type: ignore[attr-defined]
        asked = request.headers.get("Range", "")
        start = int(asked[6:-1]) if asked and ranges else 0
        if start >= len(content):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(content)}")
            request.send_header("ETag", f'"{told.etag}"')
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start + shift}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.send_header("ETag", f'W/"{told.etag}"')
        request.end_headers()
        request.wfile.write(content[start:upto])
        if silent:
            request.wfile.flush()
            told.over.wait(60)

    return play


def answers(status: int, **headers: str) -> Trick:
    def play(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return play


@dataclass
class Waiting:
    """How long was waited between tries, without waiting. A server may be silent for ``stalled_s``: that is awaited."""

    stalled_s: float = 60.0
    pauses: list[float] = field(default_factory=list)

    def downloads(self) -> Downloads:
        return Downloads(self.pauses.append, lambda: 784_111_777.0, self.stalled_s)


@pytest.mark.parametrize(
    ("tricks", "ranges", "pauses"),
    [
        ([], [""], []),
        # cut twice: each time it goes on where it was
        ([sends(1000), sends(90_000)], ["", "bytes=1000-", "bytes=90000-"], [1.0, 1.0]),
        # the server knows no ranges: from the start
        ([sends(1000), sends(ranges=False)], ["", "bytes=1000-"], [1.0]),
        # another part than was asked for is thrown away
        ([sends(1000), sends(shift=1)], ["", "bytes=1000-", ""], [1.0, 2.0]),
        # limits: as long as it asks for, in seconds or until a time; and no longer than five minutes
        ([answers(429, Retry_After="17")], ["", ""], [17.0]),
        ([answers(503, Retry_After="Sun, 06 Nov 1994 08:50:37 GMT")], ["", ""], [60.0]),
        ([answers(429, Retry_After="86400")], ["", ""], [300.0]),
        ([answers(429, Retry_After="soon"), answers(502), answers(429)], ["", "", "", ""], [1.0, 2.0, 4.0]),
    ],
)
def test_the_file_arrives_whole(
    server: Server, tmp_path: Path, tricks: list[Trick], ranges: list[str], pauses: list[float]
) -> None:
    server.tricks, waiting, seen = tricks, Waiting(), []
    target = tmp_path / "model"
    waiting.downloads().fetch(server.url, target, SHA256, lambda done, size: seen.append((done, size)))
    assert target.read_bytes() == CONTENT
    assert (server.ranges, waiting.pauses) == (ranges, pauses)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_server_that_falls_silent_is_asked_for_the_rest(server: Server, tmp_path: Path) -> None:
    server.tricks, waiting, target = [sends(1000, silent=True)], Waiting(stalled_s=2.0), tmp_path / "model"
    waiting.downloads().fetch(server.url, target, SHA256)
    assert target.read_bytes() == CONTENT
    assert (server.ranges, waiting.pauses) == (["", "bytes=1000-"], [1.0])


def test_what_arrived_in_a_run_that_broke_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    server.tricks = [sends(5000), *[answers(503)] * (TRIES - 1)]
    waiting, target = Waiting(), tmp_path / "model"
    with pytest.raises(UnreachableError, match=r"answers 503 \(8 tries\)") as caught:
        waiting.downloads().fetch(server.url, target, SHA256)
    assert "5,000 bytes are kept" in caught.value.hint
    assert waiting.pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
    assert waiting.downloads().fetch(server.url, target, SHA256) == len(CONTENT) - 5000
    assert server.ranges[-1] == "bytes=5000-"


def test_a_file_that_was_whole_already_costs_no_byte(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.part").write_bytes(CONTENT)
    assert Waiting().downloads().fetch(server.url, tmp_path / "model", SHA256) == 0
    (tmp_path / "model.part").write_bytes(CONTENT + b"more")
    assert Waiting().downloads().fetch(server.url, tmp_path / "model", SHA256) == len(CONTENT)


@pytest.mark.parametrize("etag", [SHA256, BLOB])
def test_without_a_pin_the_etag_says_what_it_has_to_be(server: Server, tmp_path: Path, etag: str) -> None:
    server.etag = etag
    Waiting().downloads().fetch(server.url, tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("trick", "sha256", "kind", "words"),
    [
        (sends(content=b"other"), SHA256, WrongContentError, f"not {SHA256}"),
        (sends(), "", WrongContentError, "nothing says what it has to be"),
        (answers(404), SHA256, UsageError, "answers 404"),
        (answers(401), SHA256, UsageError, "answers 401"),
        (answers(418), SHA256, UnreachableError, "answers 418"),
    ],
)
def test_what_is_not_the_file_is_not_kept(
    server: Server, tmp_path: Path, trick: Trick, sha256: str, kind: type[AutoirError], words: str
) -> None:
    server.tricks = [trick]
    with pytest.raises(kind, match=words):
        Waiting().downloads().fetch(server.url, tmp_path / "model", sha256)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("url", "words"), [("nowhere", "is no address"), ("http://127.0.0.1:1/x", "was cut")])
def test_an_address_that_leads_nowhere(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(AutoirError, match=words):
        Waiting().downloads().fetch(url, tmp_path / "model", SHA256)
