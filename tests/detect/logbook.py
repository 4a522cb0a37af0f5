"""Log lines a minute, written as they would be read: what was said, where, how often, and what a sweep made of it."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from autoir.clock import MINUTE_MS
from autoir.events import stable_id, stable_number
from autoir.patterns import Masker
from autoir.settings import Settings
from autoir.store import Store, migrated
from autoir.store.rows import Batch, EventRow, PatternRow, StreamRow
from autoir.store.sqlite import SqliteDatabase
from autoir.sweep import SweepReport, sweep

START = 29_600_000
"""The first minute of every logbook; a multiple of five."""

SETTINGS = Settings(stage="test", warmup_min=30)
MASKER = Masker()


class Said(NamedTuple):
    """``n`` lines of ``text`` in a group, in minute ``at`` after START; they carry a time ``late_min`` before that."""

    at: int
    group: str
    text: str
    n: int = 1
    late_min: int = 0


@contextmanager
def fresh_store(path: Path) -> Iterator[Store]:
    """An empty store in a file."""
    store = migrated(SqliteDatabase(path, durable=False))
    try:
        yield store
    finally:
        store.close()


def rows_of(said: Iterable[Said]) -> list[EventRow]:
    """The events of some lines; the same lines give the same events in any order."""
    rows = []
    for at, group, text, n, late_min in said:
        pattern = MASKER.pattern(group, text)
        for k in range(n):
            ts_ms = (START + at - late_min) * MINUTE_MS + (k * 997) % MINUTE_MS
            id_ = stable_id(group, text, str(at), str(k))
            rows.append(EventRow(id_, ts_ms, group, stable_number(group), pattern.level, pattern.pattern_id, text))
    return rows


def write(store: Store, said: Iterable[Said]) -> None:
    """Store lines as the ingest job would."""
    said = list(said)
    patterns = {}
    for at, group, text, _, _ in said:
        p = MASKER.pattern(group, text)
        patterns[p.pattern_id] = PatternRow(
            p.pattern_id, p.family_id, p.mask_version, group, p.level, p.kind, p.component, p.template,
            p.severity_class, (START + at) * MINUTE_MS, "-",
        )  # fmt: skip
    streams = {group: StreamRow(stable_number(group), group, "one") for _, group, _, _, _ in said}
    store.write(Batch(rows_of(said), list(patterns.values()), list(streams.values()), []))


def swept(store: Store, until: int, settings: Settings = SETTINGS) -> SweepReport:
    """Sweep every minute before ``until`` after START."""
    return sweep(store, (START + until) * MINUTE_MS, settings)


def live(store: Store, said: Iterable[Said], until: int, settings: Settings = SETTINGS, every: int = 1) -> None:
    """Store and sweep as time goes by, ``every`` so many minutes; goes on from where the store stands."""
    done = store.meta("swept_to")
    begin = int(done) + 1 - START if done else 0
    by_minute: dict[int, list[Said]] = {}
    for line in said:
        by_minute.setdefault(line.at, []).append(line)
    for at in range(begin, until, every):
        stop = min(at + every, until)
        write(store, [line for minute in range(at, stop) for line in by_minute.get(minute, [])])
        swept(store, stop, settings)


def hum(until: int, groups: Iterable[str] = ("/shop/web", "/shop/cart"), begin: int = 0) -> list[Said]:
    """Ordinary life: three harmless kinds of lines a group, every minute."""
    words = (("INFO served page", 5), ("INFO cache hit", 3), ("INFO user came back", 1))
    return [Said(at, g, f"{text} of {g[6:]}", n) for at in range(begin, until) for g in groups for text, n in words]


_LATE = re.compile(r"detected \d+ min late")


def dump(store: Store) -> str:
    """Everything that detection keeps, as one text; how late an incident was detected is left out."""
    tables = {
        "autoir_family_stats": "family_id",
        "autoir_group_stats": "log_group, kind",
        "autoir_candidates": "minute, kind, subject",
        "autoir_incidents": "id",
        "autoir_outbox": "incident_id, revision, channel",
        "autoir_feedback": "id",
        "autoir_meta": "k",
    }
    rows = {table: store.query(f"SELECT * FROM {table} ORDER BY {order}") for table, order in tables.items()}
    return _LATE.sub("", json.dumps(rows, indent=0))
