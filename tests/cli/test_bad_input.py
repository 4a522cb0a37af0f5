"""Bad input, one row each: exit code, the words that are said, what is stored and what is quarantined afterwards.

Whatever else is in an input, its good lines are stored.
"""

import gzip
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import autoir.store
from autoir import locations
from autoir.store import open_store
from autoir.store.sqlite import SqliteDatabase
from tests.cli.conftest import Call, at, document

GOOD = f"{at(60)} INFO request served\n".encode()


def plain(*lines: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(GOOD + b"".join(line + b"\n" for line in lines))  # type: ignore[func-returns-value]


def half_a_gzip(path: Path) -> None:
    noise = b"".join(f"{at(50)} INFO request {n * 7919} served\n".encode() for n in range(5_000))
    whole = gzip.compress(GOOD + noise, mtime=0)
    path.write_bytes(whole[: len(whole) // 2])


def a_dangling_link(path: Path) -> None:
    path.symlink_to(path.with_name("gone.log"))


CASES = [
    # (what, file, exit code, words in the message, lines stored at least, quarantined)
    ("gone", a_dangling_link, 2, "bad.log: no such file", 0, {}),
    ("a folder", lambda path: path.mkdir(), 2, "bad.log is a folder", 0, {}),
    ("binary", lambda path: path.write_bytes(bytes(range(256)) * 64), 2, "bad.log is a binary file", 0, {}),
    ("half a gzip", half_a_gzip, 2, "the gzip data ends in the middle", 1_000, {}),
    ("no gzip in it", lambda path: path.write_bytes(b"\x1f\x8bnot gzip"), 2, "damaged gzip", 0, {}),
    ("a 5 MB line", plain(b"x" * 5_000_000), 0, "1  too long: over 1 MiB", 1, {"too long": 1}),
    ("NUL bytes", plain(b"before \x00 after"), 0, "1  NUL replaced by a mark", 2, {}),
    ("invalid UTF-8", plain(b"caf\xe9 is open"), 0, "stored            3", 2, {}),
    ("JSON without a time", plain(b'{"message": "m", "logGroup": "/a"}'), 0, "no timestamp: ", 1, {"no timestamp": 1}),
    ("a future time", plain(b"2099-01-01T00:00:00Z INFO"), 0, "is it the zone? --timezone", 1, {"in the future": 1}),
    ("a 31-day-old time", plain(at(31 * 86_400).encode() + b" INFO"), 0, "--keep-old keeps them", 1, {}),
    ("an empty file", lambda path: path.write_bytes(b""), 0, "stored            1", 0, {}),
]


@pytest.mark.parametrize(
    ("make", "code", "words", "stored", "quarantined"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_bad_input(
    call: Call,
    tmp_path: Path,
    make: Callable[[Path], object],
    code: int,
    words: str,
    stored: int,
    quarantined: dict[str, int],
) -> None:
    bad, good = tmp_path / "bad.log", tmp_path / "good.log"
    make(bad)
    good.write_bytes(GOOD)
    result = call("logs", "ingest", str(bad), str(good))
    assert result.exit_code == code, result.output
    assert words in result.output, result.output
    store = open_store(f"sqlite:///{locations.default_database()}")
    held, rows, others = store.stats(), store.quarantined(), store.latest("/local/good", 10)
    store.close()
    assert len(others) == 1
    assert held.events - 1 >= stored
    assert Counter(row.reason for row in rows) == quarantined


NOBODY = 65_534


@contextmanager
def as_nobody(*places: Path) -> Iterator[None]:
    """Run as a user whom file rights bind, who owns ``places``; root reads everything."""
    if os.geteuid() != 0:
        yield
        return
    for place in places:
        os.chown(place, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.write_bytes(b""), "There was no line to read."),
        (lambda path: path.write_bytes(b"\x1f\x8bnot gzip"), "There was no line to read."),
        (lambda path: path.write_bytes(GOOD), "Nothing new: an earlier run has read all of it."),
    ],
    ids=["empty", "damaged", "read before"],
)
def test_why_nothing_was_read(call: Call, tmp_path: Path, make: Callable[[Path], object], told: str) -> None:
    make(tmp_path / "app.log")
    if "earlier" in told:
        call("logs", "ingest", str(tmp_path / "app.log"))
    lines = call("logs", "ingest", str(tmp_path / "app.log")).stdout.splitlines()
    assert next(line for line in lines if line.startswith(("There was", "Nothing"))).startswith(told)
    assert "There was no line to read." in call("logs", "ingest", "-", input="").stdout


def test_a_file_that_may_not_be_read(call: Call, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("logs", "ingest", str(log)).exit_code == 0  # has imported what nobody may not read
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # pytest's own folders are closed to others
        home = Path(name)
        bad, good = home / "bad.log", home / "good.log"
        for path in (bad, good):
            path.write_bytes(GOOD)
        bad.chmod(0)
        monkeypatch.setenv("AUTOIR_HOME", name)
        with as_nobody(home):
            result = call("logs", "ingest", str(bad), str(good), "--json")
    assert result.exit_code == 2
    assert "bad.log cannot be read: Permission denied" in result.stderr
    assert "Check its rights" in result.stderr
    assert '"stored":1' in result.stdout


def test_lines_are_kept_when_asked(call: Call, tmp_path: Path) -> None:
    old = tmp_path / "old.log"
    old.write_text(f"{at(400 * 86_400)} INFO long ago\n")
    assert document(call("logs", "ingest", str(old), "--json"))["filtered"] == {"expired": 1}
    assert document(call("logs", "ingest", str(old), "--restart", "--keep-old", "--json"))["stored"] == 1
    assert call("sweep").exit_code == 0
    assert "long ago" in call("logs", "latest", "/local/old").stdout


def test_a_broken_settings_file_stops_before_anything_is_stored(call: Call, log: Path) -> None:
    locations.config_file().write_text("retention_days_events = 'ten'\n")
    result = call("logs", "ingest", str(log))
    assert (result.exit_code, "retention_days_events = 'ten'" in result.stderr) == (2, True)
    assert not locations.default_database().exists()


@pytest.mark.parametrize("command", [("stats",), ("logs", "ingest", "LOG")])
def test_a_newer_schema_is_refused_untouched(call: Call, log: Path, stored: Path, command: tuple[str, ...]) -> None:
    with sqlite3.connect(stored) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    result = call(*(str(log) if word == "LOG" else word for word in command))
    assert (result.exit_code, "schema 99" in result.stderr, "Upgrade AutoIR" in result.stderr) == (2, True, True)
    database = sqlite3.connect(stored)
    assert database.execute("SELECT COUNT(*) FROM autoir_events").fetchone() == (5,)
    database.close()


def test_what_is_no_database_is_left_alone(call: Call, log: Path) -> None:
    notes = locations.default_database()
    notes.write_text("my notes\n" * 100)
    for command in (("stats",), ("logs", "ingest", str(log))):
        result = call(*command)
        assert (result.exit_code, "is not an AutoIR store" in result.stderr) == (2, True)
    assert notes.read_text() == "my notes\n" * 100


def test_a_full_disk_loses_nothing(call: Call, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(*arguments: Any, **more: Any) -> sqlite3.Connection:
        connection = sqlite3.connect(*arguments, **more)
        connection.execute("PRAGMA max_page_count = 60")
        return connection

    big = tmp_path / "big.log"
    big.write_bytes(GOOD + b"".join(f"{at(30)} INFO request {n} of many was served\n".encode() for n in range(9_000)))
    assert call("logs", "ingest", str(log)).exit_code == 0
    with monkeypatch.context() as patch:
        patch.setattr(autoir.store, "open_database", lambda url: SqliteDatabase(Path(url[10:]), connect=small))
        result = call("logs", "ingest", str(big))
    assert result.exit_code == 3, result.output
    assert "the disk is full" in result.stderr
    assert "run the same command again" in result.stderr
    found = document(call("logs", "ingest", str(big), "--json"))
    store = open_store(f"sqlite:///{locations.default_database()}")
    assert store.stats().events == 5 + 9_001
    store.close()
    assert found["duplicate"] == 0  # the cursor moved with the rows


def test_a_secret_is_shown_nowhere(call: Call, tmp_path: Path) -> None:
    secret = "AKIA" + "Q3EXAMPLEQ7EXAMP"
    log = tmp_path / "leak.log"
    log.write_text(
        f'{at(9)} ERROR upload failed, aws_access_key_id={secret}\n{{"message": "{secret}", "logGroup": "/x"}}\n'
    )
    outputs = [
        call(*command)
        for command in (
            ("logs", "ingest", str(log)),
            ("logs", "latest", "/local/leak"),
            ("logs", "query", "upload failed"),
            ("logs", "query", "upload failed", "--json"),
            ("stats",),
        )
    ]
    assert all(result.exit_code == 0 for result in outputs)
    assert not any(secret in result.output for result in outputs)
    assert all(
        secret.encode() not in path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("autoir.db")
    )
