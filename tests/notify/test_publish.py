"""Sending: each receiver hears at least once, none waits for another, nothing is lost."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from autoir.clock import DAY_MS, MINUTE_MS
from autoir.errors import UnreachableError
from autoir.incidents import SEVERITIES
from autoir.notify import publish_due
from autoir.notify.messages import RefusedError
from autoir.notify.publish import FIRST_PAUSE_MS, GIVE_UP_MS, LEASE_MS, LONGEST_PAUSE_MS, Published, backoff_ms
from autoir.store import Store
from autoir.store.sqlite import SqliteDatabase
from tests.notify.outbox import NOW_MS, Told, failing, fill, open_outbox

DOWN = UnreachableError("the receiver is down")
REFUSED = RefusedError("the receiver will not take it")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_outbox(tmp_path)
    yield opened
    opened.close()


def publish(store: Store, *notifiers: Told, now_ms: int = NOW_MS, seed: int = 1) -> Published:
    return publish_due(store, notifiers, now_ms, jitter=Random(seed))


def unsent(store: Store) -> int:
    return store.stats().outbox_unsent


def given_up(store: Store) -> list[str]:
    rows = store.query("SELECT channel FROM autoir_outbox WHERE gave_up_ms IS NOT NULL ORDER BY channel")
    return [str(row[0]) for row in rows]


def test_each_channel_reaches_its_receivers_once(store: Store) -> None:
    fill(store, ("open", "ack"))
    people, machines, others = Told("sns", "pages"), Told("sns-events", "events"), Told("webhook", "events")
    assert publish(store, people, machines, others) == Published(sent=6)
    assert people.told == [("pages", "open"), ("pages", "ack")]
    assert machines.told == others.told == [("events", "open"), ("events", "ack")]
    assert publish(store, people, machines, others, now_ms=NOW_MS + DAY_MS) == Published()
    assert (unsent(store), people.calls) == (0, 2)


def test_people_come_first(store: Store) -> None:
    order: list[str] = []
    people = Told("sns", "pages", lambda call: order.append("pages"))
    machines = Told("webhook", "events", lambda call: order.append("events"))
    fill(store, ("open", "worse"), dedupe_key="a", id="inc-aaaaaaaa")
    fill(store, ("open",), dedupe_key="b", id="inc-bbbbbbbb", now_ms=NOW_MS - 5)
    publish(store, machines, people)
    assert order == ["pages"] * 3 + ["events"] * 3


@pytest.mark.parametrize(
    ("outcome", "tally"),
    [
        (failing(DOWN), Published(sent=2, failed=2, reasons={"webhook": str(DOWN)})),
        (failing(REFUSED), Published(sent=2, gave_up=2, reasons={"webhook": str(REFUSED)})),
    ],
)
def test_a_receiver_that_fails_holds_up_no_other(store: Store, outcome: Any, tally: Published) -> None:
    fill(store, ("open", "ack"))
    bad, good = Told("webhook", "events", outcome), Told("sns", "events")
    assert publish(store, bad, good) == tally
    assert good.told == [("events", "open"), ("events", "ack")]
    assert bad.told == []


def test_who_is_down_is_asked_once_a_call(store: Store) -> None:
    fill(store, ("open", "worse", "ack", "resolve"))
    down = Told("webhook", "events", failing(DOWN))
    assert publish(store, down).failed == 4
    assert down.calls == 1


def test_who_refuses_one_message_is_asked_for_the_next(store: Store) -> None:
    fill(store, ("open", "ack"))
    picky = Told("webhook", "events", failing(REFUSED, 1))
    assert publish(store, picky) == Published(sent=1, gave_up=1, reasons={"webhook": str(REFUSED)})
    assert given_up(store) == ["events:webhook"]


def test_a_receiver_that_comes_back_hears_everything_and_the_others_nothing_twice(store: Store) -> None:
    fill(store, ("open", "ack"))
    flaky, good = Told("webhook", "events", failing(DOWN, 3)), Told("sns", "events")
    for minute in range(60):
        publish(store, flaky, good, now_ms=NOW_MS + minute * MINUTE_MS, seed=minute)
    assert sorted(flaky.told) == [("events", "ack"), ("events", "open")]
    assert good.calls == 2


def test_a_day_of_failing_is_enough(store: Store) -> None:
    fill(store, page=False)
    down = Told("webhook", "events", failing(DOWN))
    calls = [NOW_MS + minute * MINUTE_MS for minute in range(0, 25 * 60, 5)]
    tallies = [publish(store, down, now_ms=now_ms, seed=now_ms) for now_ms in calls]
    assert sum(tally.gave_up for tally in tallies) == 1
    assert [t.gave_up for t in tallies].index(1) >= GIVE_UP_MS // MINUTE_MS // 5
    assert given_up(store) == ["events:webhook"]
    tries = down.calls
    assert tries >= 140
    publish(store, down, now_ms=NOW_MS + 3 * DAY_MS)
    assert down.calls == tries


def test_what_nobody_here_serves_is_left_to_others_for_a_day(store: Store) -> None:
    fill(store)
    laptop, sweeper = Told("webhook", "events"), Told("sns", "pages")
    assert publish(store, laptop) == Published(sent=1)
    assert publish(store) == Published()
    assert publish(store, sweeper, now_ms=NOW_MS + MINUTE_MS) == Published(sent=1)
    fill(store, id="inc-aaaaaaaa", dedupe_key="a")
    assert publish(store, laptop, now_ms=NOW_MS + DAY_MS) == Published(sent=1, gave_up=1)
    assert given_up(store) == ["pages"]


def test_what_is_no_message_is_given_up_and_blocks_nothing(store: Store) -> None:
    fill(store, ("open", "ack"), page=False)
    store.db.execute("UPDATE autoir_outbox SET body = 'broken' WHERE kind = 'open'")
    good = Told("webhook", "events")
    assert publish(store, good).gave_up == 1
    assert good.told == [("events", "ack")]


def test_a_message_about_no_incident_is_given_up(store: Store) -> None:
    fill(store, page=False)
    store.db.execute("DELETE FROM autoir_incidents")
    assert publish(store, Told("webhook", "events")) == Published(gave_up=1)


class Killed(BaseException):
    """The process ends here."""


class KilledConnection(sqlite3.Connection):
    """A connection whose process is killed before or after the ``at``-th statement."""

    at, after, count = -1, False, 0

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        return self._counted(sql, lambda: super(KilledConnection, self).execute(sql, *arguments))

    def executemany(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        return self._counted(sql, lambda: super(KilledConnection, self).executemany(sql, *arguments))

    def _counted(self, sql: str, run: Any) -> sqlite3.Cursor:
        if sql.startswith("PRAGMA"):
            return run()
        cls = KilledConnection
        cls.count += 1
        if cls.count == cls.at and not cls.after:
            raise Killed
        cursor = run()
        if cls.count == cls.at:
            raise Killed
        return cursor


def killable(folder: Path, at: int, after: bool) -> Store:
    KilledConnection.at, KilledConnection.after, KilledConnection.count = -1, after, 0

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return sqlite3.connect(*arguments, factory=KilledConnection, **options)

    opened = Store(SqliteDatabase(folder / "outbox.db", connect=connect))
    KilledConnection.at, KilledConnection.count = at, 0
    return opened


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_statement_everybody_hears_all_the_same(tmp_path: Path, after: bool) -> None:
    heard_twice = 0
    at = 0
    while True:
        at += 1
        folder = tmp_path / str(at)
        folder.mkdir()
        whole = open_outbox(folder)
        fill(whole, ("open", "ack"))
        people, machines = Told("sns", "pages"), Told("webhook", "events")
        doomed = killable(folder, at, after)
        try:
            publish(doomed, people, machines)
            break
        except Killed:
            pass
        finally:
            KilledConnection.at = -1
            doomed.close()
        publish(whole, people, machines, now_ms=NOW_MS + LEASE_MS)
        for told, channel in ((people, "pages"), (machines, "events")):
            assert set(told.told) == {(channel, "open"), (channel, "ack")}, at
            assert len(told.told) <= 3
            ids = {(m["id"], m["transition"]) for m in told.messages}
            assert len(ids) == 2, "sent twice is the same message twice"
            heard_twice += len(told.told) > 2
        assert (unsent(whole), given_up(whole)) == (0, [])
        whole.close()
    whole.close()
    assert at > 20
    assert (heard_twice > 0) is not after, "only before a statement a kill falls between sending and marking"


def test_two_publishers_at_once_send_once(tmp_path: Path) -> None:
    setup = open_outbox(tmp_path)
    for n in range(20):
        fill(setup, ("open",), id=f"inc-{n:08d}", dedupe_key=str(n), severity=SEVERITIES[n % 5])
    people = [Told("sns", "pages"), Told("sns", "pages")]
    gate = threading.Barrier(2)

    def run(mine: Told) -> None:
        own = open_outbox(tmp_path)
        gate.wait()
        publish(own, mine, Told("webhook", "events"))
        own.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, people))
    heard = [message["incident_id"] for told in people for message in told.messages]
    assert sorted(heard) == [f"inc-{n:08d}" for n in range(20)]
    assert unsent(setup) == 0
    setup.close()


def test_a_delivery_of_a_dead_process_waits_for_its_lease(store: Store) -> None:
    fill(store, page=False)

    def die(call: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        publish(store, Told("webhook", "events", die))
    heir = Told("webhook", "events")
    assert publish(store, heir, now_ms=NOW_MS + LEASE_MS - 1) == Published()
    assert publish(store, heir, now_ms=NOW_MS + LEASE_MS) == Published(sent=1)


@pytest.mark.parametrize(
    ("tries", "ceiling"), [(1, 1_000), (2, 2_000), (5, 16_000), (10, 512_000), (11, 600_000), (10_000, 600_000)]
)
def test_the_pause_grows_and_is_jittered(tries: int, ceiling: int) -> None:
    pauses = [backoff_ms(tries, Random(seed)) for seed in range(200)]
    assert FIRST_PAUSE_MS <= min(pauses) <= max(pauses) <= ceiling <= LONGEST_PAUSE_MS
    if tries > 2:
        assert min(pauses) < ceiling / 4
        assert max(pauses) > ceiling * 3 / 4
