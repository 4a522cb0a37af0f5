"""The main job in small, and a database that dies at a chosen statement of it.

A file is ingested, its new patterns embedded, its minutes judged, the messages sent; then the same for a second file.
The job is the real one over made-up lines and a virtual clock, so that two runs of it give the same rows.
"""

import json
import os
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from autoir import ingest
from autoir.clock import MINUTE_MS
from autoir.detect.parameters import Params
from autoir.embed import fill_pending, open_embedder
from autoir.ingest import Ingest, read_file
from autoir.notify import publish_due
from autoir.notify.messages import EVENTS, PAGES, Message
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.rows import Batch, OutboxRow, Written
from autoir.store.sqlite import SqliteDatabase
from autoir.sweep import sweep
from autoir.tail.files import LogFile

START_MS = 1_772_452_800_000
GROUP = "/shop/checkout"
SETTINGS = Settings(stage="kill", warmup_min=5)
PARAMS = Params(quiet_min=4)
BATCH = 16
PARTS = (("a.log", 0, 8), ("b.log", 8, 20))
"""Each file with its first minute and the one after its last; the errors begin in the first and go on in the second."""
AFTER_LEASES_MS = 10 * MINUTE_MS
SENT = "sent.jsonl"
KILLED = 77

Label = tuple[str, int]
"""A kind of statement and which of its occurrences, from 0."""
Kill = tuple[Label, str]
"""Where a process dies: before or after a statement."""
StoreClass = Callable[[SqliteDatabase], Store]


_VERB = re.compile(r"^(BEGIN|COMMIT|CREATE|INSERT|UPDATE|DELETE|PRAGMA)\b", re.MULTILINE)
_TABLE = re.compile(r"\b(autoir_\w+)(?: SET (\w+))?|\b(user_version)=")


def label_of(sql: str) -> str | None:
    """Verb, table and first changed column of a statement that changes something; None for one that only reads."""
    verb = _VERB.search(sql)
    if verb is None or verb[1] in ("BEGIN", "COMMIT", "CREATE"):
        return verb and verb[1]
    what = _TABLE.search(sql, verb.end())
    return what and " ".join([verb[1], *(part for part in what.groups() if part)])


class CountingDatabase(SqliteDatabase):
    """Counts its statements by label, and ends the process before or after one of them."""

    def __init__(self, path: Path, kill: Kill | None = None) -> None:
        self.seen: Counter[str] = Counter()
        self._kill = kill
        super().__init__(path, durable=False)

    def reached(self, label: str | None, side: str) -> None:
        """Die here if this is the place; ``side`` is before or after."""
        if label is None:
            return
        self.seen[label] += side == "before"
        occurrence = self.seen[label] - 1
        if self._kill == ((label, occurrence), side):
            os._exit(KILLED)

    def execute(self, sql: str, args: Sequence[object] = ()) -> int:
        label = label_of(sql)
        self.reached(label, "before")
        changed = super().execute(sql, args)
        self.reached(label, "after")
        return changed

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        label = label_of(sql)
        self.reached(label, "before")
        changed = super().executemany(sql, rows)
        self.reached(label, "after")
        return changed


class CursorFirst(Store):
    """What must never be: the cursor is committed before the rows it stands for."""

    def write(self, batch: Batch) -> Written:
        if batch.cursor:
            super().write(Batch([], [], [], [], batch.cursor))
        return super().write(batch._replace(cursor=None))


def write_logs(folder: Path, seed: int) -> None:
    """The two log files of a seed: ordinary lines, undated ones, one that cannot be stored, a late error."""
    draw = random.Random(seed)
    for name, first, end in PARTS:
        lines: list[tuple[int, str]] = []
        for minute in range(first, end):
            at = START_MS + minute * MINUTE_MS
            if minute < 12:
                lines += [
                    (at + draw.randrange(MINUTE_MS), draw.choice(_ORDINARY).format(draw.randrange(10**6)))
                    for _ in range(draw.randint(2, 5))
                ]
            if 6 <= minute < 11:
                lines += [
                    (at + draw.randrange(MINUTE_MS), _ERROR.format(draw.randrange(10**4))) for _ in range(minute - 4)
                ]
        written = [f"{_iso(ts)} {text}" for ts, text in sorted(lines)]
        for text in (*_UNDATED, '{"logGroup":"/shop/mail","message":"no time"}'):
            written.insert(draw.randrange(len(written)), text)
        (folder / name).write_text("\n".join(written) + "\n", "utf-8")
        os.utime(folder / name, (START_MS / 1000, START_MS / 1000))


