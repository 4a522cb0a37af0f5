"""How fast search answers: in one process, with and without filters, and as a cold ``autoir logs query``.

Stores of made-up patterns, each seen once in each of ten minutes (one minute where there are 100,000), hashed vectors;
the questions are those of bench/retrieval.py. CPU milliseconds of the process, so that a busy machine matters little,
and of the cold command also those of the clock.
How good the answers are is measured in bench/retrieval.py.

    python bench/search.py [--sizes 1000,10000,100000]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core; read when numpy is imported

import numpy as np

from autoir.clock import MINUTE_MS
from autoir.embed import fill_pending, open_embedder, recipe_hash
from autoir.events import stable_id, stable_number
from autoir.search import Searcher
from autoir.store import Store, open_store
from autoir.store.rows import Batch, EventRow, PatternRow, StreamRow
from bench._graded import read_questions
from bench._templates import Template, varied

QUESTIONS = Path(__file__).with_name("retrieval_queries.txt")
NOW_MS = 1_770_000_000_000
COLD_ROUNDS = 5


class Row(NamedTuple):
    """One store's figures, CPU milliseconds."""

    size: int
    load: float
    spans: tuple[tuple[float, float], ...]
    cold: tuple[float, float]


def filled(path: Path, templates: Sequence[Template], minutes: int) -> Store:
    """A store with those patterns, each seen once in each of ``minutes``, and with their vectors."""
    store = open_store(f"sqlite:///{path}")
    now_min = NOW_MS // MINUTE_MS
    for start in range(0, len(templates), 1000):
        rows: list[PatternRow] = []
        events: list[EventRow] = []
        for group, level, component, template in templates[start : start + 1000]:
            number = stable_number(group, str(level), component, template)
            rows.append(
                PatternRow(number, number, "m1", group, level, 0, component, template, 0, NOW_MS,
                           recipe_hash(template, component))
            )  # fmt: skip
            events += [
                EventRow(stable_id(str(number), str(m)), m * MINUTE_MS, group, 1, level, number, template)
                for m in range(now_min, now_min - minutes, -1)
            ]
        store.write(Batch(events, rows, [StreamRow(1, "bench", "bench")], []))
    fill_pending(store, open_embedder("hashed"), NOW_MS)
    return store


def timed(searcher: Searcher, questions: Sequence[str], **filters: object) -> tuple[float, float]:
    """p50 and p95 of a search."""
    spans = []
    for question in (*questions, *questions):
        begun = time.process_time()
        searcher.search(question, **filters)  # type: ignore[arg-type]
        spans.append((time.process_time() - begun) * 1000)
    return float(np.percentile(spans, 50)), float(np.percentile(spans, 95))


def cold(store: Path, home: Path) -> tuple[float, float]:
    """The whole of ``autoir logs query`` in CPU and by the clock, the least of some rounds."""
    command = [str(Path(sys.executable).with_name("autoir")), "--store", f"sqlite:///{store}"]
    command += ["logs", "query", "connection pool exhausted", "--json"]
    cpu, clock = [], []
    for _ in range(COLD_ROUNDS):
        begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        told = subprocess.run(command, check=True, capture_output=True, env={**os.environ, "AUTOIR_HOME": str(home)})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        clock.append(time.perf_counter() - begun)
        assert json.loads(told.stdout)["hits"]
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(cpu) * 1000, min(clock) * 1000


def measure(size: int) -> Row:
    """The figures of a store of that many patterns."""
    questions = [question.text for question in read_questions(QUESTIONS)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "search.db")
        store = filled(path, varied(size), 10 if size <= 10_000 else 1)
        begun = time.process_time()
        searcher = Searcher(store, open_embedder("hashed"))
        searcher.search("warm up")
        load = (time.process_time() - begun) * 1000
        spans = tuple(
            timed(searcher, questions, **filters)
            for filters in ({}, {"group_glob": "/shop/c*"}, {"since_ms": NOW_MS - 5 * MINUTE_MS})
        )
        store.close()
        return Row(size, load, spans, cold(path, Path(folder, "home")))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000", help="patterns of the stores")
    arguments = parser.parse_args()
    print("CPU ms; p50 / p95 in one process (goal at 10,000: p95 20)\n")
    print("| patterns | first search | all | by group | by time | cold logs query | by the clock |")
    print("|---|---|---|---|---|---|---|")
    for size in map(int, arguments.sizes.split(",")):
        row = measure(size)
        spans = " | ".join(f"{p50:.1f} / {p95:.1f}" for p50, p95 in row.spans)
        print(f"| {row.size:,} | {row.load:.0f} | {spans} | {row.cold[0]:.0f} | {row.cold[1]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
