"""Queries that are not ours: bounded, read only, and gone wrong without harm."""

from collections.abc import Iterator

import pytest

from autoir.errors import AutoirError, UsageError
from autoir.store import open_store
from autoir.store.tidb import parse_dsn, reader
from autoir.store.tidb.reader import TidbReader
from tests.mysql_peer.server import Server
from tests.mysql_peer.wire import PeerConnection
from tests.store.rows import NOON, a_batch, an_event


@pytest.fixture
def ask(peer: Server, peer_url: str) -> Iterator[TidbReader]:
    """A reader of a store with 50 events."""
    store = open_store(peer_url)
    store.write(a_batch([an_event(n, message=f"100% of line {n}") for n in range(50)]))
    store.close()
    made = TidbReader(parse_dsn(peer.url(parse_dsn(peer_url).database, "reader")))
    yield made
    made.close()


def test_an_answer_has_columns_and_rows(ask: TidbReader) -> None:
    answer = ask.ask("SELECT id, ts_ms AS at FROM autoir_log_events WHERE message LIKE '100%% of line 7' ORDER BY id")
    assert answer == (("id", "at"), [(an_event(7).id, NOON)], False)
    assert ask.ask("SELECT COUNT(*) FROM autoir_log_events WHERE message LIKE '%LINE 1%'").rows == [(11,)]


@pytest.mark.parametrize(
    ("limit", "value", "rows"), [("MOST_ROWS", 10, 10), ("MOST_BYTES", 100, 6), ("MOST_ROWS", 50, 50)]
)
def test_an_answer_is_cut(ask: TidbReader, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, rows: int) -> None:
    monkeypatch.setattr(reader, limit, value)
    answer = ask.ask("SELECT message FROM autoir_log_events ORDER BY id")
    assert (len(answer.rows), answer.cut) == (rows, rows < 50)
    assert len(ask.ask("SELECT 1").rows) == 1


def test_a_query_ends_in_time(peer: Server, ask: TidbReader, monkeypatch: pytest.MonkeyPatch) -> None:
    ask.close()
    monkeypatch.setattr(reader, "STATEMENT_TIMEOUT_S", 1)
    hasty = TidbReader(ask._dsn)
    with pytest.raises(AutoirError, match="took longer than it may"):
        hasty.ask("SELECT SLEEP(9)" + "".join(f" + (SELECT SLEEP({n}))" for n in range(9)))
    hasty.close()


@pytest.mark.parametrize("sql", ["DELETE FROM autoir_incidents", "SELECT v FROM autoir_meta"])
def test_what_a_reader_may_not_do(ask: TidbReader, sql: str) -> None:
    with pytest.raises(UsageError):
        ask.ask(sql)


def test_a_query_reads_what_was_five_seconds_ago_within_its_limits(
    peer: Server, peer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    class Watched(PeerConnection):
        def _worded(self, text: str, sql: str | bytes) -> str | bytes:
            sent.append(text)
            return super()._worded(text, sql)

    monkeypatch.setattr("autoir.store.tidb.connection.Connection", Watched)
    made = TidbReader(parse_dsn(peer_url))
    made.ask("SELECT 1")
    made.close()
    assert sent[-5:-1] == [
        "SET SESSION max_execution_time = 5000",
        f"SET SESSION tidb_mem_quota_query = {256 * 2**20}",
        "START TRANSACTION READ ONLY AS OF TIMESTAMP NOW(3) - INTERVAL 5 SECOND",
        "SELECT 1",
    ]
