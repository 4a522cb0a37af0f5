"""The same job on both stores gives the same answers, byte for byte: what is true of one is true of the other.

The demo's outage, what a person does about it, the sweeps after it and a backtest, each through the command line on the
embedded store and on a MySQL-protocol server. Whatever depends on the store (the order of rows, how a float comes back,
an id) would show here.
"""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoir.cli.main import app
from autoir.clock import MINUTE_MS
from autoir.store import Store, open_store
from tests.mysql_peer.live import DSN

START_MS = 1_772_409_600_000


def answer(url: str, line: list[str]) -> str:
    """What one command says on a store; the store's own name is not part of it."""
    result = CliRunner().invoke(app, ["--store", url, *line])
    assert result.exit_code == 0, result.output
    return result.stdout


class Both:
    """The embedded store and one on a server."""

    def __init__(self, *urls: str) -> None:
        self.urls = urls

    def __call__(self, *line: str) -> str:
        """Run one command on each store; the answer, when it is the same."""
        here, there = (answer(url, [*line]) for url in self.urls)
        assert here == there
        return here


@pytest.fixture
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Both:
    server = request.getfixturevalue("live_url" if os.environ.get(DSN) else "peer_url")
    return Both(f"sqlite:///{tmp_path}/embedded.db", server)


def remembered(store: Store) -> dict[str, object]:
    """All that detection and people go by, as the store gives it."""
    patterns = sorted(store.patterns())
    families = sorted({pattern.family_id for pattern in patterns})
    incidents = store.incidents()
    return {
        "patterns": patterns,
        "families": sorted(store.families(families).items()),
        "groups": sorted(store.groups().items()),
        "candidates": store.candidates(),
        "incidents": incidents,
        "messages": [store.messages(incident.id) for incident in incidents],
        "swept": store.swept_to(),
        "memory": store.meta("sweep"),
        "minutes": sorted(store.window(0, 2**40)),
        "events": store.stats().events,
    }


def test_a_demo_and_all_that_follows(both: Both) -> None:
    found = json.loads(both("demo", "--json"))
    (incident,) = found["incidents"]
    assert incident["log_groups"][0] == found["expected"]["log_group"]
    until = str(incident["updated_ms"] + 40 * MINUTE_MS)
    for line in (
        ["incidents", "list", "--json"],
        ["incidents", "show", incident["id"], "--json"],
        ["logs", "query", "payment declined", "--json"],
        ["logs", "query", "connection pool", "--group", "/shop/*", "--since", "1h", "--json"],
        ["logs", "latest", "/shop/checkout", "--limit", "500", "--json"],
        ["incidents", "dismiss", incident["id"], "--note", "load test", "--by", "ada", "--json"],
        ["sweep", "--now", until, "--json"],
        ["incidents", "list", "--status", "all", "--json"],
    ):
        assert json.loads(both(*line))
    stores = [open_store(url) for url in both.urls]
    here, there = (remembered(store) for store in stores)
    for store in stores:
        store.close()
    for name, value in here.items():
        assert value == there[name], name
    assert here["candidates"]
    assert here["messages"]


def test_a_backtest(both: Both, tmp_path: Path) -> None:
    rows = [(minute, f"INFO request {minute} served in {minute % 7} ms") for minute in range(300)]
    rows += [(minute, "ERROR ledger is corrupt, refusing writes") for minute in range(280, 300) for _ in range(9)]
    rows += [(minute, f"WARN retry {n} of payment") for minute in range(0, 300, 3) for n in range(minute // 90 + 1)]
    lines = [
        {"timestamp": START_MS + minute * MINUTE_MS + n % 60_000, "message": text, "eventId": str(n),
         "logGroup": f"/b/{'api' if n % 3 else 'worker'}", "logStream": f"s{n % 5}"}
        for n, (minute, text) in enumerate(sorted(rows))
    ]  # fmt: skip
    path = tmp_path / "replay.jsonl"
    path.write_text("\n".join(json.dumps({**line, "ingestionTime": line["timestamp"]}) for line in lines))
    found = both("backtest", str(path), "--baseline", "2h", "--json")
    assert [json.loads(line)["log_groups"] for line in found.splitlines()] == [["/b/api", "/b/worker"]]
    assert both("incidents", "list", "--status", "all", "--json")
