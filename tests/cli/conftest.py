"""What the tests of the command line share: a way to call it, and a store with a little in it."""

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer import testing
from typer.testing import CliRunner, Result

from autoir.cli.main import app
from autoir.clock import MINUTE_MS, system_clock
from autoir.incidents import Candidate, Change, Claim, Incident, Step
from autoir.store import open_store

Call = Callable[..., Result]

# To build all commands takes as long as to run one of them, and the runner does it for every call.
testing._get_command = functools.cache(testing._get_command)


@pytest.fixture
def call() -> Call:
    """Run one command in this process: `call("logs", "latest", "/shop/api")`."""

    def run(*arguments: str, input: bytes | str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=input)

    return run


def document(result: Result) -> dict[str, object]:
    """The one JSON document on standard output."""
    assert result.stdout.count("\n") == 1, result.output
    return json.loads(result.stdout)


def at(ago_s: int) -> str:
    """A recent time as a log writes it."""
    return datetime.fromtimestamp(system_clock() // 1000 - ago_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A small log: five lines, three patterns."""
    path = tmp_path / "api.log"
    path.write_text(
        f"{at(600)} INFO api listening on port 8080\n"
        f"{at(500)} ERROR db connection refused to 10.0.0.1:5432\n"
        f"{at(400)} ERROR db connection refused to 10.0.0.2:5432\n"
        f"{at(300)} WARN payment declined for order 17\n"
        f"{at(200)} ERROR db connection refused to 10.0.0.3:5432\n"
    )
    return path


@pytest.fixture
def stored(call: Call, log: Path) -> Path:
    """The store that holds ``log`` under the group /shop/api."""
    assert call("logs", "ingest", "--group", "/shop/api", str(log)).exit_code == 0
    return log.with_name("autoir.db")


@pytest.fixture
def incidents(stored: Path) -> tuple[str, str]:
    """Two open incidents in that store; their ids share their first characters."""
    store = open_store(f"sqlite:///{stored}")
    now = system_clock()
    events = store.latest("/shop/api", 10)
    ids = ("inc-7f3k0a2b", "inc-7f9m1c4d")
    for number, incident_id in enumerate(ids):
        cited = events[number + 1].id
        incident = Incident(
            id=incident_id, opened_ms=now, updated_ms=now, status="open", severity="high",
            title="api: connection refused", summary="The database refuses connections.", environment="",
            log_groups=("/shop/api", "/shop/web"), affected_stream="api.log", first_ts_ms=events[1].ts_ms,
            last_ts_ms=now, event_count=312, sample_ids=(cited,), fingerprint=f"f{number}", dedupe_key=f"f{number}#1",
            last_hit_ms=now, paged_ms=now, detection_confidence=95,
            claims=(Claim("symptom", "connection refused, never seen before", (cited,)),),
            steps=(Step("Check that the database runs.", "none"),), basis=("severity high: errors, new",),
            history=(Change(now, "open", "autoir"),),
        )  # fmt: skip
        store.save_incident(incident)
        minute = now // MINUTE_MS
        candidate = Candidate(
            minute, "new", f"family {number}", "/shop/api", 2, 3, 0.0, 9.0, 9.0, minute - 4, events[1].ts_ms,
            sample_ids=(cited,), incident_id=incident_id,
        )  # fmt: skip
        store.save_candidates([candidate])
    store.close()
    return ids
