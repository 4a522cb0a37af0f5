"""Log groups of CloudWatch read by a command: its tailer, what is shown meanwhile, and the account at the end."""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from random import Random

from autoir.aws.session import Access
from autoir.cli import figures, stores
from autoir.cli.embedding import embedder_for
from autoir.cli.failures import report, report_error
from autoir.cli.options import Asked
from autoir.cli.output import Block, Heading, Lines, Progress, Table
from autoir.clock import DAY_MS, system_clock
from autoir.daemon import Daemon, Job, Stop, embedding, lasting_store
from autoir.errors import AutoirError
from autoir.events import LogEvent
from autoir.ingest import Ingest
from autoir.metrics import Tally
from autoir.redact import Redactor, compile_user_rules
from autoir.report.amounts import counted
from autoir.settings import Settings
from autoir.store import Store, open_store
from autoir.tail.cloudwatch import CloudWatch
from autoir.tail.cloudwatch_groups import Selection, discover
from autoir.tail.cloudwatch_rate import Bucket
from autoir.tail.cloudwatch_windows import AHEAD_MS, Pace
from autoir.tailer import ONCE_MS, GroupState, Tailer, Troubles

LIVE_BACK_MS = DAY_MS


def cloudwatch_for(asked: Asked, settings: Settings, stop: Stop) -> CloudWatch:
    """CloudWatch as the command's options say."""
    bucket = Bucket(system_clock, settings.cloudwatch_calls_per_s)
    return CloudWatch(Access(asked.profile, asked.region), bucket, pause=stop.pause, jitter=Random())


def owner() -> str:
    """This process, for the leases that it takes."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{os.urandom(6).hex()}"


def latest_live(asked: Asked, settings: Settings, group: str, limit: int, since_ms: int) -> list[LogEvent]:
    """The newest events of ``group`` as CloudWatch has them, oldest first, redacted; nothing is stored."""
    cloudwatch = cloudwatch_for(asked, settings, Stop())
    found = discover(cloudwatch, Selection([group], own=()))  # looking at one's own lines makes no new ones
    for error in found.refused.values():
        raise error
    redact = Redactor(compile_user_rules(settings.redact)).redact
    events: list[LogEvent] = []
    until_ms, token = system_clock() + AHEAD_MS, ""
    for log_group in found.groups.values():
        while len(events) < limit:
            page = cloudwatch.page(
                log_group, since_ms, until_ms, token, limit=min(limit - len(events), 10_000), newest_first=True
            )
            events += page.events
            token = page.token
            if not token:
                break
    return [event._replace(message=redact(event.message)) for event in reversed(events[:limit])]


class Run:
    """The groups of one call, read into one store."""

    def __init__(self, asked: Asked, settings: Settings, stop: Stop, selection: Selection) -> None:
        self._asked = asked
        self._settings = settings
        self._stop = stop
        self._selection = selection
        self._progress = Progress()
        self._troubles = Troubles()
        self._cpu_s = time.process_time()
        self._read = self._own_lines = 0
        self._tally = Tally()
        self._states: list[GroupState] = []

    def once(self, *, back_ms: int, embed: bool, between: tuple[int, int] | None = None) -> None:
        """Read what there is to its end; ``between`` reads that span of time instead."""
        url, pace = stores.chosen_url(self._asked), Pace(poll_ms=ONCE_MS)
        with closing(open_store(url)) as store, self._tailer(store, back_ms, pace, between) as tailer:
            tailer.discover()
            tailer.require_any()
            tailer.run(self.watch, once=True)
            self.watch(tailer)
            job = embedding(embedder_for)
            if embed and self._stop.pause(0):
                self._progress.update("learning the new patterns")
                job.run(store, system_clock())

    def follow(self, jobs: Sequence[Job], *, back_ms: int) -> None:
        """Read what comes, until a signal, with ``jobs`` beside it."""
        Daemon(
            lambda: lasting_store(stores.chosen_url(self._asked), self._stop),
            lambda store: self._tailer(store, back_ms, Pace(), None),
            jobs,
            clock=system_clock,
            stop=self._stop,
            told=self._told,
        ).run(self.watch)

    def _tailer(self, store: Store, back_ms: int, pace: Pace, between: tuple[int, int] | None) -> Tailer:
        return Tailer(
            store, Ingest(store, self._settings, system_clock),
            cloudwatch_for(self._asked, self._settings, self._stop), self._selection, owner=owner(),
            clock=system_clock, pause=self._stop.pause, jitter=Random(), back_ms=back_ms, pace=pace, between=between,
        )  # fmt: skip

    def _told(self, name: str, error: AutoirError) -> None:
        report(f"{name}: {error}", error.hint)

    def watch(self, tailer: Tailer) -> None:
        """Show how far it is, and what is wrong with a group, once."""
        self._read, self._own_lines, self._tally = tailer.events_read, tailer.own_lines, tailer.tally
        self._states = tailer.states()
        for state in self._troubles.news(self._states):
            assert state.error
            self._progress.done()
            report_error(state.error, debug=self._asked.debug)
        behind_s = max((state.lag_ms for state in self._states), default=0) // 1_000
        self._progress.update(
            f"{counted(len(self._states), 'log group')}: {self._tally.stored:,} lines stored, {behind_s:,} s behind"
        )

    @property
    def exit_code(self) -> int:
        """0, or that of a group that could not be read."""
        return max((state.error.exit_code for state in self._states if state.error), default=0)

    @property
    def stored(self) -> int:
        """Lines that this run stored."""
        return self._tally.stored

    def close(self) -> None:
        """Leave the terminal as it was, and note what embedding took."""
        self._progress.done()
        figures.remember(stores.shown_url(stores.chosen_url(self._asked)), system_clock())

    def document(self) -> dict[str, object]:
        """The run for a program."""
        tally = self._tally
        return {
            "log_groups": [
                {
                    "log_group": state.name,
                    "newest_ingest_ms": state.newest_ingest_ms or None,
                    "error": str(state.error) if state.error else None,
                }
                for state in self._states
            ],
            "read": self._read,
            **tally.document(),
            "cpu_s": round(time.process_time() - self._cpu_s, 3),
        }

    def summary(self, flag: str) -> Iterator[Block]:
        """The run for people."""
        self.close()
        tally = self._tally
        rows = [("read", f"{self._read:,}", f"from {counted(len(self._states), 'log group')}")]
        rows.append(("stored", f"{tally.stored:,}", ""))
        known = self._read - tally.stored - tally.filtered.total() - tally.quarantined.total() - self._own_lines
        if known > 0:  # a page that was stored in part is not counted as read
            rows.append(("known", f"{known:,}", "stored already: what came late is looked for again"))
        for name, reasons in (("filtered", tally.filtered), ("quarantined", tally.quarantined)):
            rows += [(name, f"{count:,}", reason) for reason, count in reasons.most_common()]
        if self._own_lines:
            rows.append(("left out", f"{self._own_lines:,}", "lines of AutoIR's own"))
        rows.append(("new patterns", f"{tally.patterns_new:,}", ""))
        yield Table(("LINES", "COUNT", ""), rows, frozenset({1}))
        yield Lines(("",))
        yield Heading("Next:")
        yield Lines((f'  autoir{flag} logs query "connection refused"', f"  autoir{flag} sweep"))


def checked_store(asked: Asked) -> None:
    """Raise UsageError where the store that was asked for is not one to read live logs into."""
    with stores.to_write(asked):
        pass
