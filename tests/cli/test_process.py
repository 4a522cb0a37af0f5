"""The program as a process: its exit codes, its streams, what it loads, and how it stops."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoir import locations
from autoir.ingest import Ingest
from autoir.store import open_store
from autoir.store.rows import Batch
from tests.cli.conftest import Call

AUTOIR = (sys.executable, "-c", "from autoir.cli.main import main; main()")
HEAVY = {
    "numpy", "httpx", "boto3", "botocore", "rich", "textual", "pymysql",
    "autoir.ingest", "autoir.patterns", "autoir.search", "autoir.demo", "autoir.backtest", "autoir.tui",
}  # fmt: skip


def run(*arguments: str, code: str = "", stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the program, after ``code`` if given, in a process of its own."""
    program = (sys.executable, "-c", f"{code}\nfrom autoir.cli.main import main; main()") if code else AUTOIR
    return subprocess.run(
        [*program, *arguments], input=stdin, capture_output=True, text=True, env=os.environ | environment, timeout=300
    )


BROKEN = "import autoir.store; autoir.store.Store.stats = lambda self: 1 / 0"
RACE = """
import autoir.sweep
from autoir.errors import AutoirError
def late(*arguments, **more): raise AutoirError("too late.", "wait")
autoir.sweep.sweep = late
"""


@pytest.mark.parametrize(
    ("code", "arguments", "expected", "words"),
    [
        ("", ("stats",), 0, ""),
        (RACE, ("sweep",), 1, "autoir: too late.\n        wait\n"),
        (BROKEN, ("stats",), 1, "autoir: unexpected ZeroDivisionError: division by zero\n        This is a defect"),
        ("", ("stats", "--jsn"), 2, "no such option --jsn"),
        ("", ("stats", "--store", "sqlite:////"), 3, "cannot be opened"),
    ],
)
def test_exit_codes(stored: Path, code: str, arguments: tuple[str, ...], expected: int, words: str) -> None:
    result = run(*arguments, code=code)
    assert (result.returncode, words in result.stderr) == (expected, True), result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("code", "arguments"), [(BROKEN, ("stats",)), (RACE, ("sweep",))])
@pytest.mark.parametrize("how", ["flag", "variable"])
def test_debug_shows_where_an_error_came_from(stored: Path, code: str, arguments: tuple[str, ...], how: str) -> None:
    result = run(*arguments, "--debug", code=code) if how == "flag" else run(*arguments, code=code, DEBUG="1")
    assert result.returncode == 1
    assert "Traceback" in result.stderr


def test_debug_shows_neither_a_password_nor_what_a_terminal_would_obey(stored: Path) -> None:
    result = run("tidb", "dsn", "--debug", "--name", "mysql://me:s3cret@db/\x1b[31mred")
    assert "Traceback" in result.stderr
    assert result.stderr.count("mysql://me:…@db/") == 2
    assert [word for word in ("s3cret", "\x1b") if word in result.stderr] == []


def test_a_pipe_is_stored_to_its_end() -> None:
    result = run("logs", "ingest", "--group", "/shop/api", "-", stdin="INFO one\nINFO two\n")
    assert result.returncode == 0
    shown = run("logs", "latest", "/shop/api").stdout.splitlines()[1:]
    assert sorted(line[21:] for line in shown) == ["INFO one", "INFO two"]


def test_ctrl_c_says_what_is_kept() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([*AUTOIR, "logs", "ingest", "--json", "-"], stdin=pipe, stdout=pipe, stderr=pipe) as child:
        assert child.stdin is not None
        # More than the pipe holds: when this returns, the child is past its start and reads.
        child.stdin.write(b"2026-03-17T14:30:00Z INFO request served\n" * 100_000)
        child.stdin.flush()
        child.send_signal(signal.SIGINT)
        output, error = child.communicate(timeout=300)
    assert child.returncode == 130
    assert b"autoir: stopped. " in error
    assert b"lines of this run are kept." in error
    assert output.startswith(b'{"schema_version":1,"received":')


@pytest.mark.parametrize("follow", [False, True])
def test_what_was_in_hand_at_ctrl_c_counts_as_not_read(call: Call, log: Path, monkeypatch: pytest.MonkeyPatch,
                                                       follow: bool) -> None:  # fmt: skip
    kept, write = [], Ingest._write

    def stopped(self: Ingest, batch: Batch) -> None:
        if kept:
            raise KeyboardInterrupt
        kept.append(batch)
        write(self, batch)

    monkeypatch.setattr("autoir.ingest.BATCH_EVENTS", 2)
    monkeypatch.setattr(Ingest, "_write", stopped)
    result = call("logs", "ingest", *(["--follow"] if follow else []), str(log))
    assert result.exit_code == 130
    size = sum(map(len, log.read_bytes().splitlines(keepends=True)[:2]))
    assert [line.split(maxsplit=2) for line in result.stdout.splitlines()[1:3]] == [
        ["read", "2", f"{size} bytes"],
        ["stored", "2"],
    ]


