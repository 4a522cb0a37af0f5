"""Looks for incidents at every tick, sends what is due, and measures what waits.

Messages come before vectors: somebody may wait for a page, nobody for a vector. A backlog of minutes is judged in
slices with the messages of each sent before the next, so that an outage of the store delays no page longer than it
lasted. Two ticks at once do no harm: one of them finds its minute judged and leaves.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import cast

from autoir import metric_names as m
from autoir import settings as all_settings
from autoir.aws.replay import FailureBucket
from autoir.aws.secrets import Secret
from autoir.aws.session import region_of
from autoir.clock import SECOND_MS, Clock, system_clock
from autoir.errors import AutoirError
from autoir.functions.context import Context, TimeLeft, time_left_s
from autoir.functions.filling import Filling
from autoir.functions.held import Held, ready_store
from autoir.functions.telemetry import Telemetry, raised
from autoir.incidents import Severity
from autoir.lambda_env import SweepIncidentsEnv
from autoir.notify import notifiers_for, publish_due
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.sweeping import OvertakenError
from autoir.sweep import sweep

SLICE_S = 60.0
"""Seconds of judging after which messages are sent."""
RESERVE_S = 120.0
"""Seconds that are left when judging ends: for the messages of the last slice, with receivers that do not answer."""
EMBED_PATIENCE_S, EMBED_BUDGET_S = 70.0, 120.0
"""How long an endpoint is asked, which may have to start a container first, and how long a sweep embeds at most."""


@dataclass(slots=True)
class Done:
    """What one invocation did; ``behind`` says that minutes are left to judge."""

    minutes: int = 0
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    pages: int = 0
    sent: int = 0
    failed: int = 0
    embedded: int = 0
    behind: bool = False


class SweepIncidents:
    """One process's function. ``clock`` is epoch milliseconds, ``seconds`` a clock that only goes forward."""

    def __init__(
        self,
        env: SweepIncidentsEnv,
        *,
        telemetry: Telemetry | None = None,
        clock: Clock = system_clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._telemetry = telemetry or Telemetry(env)
        self._clock = clock
        self._seconds = seconds
        self._settings = _settings(env)
        self._receivers = notifiers_for(self._settings)
        self._failures = FailureBucket(env.failure_bucket, env.failure_prefix)
        self._filling = Filling(
            env.sagemaker_endpoint, patience_s=EMBED_PATIENCE_S, budget_s=EMBED_BUDGET_S, clock=clock, seconds=seconds
        )
        self._held = Held(Secret(env.store_secret_arn), lambda db: ready_store(db, env.stage))

    def __call__(self, event: object, context: Context) -> dict[str, object]:
        """One sweep; what it did. Raises AutoirError when the store does not answer."""
        with raised(self._telemetry, context):
            region, left_s, begun = region_of(context.invoked_function_arn), time_left_s(context), self._seconds()
            try:
                done, gauges = self._held.use(lambda store: self._swept(store, region, left_s), left_s)
            except OvertakenError:
                self._telemetry.info("another sweep is at work", overtaken=True)
                return {"overtaken": True}
            self._telemetry.publish(
                {
                    m.SWEEPS_FINISHED: int(not done.behind),
                    m.SWEEP_DURATION_MS: round((self._seconds() - begun) * SECOND_MS),
                    m.INCIDENTS_OPENED: len(done.opened),
                    m.MESSAGES_FAILED: done.failed,
                    **gauges,
                    **self._filling.metrics(),
                }
            )
            document = {name: getattr(done, name) for name in Done.__slots__}
            self._telemetry.info("swept", **document, waits_because=self._filling.reason)
            return {"overtaken": False, **document}

    def close(self) -> None:
        """Release the store's connection."""
        self._held.close()

    def _swept(self, store: Store, region: str, left_s: TimeLeft) -> tuple[Done, dict[str, float]]:
        done = Done()
        while True:
            self._judge(store, done, left_s)
            self._publish(store, done)
            if not done.behind or left_s() < RESERVE_S:
                break
        done.embedded = self._filling.fill(store, region, left_s)
        return done, self._gauges(store, region)

    def _judge(self, store: Store, done: Done, left_s: TimeLeft) -> None:
        """Judge minutes for a slice of time, or to the last that is over."""
        begun = self._seconds()
        done.behind = False

        def stop() -> bool:
            done.behind = self._seconds() - begun > SLICE_S or left_s() < RESERVE_S
            return done.behind

        report = sweep(store, self._clock(), self._settings, stop=stop)
        done.minutes += report.minutes
        done.opened += report.opened
        done.closed += report.closed
        done.pages += report.pages

    def _publish(self, store: Store, done: Done) -> None:
        told = publish_due(store, self._receivers, self._clock(), jitter=Random())
        done.sent += told.sent
        done.failed += told.failed + told.gave_up
        for name, reason in told.reasons.items():
            self._telemetry.warning("messages wait", receiver=name, reason=reason)

    def _gauges(self, store: Store, region: str) -> dict[str, float]:
        """How much waits: messages, patterns, failed deliveries."""
        oldest_ms = store.oldest_unsent_ms()
        gauges: dict[str, float] = {
            m.OUTBOX_AGE_S: 0 if oldest_ms is None else max(0, self._clock() - oldest_ms) / SECOND_MS,
            m.PATTERNS_PENDING: store.embed_progress().pending,
        }
        try:
            gauges[m.FAILED_DELIVERIES] = self._failures.count(region)
        except AutoirError as error:
            self._telemetry.warning("failed deliveries could not be counted", reason=str(error))
        return gauges


def _settings(env: SweepIncidentsEnv) -> Settings:
    """Settings as the environment says. Raises UsageError naming the one that is wrong."""
    given = Settings(
        stage=env.stage,
        window_min=env.alerts_window_min,
        min_severity=cast(Severity, env.alerts_min_severity),
        min_confidence=env.alerts_min_confidence,
        sns_topic_arn=env.pages_topic_arn,
        sns_events_topic_arn=env.events_topic_arn,
    )
    return all_settings.validated(Path("environment"), given)
