"""The tailing task as a process with nothing but its task definition's variables, and what it says meanwhile."""

import io
import itertools
import json
import logging
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from autoir import metric_names, task
from autoir.aws.secrets import Secret
from autoir.aws.session import Access
from autoir.clock import DAY_MS, MINUTE_MS, SECOND_MS, Clock, system_clock
from autoir.daemon import Stop
from autoir.embed.remote.endpoint import Traffic
from autoir.errors import PasswordRefusedError
from autoir.events import identity
from autoir.heartbeat import OLD_MS, Heartbeat, is_alive
from autoir.ingest import Ingest
from autoir.lambda_env import TailEnv
from autoir.recursion import is_own_line
from autoir.settings import Settings
from autoir.store import Store, open_store
from autoir.store.rows import Batch
from autoir.tail.cloudwatch_rate import Bucket
from autoir.tail.cloudwatch_windows import Pace
from autoir.task import Opening, Voice, Watch
from tests.conftest import ROOT
from tests.mysql_peer.proxy import FaultProxy
from tests.mysql_peer.server import Server
from tests.tail.cloudwatch_fake import REGION, FakeLogs, RealTime, Wire, serving
from tests.tail_job import World, event_of, fill

API = "/shop/api"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:autoir/prod/store-writer"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


def environment(groups: str = API) -> TailEnv:
    return TailEnv(
        stage="prod", log_level="INFO", powertools_service_name=metric_names.TAIL,
        powertools_metrics_namespace=metric_names.namespace("prod"), aws_region=REGION, store_secret_arn=SECRET,
        sagemaker_endpoint="", log_groups=groups, cloudwatch_calls_per_s=5,
    )  # fmt: skip


