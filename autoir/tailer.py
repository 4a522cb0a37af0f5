"""The tail job: CloudWatch log groups into the store, each event once, none missed.

One page at a time, of whichever group has waited longest for what it is worth: its tail before its sweeps, and a group
that lags before one that does not, but none starves. All calls go through one bucket, for the rate is the account's.
A group that fails keeps its reason, waits its turn and stops no other. On the way out leases are given back, so that
the next task goes on within a poll; after a kill it has to wait until they run out. What is in memory is one page and
the ids stored lately, however far behind a group is.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from random import Random
from typing import NamedTuple, Self

from autoir.clock import Clock
from autoir.errors import AutoirError, PasswordRefusedError, UnreachableError
from autoir.events import stable_id
from autoir.ingest import Ingest
from autoir.metrics import UnaccountedError
from autoir.store import Store
from autoir.store.cursors import LeaseLostError
from autoir.store.rows import Cursor
from autoir.tail.cloudwatch import CloudWatch, LogGroup, LoginError
from autoir.tail.cloudwatch_group import NEVER_MS, Reading, Recent, Seen, Surroundings, TailedGroup
from autoir.tail.cloudwatch_groups import Selection, discover
from autoir.tail.cloudwatch_rate import Bucket, Pause
from autoir.tail.cloudwatch_windows import Kind, Pace, backfill_cursor, first_cursors


class GroupState(NamedTuple):
    """How a group does: milliseconds since it was last read to its end, the newest time of ingestion stored, and why
    it cannot be read, where that is so."""

    name: str
    lag_ms: int
    newest_ingest_ms: int
    error: AutoirError | None


class Troubles:
    """Which groups cannot be read, told once for each reason."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}

    def news(self, states: Iterable[GroupState]) -> list[GroupState]:
        """Of ``states`` those with a reason that was not told yet; one that is over is forgotten."""
        wrong = {state.name: state for state in states if state.error}
        new = [state for name, state in wrong.items() if self._told.get(name) != str(state.error)]
        self._told = {name: str(state.error) for name, state in wrong.items()}
        return new


ONCE_MS = NEVER_MS
"""The poll interval of a tailer that reads each group to its end and is done."""

_LONGEST_PAUSE_MS = 1_000
_WEIGHTS: dict[Kind, float] = {"tail": 1.0, "backfill": 1.0, "sweep": 0.5, "wide": 0.1}
_MOST_LAG_WEIGHT = 9.0

Progress = Callable[["Tailer"], None]
"""Told after every page, and while nothing is due."""


