"""How many texts are embedded for a stream of log events, and how many requests that takes an endpoint.

Streams are those of bench/incidents.py: rounds of fault injection on OpenStack under the noise of another system, in
virtual time. Events go through the product's ingestion into an empty store, a batch a virtual minute, and after each
batch what is new is embedded by ``fill_pending``, as a worker does it. The engine is the hashed one, counted: a request
is what the engine of an endpoint would send, at most 32 texts. Then the first events once more over the same store,
which must ask for nothing. Anchors: a vector for every line, and one for every distinct line.

    python bench/embedding_calls.py [--shared FOLDER] [--work FOLDER] [--seed 1] [--again N] [--campaigns cinder ...]
"""

import argparse
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby
from pathlib import Path

from autoir.backtest import read_events
from autoir.clock import MINUTE_MS
from autoir.embed import EmbedFailure, fill_pending
from autoir.embed.hashed import HashedEmbedder
from autoir.embed.interface import Vector
from autoir.embed.remote.batches import queued, take
from autoir.events import LogEvent
from autoir.ingest import BATCH_EVENTS, Ingest
from autoir.settings import Settings
from autoir.store import migrated
from autoir.store.sqlite import SqliteDatabase
from bench.incidents import CAMPAIGNS, compose

TOKENS = 128


class Counted(HashedEmbedder):
    """The engine without a model, that keeps count of what it is asked for."""

    def __init__(self) -> None:
        self.texts = 0
        self.requests = 0

    def embed_documents(self, texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        """A vector for every text, in requests of at most 32."""
        self.texts += len(texts)
        queue = queued(texts)
        while queue:
            take(queue, TOKENS, pooled=True)
            self.requests += 1
        return [super(Counted, self).embed_query(text) for text in texts]

    def embed_query(self, text: str) -> Vector:
        """The vector of a question: of a canary here."""
        self.texts += 1
        self.requests += 1
        return super().embed_query(text)


@dataclass
class Run:
    """What a stream asked for."""

    events: int = 0
    texts: int = 0
    requests: int = 0
    patterns: int = 0
    hour_events: int = 0
    hour_patterns: int = 0
    distinct: set[bytes] = field(default_factory=set)

    @property
    def later(self) -> float:
        """New patterns for each 100,000 events after the first hour."""
        return 1e5 * (self.patterns - self.hour_patterns) / max(1, self.events - self.hour_events)


def batches(path: Path) -> Iterator[tuple[int, list[LogEvent]]]:
    """Minute and events of a stream, at most 1,000 at a time."""
    events = (event for event in read_events(path) if isinstance(event, LogEvent))
    for minute, own in groupby(events, lambda event: event.ingest_ms // MINUTE_MS):
        whole = list(own)
        for start in range(0, len(whole), BATCH_EVENTS):
            yield minute, whole[start : start + BATCH_EVENTS]


def run(stream: Path, database: Path, at_most: float = math.inf) -> Run:
    """One run over a store, which may hold the stream already, until the batch that reaches ``at_most`` events."""
    now_ms, first = 0, None
    found, engine = Run(), Counted()
    store = migrated(SqliteDatabase(database, durable=False))
    ingest = Ingest(store, Settings(retention_days_events=0), lambda: now_ms)
    for minute, batch in batches(stream):
        first = minute if first is None else first
        now_ms = (minute + 1) * MINUTE_MS
        found.distinct.update(blake2b(e.message.encode("utf-8", "replace"), digest_size=12).digest() for e in batch)
        ingest.store_events(batch)
        fill_pending(store, engine, now_ms)
        found.events += len(batch)
        if minute < first + 60:
            found.hour_events, found.hour_patterns = found.events, ingest.tally.patterns_new
        if found.events >= at_most:
            break
    found.texts, found.requests, found.patterns = engine.texts, engine.requests, ingest.tally.patterns_new
    progress = store.embed_progress()
    assert not progress.pending
    assert not progress.failed
    store.close()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    parser.add_argument("--work", type=Path, default=Path("build/incidents"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", type=int, default=100_000, help="events of the second run")
    parser.add_argument("--campaigns", nargs="+", default=list(CAMPAIGNS))
    arguments = parser.parse_args()
    if not (arguments.shared / "bench/incidents").exists():
        raise SystemExit(f"{arguments.shared} holds no bench to compose streams: name the shared data with --shared.")
    print(
        "| stream | events | patterns | texts embedded | an event (goal 1 %) | requests | every distinct line |", end=""
    )
    print(f" new patterns per 100,000 events after the first hour | texts of {arguments.again:,} again (goal 0) |")
    print("|---|---|---|---|---|---|---|---|---|")
    for campaign in arguments.campaigns:
        stream = compose(arguments.shared, arguments.work.resolve(), campaign, "incident", arguments.seed)
        with tempfile.TemporaryDirectory(prefix="autoir-bench-") as folder:
            path, database = stream / "events.jsonl.gz", Path(folder, "bench.db")
            one = run(path, database)
            again = run(path, database, arguments.again)
        print(
            f"| {campaign} | {one.events:,} | {one.patterns:,} | {one.texts:,} | {one.texts / one.events:.3%} |"
            f" {one.requests:,} | {len(one.distinct) / one.events:.1%} | {one.later:.0f} | {again.texts} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
