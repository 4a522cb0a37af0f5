"""The peer as pytest knows it: fixtures, what is missing, and TiDB's grammar at the end of a session.

Every process notes what it sent under ``build/sql/``. When all tests are done, one process gives the notes to the
grammar, and a statement that it refuses fails the session, whatever the tests said.
"""

import itertools
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mysql_peer import grammar, wire
from tests.mysql_peer.databases import Databases
from tests.mysql_peer.live import DSN, LiveCluster, profile
from tests.mysql_peer.server import Server, missing_programs
from tests.mysql_peer.tls import TlsServer

_NOTES = ROOT / "build" / "sql"
_SERVER = "server"
_outcome: list[str] = []
_refused: list[str] = []


def unavailable(reason: str) -> None:
    """Skip the test for want of a tool; on CI, where it has to be there, fail it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def mysql_peer() -> Iterator[Server]:
    """A MySQL-protocol server without TLS, one for each process that runs tests."""
    if missing := missing_programs():
        unavailable(f"no {' and '.join(missing)}: run make test-deps")
    server = Server()
    _note_server(f"MariaDB {server.version}")
    yield server
    server.close()


@pytest.fixture(scope="module")
def tls_peer() -> Iterator[TlsServer]:
    """A server that asks for no TLS but speaks it, one for each module that wants it."""
    missing = [*missing_programs(), *([] if shutil.which("openssl") else ["openssl"])]
    if missing:
        unavailable(f"no {' and '.join(missing)}: run make test-deps")
    server = TlsServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def peer_databases(mysql_peer: Server) -> Databases:
    """Databases with AutoIR's schema on it; ``peer`` comes in between the product and them."""
    return Databases(mysql_peer)


@pytest.fixture
def peer(mysql_peer: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, with the product in this process and in child processes speaking to it by the dialect profile."""
    connect_by(monkeypatch, "mariadb")
    return mysql_peer


@pytest.fixture
def peer_url(peer: Server, peer_databases: Databases) -> Iterator[str]:
    """The URL, as its writer, of an empty store on the peer."""
    with peer_databases.one() as name:
        yield peer_databases.url(name, "writer")


@pytest.fixture(scope="session")
def live_databases() -> Iterator[Databases]:
    """The suite's one database on the cluster that AUTOIR_TEST_TIDB_DSN names."""
    cluster = LiveCluster(os.environ[DSN])
    _note_server(f"live cluster {cluster.version}")
    yield Databases(cluster, itertools.repeat(cluster.dsn.database))
    cluster.drop(cluster.dsn.database)


@pytest.fixture
def live_url(live_databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty store on the live cluster."""
    connect_by(monkeypatch, profile())
    with live_databases.one() as name:
        yield live_databases.url(name, "writer")


def _note_server(told: str) -> None:
    if folder := os.environ.get(wire.CAPTURE):
        Path(folder, _SERVER).write_text(told, "utf-8")


def connect_by(patch: pytest.MonkeyPatch, profile: str) -> None:
    """Have the product, here and in child processes, connect by a profile of ``wire.PROFILES``."""
    patch.setattr("autoir.store.tidb.connection.Connection", wire.PROFILES[profile])
    patch.setenv(wire.PROFILE, profile)
    patch.setenv("PYTHONPATH", f"{ROOT / 'tests' / 'mysql_peer' / 'child'}{os.pathsep}{ROOT}")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return
    for left in _NOTES.glob("*"):
        if not _alive(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)
    folder = _NOTES / str(os.getpid())
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[wire.CAPTURE] = str(folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(_NOTES / str(os.getpid()), ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


@pytest.hookimpl(trylast=True)  # after xdist has ended its workers
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return
    folder = _NOTES / str(os.getpid())
    sent = _sent(folder)
    if not sent:
        return
    server = folder / _SERVER
    _outcome[:] = [f"stores: sqlite {sqlite3.sqlite_version}"]
    _outcome.extend([server.read_text("utf-8")] if server.exists() else [])
    if grammar.TOOL.exists():
        verdict = grammar.judged([*sent, *grammar.shipped(), *grammar.documented()])
        _refused[:] = verdict.refused
        taken = verdict.statements - len(_refused)
        _outcome.append(f"TiDB's grammar took {taken} statements of {verdict.shapes} shapes, refused {len(_refused)}")
    else:
        _outcome.append(grammar.MISSING)
    if _refused or (not grammar.TOOL.exists() and os.environ.get("CI") == "true"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _sent(folder: Path) -> list[grammar.Statement]:
    """Every distinct text that a process has noted; the last note of a killed one may be cut off."""
    found: dict[str, grammar.Statement] = {}
    for notes in sorted(folder.glob("*.jsonl")):
        for line in notes.read_text("utf-8", "replace").split("\n")[:-1]:
            note = json.loads(line)
            found[note["sql"]] = grammar.Statement(note["name"], note["sql"])
    return list(found.values())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _outcome:
        terminalreporter.write_line("; ".join(_outcome))
    for statement in _refused:
        terminalreporter.write_line(f"TiDB refuses {statement}", red=True)
