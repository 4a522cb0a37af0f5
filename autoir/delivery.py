"""The delivery job: what a subscription delivered into the store, by the function that gets it or after it failed.

The same pipeline as every other way in, with what a delivery needs on top. AutoIR's own lines are refused, and counted.
A delivery that there is no time for is stopped between two batches: what is stored stays, and whoever asked is told
that the rest is not, so that it is delivered again. A payload that nobody can read leaves a row that says so.
"""

from collections.abc import Callable, Iterator, Sequence

from autoir.clock import MINUTE_MS, Clock
from autoir.errors import AutoirError
from autoir.events import LogEvent, stable_id
from autoir.ingest import Ingest
from autoir.metrics import Tally
from autoir.recursion import OWN, is_own, is_own_line
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.rows import Batch, QuarantineRow
from autoir.subscription import Delivery, PayloadError
from autoir.tail.formats import Refused

RESERVE_S = 10.0
"""Seconds that are left when a delivery is stopped: enough to commit the batch in hand."""

OWN_REASON = "AutoIR's own"
"""Under which own lines are counted as filtered."""

_LOOK = 100
_REFRESH_MS = 5 * MINUTE_MS


def foreign(delivery: Delivery, own: Sequence[str]) -> list[LogEvent | Refused]:
    """The events of ``delivery`` that AutoIR did not write itself; ``own`` are globs of its log groups."""
    if is_own(delivery.log_group, own):
        return []
    return [e for e in delivery.events if not (isinstance(e, LogEvent) and is_own_line(e.message))]


class OutOfTimeError(AutoirError):
    """There is no time for the rest of a delivery: it has to come again."""


class Deliveries:
    """Stores deliveries. Not shared between threads.

    ``own`` are globs of log groups that belong to AutoIR. ``tally`` is what became of the last delivery's events, also
    of one that failed.
    """

    def __init__(self, store: Store, settings: Settings, clock: Clock, own: Sequence[str] = OWN) -> None:
        self.store = store
        self.tally = Tally()
        self._settings = settings
        self._clock = clock
        self._own = own
        self._ingest = Ingest(store, settings, clock)
        self._fresh_until_ms = clock() + _REFRESH_MS

    def put(self, delivery: Delivery, time_left_s: Callable[[], float]) -> Tally:
        """Store ``delivery``; what became of its events, each of them.

        Raises OutOfTimeError when less than ``RESERVE_S`` are left before all is stored, and what the ingest job does.
        """
        kept, tally = foreign(delivery, self._own), self._begun()
        if refused := len(delivery.events) - len(kept):
            tally.received = tally.filtered[OWN_REASON] = refused
        handed = 0

        def while_time() -> Iterator[LogEvent | Refused]:
            nonlocal handed
            for event in kept:
                if handed % _LOOK == 0 and time_left_s() < RESERVE_S:
                    return
                handed += 1
                yield event

        if kept:
            self._ingest.store_events(while_time())
        if handed < len(kept):
            raise OutOfTimeError(
                f"There was no time for {len(kept) - handed} of {len(delivery.events)} events.",
                "The others are stored; the delivery comes again, and nothing is stored twice.",
            )
        return tally

    def quarantine(self, error: PayloadError) -> None:
        """Note a payload that was refused whole: its size and its hash, by which it is found."""
        row = QuarantineRow(
            stable_id("payload", error.sha256), self._clock(), "", "", "payload",
            f"{error.reason}; SHA-256 {error.sha256}", error.size, None,
        )  # fmt: skip
        self.store.write(Batch([], [], [], [row]))

    def close(self) -> None:
        """Release the store's connection."""
        self.store.close()

    def _begun(self) -> Tally:
        """A new account; now and then also what other writers have changed since, such as how a group is masked."""
        if self._clock() >= self._fresh_until_ms:
            self._ingest = Ingest(self.store, self._settings, self._clock)
            self._fresh_until_ms = self._clock() + _REFRESH_MS
        self.tally = self._ingest.tally = Tally()
        return self.tally
