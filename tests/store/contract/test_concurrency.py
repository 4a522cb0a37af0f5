"""Several processes write at once: nothing is lost, nothing stored or counted twice, nothing given to two."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from autoir.lifecycle.people import acknowledge
from autoir.store import Store, open_store
from tests.conftest import ROOT
from tests.store import writer
from tests.store.rows import GROUP, NOON, an_event, an_incident


def _run(url: str, writers: int) -> list[dict[str, Any]]:
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", writer.__name__, url, str(seed)], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for seed in range(writers)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    results = [process.communicate() for process in processes]
    assert [error for _, error in results] == [""] * writers
    return [json.loads(output) for output, _ in results]


def test_writers_with_overlapping_batches_store_and_count_each_event_once(
    url: str, opener: Callable[[], Store]
) -> None:
    reader = opener()
    results = _run(url, 3)
    rows = {str(row[0]) for row in reader.query("SELECT id FROM autoir_events")}
    assert rows <= {an_event(n).id for n in range(writer.EVENTS)}
    assert len(rows) > writer.EVENTS * 0.9
    assert sum(r["stored"] for r in results) == len(rows)
    assert sum(r["duplicate"] for r in results) > len(rows)
    assert reader.query("SELECT SUM(n) FROM autoir_counts") == [(len(rows),)]
    by_pattern = "SELECT pattern_id, COUNT(*) FROM autoir_events GROUP BY pattern_id ORDER BY pattern_id"
    counted = "SELECT pattern_id, SUM(n) FROM autoir_counts GROUP BY pattern_id ORDER BY pattern_id"
    assert reader.query(by_pattern) == reader.query(counted)
    assert len(reader.patterns()) == 37
    claimed = [pattern for r in results for pattern in r["claimed"]]
    assert len(claimed) == len(set(claimed)) == 37
    last = [reader.cursor(f"file:{seed}", GROUP) for seed in range(3)]
    assert [c.token for c in last if c] == [str(writer.BATCHES - 1)] * 3


@pytest.mark.parametrize("read", ["incident", "active_incidents"])
def test_what_a_person_does_meanwhile_is_not_undone(url: str, store: Store, read: str) -> None:
    """A sweep reads an incident and writes it again; an acknowledgement in between has to wait, or would be lost."""
    incident = an_incident()
    store.save_incident(incident)

    def person() -> None:
        with closing(open_store(url)) as own:
            acknowledge(own, incident.id, NOON, "ana")

    waiting = threading.Thread(target=person)

    def sweep() -> None:
        found = store.incident(incident.id) if read == "incident" else store.active_incidents()[0]
        assert found
        waiting.start()
        waiting.join(timeout=0.3)
        store.save_incident(replace(found, title="worse"))

    store.atomically(sweep)
    waiting.join()
    found = store.incident(incident.id)
    assert found
    assert (found.status, found.title) == ("ack", "worse")
