"""The server leaves nothing behind, and keeps what it has when it is killed."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mysql_peer.server import Server

_OWNER = """
import os, sys
from tests.mysql_peer.server import Server
server = Server()
print(server.folder, server._process.pid, server._watchdog.pid, flush=True)
sys.stdin.readline()
"""


def test_what_was_committed_outlives_a_kill(mysql_peer: Server) -> None:
    mysql_peer.create("autoir_kept")
    mysql_peer.run("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (7)", database="autoir_kept")
    port = mysql_peer.port
    for end in (mysql_peer.kill, mysql_peer.stop):
        end()
        assert not mysql_peer.running
        mysql_peer.start()
        assert mysql_peer.port == port
        assert mysql_peer.run("SELECT a FROM t", database="autoir_kept") == [(7,)]
    mysql_peer.drop("autoir_kept")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to watch processes that are no children")
def test_a_killed_test_run_leaves_no_server_and_no_folder(mysql_peer: Server) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert owner.stdin
    assert owner.stdout
    folder, server, watchdog = owner.stdout.readline().split()
    ends = [os.pidfd_open(int(pid)) for pid in (server, watchdog)]
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    try:
        for end in ends:
            assert _ended(end)
        assert not Path(folder).exists()
    finally:
        for end in ends:
            os.close(end)


def _ended(pidfd: int) -> bool:
    """Whether a process that is no child of ours ends within two minutes."""
    return bool(select.select([pidfd], [], [], 120)[0])
