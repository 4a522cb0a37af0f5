"""The daemon: what its other jobs wait for, what ends it, and a store that is away."""

import random
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autoir.clock import DAY_MS, MINUTE_MS
from autoir.daemon import STORE_PATIENCE_S, Daemon, Job, Stop, expiring, lasting_store
from autoir.errors import AutoirError, PasswordRefusedError, UnreachableError
from autoir.events import LogEvent
from autoir.ingest import Ingest
from autoir.settings import Settings
from autoir.store import Store, open_store
from autoir.store.rows import Batch, Written
from autoir.store.sqlite import SqliteDatabase
from autoir.store.tidb import TidbDatabase
from autoir.tailer import Tailer
from tests.mysql_peer.proxy import FaultProxy
from tests.mysql_peer.server import Server
from tests.tail.cloudwatch_fake import START_MS, Faults, Wire, serving
from tests.tail_job import DyingStore, World, fill

API = "/shop/api"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


def test_minutes_are_judged_once_every_group_was_read_to_its_end(wire: Wire, tmp_path: Path) -> None:
    """Half a backlog looks like an outage."""
    world = World(wire, tmp_path, Faults(page_events=10))
    fill(world.logs, API, random.Random(1), 100, MINUTE_MS, 1)
    world.time.now_ms = START_MS + 2 * MINUTE_MS
    ran, stored = threading.Event(), []

    def judge(store: Store, _now_ms: int) -> None:
        stored.append(store.query("SELECT COUNT(*) FROM autoir_events")[0][0])
        ran.set()

    def progress(tailer: Tailer) -> None:
        if tailer.is_under_way:
            assert ran.wait(60)
            world.time.end_ms = world.time.now_ms
        elif tailer.events_read == 10:
            assert not ran.wait(0.1)

    job = Job("judge", 60, judge, waits=True)
    Daemon(
        world.another_store, lambda store: world.tailer(API, store=store), [job], clock=world.time.clock, stop=Stop(),
        told=lambda *_: None,
    ).run(progress)  # fmt: skip
    assert stored == [100]


def test_a_defect_in_a_job_ends_the_process_and_an_error_does_not(wire: Wire, tmp_path: Path) -> None:
    world = World(wire, tmp_path)
    world.logs.make(API)
    stop = Stop()
    told: list[tuple[str, str]] = []
    runs: list[int] = []

    def broken(store: Store, _now_ms: int) -> None:
        runs.append(store.stats().patterns)  # a store that is open
        if len(runs) == 1:
            raise UnreachableError("the pager is away.")
        raise ZeroDivisionError

    def tell(name: str, error: AutoirError) -> None:
        told.append((name, str(error)))
        if len(told) > 1:
            stop.set()

    world.time.pause = lambda _: stop.pause(0.001)  # type: ignore[method-assign]
    tailing = Daemon(
        world.another_store, lambda store: world.tailer(API, store=store), [Job("alerts", 0.01, broken)],
        clock=world.time.clock, stop=stop, told=tell,
    )  # fmt: skip
    with pytest.raises(ZeroDivisionError):
        tailing.run()
    assert (told, runs) == ([("alerts", "the pager is away.")], [0, 0])


class ChangingStore(DyingStore):
    """Is refused its password once, in the middle of the work."""

    writes = 0

    def write(self, batch: Batch) -> Written:
        ChangingStore.writes += 1
        if ChangingStore.writes == 6:
            raise PasswordRefusedError("tidb refuses this user.")
        return super().write(batch)


def test_a_password_that_is_changed_meanwhile_takes_a_new_connection(wire: Wire, tmp_path: Path) -> None:
    world = World(wire, tmp_path, Faults(page_events=10))
    fill(world.logs, API, random.Random(2), 100, MINUTE_MS, 1)
    world.time.now_ms = START_MS + 2 * MINUTE_MS
    told: list[str] = []
    opened: list[Store] = []

    def opening() -> Store:
        opened.append(ChangingStore(SqliteDatabase(tmp_path / "store.db", durable=False)))
        return opened[-1]

    def progress(tailer: Tailer) -> None:
        if tailer.is_under_way:
            world.time.end_ms = world.time.now_ms

    Daemon(
        opening, lambda store: world.tailer(API, store=store), [], clock=world.time.clock, stop=Stop(),
        told=lambda name, error: told.append(f"{name}: {error}"),
    ).run(progress)  # fmt: skip
    assert (told, len(opened)) == (["tail: tidb refuses this user."], 2)
    world.check(START_MS - MINUTE_MS)


def test_what_is_too_old_is_deleted_once_a_day(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/s.db")) as store:
        settings = Settings(retention_days_events=30)
        old, new = (LogEvent(API, "s", START_MS - days * DAY_MS, "hello", str(days), 0) for days in (29, 1))
        Ingest(store, settings, lambda: START_MS).store_events([old, new])
        job = expiring(settings)
        for now_ms, kept in ((START_MS, 2), (START_MS + DAY_MS - 1, 2), (START_MS + 2 * DAY_MS, 1)):
            job.run(store, now_ms)
            assert store.stats().events == kept
        assert (job.waits, job.every_s) == (False, 3600)


def test_a_store_that_is_away_holds_up_neither_the_loop_nor_the_end(
    peer: Server, peer_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    virtual = {"clock": lambda: sum(pauses), "pause": pauses.append}
    monkeypatch.setattr(TidbDatabase.__init__, "__kwdefaults__", TidbDatabase.__init__.__kwdefaults__ | virtual)
    stop = Stop()
    with FaultProxy(peer.port) as proxy:
        store = lasting_store(peer_url.replace(f":{peer.port}/", f":{proxy.port}/"), stop)
        store.set_meta("k", "v")
        proxy.refuse()
        with pytest.raises(UnreachableError):
            store.set_meta("k", "w")
        waited_s = sum(pauses)
        assert STORE_PATIENCE_S <= waited_s <= STORE_PATIENCE_S + 5
        stop.set()
        with pytest.raises(UnreachableError):
            store.set_meta("k", "w")
        assert sum(pauses) == waited_s
        store.close()
