"""Ingestion: events and MB per CPU second on one core, where the time goes, and bytes stored per event.

The input is the demo's logs, each message cut or filled up to 161 bytes (the size at which figures are quoted), as
JSON Lines of CloudWatch events. Steps are timed apart over the same events, then the whole job into a SQLite file,
beside the anchor: an event decoded and inserted by itself, no redaction, no pattern, as a forwarder's first version
does. CPU time of this process, so that a busy machine does not matter; the best of the rounds, after one to warm up.

    python bench/ingest.py [--events N] [--rounds N]
"""

import argparse
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import orjson

from autoir.demo import DEFAULT_END_MS, generate
from autoir.embed.recipe import recipe_hash
from autoir.events import LogEvent, identity
from autoir.ingest import BATCH_EVENTS, Ingest
from autoir.patterns import Masker
from autoir.redact import redact
from autoir.settings import Settings
from autoir.store import Store, migrated
from autoir.store.sqlite import SqliteDatabase
from autoir.tail.formats import Source, parse
from autoir.tail.lines import Joiner, read_lines

BYTES = 161


def sized(message: str) -> str:
    """``message`` at 161 bytes: cut, or filled with words as they stand in it."""
    while len(message) < BYTES:
        message += " " + message[: BYTES - len(message)]
    return message[:BYTES]


def demo_lines(count: int) -> list[bytes]:
    """``count`` demo events as JSON Lines of CloudWatch."""
    events = islice(generate("pool-exhaustion", 1), count)
    return [
        orjson.dumps(
            {
                "logGroup": e.log_group,
                "logStream": e.log_stream,
                "timestamp": e.ts_ms,
                "ingestionTime": e.ingest_ms,
                "eventId": e.event_id,
                "message": sized(e.message),
            }
        )
        for e in events
    ]


class Lines:
    """JSON Lines as a binary stream."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._rest = b"\n".join(lines) + b"\n"
        self._at = 0

    def read(self, size: int) -> bytes:
        chunk = self._rest[self._at : self._at + size]
        self._at += len(chunk)
        return chunk


def decoded(lines: Sequence[bytes]) -> list[LogEvent]:
    """Bytes to events, by the product's own reader."""
    source = Source("/bench", "bench")
    joiner = Joiner(joining=False)
    stream = Lines(lines)
    events = [parse(source, r, DEFAULT_END_MS) for r in joiner.records(read_lines(stream))]  # type: ignore[arg-type]
    return [e for e in events if isinstance(e, LogEvent)]


def naive(folder: Path, events: Sequence[LogEvent]) -> None:
    """The anchor: one INSERT and one commit an event under a random id."""
    connection = sqlite3.connect(folder / "naive.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE logs (id TEXT PRIMARY KEY, log_group TEXT, log_stream TEXT, ts INT, message TEXT)")
    for e in events:
        row = (str(uuid.uuid4()), e.log_group, e.log_stream, e.ts_ms, e.message)
        connection.execute("INSERT INTO logs VALUES (?, ?, ?, ?, ?)", row)
    connection.close()


def fresh_store(folder: Path) -> Store:
    """An empty store on disk."""
    return migrated(SqliteDatabase(folder / "bench.db"))


def best(rounds: int, run: Callable[[], object]) -> float:
    """Least CPU seconds of ``rounds`` runs after one that does not count."""
    times = []
    for _ in range(rounds + 1):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times[1:])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    lines = demo_lines(arguments.events)
    events = decoded(lines)
    count, megabytes = len(events), len(events) * BYTES / 1e6
    rounds = arguments.rounds

    def masked() -> None:
        masker = Masker()
        for e in events:
            masker.pattern(e.log_group, e.message)

    def pipeline() -> None:
        masker = Masker()
        known: set[int] = set()
        for e in decoded(lines):
            pattern = masker.pattern(e.log_group, redact(e.message))
            identity(e)
            if pattern.pattern_id not in known:
                known.add(pattern.pattern_id)
                recipe_hash(pattern.template, pattern.component)

    sizes: list[float] = []

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = fresh_store(Path(folder))
            ingest = Ingest(store, Settings(), lambda: DEFAULT_END_MS)
            for start in range(0, count, BATCH_EVENTS):
                ingest.store_events(events[start : start + BATCH_EVENTS])
            assert ingest.tally.stored == count
            store.query("PRAGMA wal_checkpoint(TRUNCATE)")
            sizes.append(store.db.stored_bytes() / count)
            store.close()

    few = events[:20_000]

    def anchor() -> None:
        with tempfile.TemporaryDirectory() as folder:
            naive(Path(folder), few)

    rows = [
        ("decode (JSON Lines)", best(rounds, lambda: decoded(lines)), count),
        ("redact", best(rounds, lambda: [redact(e.message) for e in events]), count),
        ("mask and pattern, full mask", best(rounds, masked), count),
        ("ids", best(rounds, lambda: [identity(e) for e in events]), count),
        ("steps 1 to 7: decode to pattern", best(rounds, pipeline), count),
        ("redact to commit, into SQLite", best(rounds, whole), count),
        ("anchor: one INSERT and commit an event", best(rounds, anchor), len(few)),
    ]
    print(f"{count} events of {BYTES} bytes, {megabytes:.1f} MB; CPU seconds of one core")
    print(f"{'step':<40}{'us/event':>10}{'events/s':>12}{'MB/s':>8}")
    for name, seconds, over in rows:
        rate = over / seconds
        print(f"{name:<40}{seconds / over * 1e6:>10.1f}{rate:>12,.0f}{rate * BYTES / 1e6:>8.1f}")
    print(f"stored bytes per event: {min(sizes):.0f} (goal 400)")


if __name__ == "__main__":
    main()