def test_ctrl_c_ends_following(log: Path, tmp_path: Path) -> None:
    # The pause between two looks is where a person would stop it.
    code = "import autoir.cli.logs\ndef pause(): raise KeyboardInterrupt\nautoir.cli.logs._pause = pause"
    result = run("logs", "ingest", "--follow", str(log), code=code)
    assert result.returncode == 130
    # The last line may still go on: the next run reads it.
    assert "4 lines of this run are kept." in result.stderr
    assert "The same command goes on where it stopped." in result.stderr
    whole = len(log.read_bytes().rpartition(b"\n2")[0]) + 1
    assert f"4  {whole} bytes" in result.stdout
    store = open_store(f"sqlite:///{locations.default_database()}")
    held = store.stats()
    store.close()
    assert (held.events, held.patterns_pending) == (4, 0)


def test_a_reader_that_leaves_is_no_error(stored: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as left:
        result = subprocess.run(
            [*AUTOIR, "logs", "latest", "/shop/api"], stdout=left, stderr=subprocess.PIPE, timeout=300
        )
    assert (result.stderr, result.returncode) == (b"", 0)


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_stream_that_is_closed_is_no_defect(stored: Path, closed: int) -> None:
    close = f"import os, sys; os.close({closed}); os.execv(sys.argv[1], sys.argv[1:])"
    for arguments in (("logs", "ingest", "-"), ("stats",), ("no-such",)):
        result = subprocess.run(
            [sys.executable, "-c", close, *AUTOIR, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert result.returncode == (2 if arguments == ("no-such",) else 0), result.stderr
        assert "defect" not in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [("stats",), ("--help",)])
def test_an_answer_that_cannot_be_written_says_why(stored: Path, arguments: tuple[str, ...], unbuffered: str) -> None:
    environ = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [*AUTOIR, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, env=environ, timeout=60
        )
    assert result.returncode == 1
    assert "cannot write on: No space left on device" in result.stderr
    assert "defect" not in result.stderr


def test_output_survives_a_poor_encoding(call: Call, tmp_path: Path) -> None:
    log = tmp_path / "poor.log"
    log.write_text("naïve 日本\n", "utf-8")
    call("logs", "ingest", str(log))
    result = run("logs", "latest", "/local/poor", PYTHONIOENCODING="ascii:strict")
    assert result.returncode == 0
    assert "na\\xefve \\u65e5\\u672c" in result.stdout


@pytest.mark.parametrize(
    "arguments", [("--help",), ("logs", "ingest", "--help"), ("tidb", "dsn", "--help"), ("--version",)]
)
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = f"import atexit, sys\natexit.register(lambda: print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr))"
    assert run(*arguments, code=code).stderr == "[]\n"


def test_a_plain_command_loads_no_library_it_does_not_need(stored: Path) -> None:
    heavy = {"numpy", "httpx", "boto3", "rich", "textual", "pymysql"}
    code = f"import atexit, sys\natexit.register(lambda: print(sorted({heavy!r} & set(sys.modules))))"
    assert run("stats", code=code).stdout.endswith("[]\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, tmp_path: Path) -> None:
    asked = run(_AUTOIR_COMPLETE=f"source_{shell}", code="import sys; sys.argv[0] = 'autoir'")
    assert "_AUTOIR_COMPLETE" in asked.stdout


def test_completion_knows_the_commands() -> None:
    found = run(_AUTOIR_COMPLETE="complete_bash", COMP_WORDS="autoir logs ", COMP_CWORD="2")
    assert {"ingest", "query", "latest", "tail"} <= set(found.stdout.split())


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="no bash on this machine")
def test_completion_installs_itself(tmp_path: Path) -> None:
    command = f"{sys.executable} -c 'from autoir.cli.main import main; main()' --install-completion; exit $?"
    result = subprocess.run(
        ["/bin/bash", "-c", command], capture_output=True, text=True, env=os.environ | {"HOME": str(tmp_path)}
    )
    assert result.returncode == 0, result.stderr
    assert "_AUTOIR_COMPLETE" in (tmp_path / ".bash_completions" / "autoir.sh").read_text()
