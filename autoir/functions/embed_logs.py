"""Stores what CloudWatch delivers: a function that never says that it did when it did not.

What fails is raised, so that Lambda tries again and at last keeps the delivery in the failure bucket. New patterns are
embedded when there is time left, which is never a reason to fail: a sweep embeds what waits.
"""

import time
from collections import Counter
from collections.abc import Callable

from autoir import metric_names as m
from autoir.aws.secrets import Secret
from autoir.aws.session import region_of
from autoir.clock import Clock, system_clock
from autoir.delivery import OWN_REASON, Deliveries, foreign
from autoir.functions.context import Context, TimeLeft, time_left_s
from autoir.functions.filling import Filling
from autoir.functions.held import Held, ready_store
from autoir.functions.telemetry import Telemetry, raised
from autoir.lambda_env import EmbedLogsEnv
from autoir.metrics import Tally
from autoir.recursion import Breaker, own_groups
from autoir.settings import Settings
from autoir.stage import names
from autoir.subscription import Delivery, PayloadError, decode

PATIENCE_S = 10.0
"""How long an endpoint is asked, and about as long an invocation embeds: beyond that it is a sweep's work."""


class EmbedLogs:
    """One process's function. ``clock`` is epoch milliseconds, ``seconds`` a clock that only goes forward."""

    def __init__(
        self,
        env: EmbedLogsEnv,
        *,
        telemetry: Telemetry | None = None,
        clock: Clock = system_clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._telemetry = telemetry or Telemetry(env)
        self._clock = clock
        self._breaker = Breaker(seconds)
        endpoint, settings = env.sagemaker_endpoint, Settings(stage=env.stage)
        self._own = own = own_groups(endpoint=endpoint or names.endpoint(env.stage))
        self._filling = Filling(endpoint, patience_s=PATIENCE_S, budget_s=PATIENCE_S, clock=clock, seconds=seconds)
        self._held = Held(
            Secret(env.store_secret_arn), lambda db: Deliveries(ready_store(db, env.stage), settings, clock, own)
        )

    def __call__(self, event: object, context: Context) -> dict[str, object]:
        """Store one delivery; what became of it. Raises AutoirError when any of it is not stored."""
        with raised(self._telemetry, context):
            region, left_s = region_of(context.invoked_function_arn), time_left_s(context)
            try:
                delivery = decode(event, region, self._clock())
            except PayloadError as error:
                self._quarantine(error, left_s)
                raise
            if not delivery.events:
                return self._empty(delivery)
            if not foreign(delivery, self._own):
                return self._refused(len(delivery.events))
            return self._stored(delivery, region, left_s)

    def close(self) -> None:
        """Release the store's connection."""
        self._held.close()

    def _empty(self, delivery: Delivery) -> dict[str, object]:
        self._telemetry.publish(_metrics(0, Tally()) | {m.CONTROL_MESSAGES: 1})
        self._telemetry.info("no events", control=delivery.control)
        return self._document(Tally())

    def _refused(self, events: int) -> dict[str, object]:
        """A delivery of AutoIR's own lines alone: no row, and a word about it once a minute."""
        self._breaker.refused(events)
        if told := self._breaker.to_tell():
            self._telemetry.publish(_metrics(told, _own(told)) | {m.RECURSION_REFUSED: told})
            self._telemetry.warning("AutoIR's own lines were delivered, and refused", events=told)
        return self._document(_own(events))

    def _stored(self, delivery: Delivery, region: str, left_s: TimeLeft) -> dict[str, object]:
        tally = Tally()

        def put(deliveries: Deliveries) -> Deliveries:
            nonlocal tally
            try:
                deliveries.put(delivery, left_s)
            finally:
                tally = deliveries.tally
            return deliveries

        try:
            deliveries = self._held.use(put, left_s)
        except Exception:
            self._account(_fates(tally), tally)  # the others are in flight: the delivery comes again
            raise
        self._account(len(delivery.events), tally)
        embedded = self._filling.fill(deliveries.store, region, left_s) if tally.patterns_new else 0
        if asked := self._filling.metrics():
            self._telemetry.publish(asked)
        document = self._document(tally, embedded)
        self._telemetry.info("stored", **document, waits_because=self._filling.reason)
        return document

    def _account(self, received: int, tally: Tally) -> None:
        """Publish what became of the events of a delivery; ``received`` was counted apart from ``tally``."""
        self._breaker.refused(tally.filtered[OWN_REASON])
        self._telemetry.publish(_metrics(received, tally) | {m.RECURSION_REFUSED: self._breaker.to_tell()})

    def _quarantine(self, error: PayloadError, left_s: TimeLeft) -> None:
        """Note a payload that is refused, as far as the store answers; it is raised in any case."""
        tally = Tally(received=1)
        try:
            self._held.use(lambda deliveries: deliveries.quarantine(error), left_s)
            tally.quarantined[error.reason] = 1
        except Exception as second:  # noqa: BLE001 the payload's own error is what is raised
            self._telemetry.warning("a refused payload could not be noted", error=type(second).__name__)
        self._telemetry.publish(_metrics(_fates(tally), tally))

    def _document(self, tally: Tally, embedded: int = 0) -> dict[str, object]:
        return {
            **tally.document(),
            "embedded": embedded,
            "breaker": "open" if self._breaker.is_open else "closed",
        }


def _own(events: int) -> Tally:
    """The account of ``events`` that are AutoIR's own."""
    return Tally(received=events, filtered=Counter({OWN_REASON: events}))


def _fates(tally: Tally) -> int:
    """Events of which it is known what became of them."""
    return tally.received - tally.unaccounted


def _metrics(received: int, tally: Tally) -> dict[str, float]:
    """The account of an invocation. What was received and has no fate shows in ``Unaccounted``."""
    return {
        m.RECEIVED: received,
        m.STORED: tally.stored,
        m.DUPLICATE: tally.duplicate,
        m.FILTERED: tally.filtered.total(),
        m.QUARANTINED: tally.quarantined.total(),
        m.UNACCOUNTED: abs(received - _fates(tally)),
        m.PATTERNS_NEW: tally.patterns_new,
    }
