"""The daemon: what its other jobs wait for."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoir.clock import MINUTE_MS
from autoir.daemon import Daemon, Job, Stop
from autoir.store import Store
from autoir.tailer import Tailer
from tests.tail.cloudwatch_fake import START_MS, Faults, Wire, serving
from tests.tail_job import World, fill

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
            assert ran.wait(20)
            world.time.end_ms = world.time.now_ms
        elif tailer.events_read == 10:
            assert not ran.wait(0.1)

    job = Job("judge", 60, judge, waits=True)
    Daemon(
        world.another_store, lambda store: world.tailer(API, store=store), [job], clock=world.time.clock, stop=Stop(),
        told=lambda *_: None,
    ).run(progress)  # fmt: skip
    assert stored == [100]
