"""Embedding by an endpoint that fails: what events, their commits and their vectors notice of it.

Events of the demo are stored batch by batch and what is new is embedded through the engine ``sagemaker`` (boto3, real
requests to a server on this machine). The endpoint is well for a minute, then ill for ten (a cold one is ill for the
first minute alone), then well again. Log groups change their names every few thousand events, so there are new patterns
all the time. Two measurements over the same events:

* In virtual time, where every wait is exact: batches are stored whenever their time comes, also in the middle of a wait
  for the endpoint. Events lost, how long after recovery the last pattern has its vector, calls.
* By the real clock, where threads compete: one stores, one embeds, the endpoint is a process of its own, and for all
  that waits for it a second lasts a twentieth of one. A commit's time is taken by the clock and of the storing thread's
  CPU; ratios are to the run with a healthy endpoint, and the row where nobody embeds shows how much of them is noise.
  Every seventh commit or so also moves the write-ahead log into the database: that is the 95th percentile.

    python bench/endpoint.py [--batches N] [--rounds N]
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random

from autoir.clock import SECOND_MS
from autoir.demo import DEFAULT_END_MS, generate
from autoir.embed import fill_pending
from autoir.embed.models import known_spec
from autoir.embed.remote.embedder import RemoteEmbedder
from autoir.embed.remote.endpoint import Endpoint
from autoir.embed.remote.sagemaker import SageMaker
from autoir.embed.remote.transport import NoAnswerError
from autoir.errors import AutoirError
from autoir.events import LogEvent
from autoir.ingest import Ingest
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.sqlite import SqliteDatabase
from tests.embed.remote.server import CUT, HANG, Answer, Fault, answer, cold, compact, serving, throttled

WELL_S, ILL_S, COLD_S = 60, 600, 60
ANSWER_S, EVERY_S = 0.5, 5
"""How long a healthy answer takes, and the pause of who embeds: seconds of the endpoint."""

SPEED = 20
"""Seconds of the endpoint in a real one, by the real clock."""

BATCH = 100
GROUPS_CHANGE = 40
"""Batches until log groups have other names."""

SPEC = known_spec()
SETTINGS = Settings(retention_days_events=0)
ILLNESSES = ("down", "cold (429)", "throttled", "slow", "wrong dimension", "NaN", "another model")
Batches = Sequence[Sequence[LogEvent]]


def ill_answer(illness: str, texts: list[str]) -> Answer | Fault:
    """What an endpoint with that illness says."""
    match illness:
        case "down":
            return CUT
        case "cold (429)":
            return cold()
        case "throttled":
            return throttled()
        case "slow":
            return HANG
        case "wrong dimension":
            return answer([[0.1] * 768 for _ in texts])
        case "NaN":
            return answer([[float("nan")] * 384 for _ in texts])
        case _:
            return compact(texts, "all-MiniLM-L6-v2/mean/r1")


def events(batches: int) -> list[list[LogEvent]]:
    """The demo's events in batches, log groups renamed as time goes by."""
    stream = (event for seed in range(1, 99) for event in generate("pool-exhaustion", seed))
    return [
        [
            e._replace(log_group=f"/{n // GROUPS_CHANGE}{e.log_group}", event_id=f"{n}-{e.event_id}")
            for e in islice(stream, BATCH)
        ]
        for n in range(batches)
    ]


def ingest_into(store: Store) -> Ingest:
    return Ingest(store, SETTINGS, lambda: DEFAULT_END_MS)


# In virtual time


@dataclass
class Outcome:
    """What a run in virtual time showed; ``filled_s`` after recovery."""

    stored: int
    waiting: int
    filled_s: float
    refused: int
    calls: int
    calls_again: int


