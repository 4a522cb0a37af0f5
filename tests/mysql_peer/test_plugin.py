"""A session fails over a statement that TiDB refuses, though the peer took it and every test passed."""

import os
import subprocess
import sys
from pathlib import Path

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
    environment = {name: value for name, value in os.environ.items() if name != wire.CAPTURE}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.mysql_peer.plugin", f"--rootdir={tmp_path}", "test_one.py"],
        cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert "1 passed" in done.stdout
    assert "refused 1" in done.stdout
    assert "TiDB refuses test_one.py::test_mariadbs_own: error: line 1 column " in done.stdout
    assert "INSERT INTO t VALUES (7) RETURNING a" in done.stdout
    assert done.returncode == 1
