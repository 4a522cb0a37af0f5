"""When a statement, or a whole transaction, is run again, when it is not, and when a session is replaced."""

from collections.abc import Callable
from typing import ClassVar

import pytest
from pymysql import err

from autoir.errors import AutoirError, RejectedError, UnreachableError
from autoir.store import Store
from autoir.store.tidb import TidbDatabase, parse_dsn
from autoir.store.tidb.database import LIFETIME_S
from tests.mysql_peer.server import Server
from tests.mysql_peer.wire import PeerConnection
from tests.store.rows import a_batch, an_event


class Failing(PeerConnection):
    """Answers a statement that holds ``word`` with ``errors``, one each time, as long as there are any."""

    word: ClassVar[str] = ""
    errors: ClassVar[list[Exception]] = []
    sessions: ClassVar[int] = 0

    def connect(self, sock: object = None) -> None:
        Failing.sessions += 1
        super().connect(sock)  # type: ignore[arg-type]

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        text = sql if isinstance(sql, str) else sql.decode("utf-8", "replace")
        if Failing.errors and Failing.word in text:
            raise Failing.errors.pop(0)
        super()._execute_command(command, sql)


class Time:
    """A clock that moves by pauses alone."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def store(peer_url: str, time: Time, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr("autoir.store.tidb.connection.Connection", Failing)
    Failing.word, Failing.errors, Failing.sessions = "", [], 0
    made = Store(TidbDatabase(parse_dsn(peer_url), patience_s=60.0, clock=time.clock, pause=time.pause))
    yield made
    Failing.errors = []
    made.close()


# The code, whether what it hit is run again, and what is raised where it is not.
CODES = [
    (1205, True, None),  # lock wait
    (1213, True, None),  # deadlock
    (2006, True, None),
    (2013, True, None),
    (1927, True, None),  # killed
    (8002, True, None),
    (8022, True, None),
    (8028, True, None),  # the schema changed meanwhile
    *((code, True, None) for code in range(9001, 9008)),
    (1406, False, RejectedError),
    (1366, False, RejectedError),
    (8004, False, RejectedError),  # too large a transaction
    (1064, False, AutoirError),
    (9999, False, AutoirError),
]
WORDS = ["INSERT IGNORE INTO autoir_events", "SELECT v FROM autoir_meta", "INSERT INTO autoir_counts", "COMMIT"]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(("code", "again", "raised"), CODES, ids=[str(case[0]) for case in CODES])
def test_what_runs_again_is_stored_once_and_what_does_not_leaves_nothing(
    store: Store, word: str, code: int, again: bool, raised: type[Exception] | None
) -> None:
    Failing.word, Failing.errors = word, [err.OperationalError(code, "said the server")] * 2
    if again:
        written = store.write(a_batch([an_event(n) for n in range(5)]))
        assert written.stored + written.duplicate == 5
        assert Failing.errors == []
        assert store.query("SELECT COUNT(*) FROM autoir_events") == [(5,)]
        assert store.query("SELECT SUM(n) FROM autoir_counts") == [(5,)]
        return
    assert raised
    with pytest.raises(raised, match=str(code)):
        store.write(a_batch([an_event(1)]))
    Failing.errors = []
    assert store.query("SELECT COUNT(*) FROM autoir_events") == [(0,)]
    assert store.query("SELECT COUNT(*) FROM autoir_streams") == [(0,)]


def test_a_transaction_that_lost_its_session_does_not_go_on_without_it(store: Store) -> None:
    Failing.word, Failing.errors = "('b',", [err.OperationalError(2013, "Lost connection")]
    tries: list[str] = []

    def careless() -> None:
        tries.append("")
        store.set_meta("a", "1")
        try:
            store.set_meta("b", "1")
        except AutoirError:
            tries[-1] = "lost"
        store.set_meta("c", "1")

    store.atomically(careless)
    assert tries == ["lost", ""]
    assert [store.meta(key) for key in "abc"] == ["1", "1", "1"]


@pytest.mark.parametrize(
    ("work", "raised"),
    [(lambda s: s.set_meta("k", "v"), UnreachableError), (lambda s: s.meta("k"), UnreachableError)],
    ids=["write", "read"],
)
def test_patience_ends(store: Store, time: Time, work: Callable[[Store], object], raised: type[Exception]) -> None:
    Failing.word, Failing.errors = "autoir_meta", [err.OperationalError(2003, "no")] * 1_000
    with pytest.raises(raised, match=r"Tried \d+ times in 6\d s"):
        work(store)
    assert 60.0 <= time.now_s <= 66.0


def test_a_conflict_is_no_news_and_an_outage_is_told_once(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    Failing.word = "autoir_meta"
    for failures, told in ((3, 0), (20, 1)):
        caplog.clear()
        Failing.errors = [err.OperationalError(1213, "Deadlock found")] * failures
        store.set_meta("k", "v")
        assert len(caplog.messages) == told
    assert "Deadlock found" in caplog.text
    assert "Trying again" in caplog.text


def test_a_session_is_replaced_when_it_is_old_but_never_within_a_transaction(store: Store, time: Time) -> None:
    store.set_meta("k", "v")
    assert Failing.sessions == 1

    def long() -> None:
        store.set_meta("k", "w")
        time.now_s += LIFETIME_S
        assert store.meta("k") == "w"

    store.atomically(long)
    assert Failing.sessions == 1
    store.meta("k")
    assert Failing.sessions == 2


def test_a_session_sees_utc_and_what_others_commit(store: Store, peer: Server) -> None:
    assert store.query("SELECT @@session.time_zone") == [("+00:00",)]
    [(mode,)] = store.query("SELECT @@session.sql_mode")
    assert "ONLY_FULL_GROUP_BY" in mode
    assert {"ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"}.isdisjoint(str(mode).split(","))
    database = parse_dsn(peer.url("x")).database
    assert database == "x"

    def look() -> list[str | None]:
        before = store.meta("k")
        [(name,)] = store.query("SELECT DATABASE()")
        peer.run("INSERT INTO autoir_meta (k, v) VALUES ('k', 'other')", database=str(name))
        return [before, store.meta("k")]

    assert store.atomically(look) == [None, "other"]