def started(wire: Wire, tmp_path: Path, **changes: str) -> "subprocess.Popen[str]":
    """The container's command. What its task role and image give it is beside the task definition's variables."""
    image = {"HOME": str(tmp_path), "AUTOIR_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    role = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_ENDPOINT_URL": wire.url}
    told = environment().variables()
    return subprocess.Popen(
        [sys.executable, "-m", "container.main"], cwd=ROOT, env={**image, **role, **told, **changes},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def stored_in(folder: Path) -> Counter[str]:
    """Ids in the task's store, each as often as it stands there."""
    with closing(sqlite3.connect(folder / "task.db")) as db:
        return Counter(row[0] for row in db.execute("SELECT id FROM autoir_events"))


def test_it_drains_on_sigterm_and_the_next_one_goes_on(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = wire.logs = FakeLogs(RealTime())
    logs.secrets[SECRET] = f"sqlite:///{tmp_path}/task.db"
    logs.make(API, created_ms=system_clock() - DAY_MS)
    for n in range(400):
        logs.put(API, system_clock() - 5 * MINUTE_MS + n, f"GET /cart/{n} token=abc{n}")
    answer, tasks, in_hand = logs.answer, [], []

    def stopping(operation: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The signal comes once ``enough`` is stored, while the task waits for this answer."""
        if operation == "FilterLogEvents" and stored_in(tmp_path).total() >= enough:
            in_hand.append(operation)
            tasks[-1].send_signal(signal.SIGTERM)
        return answer(operation, body)

    monkeypatch.setattr(logs, "answer", stopping)
    for page_events, enough in ((4, 20), (50, 400)):
        logs.faults.page_events = page_events
        in_hand.clear()
        tasks.append(started(wire, tmp_path))
        output, errors = tasks[-1].communicate(timeout=120)
        assert (tasks[-1].returncode, errors, len(in_hand)) == (0, "", 1)
        lines = output.splitlines()
        assert all(is_own_line(line) for line in lines)
        assert "stopped: the next task goes on" in lines[-1]
        assert "abc" not in output
        if enough < 400:
            assert stored_in(tmp_path).total() == logs.events_given[API] < 400
            with closing(sqlite3.connect(tmp_path / "task.db")) as db:
                assert db.execute("SELECT DISTINCT lease_owner FROM autoir_cursors").fetchall() == [(None,)]
    print(f"{logs.events_given[API] / 400:.2f} reads an event over the restart")
    with closing(sqlite3.connect(tmp_path / "task.db")) as db:
        counted = db.execute("SELECT SUM(n) FROM autoir_counts").fetchone()[0]
    assert stored_in(tmp_path) == Counter(identity(event_of(API, put)) for put in logs.groups[API].events)
    assert counted == 400
    assert is_alive(tmp_path / "heartbeat", system_clock())


def test_sigterm_ends_it_in_time_while_the_database_is_away(
    wire: Wire, tmp_path: Path, peer: Server, peer_url: str
) -> None:
    logs = wire.logs = FakeLogs(RealTime())
    logs.make(API, created_ms=system_clock() - DAY_MS)
    logs.put(API, system_clock() - MINUTE_MS, "GET /cart")
    with FaultProxy(peer.port) as proxy:
        logs.secrets[SECRET] = peer_url.replace(f":{peer.port}/", f":{proxy.port}/")
        process = started(wire, tmp_path)
        wire.await_calls("FilterLogEvents", 2)
        proxy.refuse()
        logs.put(API, system_clock(), "GET /cart")
        while logs.events_given[API] < 2:
            wire.await_calls("FilterLogEvents", 1)
        process.send_signal(signal.SIGTERM)
        before = time.monotonic()
        output, errors = process.communicate(timeout=120)
    print(f"ended in {time.monotonic() - before:.2f} s")
    assert (process.returncode, errors) == (0, "")
    assert "stopped: the next task goes on" in output.splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"LOG_GROUPS": "/shop/apj"}, 2, "Did you mean /shop/api?"),
        ({"LOG_GROUPS": "/autoir/prod/tail"}, 2, "AutoIR's own log group"),
        (
            {"LOG_GROUPS": "/aws/sagemaker/Endpoints/bge", "SAGEMAKER_ENDPOINT": "bge"},
            2,
            "AutoIR's own log group",
        ),
        ({"STORE_SECRET_ARN": "arn:none"}, 2, "has no value yet"),
    ],
)
def test_what_it_cannot_do_is_said_in_one_line(
    wire: Wire, tmp_path: Path, changes: dict[str, str], code: int, said: str
) -> None:
    logs = wire.logs = FakeLogs(RealTime())
    logs.secrets[SECRET] = f"sqlite:///{tmp_path}/task.db"
    logs.make(API)
    process = started(wire, tmp_path, **changes)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, said in output, errors) == (code, True, "")


@pytest.fixture
def here(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
    """What a task of this process finds: one log group, and what its role and image give it."""
    logs = wire.logs = FakeLogs(RealTime())
    logs.secrets[SECRET] = f"sqlite:///{tmp_path}/task.db"
    logs.make(API)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", wire.url)
    library = logging.getLogger("autoir")
    for name in ("handlers", "propagate"):  # which a task takes for itself
        monkeypatch.setattr(library, name, getattr(library, name))
    return logs


@pytest.mark.usefixtures("here")
def test_it_asks_cloudwatch_as_often_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []

    def bucket(clock: Clock, per_s: float) -> Bucket:
        rates.append(per_s)
        return Bucket(clock, per_s)

    monkeypatch.setattr(task, "Bucket", bucket)
    stop = Stop()
    stop.set()
    assert task.run(replace(environment(), cloudwatch_calls_per_s=2), stop, io.StringIO()) == 0
    assert rates == [2]


def test_a_defect_ends_it_without_the_words_of_the_line(here: FakeLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    def store_events(*_: object) -> None:
        raise ValueError("cannot take token=abc")

    here.put(API, system_clock(), "token=abc")
    monkeypatch.setattr(Ingest, "store_events", store_events)
    stream = io.StringIO()
    assert task.run(environment(), Stop(), stream) == 1
    last = json.loads(stream.getvalue().splitlines()[-1])
    assert (last["message"], last["at"][-1].split()[-1]) == ("ended by ValueError", "store_events")
    assert is_own_line(json.dumps(last))
    assert "abc" not in stream.getvalue()


def test_a_variable_that_is_missing_is_named(wire: Wire, tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "container.main"], cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr.split(".")[0]) == (2, "The variable STAGE is not set")


@pytest.mark.parametrize(("age_ms", "code"), [(None, 1), (0, 0), (OLD_MS - MINUTE_MS, 0), (OLD_MS + 20 * SECOND_MS, 1)])
def test_health_is_the_age_of_the_heartbeat(tmp_path: Path, age_ms: int | None, code: int) -> None:
    if age_ms is not None:
        Heartbeat(tmp_path / "heartbeat", lambda: system_clock() - age_ms).beat()
    run = subprocess.run(
        [sys.executable, "-m", "container.health"], cwd=ROOT, env={**os.environ, "AUTOIR_HOME": str(tmp_path)},
        check=False,
    )  # fmt: skip
    assert run.returncode == code


def test_every_metric_is_published_each_minute(wire: Wire, tmp_path: Path) -> None:
    world = World(wire, tmp_path)
    for n in range(12):
        fill(world.logs, f"/shop/{n:02}", random.Random(n), 5, MINUTE_MS, 1)
    world.logs.put("/shop/00", world.time.now_ms, json.dumps({"message": "read", "autoir_own": "prod"}))
    world.logs.groups["/shop/11"].denied = True
    stream = io.StringIO()
    traffic = Traffic(texts=7, requests=3, latency_sum_s=0.6)
    watch = Watch(
        Voice(environment(), stream, world.time.clock),
        Heartbeat(tmp_path / "beat", world.time.clock),
        world.time.clock,
        lambda: traffic,
    )
    world.time.end_ms = world.time.now_ms + 4 * MINUTE_MS
    tailer = world.tailer("/shop/*", pace=Pace(poll_ms=30 * SECOND_MS))
    tailer.discover()
    tailer.run(watch)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert all(is_own_line(line) for line in stream.getvalue().splitlines())
    published = [line for line in lines if "_aws" in line]
    sums: Counter[str] = Counter()
    for line in published:
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert directive["Namespace"] == "AutoIR/prod"
        assert directive["Dimensions"] == ([["service", "group"]] if "group" in line else [["service"]])
        assert line["service"] == "tail"
        sums.update({name: line[name] for name in names})
    assert set(sums) == set(metric_names.EMITTED_BY[metric_names.TAIL])
    assert (sums[metric_names.STORED], sums[metric_names.RECEIVED]) == (55, 56)
    assert sums[metric_names.RECURSION_REFUSED] == sums[metric_names.FILTERED] == 1
    assert sums[metric_names.TAIL_HEARTBEAT] == sum("group" not in line for line in published)
    assert sums[metric_names.UNACCOUNTED] == 0
    # once, and no more while nothing is asked for
    embedding = (metric_names.EMBED_TEXTS, metric_names.EMBED_REQUESTS, metric_names.EMBED_LATENCY_MS)
    assert [sums[name] for name in embedding] == [7, 3, pytest.approx(200)]
    warnings = [line["message"] for line in lines if line.get("level") == "WARNING"]
    assert warnings == ["/shop/11: /shop/11 may not be read."]


@pytest.mark.parametrize(("denied", "beats"), [(False, [1, 1, 1]), (True, [0, 0, 0])])
def test_a_task_that_reads_no_group_to_its_end_has_no_heartbeat(
    wire: Wire, tmp_path: Path, denied: bool, beats: list[int]
) -> None:
    """It turns all the same: its file is young."""
    world = World(wire, tmp_path)
    world.logs.make(API, denied=denied)
    stream, clock = io.StringIO(), world.time.clock
    tailer = world.tailer(API)
    tailer.discover()
    world.time.now_ms += 1
    watch = Watch(Voice(environment(), stream, clock), Heartbeat(tmp_path / "beat", clock), clock)
    world.time.end_ms = world.time.now_ms + 3 * MINUTE_MS + SECOND_MS
    tailer.run(watch)
    published = [line for line in map(json.loads, stream.getvalue().splitlines()) if metric_names.STORED in line]
    assert [line.get(metric_names.TAIL_HEARTBEAT, 0) for line in published] == beats
    assert is_alive(tmp_path / "beat", clock())


class LosingIngest(Ingest):
    """Has a defect: what becomes of the first event of a batch nobody knows."""

    def _write(self, batch: Batch) -> None:
        super()._write(batch._replace(events=batch.events[1:]))


def test_events_of_unknown_fate_come_to_the_metric_of_their_alarm(wire: Wire, tmp_path: Path) -> None:
    world = World(wire, tmp_path)
    fill(world.logs, API, random.Random(1), 20, SECOND_MS, 1)
    world.time.now_ms += MINUTE_MS
    stream, clock = io.StringIO(), world.time.clock
    watch = Watch(Voice(environment(), stream, clock), Heartbeat(tmp_path / "beat", clock), clock)
    tailer = world.tailer(API, ingest=LosingIngest(world.store, Settings(retention_days_events=0), clock))
    tailer.discover()
    world.time.end_ms = world.time.now_ms + 2 * MINUTE_MS
    tailer.run(watch)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert sum(line.get(metric_names.UNACCOUNTED, 0) for line in lines) > 0
    warnings = [line["message"] for line in lines if line.get("level") == "WARNING"]
    assert set(warnings) == {f"{API}: failed with UnaccountedError"}


class Changing(Secret):
    """A secret that somebody changes after it was read first."""

    def __init__(self, *texts: str) -> None:
        super().__init__("arn", Access())
        self._texts = list(texts)

    def _read(self) -> str:
        return self._texts.pop(0) if len(self._texts) > 1 else self._texts[0]


@pytest.mark.parametrize(("texts", "opens"), [(("old", "new"), True), (("old",), False), (("old", "wrong"), False)])
def test_a_password_that_is_refused_is_read_once_more(texts: tuple[str, ...], opens: bool, tmp_path: Path) -> None:
    def connect(text: str) -> Store:
        if text != "new":
            raise PasswordRefusedError("tidb refuses this user.")
        return open_store(f"sqlite:///{tmp_path}/s.db")

    opening = Opening(Changing(*texts), connect)
    if opens:
        opening().close()
    else:
        with pytest.raises(PasswordRefusedError):
            opening()


def test_a_pause_ends_with_the_stop() -> None:
    stop = Stop()
    assert (stop.pause(0), stop.pause(-1), stop.is_set) == (True, True, False)
    threading.Thread(target=stop.set).start()
    assert not stop.pause(600)
    stop.set()
    assert (stop.pause(600), stop.pause(0), stop.is_set) == (False, False, True)


def pausing(stop: Stop, at: int) -> threading.Thread:
    """Pauses, and sets the stop before the line ``at`` of all that Python runs for it, as a signal's handler does."""
    lines = itertools.count(1)

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        if event == "line" and next(lines) == at:
            stop.set()
        return trace

    def pause() -> None:
        sys.settrace(trace)
        stop.pause(0.01)

    return threading.Thread(target=pause, daemon=True)


def test_a_signal_within_a_pause_waits_for_nothing() -> None:
    stops = [Stop() for _ in range(40)]
    threads = [pausing(stop, at) for at, stop in enumerate(stops, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert sum(stop.is_set for stop in stops) > 3  # some were beyond the last line
