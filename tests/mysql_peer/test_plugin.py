"""A session fails over a statement that TiDB refuses, though the peer took it and every test passed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mysql_peer import grammar, wire
from tests.mysql_peer.plugin import unavailable

_TEST = """
from autoir.store.tidb import TidbDatabase, parse_dsn

def test_mariadbs_own(peer):
    peer.create("autoir_session")
    db = TidbDatabase(parse_dsn(peer.url("autoir_session")))
    db.execute("CREATE TABLE t (a INT PRIMARY KEY CLUSTERED)")
    assert db.query("INSERT INTO t VALUES (7) RETURNING a") == [(7,)]
    db.close()
"""


def test_a_session_is_judged_by_what_it_sent(tmp_path: Path) -> None:
    if not grammar.TOOL.exists():
        unavailable(grammar.MISSING)
    (tmp_path / "test_one.py").write_text(_TEST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.mysql_peer.plugin", f"--rootdir={tmp_path}", "test_one.py"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert "1 passed" in done.stdout
    assert "refused 1" in done.stdout
    assert "TiDB refuses test_one.py::test_mariadbs_own: error: line 1 column " in done.stdout
    assert "INSERT INTO t VALUES (7) RETURNING a" in done.stdout
    assert done.returncode == 1


_CHILD = """
import sys
from autoir.store.tidb import TidbDatabase, parse_dsn
db = TidbDatabase(parse_dsn(sys.argv[1]))
db.execute("SET SESSION max_execution_time = 5000")
print(db.query("SELECT @@max_statement_time"))
db.close()
"""


def test_a_child_process_speaks_by_the_profile_and_is_noted_as_it_spoke(
    peer_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(wire.CAPTURE, str(tmp_path))
    done = subprocess.run([sys.executable, "-c", _CHILD, peer_url], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("[(5.0,)]\n", "")
    [notes] = tmp_path.glob("*.jsonl")
    noted = [json.loads(line) for line in notes.read_text("utf-8").splitlines()]
    assert "SET SESSION max_execution_time = 5000" in [note["sql"] for note in noted]
    assert {note["name"].rpartition("::")[2] for note in noted} == {
        "test_a_child_process_speaks_by_the_profile_and_is_noted_as_it_spoke"
    }


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_what_is_missing_is_skipped_here_and_fails_on_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no such tool"):
        unavailable("no such tool")
