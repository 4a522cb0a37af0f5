"""The tailing task: the daemon as a container runs it, without alerts, for in AWS these are a function of their own.

The environment says what to read; the connection string comes from a secret by its ARN, and once more when the database
refuses it. What it says goes to standard output as JSON lines that bear AutoIR's mark: a warning when something is
wrong, metrics once a minute in CloudWatch's embedded format, and never a word that may quote a log line.
"""

import json
import logging
import os
import socket
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import TextIO

from autoir import locations, metric_names
from autoir.aws.secrets import Secret
from autoir.aws.session import Access
from autoir.clock import MINUTE_MS, Clock, system_clock
from autoir.daemon import Daemon, Job, Stop, embedding, lasting_store
from autoir.embed import Embedder
from autoir.embed.remote.embedder import RemoteEmbedder
from autoir.embed.remote.options import sagemaker
from autoir.errors import AutoirError, PasswordRefusedError, UnreachableError, UsageError
from autoir.heartbeat import Heartbeat
from autoir.ingest import Ingest
from autoir.lambda_env import TailEnv
from autoir.metrics import Traffic, embedding_metrics
from autoir.recursion import OWN_LINE, own_groups
from autoir.settings import Settings
from autoir.store import Store
from autoir.tail.cloudwatch import CloudWatch, NotReadableError
from autoir.tail.cloudwatch_groups import Selection
from autoir.tail.cloudwatch_rate import Bucket
from autoir.tailer import Tailer, Troubles

BACK_MS = 15 * MINUTE_MS
"""How far back a group begins that was never read."""

_EVERY_MS = MINUTE_MS
_WORST = 10
_OPEN = (UsageError, UnreachableError, NotReadableError)
"""Errors whose words are AutoIR's, or a service's about itself."""


class Voice:
    """Lines of JSON on ``stream``, each with AutoIR's mark."""

    def __init__(self, env: TailEnv, stream: TextIO, clock: Clock) -> None:
        self._env = env
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()

    def say(self, level: str, message: str, **facts: object) -> None:
        """One line of the log."""
        self._write({"level": level, "message": message, "timestamp": self._clock(), **facts})

    def failed(self, name: str, error: AutoirError) -> None:
        """What could not be done, and why; only the kind of an error that may quote a line."""
        told = str(error) if isinstance(error, _OPEN) else f"failed with {type(error).__name__}"
        hint = {"hint": error.hint} if error.hint and isinstance(error, _OPEN) else {}
        self.say("WARNING", f"{name}: {told}", error=type(error).__name__, **hint)

    def ended_by(self, defect: Exception) -> None:
        """Of a defect of AutoIR its kind and where it is, but not its words, which may quote a line."""
        frames = traceback.extract_tb(defect.__traceback__)
        at = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        self.say("ERROR", f"ended by {type(defect).__name__}", error=type(defect).__name__, at=at)

    def publish(self, values: Mapping[str, float], **dimensions: str) -> None:
        """Metrics in CloudWatch's embedded format
        (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
        under ``service`` and ``dimensions``."""
        metrics = [{"Name": name, "Unit": metric_names.unit(name)} for name in values]
        directive = {
            "Namespace": self._env.powertools_metrics_namespace,
            "Dimensions": [["service", *dimensions]],
            "Metrics": metrics,
        }
        self._write({"_aws": {"Timestamp": self._clock(), "CloudWatchMetrics": [directive]}, **dimensions, **values})

    def _write(self, fields: Mapping[str, object]) -> None:
        line = json.dumps({**fields, "service": self._env.powertools_service_name, OWN_LINE: self._env.stage})
        with self._lock:
            print(line, file=self._stream, flush=True)


class _Handler(logging.Handler):
    """What the library logs, in the task's own voice."""

    def __init__(self, voice: Voice, level: str) -> None:
        super().__init__(level)
        self._voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        self._voice.say(record.levelname, record.getMessage(), location=record.name)