class Tailer:
    """Reads ``selection`` into ``ingest``'s store. Not shared between threads; leave it by ``with`` or ``release``.

    ``back_ms`` is how far back a group begins that was never read. ``between`` reads that span of event time once
    instead, under cursors of its own. ``unaccounted`` counts events of unknown fate, which is a defect of AutoIR, each
    time; those of a batch that could not be stored are none.
    """

    def __init__(
        self, store: Store, ingest: Ingest, cloudwatch: CloudWatch, selection: Selection, *, owner: str, clock: Clock,
        pause: Pause, jitter: Random, back_ms: int, pace: Pace | None = None, between: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        self.pace = pace or Pace()
        self.tally = ingest.tally
        self.groups: dict[str, TailedGroup] = {}
        self.refused: dict[str, AutoirError] = {}
        self.unaccounted = 0
        self._around = Surroundings(store, ingest, cloudwatch, Recent(), Seen(), owner, clock, jitter, self.pace)
        self._selection = selection
        self._pause = pause
        self._between = between
        self._start_ms = clock() - back_ms
        self._spare = Bucket(clock, cloudwatch.bucket.per_s / 2)
        self._discover_ms = 0
        self._looked = f"discovered:{stable_id(*selection.wanted)}"
        self._looked_ms = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def events_read(self) -> int:
        """Events that CloudWatch gave, each as often as it was read."""
        return self._around.seen.events

    @property
    def is_under_way(self) -> bool:
        """Whether every group was read to its end once, or cannot be."""
        return all(tailed.was_complete or tailed.error for tailed in self.groups.values())

    @property
    def own_lines(self) -> int:
        """Lines of AutoIR's own that came by a detour and were left out."""
        return self._around.seen.own_lines

    def states(self) -> list[GroupState]:
        """Every group that is wanted by name or was found, those that cannot be read included."""
        now_ms = self._around.clock()
        read = [GroupState(n, t.lag_ms(now_ms), t.newest_ingest_ms, t.error) for n, t in self.groups.items()]
        return read + [GroupState(name, 0, 0, error) for name, error in self.refused.items()]

    def discover(self) -> None:
        """Look up which groups are wanted. Raises what DescribeLogGroups does."""
        now_ms = self._around.clock()
        found = discover(self._around.cloudwatch, self._selection)
        self.refused = found.refused
        for gone in self.groups.keys() - found.groups.keys():
            self._give_back(self.groups.pop(gone))
        last_ms = int(self._around.store.meta(self._looked) or now_ms)
        for name, group in found.groups.items():
            if name not in self.groups:
                self.groups[name] = TailedGroup(group, self._first(group, last_ms, now_ms), self._around)
        if self._selection.is_open:
            self._looked_ms = now_ms
        self._discover_ms = now_ms + self.pace.discover_ms

    def require_any(self) -> None:
        """Raise what is wrong with the first of the groups where none can be read and no glob may find one."""
        if self.refused and not self.groups and not self._selection.is_open:
            raise next(iter(self.refused.values()))

    def run(self, progress: Progress = lambda _: None, *, once: bool = False) -> None:
        """Read until ``pause`` says that the process is to end; with ``once``, until nothing is due.

        Raises LoginError, for until somebody logs in no group can be read, and PasswordRefusedError of the store.
        """
        while self._pause(0):
            self._discover_again(once)
            self._acquire()
            self._note_look()
            if wait_s := self._around.cloudwatch.bucket.wait_s():
                self._pause(wait_s)
                continue
            chosen = self._chosen()
            if chosen:
                self._read(*chosen)
            elif once and not self._is_due():
                return
            else:
                self._pause(self._idle_s())
            progress(self)

    def release(self) -> None:
        """Give every lease back, as far as the store answers."""
        with suppress(AutoirError):  # they run out by themselves
            for tailed in self.groups.values():
                tailed.release()

    def _give_back(self, tailed: TailedGroup) -> None:
        with suppress(AutoirError):  # it runs out by itself
            tailed.release()

    def _first(self, group: LogGroup, last_ms: int, now_ms: int) -> dict[Kind, Cursor]:
        """Where ``group`` begins if it was never read. One that was made since the groups were looked up last, perhaps
        by a process before this one, is read from its beginning."""
        if self._between:
            return {"backfill": backfill_cursor(group, *self._between)}
        start_ms = min(self._start_ms, group.created_ms) if group.created_ms > last_ms else self._start_ms
        return first_cursors(group, start_ms=start_ms, read_ms=max(start_ms, group.created_ms), now_ms=now_ms)

    def _discover_again(self, once: bool) -> None:
        now_ms = self._around.clock()
        if once or now_ms < self._discover_ms or not (self._selection.is_open or self.refused):
            return
        try:
            self.discover()
        except LoginError:
            raise
        except AutoirError:
            self._discover_ms = now_ms + self.pace.discover_ms  # the groups known so far are read meanwhile

    def _acquire(self) -> None:
        now_ms = self._around.clock()
        for tailed in self.groups.values():
            if tailed.lease is None and tailed.blocked_until_ms <= now_ms:
                try:
                    free = tailed.acquire()
                except PasswordRefusedError:
                    raise
                except AutoirError as error:
                    tailed.failed(error)
                    return  # the store is away for the others too, and the loop has to come round
                tailed.error = None if free else _taken(tailed.group.name)

    def _note_look(self) -> None:
        """Note when the groups were looked up, once each has its cursors: a new one that has none when this process
        dies would begin as an old one."""
        if self._looked_ms and all(tailed.begun for tailed in self.groups.values()):
            try:
                self._around.store.set_meta(self._looked, str(self._looked_ms))
            except PasswordRefusedError:
                raise
            except AutoirError:
                return  # at the next turn
            self._looked_ms = 0

    def _chosen(self) -> tuple[TailedGroup, Reading] | None:
        """The reading that has waited longest for its weight, of those that are due."""
        now_ms = self._around.clock()
        spare = self._spare.wait_s() == 0
        due = [
            ((now_ms - reading.due_ms + 1) * self._weight(tailed, reading, now_ms), tailed, reading)
            for tailed, reading in self._due(now_ms)
            if spare or reading.kind != "wide"
        ]
        if not due:
            return None
        _, tailed, reading = max(due, key=lambda entry: entry[0])
        if reading.kind == "wide":
            self._spare.take()
        return tailed, reading

    def _is_due(self) -> bool:
        """Whether a reading is due; only a wide one may have to wait nevertheless."""
        return any(self._due(self._around.clock()))

    def _due(self, now_ms: int) -> Iterator[tuple[TailedGroup, Reading]]:
        for tailed in self.groups.values():
            for reading in tailed.ready(now_ms):
                yield tailed, reading

    def _weight(self, tailed: TailedGroup, reading: Reading, now_ms: int) -> float:
        lag = min(_MOST_LAG_WEIGHT, tailed.lag_ms(now_ms) / self.pace.poll_ms)
        return _WEIGHTS[reading.kind] * (1.0 + lag)

    def _read(self, tailed: TailedGroup, reading: Reading) -> None:
        try:
            tailed.read(reading)
        except (LoginError, PasswordRefusedError):
            raise
        except LeaseLostError:
            tailed.lost()
        except UnaccountedError as error:
            self.unaccounted += abs(self.tally.unaccounted)
            tailed.failed(error)
        except AutoirError as error:
            tailed.failed(error)
        finally:
            self.tally.received -= self.tally.unaccounted  # the same page is read again

    def _idle_s(self) -> float:
        if self._is_due():
            return self._spare.wait_s()
        now_ms = self._around.clock()
        next_ms = min((tailed.next_ms() for tailed in self.groups.values()), default=NEVER_MS)
        return min(max(next_ms - now_ms, 1), _LONGEST_PAUSE_MS) / 1_000


def _taken(name: str) -> UnreachableError:
    return UnreachableError(
        f"{name} is read by another process at the moment.", "It goes on here when that one ends or dies."
    )
