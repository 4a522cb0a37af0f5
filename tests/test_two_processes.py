"""Two processes share one store: one ingests while the other reads, searches, and acknowledges what was found.

No call fails on either side, no line is lost, and what a person did stays done.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoir.clock import HOUR_MS, MINUTE_MS, system_clock
from autoir.embed import fill_pending, open_embedder
from autoir.ingest import Ingest, read_file
from autoir.lifecycle.people import acknowledge
from autoir.search import Searcher
from autoir.settings import Settings
from autoir.store import Store, open_store
from autoir.sweep import sweep
from autoir.tail.files import LogFile
from tests.conftest import ROOT

GROUP = "/shop/api"
NOW = system_clock()
START = (NOW // MINUTE_MS - 60) * MINUTE_MS
SETTINGS = Settings(warmup_min=5)
BATCHES, BATCH = 60, 50

_INGEST = """
import sys
from autoir import ingest
from autoir.clock import system_clock
from autoir.ingest import Ingest, read_file
from autoir.settings import Settings
from autoir.store import open_store
from autoir.tail.files import LogFile
from pathlib import Path

ingest.BATCH_EVENTS = int(sys.argv[3])
store = open_store(sys.argv[1])
run = Ingest(store, Settings(), system_clock)
print("ready", flush=True)
sys.stdin.readline()

def told(tally, read):
    print(tally.stored, flush=True)
    sys.stdin.readline()

read_file(run, LogFile(Path(sys.argv[2])), "/shop/api", "s", clock=system_clock, progress=told)
store.close()
"""


def line(minute: int, text: str) -> str:
    return f"{datetime.fromtimestamp((START + minute * MINUTE_MS) / 1000, UTC).isoformat()} {text}\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with an open incident, and a log of which it knows nothing yet."""
    store = open_store(f"sqlite:///{tmp_path}/autoir.db")
    draw = random.Random(1)
    (tmp_path / "first.log").write_text(
        "".join(line(m, f"INFO order {draw.randrange(10**6)} placed") for m in range(20))
        + "".join(line(20, f"ERROR cannot reach 10.0.0.{n}") for n in range(9))
    )
    paid = (f"INFO order {n} {draw.choice('abcdef')} paid" for n in range(BATCHES * BATCH))
    (tmp_path / "more.log").write_text("".join(line(21 + n // 100, text) for n, text in enumerate(paid)))
    yield store
    store.close()


def test_one_ingests_while_another_reads_searches_and_acknowledges(store: Store, tmp_path: Path) -> None:
    read_file(Ingest(store, SETTINGS, system_clock), LogFile(tmp_path / "first.log"), GROUP, "f", clock=system_clock)
    sweep(store, START + 22 * MINUTE_MS, SETTINGS)
    [incident] = store.active_incidents()
    embedder = open_embedder("hashed")
    searcher = Searcher(store, embedder)
    url = f"sqlite:///{tmp_path}/autoir.db"
    before = store.stats().events
    ingesting = subprocess.Popen(
        [sys.executable, "-c", _INGEST, url, str(tmp_path / "more.log"), str(BATCH)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert ingesting.stdin
    assert ingesting.stdout
    assert ingesting.stdout.readline() == "ready\n"
    seen = []
    for n in range(BATCHES):
        # The other process commits its next batch while this one goes through its own reads and writes.
        ingesting.stdin.write("\n")
        ingesting.stdin.flush()
        if n == 10:
            acknowledge(store, incident.id, system_clock(), "ana", "looking")
        fill_pending(store, embedder, system_clock())
        found = searcher.search("order paid", since_ms=NOW - 2 * HOUR_MS)
        seen.append((store.stats().events, len(store.latest(GROUP, 50)), len(found.hits)))
        sweep(store, START + (22 + n // 2) * MINUTE_MS, SETTINGS)
        store.set_meta(f"beat {n % 3}", str(n))
        assert ingesting.stdout.readline() == f"{(n + 1) * BATCH}\n"
    output, errors = ingesting.communicate("\n")
    assert (ingesting.returncode, output, errors) == (0, "", "")
    assert store.stats().events == before + BATCHES * BATCH
    assert store.query("SELECT SUM(n) FROM autoir_counts") == [(before + BATCHES * BATCH,)]
    assert [events for events, _, _ in seen] == sorted(events for events, _, _ in seen)
    assert len({events for events, _, _ in seen}) > 10
    assert all(lines and hits for _, lines, hits in seen)
    kept = store.incident(incident.id)
    assert kept
    assert "ack" in [change.transition for change in kept.history]
    assert kept.status in ("ack", "resolved")
