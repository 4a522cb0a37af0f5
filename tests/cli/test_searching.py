"""`logs query` and `logs search`: wordings, reasons, levels, and the screen on a real terminal."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import sys
import termios
import time
from pathlib import Path
from subprocess import Popen

import pytest

from autoir.cli import figures, search_screen, stores
from autoir.clock import system_clock
from autoir.store import open_store
from autoir.tui.search_app import SearchApp
from tests.cli.conftest import Call, document
from tests.embed.local.pocket import write_pocket
from tests.mysql_peer.server import Server
from tests.search.conftest import SEEN, add

REFUSED = "db connection refused to <*>"


def hits(call: Call, *arguments: str) -> list[dict[str, object]]:
    found = document(call("logs", "query", *arguments, "--json"))["hits"]
    assert isinstance(found, list)
    return found


def test_every_wording_is_asked_and_named(call: Call, stored: Path) -> None:
    found = document(call("logs", "query", "payment", "--also", "declined", "--also", "refused", "--json"))
    assert (found["query"], found["also"]) == ("payment", ["declined", "refused"])
    told = call("logs", "query", "payment", "--also", "declined").stdout
    assert told.startswith('Search: "payment" or "declined"  (')


@pytest.mark.parametrize(
    ("level", "levels"),
    [
        ("", {"info", "warn", "error"}),
        ("warn", {"warn", "error"}),
        ("WARNING", {"warn", "error"}),
        ("error", {"error"}),
        ("fatal", set()),
    ],
)
def test_a_level_holds_for_it_and_those_above(call: Call, stored: Path, level: str, levels: set[str]) -> None:
    assert {hit["level"] for hit in hits(call, "connection", "--level", level)} == levels


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--level", "fatal"), "Nothing found: try other words, or a wider level."),
        (("--group", "/none/*"), "No log group is like /none/*. There are /shop/api"),
        (("--since", "1s"), "No line since 20"),
    ],
)
def test_why_nothing_was_found(call: Call, stored: Path, arguments: tuple[str, ...], told: str) -> None:
    assert told in call("logs", "query", "connection", *arguments).stdout


def test_reasons_come_with_the_flag_alone_and_add_up(call: Call, stored: Path) -> None:
    assert all("explain" not in hit for hit in hits(call, "connection refused"))
    explained = hits(call, "connection refused", "--explain")
    assert explained[0]["template"] == REFUSED
    for hit in explained:
        why = hit["explain"]
        assert why["dense_share"] + why["bm25_share"] == 1
        total = why["dense_share"] * hit["dense"] + why["bm25_share"] * hit["bm25"]
        assert total == pytest.approx(hit["score"], abs=2e-4)
    assert explained[0]["explain"]["words"] == ["connection", "refused"]


def test_reasons_for_people(call: Call, stored: Path) -> None:
    told = call("logs", "query", "refused connections", "--limit", "1", "--explain").stdout
    assert re.search(
        r"1\.00 = 0\.5 x vector 1\.00 \+ 0\.5 x words 1\.00\n"
        r" +cosine 0\.\d{3}, BM25 \d\.\d\d, words: connection, refused$",
        told,
    )


def test_a_pattern_without_a_vector_says_so(call: Call, stored: Path) -> None:
    store = open_store(f"sqlite:///{stored}")
    store.db.execute("UPDATE autoir_patterns SET embed_state = 'failed', embedding = NULL")
    store.close()
    told = call("logs", "query", "connection", "--limit", "1", "--explain").stdout
    assert "1.00 = words 1.00 alone: the pattern has no vector" in told


def test_words_that_do_match_are_never_said_not_to(call: Call, stored: Path) -> None:
    # One pattern in scope: no score can be stretched, so both are 0.
    assert "No pattern holds these words" not in call("logs", "query", "payment", "--level", "warn").stdout
    told = call("logs", "query", "zebra", "--limit", "1").stdout
    assert "No pattern holds these words; these come nearest." in told


@pytest.fixture(params=["sqlite", "peer"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store with a few patterns, on either database."""
    url = f"sqlite:///{tmp_path}/s.db" if request.param == "sqlite" else request.getfixturevalue("peer_url")
    store = open_store(url)
    add(store, SEEN)
    store.close()
    return str(url)


def test_the_screen_on_a_terminal(store_url: str, request: pytest.FixtureRequest) -> None:
    terminal, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    code = "from autoir.cli.main import main; main()"
    program = [sys.executable, "-c", code, "logs", "search", "--store", store_url]
    environment = os.environ | {"TERM": "xterm", "NO_COLOR": "1"}
    with Popen(program, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as child:
        os.close(theirs)
        written = until(terminal, "Type what you look for.")
        os.write(terminal, b"queue pool limit")
        written += until(terminal, "QueuePool limit of size <*> reached")
        os.write(terminal, b"\r")
        written += until(terminal, "QueuePool limit of size 9 reached")
        if not store_url.startswith("sqlite"):
            peer: Server = request.getfixturevalue("peer")
            assert peer.run("SELECT COUNT(*) FROM information_schema.innodb_trx")[0][0] == 0
        os.write(terminal, b"\x03")
        written += until(terminal, "\x1b[?1049l")  # the terminal is given back
        child.wait(300)
    os.close(terminal)
    assert child.returncode == 0
    assert "AutoIR search" in written
    assert figures.lately(stores.shown_url(store_url), system_clock()).search.searches >= 1
    assert re.findall(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)[;m]", written) == []


def test_a_store_of_a_model_that_is_not_here_is_searched_by_words(
    call: Call, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = write_pocket(tmp_path / "models" / "all-MiniLM-L6-v2")
    call("logs", "ingest", str(log))
    shutil.rmtree(model)
    opened: list[SearchApp] = []
    monkeypatch.setattr(search_screen, "require_terminal", lambda *_: None)
    monkeypatch.setattr(SearchApp, "run", lambda self: opened.append(self))
    assert (call("logs", "search").exit_code, len(opened)) == (0, 1)


def until(terminal: int, words: str, limit_s: float = 300) -> str:
    """What is written to the terminal until ``words`` stand there, but for escape codes between their letters."""
    read, deadline = b"", time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            read += os.read(terminal, 65536)
        seen = read.decode("utf-8", "replace")
        if words in seen or words in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen):
            return seen
    raise AssertionError(f"{words!r} never came: {seen!r}")
