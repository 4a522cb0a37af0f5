"""The server goes away for a minute in the middle of the main job, and the job goes on by itself: nothing is lost,
nothing is there twice, and nobody is told twice.

The server is a real one, killed at a statement of the job and started again on the same data when the job has waited a
minute; the job's waiting is counted instead of slept.
"""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest

from autoir.errors import UnreachableError
from autoir.notify.messages import EVENTS, PAGES
from autoir.store import Store
from autoir.store.tidb import TidbDatabase, parse_dsn
from tests.kill_job import VOLATILE, Rows, Sink, received, work, write_logs
from tests.mysql_peer.databases import Databases
from tests.mysql_peer.plugin import unavailable
from tests.mysql_peer.server import Server, missing_programs
from tests.mysql_peer.wire import PeerConnection

DOWN_S = 60.0
STOPS = 10
"""Places in the job at which the server goes, before a statement reaches it and after one did."""


class Cut(PeerConnection):
    """Ends the server at a statement: before it is sent, or when it is sent and not answered yet."""

    sent: ClassVar[int] = 0
    at: ClassVar[int] = -1
    after: ClassVar[bool] = False
    server: ClassVar[Server]

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        number = Cut.sent
        Cut.sent += 1
        if number == Cut.at and not Cut.after:
            Cut.server.kill()
        super()._execute_command(command, sql)
        if number == Cut.at and Cut.after:
            Cut.server.kill()


class Waiting:
    """A clock that moves by the pauses alone; after a minute of them the server is there again."""

    def __init__(self, server: Server) -> None:
        self.now_s = 0.0
        self._server = server
        self._down_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds
        self._down_s += seconds
        if self._down_s >= DOWN_S and not self._server.running:
            self._server.start()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server of this module's own: others must not feel that it is killed."""
    if missing := missing_programs():
        unavailable(f"no {' and '.join(missing)}: run make test-deps")
    own = Server()
    yield own
    own.close()


@pytest.fixture(scope="module")
def databases(server: Server) -> Databases:
    return Databases(server)


def job(server: Server, database: str, logs: Path, folder: Path, waiting: Waiting) -> tuple[Rows, set[str]]:
    """Run the whole job; the rows and the ids of the messages that came."""
    folder.mkdir()
    url = server.url(database, "writer")
    db = TidbDatabase(parse_dsn(url), clock=waiting.clock, pause=waiting.pause, jitter=random.Random(7))
    with closing(Store(db)) as store:
        work(store, logs, [Sink(channel, folder, lambda _label, _side: None) for channel in (EVENTS, PAGES)])
    return rows(server, database), {message[0] for message in received(folder)}


def rows(server: Server, database: str) -> Rows:
    """Every row of every table, without what is volatile."""
    named = server.run(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN information_schema.tables t"
        " ON t.table_schema = c.table_schema AND t.table_name = c.table_name"
        f" WHERE c.table_schema = '{database}' AND t.table_type = 'BASE TABLE' ORDER BY 1, c.ordinal_position"
    )
    columns: dict[str, list[str]] = {}
    for table, column in named:
        if f"{table}.{column}" not in VOLATILE:
            columns.setdefault(str(table), []).append(str(column))
    return {
        table: sorted(server.run(f"SELECT {', '.join(own)} FROM {table}", database=database), key=repr)
        for table, own in columns.items()
    }


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    write_logs(folder, 3)
    return folder


@pytest.fixture(scope="module")
def truth(
    server: Server, databases: Databases, logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Rows, set[str], int]:
    """An undisturbed run: its rows, the messages that came, and how many statements it took."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autoir.store.tidb.connection.Connection", Cut)
        with databases.one() as name:
            Cut.sent, Cut.at = 0, -1
            found, messages = job(server, name, logs, tmp_path_factory.mktemp("truth") / "sink", Waiting(server))
            assert messages
            assert found["autoir_incidents"]
            return found, messages, Cut.sent


@pytest.mark.parametrize("after", [False, True], ids=["before it is sent", "before it is answered"])
@pytest.mark.parametrize("stop", range(STOPS))
def test_a_minute_without_a_server_changes_nothing(
    server: Server, databases: Databases, truth: tuple[Rows, set[str], int], logs: Path, tmp_path: Path, stop: int,
    after: bool, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    expected, messages, statements = truth
    monkeypatch.setattr("autoir.store.tidb.connection.Connection", Cut)
    part = statements // STOPS
    Cut.server, Cut.after, Cut.at = server, after, -1
    waiting = Waiting(server)
    with databases.one() as name:
        Cut.sent, Cut.at = 0, random.Random(stop).randrange(max(10, part * stop), part * (stop + 1))
        found, came = job(server, name, logs, tmp_path / "sink", waiting)
        assert Cut.sent > statements
        assert waiting.now_s >= DOWN_S
        assert came == messages
        assert found == expected


def test_a_server_that_stays_away_is_given_up(
    server: Server, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoir.store.tidb.connection.Connection", PeerConnection)
    waited: list[float] = []
    with databases.one() as name:
        db = TidbDatabase(
            parse_dsn(server.url(name, "writer")), patience_s=90.0, clock=lambda: sum(waited), pause=waited.append
        )
        store = Store(db)
        store.set_meta("k", "v")
        server.kill()
        try:
            with pytest.raises(UnreachableError, match=rf"nothing listens at 127.0.0.1:{server.port}") as gone:
                store.set_meta("k", "w")
        finally:
            server.start()
        assert 90.0 <= sum(waited) < 100.0
        assert "run the same again" in gone.value.hint
        assert max(waited) <= 5.0
        store.set_meta("k", "w")
        assert store.meta("k") == "w"
        store.close()
