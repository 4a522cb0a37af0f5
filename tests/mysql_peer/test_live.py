"""The way to a live cluster, tried out on the peer under the switch that is there for it; TiDB itself proves more."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.mysql_peer import live
from tests.mysql_peer.server import Server


def test_the_contract_runs_in_a_database_that_it_makes_and_drops(mysql_peer: Server) -> None:
    name = "autoir_live_test"
    mysql_peer.run(f"GRANT ALL ON {name}.* TO owner")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "tests/store/contract/test_schema.py", "-k", "tidb and view"],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, live.DSN: mysql_peer.url(name, "owner"), live.FORCED_PROFILE: "mariadb"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert f"live cluster {mysql_peer.version}" in done.stdout
    assert mysql_peer.run(f"SHOW DATABASES LIKE '{name}'") == []


@pytest.mark.parametrize("name", ["autoir", "test", "autoir_test2"])
def test_a_database_that_may_be_somebodys_is_left_alone(mysql_peer: Server, name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' has to end in _test"):
        live.LiveCluster(mysql_peer.url(name, "owner"))