class Watch:
    """Told after every page: touches the heartbeat, says what is wrong once, publishes metrics once a minute.

    ``traffic`` is what the endpoint was asked for so far, None while there is no endpoint.
    """

    def __init__(
        self, voice: Voice, heartbeat: Heartbeat, clock: Clock, traffic: Callable[[], Traffic | None] = lambda: None
    ) -> None:
        self._voice = voice
        self._heartbeat = heartbeat
        self._clock = clock
        self._traffic = traffic
        self._traffic_before: Traffic | None = None
        self._troubles = Troubles()
        self._published_ms = clock()
        self._before: Mapping[str, int] = {}

    def __call__(self, tailer: Tailer) -> None:
        self._heartbeat.beat()
        if self._clock() - self._published_ms >= _EVERY_MS:
            self.publish(tailer)
        for state in self._troubles.news(tailer.states()):
            if state.error:
                self._voice.failed(state.name, state.error)

    def publish(self, tailer: Tailer) -> None:
        """Counts since the last time, lag now; a heartbeat if any group was read to its end meanwhile."""
        now_ms, since_ms = self._clock(), self._published_ms
        self._published_ms = now_ms
        tally = tailer.tally
        counts = {
            metric_names.RECEIVED: tally.received + tailer.own_lines,
            metric_names.STORED: tally.stored,
            metric_names.DUPLICATE: tally.duplicate,
            metric_names.FILTERED: tally.filtered.total() + tailer.own_lines,
            metric_names.QUARANTINED: tally.quarantined.total(),
            metric_names.UNACCOUNTED: tailer.unaccounted,
            metric_names.RECURSION_REFUSED: tailer.own_lines,
            metric_names.PATTERNS_NEW: tally.patterns_new,
        }
        values: dict[str, float] = {name: max(0, n - self._before.get(name, 0)) for name, n in counts.items()}
        self._before = counts
        lags = sorted(((t.lag_ms(now_ms) / 1000, name) for name, t in tailer.groups.items()), reverse=True)
        values[metric_names.TAIL_LAG_S] = lags[0][0] if lags else 0
        if not lags or any(tailed.complete_ms >= since_ms for tailed in tailer.groups.values()):
            values[metric_names.TAIL_HEARTBEAT] = 1
        if traffic := self._traffic():
            values |= embedding_metrics(self._traffic_before, traffic)
            self._traffic_before = traffic
        self._voice.publish(values)
        for lag_s, name in lags[:_WORST]:
            self._voice.publish({metric_names.GROUP_LAG_S: lag_s}, group=name)


class Opening:
    """Opens the store that ``secret`` names; a password that is refused is read once more. For any thread."""

    def __init__(self, secret: Secret, opened: Callable[[str], Store]) -> None:
        self._secret = secret
        self._opened = opened
        self._lock = threading.Lock()

    def __call__(self) -> Store:
        with self._lock:
            try:
                return self._opened(self._secret.text)
            except PasswordRefusedError:
                if not self._secret.renewed():
                    raise
            return self._opened(self._secret.text)


def names_of(text: str) -> list[str]:
    """Log groups out of a list joined by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


def run(env: TailEnv, stop: Stop, stream: TextIO, clock: Clock = system_clock) -> int:
    """Tail as ``env`` says until ``stop`` is set; the exit code."""
    voice = Voice(env, stream, clock)
    library = logging.getLogger("autoir")
    library.handlers, library.propagate = [_Handler(voice, env.log_level)], False
    access = Access(region=env.aws_region)
    settings = Settings(stage=env.stage, cloudwatch_calls_per_s=env.cloudwatch_calls_per_s)

    def tailer(store: Store) -> Tailer:
        cloudwatch = CloudWatch(
            access, Bucket(clock, settings.cloudwatch_calls_per_s), pause=stop.pause, jitter=Random()
        )
        return Tailer(
            store, Ingest(store, settings, clock), cloudwatch, selection, owner=_owner(), clock=clock,
            pause=stop.pause, jitter=Random(), back_ms=BACK_MS,
        )  # fmt: skip

    jobs: list[Job] = []
    engines: list[RemoteEmbedder] = []

    def engine(_: Store) -> Embedder:
        engines[:] = [sagemaker({"endpoint": env.sagemaker_endpoint, "region": env.aws_region})]
        return engines[0]

    if env.sagemaker_endpoint:
        jobs.append(embedding(engine))
    try:
        selection = Selection(names_of(env.log_groups), own=own_groups(endpoint=env.sagemaker_endpoint))
        heartbeat = Heartbeat(locations.heartbeat_file(), clock)
        watch = Watch(voice, heartbeat, clock, lambda: engines[0].traffic if engines else None)
        opening = Opening(Secret(env.store_secret_arn, access), lambda url: lasting_store(url, stop))
        voice.say("INFO", f"tails {env.log_groups}")
        Daemon(opening, tailer, jobs, clock=clock, stop=stop, told=voice.failed).run(watch)
    except AutoirError as error:
        voice.failed("tail", error)
        return error.exit_code
    except Exception as defect:  # noqa: BLE001 - the interpreter would print its words
        voice.ended_by(defect)
        return 1
    voice.say("INFO", "stopped: the next task goes on from what is stored")
    return 0


def _owner() -> str:
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{os.urandom(6).hex()}"