_ORDINARY = (
    "INFO order {} placed", "INFO cart {} opened", "DEBUG cache hit for item {}", "INFO payment {} accepted",
    "WARN slow answer: {} ms",
)  # fmt: skip
_UNDATED = ("cache warmed", "cache warmed", "listening on port 8080")
_ERROR = "ERROR cannot reserve stock: connection to 10.0.3.7:{} refused"


def _iso(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat(timespec="milliseconds")


class Sink:
    """A receiver of one channel: a file, which outlives the process."""

    name = "sink"

    def __init__(self, channel: str, folder: Path, reached: Callable[[str, str], None]) -> None:
        self.channel = channel
        self._path = folder / SENT
        self._reached = reached

    def send(self, row: OutboxRow, message: Message) -> None:
        """Take one message."""
        self._reached("publish", "before")
        line = json.dumps([message["id"], message["incident_id"], self.channel, row.kind, row.body])
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        self._reached("publish", "after")


def received(folder: Path) -> list[tuple[str, ...]]:
    """Every message that came, in order, as (id, incident, channel, kind, body)."""
    return [tuple(json.loads(line)) for line in (folder / SENT).read_text("utf-8").splitlines()]


def run(logs: Path, folder: Path, kill: Kill | None = None, store_class: StoreClass = Store) -> Counter[str]:
    """The whole job over ``logs`` into ``folder``, going on where an earlier run died; its statements by label."""
    database = CountingDatabase(folder / "store.db", kill)
    with closing(store_class(database)) as store:
        store.migrate()
        work(store, logs, [Sink(channel, folder, database.reached) for channel in (EVENTS, PAGES)])
    return database.seen


def work(store: Store, logs: Path, sinks: Sequence[Sink]) -> None:
    """The whole job over ``logs`` on any store."""
    with patch.object(ingest, "BATCH_EVENTS", BATCH):
        for name, _, end in PARTS:
            now_ms = START_MS + end * MINUTE_MS
            clock = partial(int, now_ms)
            read_file(Ingest(store, SETTINGS, clock), LogFile(logs / name), GROUP, name, clock=clock)
            fill_pending(store, open_embedder("hashed"), now_ms)
            sweep(store, now_ms, SETTINGS, params=PARAMS)
            publish_due(store, sinks, now_ms, jitter=random.Random(0))
        fill_pending(store, open_embedder("hashed"), now_ms + AFTER_LEASES_MS)
        publish_due(store, sinks, now_ms + AFTER_LEASES_MS, jitter=random.Random(0))


VOLATILE = (
    "autoir_cursors.commits", "autoir_outbox.tries", "autoir_outbox.lease_until_ms", "autoir_outbox.sent_ms",
    "autoir_patterns.embed_tries", "autoir_patterns.embed_lease_ms", "autoir_patterns.embedded_ms",
)  # fmt: skip
"""Columns that say how often and when something was tried; all others have to be the same after any kill."""

Rows = dict[str, list[tuple[object, ...]]]


def rows(path: Path) -> Rows:
    """Every row of every table, without what is volatile."""
    with closing(sqlite3.connect(path)) as connection:
        tables = [str(r[0]) for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: Rows = {}
        for table in sorted(t for t in tables if t.startswith("autoir_")):
            columns = [str(r[1]) for r in connection.execute(f"PRAGMA table_info({table})")]
            kept = ", ".join(c for c in columns if f"{table}.{c}" not in VOLATILE)
            found[table] = sorted(connection.execute(f"SELECT {kept} FROM {table}"), key=repr)
        return found


class Truth(NamedTuple):
    """An undisturbed run over ``logs``: its statements, its rows, and what was received."""

    logs: Path
    seen: Counter[str]
    rows: Rows
    messages: list[tuple[str, ...]]


def undisturbed(logs: Path, folder: Path, seed: int) -> Truth:
    """Write the logs of ``seed``, then run the job from nothing to the end."""
    write_logs(logs, seed)
    seen = run(logs, folder)
    return Truth(logs, seen, rows(folder / "store.db"), received(folder))


def killed(logs: Path, folder: Path, kill: Kill, store_class: StoreClass = Store) -> None:
    """Run the job in a process of its own that dies at ``kill``, then again to the end. Raises if it did not die."""
    child = os.fork()
    if child == 0:
        try:
            run(logs, folder, kill, store_class)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == KILLED, f"not killed at {kill}"
    run(logs, folder, None, store_class)


def places(label: str, seen: Iterable[Counter[str]], kills: int) -> list[tuple[int, int]]:
    """``kills`` pairs of (seed, occurrence of ``label``), spread over the seeds and over each run from end to end."""
    counts = list(seen)
    rounds = -(-kills // len(counts))
    found = []
    for n in range(kills):
        seed, step = n % len(counts), n // len(counts)
        most = counts[seed][label] - 1
        found.append((seed, round(most * step / max(rounds - 1, 1))))
    return found
