"""Every event is stored once and counted once, whatever happens to connections, answers and the server itself.

Three processes write the same events in overlapping batches. Three answers to a COMMIT in ten never arrive, statements
are cut off on their way, sessions are killed from inside, and the server is killed or gone for a while.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from autoir.store import open_store
from tests.conftest import ROOT
from tests.mysql_peer.databases import Databases
from tests.mysql_peer.proxy import FaultProxy
from tests.mysql_peer.server import Server
from tests.store.tidb import writer

WRITERS = 3
COMMITS = WRITERS * 2 * writer.EVENTS // writer.BATCH
"""At least as many there are; those that are lost come again."""


@contextmanager
def writing(url: str, seed: int, kind: str = "Store") -> Iterator[list[subprocess.Popen[str]]]:
    """Writers that have begun; at the end, that each came to its end."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", writer.__name__, url, f"{seed}/{n}", kind], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for n in range(WRITERS)
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        yield processes
        assert [process.communicate() for process in processes] == [("", "")] * WRITERS
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def found(url: str) -> tuple[int, int, int]:
    """Rows, distinct ids, and the sum of the counts; counts agree with rows for each pattern, or the sum is -1."""
    store = open_store(url)
    [(rows, ids)] = store.query("SELECT COUNT(*), COUNT(DISTINCT id) FROM autoir_events")
    stored = store.query("SELECT pattern_id, COUNT(*) FROM autoir_events GROUP BY pattern_id ORDER BY pattern_id")
    counted = store.query("SELECT pattern_id, SUM(n) FROM autoir_counts GROUP BY pattern_id ORDER BY pattern_id")
    store.close()
    total = sum(n for _, n in counted)
    return rows, ids, total if stored == counted or total != rows else -1


EXACT = (writer.EVENTS,) * 3


@pytest.fixture
def database(peer: Server, peer_databases: Databases) -> Iterator[str]:
    with peer_databases.one() as name:
        yield name


@pytest.mark.parametrize("seed", range(10))
def test_lost_answers_and_killed_sessions_store_and_count_each_event_once(
    peer: Server, database: str, seed: int
) -> None:
    draw, killed = random.Random(seed), []

    def kill(number: int) -> None:
        if number % 3 == 0:
            killed.append(peer.kill_one(database, draw))

    with (
        FaultProxy(peer.port, seed=seed, lost_answers=0.3, lost_commands=0.02, before_commit=kill) as proxy,
        writing(peer.url(database, "writer", port=proxy.port), seed),
    ):
        pass
    assert found(peer.url(database, "writer")) == EXACT
    assert len(killed) >= COMMITS // 3
    assert min(proxy.dropped, proxy.killed, sum(killed)) > 0  # some 30 each; who draws which number is chance


def test_without_a_look_at_what_was_new_the_same_faults_count_too_much(peer: Server, database: str) -> None:
    with (
        FaultProxy(peer.port, seed=1, lost_answers=0.3) as proxy,
        writing(peer.url(database, "writer", port=proxy.port), 1, "Careless"),
    ):
        pass
    rows, ids, total = found(peer.url(database, "writer"))
    assert rows == ids == writer.EVENTS
    assert total > writer.EVENTS * 2


def test_a_server_that_is_killed_and_comes_back_has_each_event_once(peer: Server, database: str) -> None:
    def crash(number: int) -> None:
        if number in (COMMITS // 10, COMMITS // 2):
            peer.kill()
            peer.start()
            crashed.append(number)

    crashed: list[int] = []
    with (
        FaultProxy(peer.port, before_commit=crash) as proxy,
        writing(peer.url(database, "writer", port=proxy.port), 2),
    ):
        pass
    assert found(peer.url(database, "writer")) == EXACT
    assert len(crashed) == 2


def test_an_outage_is_waited_out(peer: Server, database: str) -> None:
    with FaultProxy(peer.port) as proxy:
        proxy.refuse()
        with writing(peer.url(database, "writer", port=proxy.port), 3) as processes:
            with pytest.raises(subprocess.TimeoutExpired):
                processes[0].wait(1)
            proxy.accept()
    assert found(peer.url(database, "writer")) == EXACT
