"""Rules of the house that no linter knows: what a tracked file may not say, and how long it may get.

Read from `git ls-files`, so only what would be published is judged.
"""

import ast
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.conftest import NetworkBlocked

ROOT = Path(__file__).resolve().parent.parent
CODE = {".py", ".sql", ".sh", ".mjs", ".js", ".ts"}
LINES_AT_MOST = 400

# Spelled so that this file does not hold what it forbids.
FORBIDDEN = {
    "unfinished work": re.compile(r"\b(?:TO[D]O|FIX[M]E|HA[C]K)\b|\bXX[X]:"),
    "a path of somebody's machine": re.compile(r"(?<![\w.])/wor[k]/|/User[s]/\w|/root/[.]pyenv"),
    "a conflict marker": re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE),
    "an issue number": re.compile(r"\bissues? #?\d", re.IGNORECASE),
}


def tracked() -> list[str]:
    """Paths of tracked text files that are there, from the root; none where this is no git checkout."""
    if not (ROOT / ".git").exists():
        return []
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True, text=True)
    return [path for path in listing.stdout.split("\0") if path and (ROOT / path).is_file() and "\0" not in text(path)]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def files() -> list[str]:
    return tracked() or pytest.skip("not a git checkout")


def found_in(content: str) -> list[str]:
    """Which rules a text breaks, each with the words that break it."""
    return [f"{rule}: {hit.group()!r}" for rule, pattern in FORBIDDEN.items() if (hit := pattern.search(content))]


def test_no_file_says_what_it_may_not(files: list[str]) -> None:
    assert {path: hits for path in files if (hits := found_in(text(path)))} == {}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("# TO~DO: later", "unfinished work"),
        ("see /wo~rk/main/x", "a path of somebody's machine"),
        ("<<<<~<<< HEAD", "a conflict marker"),
        ("as asked in iss~ue 12", "an issue number"),
        ("a to~do list, /srv/wo~rk/x, the issue at hand", None),
    ],
)
def test_the_rules_see_what_they_should(content: str, rule: str | None) -> None:
    assert [hit.partition(":")[0] for hit in found_in(content.replace("~", ""))] == ([rule] if rule else [])


def test_no_code_file_is_longer_than_a_reader_has_patience_for(files: list[str]) -> None:
    lengths = {path: text(path).count("\n") for path in files if Path(path).suffix in CODE}
    assert {path: lines for path, lines in lengths.items() if lines > LINES_AT_MOST} == {}


def test_every_module_says_why_it_exists(files: list[str]) -> None:
    modules = [path for path in files if path.startswith("autoir/") and path.endswith(".py")]
    assert modules
    assert [path for path in modules if not ast.get_docstring(ast.parse(text(path)))] == []


def test_the_lock_names_the_public_index_alone() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", text("uv.lock")))
    assert [host for host in hosts if not re.fullmatch(r"(pypi|files\.pythonhosted)\.org", host)] == []


def test_requirements_are_plain_pins() -> None:
    lines = text("requirements.txt").splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line)] == []


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_no_test_leaves_this_machine(method: str) -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with pytest.raises(NetworkBlocked, match=r"192\.0\.2\.1"):
            getattr(client, method)(("192.0.2.1", 80))
        getattr(client, method)(server.getsockname())
    with pytest.raises(NetworkBlocked, match="example"):
        socket.create_connection(("example.org", 80))


def test_no_test_sees_the_settings_of_its_machine(tmp_path: Path) -> None:
    ours = {name: value for name, value in os.environ.items() if name.startswith(("AUTOIR_", "AWS_", "TIDB_"))}
    assert {name for name in ours if not name.startswith("AUTOIR_TEST_")} == {
        "AUTOIR_HOME",
        "AWS_CONFIG_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_SHARED_CREDENTIALS_FILE",
    }
    assert ours["AUTOIR_HOME"] == str(tmp_path)
