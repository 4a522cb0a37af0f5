"""The proxy withholds what it says it withholds: an answer is lost after the work is done, a command before."""

import socket
import sys
from collections.abc import Callable, Iterator

import pymysql
import pytest

from tests.mysql_peer.proxy import FaultProxy
from tests.mysql_peer.server import Server

LOST = (pymysql.OperationalError, pymysql.InterfaceError)
Table = Callable[[], list[tuple[int, ...]]]


@pytest.fixture
def table(mysql_peer: Server) -> Iterator[Table]:
    """What is in a table of one column."""
    mysql_peer.create("autoir_proxy")
    mysql_peer.run("CREATE TABLE t (a INT)", database="autoir_proxy")
    yield lambda: mysql_peer.run("SELECT a FROM t ORDER BY a", database="autoir_proxy")
    mysql_peer.drop("autoir_proxy")


def connected(server: Server, proxy: FaultProxy) -> pymysql.connections.Connection:
    return pymysql.connect(
        host="127.0.0.1", port=proxy.port, user="owner", password=server.passwords["owner"], database="autoir_proxy",
        ssl_disabled=True,
    )  # fmt: skip


def stored(connection: pymysql.connections.Connection, value: int) -> bool:
    """Store a value; whether the answer came."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO t VALUES ({value})")
        connection.commit()
    except LOST:
        return False
    finally:
        if connection.open:
            connection.close()
    return True


@pytest.mark.parametrize(
    ("answers", "commands", "told", "there", "counted"),
    [
        (0.0, 0.0, True, [(1,)], (0, 0)),
        (1.0, 0.0, False, [(1,)], (1, 0)),
        (0.0, 1.0, False, [], (0, 1)),
    ],
    ids=["none", "answers", "commands"],
)  # fmt: skip
def test_what_is_lost(
    mysql_peer: Server, table: Table, answers: float, commands: float, told: bool, there: list[tuple[int]],
    counted: tuple[int, int],
) -> None:  # fmt: skip
    with FaultProxy(mysql_peer.port) as proxy:
        connection = connected(mysql_peer, proxy)
        proxy.lost_answers, proxy.lost_commands = answers, commands
        assert stored(connection, 1) == told
        assert (proxy.dropped, proxy.killed) == counted
    assert table() == there


def test_the_same_seed_draws_the_same(mysql_peer: Server, table: Table) -> None:
    def drawn(seed: int) -> list[bool]:
        with FaultProxy(mysql_peer.port, seed=seed, lost_answers=0.5) as proxy:
            return [stored(connected(mysql_peer, proxy), n) for n in range(12)]

    first = drawn(1)
    assert first == drawn(1) != drawn(2)
    assert set(first) == {True, False}
    assert len(table()) == 36


def test_it_refuses_and_takes_connections_again_on_its_port(mysql_peer: Server, table: Table) -> None:
    with FaultProxy(mysql_peer.port) as proxy:
        connection, port = connected(mysql_peer, proxy), proxy.port
        proxy.refuse()
        with pytest.raises(LOST):
            connection.ping()
        with pytest.raises(LOST):
            connected(mysql_peer, proxy)
        if sys.platform == "linux":
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", port))
        proxy.accept()
        assert proxy.port == port
        assert stored(connected(mysql_peer, proxy), 1)
        proxy.cut()
        assert stored(connected(mysql_peer, proxy), 2)
    assert table() == [(1,), (2,)]