class Story:
    """Virtual seconds, in which batches are stored when they are due, whoever waits."""

    def __init__(self, store: Store, batches: Batches, illness: str) -> None:
        self.now_s = 0.0
        self.ingest = ingest_into(store)
        self._store = store
        self._illness = illness
        self._ill = (0, COLD_S) if illness.startswith("cold") else (WELL_S, WELL_S + ILL_S) if illness else (0, 0)
        self._due = [((WELL_S + ILL_S) * n / len(batches), batch) for n, batch in enumerate(batches)]
        self.recovers_s = float(self._ill[1] or WELL_S + ILL_S)
        self.waiting = 0

    def clock(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        since_s, until_s = self.now_s, self.now_s + seconds
        while self._due and self._due[0][0] <= until_s:
            self.now_s, batch = self._due.pop(0)
            self.ingest.store_events(batch)
        if since_s <= self.recovers_s <= until_s:
            self.waiting = self._store.embed_progress().pending
        self.now_s = until_s

    def script(self, texts: list[str]) -> Answer | Fault:
        """What the endpoint says now."""
        if self._ill[0] <= self.now_s < self._ill[1]:
            return ill_answer(self._illness, texts)
        return compact(texts, SPEC.id)


class StorySageMaker(SageMaker):
    """Its answers take virtual time; one that never comes is awaited for a moment and takes the whole timeout."""

    def __init__(self, story: Story) -> None:
        super().__init__("autoir-embed", "us-east-1")
        self._story = story

    def send(self, texts: Sequence[str], max_tokens: int, timeout_s: float) -> bytes:
        try:
            body = super().send(texts, max_tokens, 0.2)
        except NoAnswerError as error:
            self._story.pause(timeout_s if "ReadTimeout" in error.reason else 0.05)
            raise
        self._story.pause(ANSWER_S)
        return body


def told(illness: str, batches: Batches, folder: Path) -> Outcome:
    """One run in virtual time, and the same events once more after it."""
    store = Store(SqliteDatabase(folder / "bench.db", durable=False))
    store.migrate()
    story = Story(store, batches, illness)
    with serving(story.script) as server:
        os.environ["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] = server.url
        endpoint = Endpoint(StorySageMaker(story), SPEC, clock=story.clock, pause=story.pause, jitter=Random(1))
        engine = RemoteEmbedder(endpoint, SPEC)

        def fill() -> None:
            with suppress(AutoirError):  # all stays pending
                fill_pending(store, engine, DEFAULT_END_MS + round(story.now_s * SECOND_MS))

        filled_s = 0.0
        while story.now_s < WELL_S + ILL_S or not filled_s:
            fill()
            if story.now_s >= story.recovers_s and not store.embed_progress().pending:
                filled_s = filled_s or story.now_s - story.recovers_s
            story.pause(EVERY_S)
        calls = engine.traffic.requests
        again = ingest_into(store)
        for batch in batches:
            again.store_events(batch)
        fill()
        calls_again = engine.traffic.requests - calls
    stored, refused = story.ingest.tally.stored, store.embed_progress().failed
    assert again.tally.stored == 0
    store.close()
    return Outcome(stored, story.waiting, filled_s, refused, calls, calls_again)


# By the real clock


class FastTime:
    """Endpoint seconds since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def clock(self) -> float:
        return (time.monotonic() - self._start) * SPEED

    def pause(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)


class FastSageMaker(SageMaker):
    """Waits for its server in endpoint seconds."""

    def send(self, texts: Sequence[str], max_tokens: int, timeout_s: float) -> bytes:
        return super().send(texts, max_tokens, timeout_s / SPEED)


def serve(illness: str, ill: Event, over: Event, address: Connection) -> None:
    """The endpoint's process."""

    def script(texts: list[str]) -> Answer | Fault:
        if ill.is_set():
            return ill_answer(illness, texts)
        time.sleep(ANSWER_S / SPEED)
        return compact(texts, SPEC.id)

    with serving(script) as server:
        address.send(server.url)
        over.wait()


@contextmanager
def endpoint_process(illness: str, ill: Event) -> Iterator[None]:
    """An endpoint that boto3 finds."""
    context = multiprocessing.get_context("spawn")
    over, (ours, theirs) = context.Event(), context.Pipe()
    process = context.Process(target=serve, args=(illness, ill, over, theirs), daemon=True)
    process.start()
    try:
        os.environ["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] = ours.recv()
        yield
    finally:
        over.set()
        process.join()


def embedding(path: Path, over: threading.Event) -> None:
    """The thread that embeds, with a store and an engine of its own."""
    fast = FastTime()
    store = Store(SqliteDatabase(path))
    transport = FastSageMaker("autoir-embed", "us-east-1")
    engine = RemoteEmbedder(Endpoint(transport, SPEC, clock=fast.clock, pause=fast.pause), SPEC, patience_s=30)
    while not over.is_set():
        with suppress(AutoirError):
            fill_pending(store, engine, DEFAULT_END_MS + round(fast.clock() * SECOND_MS))
        fast.pause(EVERY_S)
    store.close()


def commit_times(illness: str | None, batches: Batches, folder: Path) -> list[tuple[float, float]]:
    """Seconds that each batch took to be stored, by the clock and of CPU, while a thread embeds (None: while none)."""
    path, over = folder / "bench.db", threading.Event()
    store = Store(SqliteDatabase(path))
    store.migrate()
    ingest, times = ingest_into(store), []
    ill = multiprocessing.get_context("spawn").Event()
    with endpoint_process(illness or "", ill):
        thread = threading.Thread(target=embedding, args=(path, over))
        if illness is not None:
            thread.start()
        for n, batch in enumerate(batches):
            if illness and n == GROUPS_CHANGE:
                ill.set()  # from now on, with the canaries recorded
            start, start_cpu = time.perf_counter(), time.thread_time()
            ingest.store_events(batch)
            times.append((time.perf_counter() - start, time.thread_time() - start_cpu))
            time.sleep(0.005)
        over.set()
        if illness is not None:
            thread.join()
    store.close()
    return times[GROUPS_CHANGE:]


def least(runs: Sequence[Sequence[tuple[float, float]]]) -> tuple[float, float, float]:
    """Median and 95th percentile by the clock and median of CPU: of each, the round where it was least."""
    wall = [sorted(seconds for seconds, _ in run) for run in runs]
    return (
        min(statistics.median(run) for run in wall),
        min(run[int(len(run) * 0.95)] for run in wall),
        min(statistics.median(cpu for _, cpu in run) for run in runs),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    os.environ.update({"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"})
    batches = events(arguments.batches)
    count = arguments.batches * BATCH
    kinds: tuple[str | None, ...] = (None, "", *ILLNESSES)
    outcomes, rounds = {}, {kind: [] for kind in kinds}
    for kind in kinds[1:]:
        with tempfile.TemporaryDirectory() as folder:
            outcomes[kind] = told(kind, batches, Path(folder))
    for _ in range(arguments.rounds):
        for kind in kinds:
            with tempfile.TemporaryDirectory() as folder:
                rounds[kind].append(commit_times(kind, batches, Path(folder)))
    print(f"{count} events in batches of {BATCH}; times are the least of {arguments.rounds} rounds")
    print(
        f"{'endpoint':<17}{'lost':>5}{'waiting':>9}{'filled after s':>16}{'refused':>9}{'calls':>7}{'an event':>10}"
        f"{'2nd run':>9}{'commit p50 ms':>15}{'ratio':>7}{'p95':>7}{'ratio':>7}{'CPU ms':>8}{'ratio':>7}"
    )
    times = {kind: least(runs) for kind, runs in rounds.items()}
    for kind in kinds:
        line = f"{kind or 'healthy' if kind is not None else 'nobody embeds':<17}"
        if kind in outcomes:
            o = outcomes[kind]
            line += (
                f"{count - o.stored:>5}{o.waiting:>9}{o.filled_s:>16.1f}{o.refused:>9}{o.calls:>7}"
                f"{o.calls / count:>10.3%}{o.calls_again:>9}"
            )
        else:
            line += f"{'':>65}"
        for width, seconds, healthy in zip((15, 7, 8), times[kind], times[""], strict=True):
            line += f"{seconds * 1e3:>{width}.1f}{seconds / healthy:>7.3f}"
        print(line)


if __name__ == "__main__":
    main()
