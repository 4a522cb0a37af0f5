"""Bad lines, one row each: what is stored of the file that holds them, what is quarantined, and what is said of it.

The good lines before and after are stored whatever stands between them.
"""

import gzip
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from autoir.cli.main import app
from autoir.clock import system_clock
from autoir.ingest import Ingest, read_file
from autoir.settings import Settings
from autoir.store import migrated, open_store
from autoir.store.sqlite import SqliteDatabase
from autoir.tail.files import LogFile

NOW = 1_772_452_800_000  # 2026-03-02 12:00:00 UTC
AT = "2026-03-02T11:59:00Z"
GOOD = [f"{AT} INFO before", f"{AT} INFO after"]


class Case(NamedTuple):
    """A bad line, the messages stored of it, and its row in quarantine: reason, words of the detail, size, body."""

    line: bytes
    stored: tuple[str, ...] = ()
    quarantined: tuple[str, str, int, str] | None = None
    filtered: str = ""
    repaired: str = ""


def cloudwatch(**fields: object) -> bytes:
    return json.dumps({"logGroup": "/local/app", "logStream": "s", **fields}).encode()


def refused(reason: str, detail: str, line: bytes) -> Case:
    return Case(line, (), (reason, detail, len(line), line.decode()[:4_096]))


LONG = b"x" * 5_000_000
CASES = {
    "a 5 MB line": Case(LONG, (), ("too long", "5000000 bytes, an event has at most 1048576", 5_000_000, "x" * 4_096)),
    "the longest line": Case(b"y" * 1_048_576, ("y" * 1_048_576,)),
    "NUL bytes": Case(f"{AT} a".encode() + b"\0\0b", (f"{AT} a␀␀b",), repaired="NUL"),
    "NUL bytes alone": Case(b"\0" * 5, ("␀" * 5,), repaired="NUL"),
    "invalid UTF-8": Case(f"{AT} caf".encode() + b"\xe9 \xff", (f"{AT} caf� �",), repaired="invalid UTF-8"),
    "a lone surrogate in JSON": Case(
        b'{"logGroup":"/local/app","timestamp":%d,"message":"half \\ud83d"}' % NOW,
        ("half �",),
        repaired="lone surrogate",
    ),
    "a lone surrogate in a name": Case(
        b'{"logGroup":"/local/app","logStream":"\\udfff","timestamp":%d,"message":"m"}' % NOW, ("m",)
    ),
    "JSON without a time": refused("no timestamp", "epoch milliseconds", cloudwatch(message="m")),
    "JSON with a time as text": refused("no timestamp", "epoch milliseconds", cloudwatch(message="m", timestamp=AT)),
    "JSON without a message": refused("no message", "message as text", cloudwatch(timestamp=NOW)),
    "JSON with a message that is none": refused("no message", "as text", cloudwatch(timestamp=NOW, message={"a": 1})),
    "a time to come": Case(
        cloudwatch(timestamp=NOW + 7_200_001, message="early"), (), ("in the future", "2 hours ahead", 5, "early")
    ),
    "a time just within bounds": Case(cloudwatch(timestamp=NOW + 7_200_000, message="early"), ("early",)),
    "a time beyond every number": Case(
        cloudwatch(timestamp=2**64 - 1, ingestionTime=2**64 - 1, message="m"), (), ("in the future", "hours", 1, "m")
    ),
    "a time before every number": Case(cloudwatch(timestamp=-(2**63), message="m"), filtered="expired"),
    "a 30-day-old time": Case(f"{AT.replace('03-02', '01-31')} INFO old".encode(), filtered="expired"),
    "a name that is too long": Case(
        cloudwatch(timestamp=NOW, message="m", logStream="s" * 513), (), ("name too long", "512 characters", 1, "m")
    ),
    "broken JSON": Case(b'{"logGroup": "/a", "message":', ('{"logGroup": "/a", "message":',)),
    "JSON in a hundred thousand brackets": Case(b'{"a":' * 100_000, ('{"a":' * 100_000,)),
    "control codes": Case(b"\x1b[2J\x1b]0;x\x07\xe2\x80\xae", ("\x1b[2J\x1b]0;x\x07\u202e",)),
    "blanks": Case(b"\t  \t"),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", CASES)
def test_a_bad_line(name: str, packed: bool, tmp_path: Path) -> None:
    case, path = CASES[name], tmp_path / "app.log"
    content = GOOD[0].encode() + b"\n" + case.line + b"\n" + GOOD[1].encode() + b"\n"
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    store = migrated(SqliteDatabase(tmp_path / "autoir.db", durable=False))
    for again in range(2):
        run = Ingest(store, Settings(), lambda: NOW)
        read_file(run, LogFile(path), "/local/app", "app.log", clock=lambda: NOW, restart=True)
        tally = run.tally
        assert tally.unaccounted == 0
        assert dict(tally.filtered) == ({case.filtered: 1} if case.filtered else {})
        assert dict(tally.repaired) == ({case.repaired: 1} if case.repaired else {})
        stored = [*GOOD, *case.stored]
        assert Counter(e.message for e in store.latest("/local/app", 9)) == Counter(stored)
        assert (tally.duplicate if again else tally.stored) == len(stored)
        rows = [(row.reason, row.bytes, row.body) for row in store.quarantined()]
        assert rows == ([(case.quarantined[0], *case.quarantined[2:])] if case.quarantined else [])
        assert all(case.quarantined and case.quarantined[1] in row.detail for row in store.quarantined())
    store.close()


def test_half_a_gzip_file_stores_its_whole_lines_and_the_rest_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    lines = [f"{AT} INFO request {n * 7919} served" for n in range(3_000)]
    whole = gzip.compress("\n".join(lines).encode() + b"\n")
    store = migrated(SqliteDatabase(tmp_path / "autoir.db", durable=False))
    for share, reason in ((2, "the gzip data ends in the middle"), (1, "")):
        path.write_bytes(whole[: len(whole) // share])
        run, file = Ingest(store, Settings(), lambda: NOW), LogFile(path)
        read_file(run, file, "/local/app", "app.log", clock=lambda: NOW)
        assert file.cut.reason == reason
        assert run.tally.duplicate == 0
        stored = {e.message for e in store.latest("/local/app", 10_000)}
        assert 1_000 < len(stored) < 3_000 or stored == set(lines)
        assert stored <= set(lines)
    store.close()


def _locked(folder: Path) -> None:
    open_store(f"sqlite:///{folder}/autoir.db").close()
    HELD.append(sqlite3.connect(folder / "autoir.db", isolation_level=None))
    HELD[-1].execute("BEGIN IMMEDIATE")


HELD: list[sqlite3.Connection] = []
# What stops a whole run: what is prepared, the exit code, the words on standard error, and lines stored after a rerun.
STOPPED: dict[str, tuple[Callable[[Path], object], int, str]] = {
    "a locked store": (_locked, 3, "another process has held the store"),
    "settings that end too early": (
        lambda f: (f / "config.toml").write_text("stage = 'x'\nwarmup_min ="), 2, "config.toml: not valid TOML: Invalid"
    ),
    "a setting that is not known": (
        lambda f: (f / "config.toml").write_text("warmup = 5"), 2, "config.toml: unknown setting 'warmup'"
    ),
    "a rule that is none": (
        lambda f: (f / "config.toml").write_text("redact.badge = '('"), 2, "Redaction rule 'badge' is not"
    ),
    "a misspelled file": (lambda f: (f / "app.log").rename(f / "apq.log"), 2, "apq.log?"),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPPED)
def test_what_stops_a_run_is_said_and_the_same_command_works_after_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare, code, words = STOPPED[name]
    moment = datetime.fromtimestamp(system_clock() // 1000, UTC).isoformat()
    (tmp_path / "app.log").write_text(f"{moment} INFO a\n{moment} INFO b\n")
    monkeypatch.setattr("autoir.store.sqlite._BUSY_MS", 1)
    prepare(tmp_path)
    command = ["logs", "ingest", str(tmp_path / "app.log"), "--json"]
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) >= 2
    while HELD:
        HELD.pop().close()
    (tmp_path / "config.toml").unlink(missing_ok=True)
    if (tmp_path / "apq.log").exists():
        (tmp_path / "apq.log").rename(tmp_path / "app.log")
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, json.loads(result.stdout)["stored"]) == (0, 2)
