"""The daemon: log groups are tailed; beside that minutes are judged, patterns embedded, messages sent, old events go.

Tailing runs in the calling thread and waits for nobody: every other job has a thread and a connection of its own, so a
model that takes minutes or a pager that is down cannot hold up a line. A job that fails says so and is run again at its
next turn; nothing is lost by that, for each goes by what the store holds. On SIGTERM the page in hand is stored, the
leases are given back, and the process ends; what the other jobs were at is done again by the next one.
"""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import NamedTuple

from autoir.clock import HOUR_MS, Clock
from autoir.embed import Embedder, ModelMismatchError, fill_pending
from autoir.errors import AutoirError, PasswordRefusedError
from autoir.retention import expire_daily
from autoir.settings import Settings
from autoir.store import Store, migrated, open_database
from autoir.sweep import sweep
from autoir.tailer import Progress, Tailer

EMBED_EVERY_S = 5.0
STORE_PATIENCE_S = 30.0
"""How long a statement is tried while the database gives way. After that a group waits its turn, so that the loop comes
round while its heartbeat is young, and ends within the time that Fargate leaves after SIGTERM."""
_END_S = 3.0
_LOOK_S = 0.5


class Job(NamedTuple):
    """Something that is done every ``every_s`` seconds with a store, at a time in epoch milliseconds. One that
    ``waits`` begins when every group was read to its end once: half a backlog looks like an outage."""

    name: str
    every_s: float
    run: Callable[[Store, int], None]
    waits: bool = False


Told = Callable[[str, AutoirError], None]
"""Told which job failed, and why."""


class Stop:
    """Whether the process ``is_set`` to end, and a pause that ends with it. ``interrupted``: by Ctrl-C.

    The handler of a signal runs within the thread that pauses, and would wait for ever for a lock which that thread
    holds, as an Event does within its wait. To put into a SimpleQueue takes none.
    """

    def __init__(self) -> None:
        self._ends: SimpleQueue[None] = SimpleQueue()
        self._is_set = self.interrupted = False

    def pause(self, seconds: float) -> bool:
        """Wait; False when the process is to end, at once."""
        try:
            self._ends.put(self._ends.get(timeout=max(0.0, seconds)))  # for the others who pause
        except Empty:
            return not self._is_set
        return False

    @property
    def is_set(self) -> bool:
        """Whether the process is to end."""
        return self._is_set

    def set(self) -> None:
        """The process is to end."""
        self._is_set = True
        self._ends.put(None)


@contextmanager
def stopped_by_signals() -> Iterator[Stop]:
    """A stop that SIGTERM and Ctrl-C set; a second Ctrl-C does not wait."""
    stop = Stop()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        stop.interrupted = number == signal.SIGINT
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def lasting_store(url: str, stop: Stop) -> Store:
    """The store that ``url`` names, for a process that goes on when it is away: no statement waits for long, and none
    once ``stop`` is set."""
    return migrated(open_database(url, time_left_s=lambda: 0.0 if stop.is_set else STORE_PATIENCE_S))


class Daemon:
    """``tailer`` makes a tailer over a store, ``open_store`` connects once more; both may be asked again."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        tailer: Callable[[Store], Tailer],
        jobs: Sequence[Job],
        *,
        clock: Clock,
        stop: Stop,
        told: Told,
    ) -> None:
        self._open = open_store
        self._tailer = tailer
        self._jobs = jobs
        self._clock = clock
        self._stop = stop
        self._told = told
        self._fault: BaseException | None = None
        self._under_way = threading.Event()

    def run(self, progress: Progress = lambda _: None) -> None:
        """Work until the stop is set. Raises what ends a tailer, and whatever no job may raise."""
        threads = [threading.Thread(target=self._repeat, args=(job,), name=job.name, daemon=True) for job in self._jobs]
        for thread in threads:
            thread.start()
        try:
            while not self._tailed(progress):
                pass
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(_END_S)
        if self._fault:
            raise self._fault

    def _tailed(self, progress: Progress) -> bool:
        """Tail until the stop; False when the password was changed meanwhile, and a new connection is needed."""
        store = self._open()
        try:
            with self._tailer(store) as tailer:
                tailer.discover()
                tailer.require_any()
                tailer.run(lambda tailer: self._progressed(tailer, progress))
        except PasswordRefusedError as error:
            self._told("tail", error)
            return False
        finally:
            store.close()
        return True

    def _progressed(self, tailer: Tailer, progress: Progress) -> None:
        if not self._under_way.is_set() and tailer.is_under_way:
            self._under_way.set()
        progress(tailer)

    def _repeat(self, job: Job) -> None:
        store: Store | None = None
        try:
            while job.waits and not self._under_way.is_set():
                if not self._stop.pause(_LOOK_S):
                    return
            while True:
                try:
                    store = store or self._open()
                    job.run(store, self._clock())
                except AutoirError as error:
                    self._told(job.name, error)
                    if store:
                        store.close()
                    store = None
                if not self._stop.pause(job.every_s):
                    return
        except BaseException as fault:  # noqa: BLE001 - a defect: the process has to end with it, not this thread alone
            self._fault = fault
            self._stop.set()
        finally:
            if store:
                store.close()


def embedding(embedder_for: Callable[[Store], Embedder], every_s: float = EMBED_EVERY_S) -> Job:
    """Give new patterns their vectors; with another engine once the store was given another model."""
    made: list[Embedder] = []

    def run(store: Store, now_ms: int) -> None:
        if store.embed_progress().pending:
            made[:] = made or [embedder_for(store)]
            try:
                fill_pending(store, made[0], now_ms)
            except ModelMismatchError:
                made.pop().close()
                raise

    return Job("embed", every_s, run)


def alerting(settings: Settings, publish: Callable[[Store, int], None], every_s: float) -> Job:
    """Judge the minutes that are over, send what is due."""

    def run(store: Store, now_ms: int) -> None:
        sweep(store, now_ms, settings)
        publish(store, now_ms)

    return Job("alerts", every_s, run, waits=True)


def expiring(settings: Settings) -> Job:
    """Delete what is older than its retention, whether anybody judges it or not."""

    def run(store: Store, now_ms: int) -> None:
        expire_daily(store, settings, now_ms)

    return Job("retention", HOUR_MS / 1000, run)
