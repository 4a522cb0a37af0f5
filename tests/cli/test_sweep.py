"""A sweep by hand: it finds, pages, hands over to machines, tries again, and forgets what is too old."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from autoir import locations
from autoir.cli import stores
from autoir.clock import DAY_MS, HOUR_MS, MINUTE_MS, system_clock
from autoir.store import open_store
from tests.cli.conftest import Call, document

WARM = "warmup_min = 120\n"


@pytest.fixture
def outage(call: Call, tmp_path: Path) -> int:
    """Five hours of an ordinary life whose last minutes hold a new error; their end in epoch milliseconds."""
    end = system_clock() // MINUTE_MS * MINUTE_MS
    rows = [(end - ago * MINUTE_MS, "INFO request served") for ago in range(300, 0, -1)]
    rows += [
        (end - ago * MINUTE_MS + n, "ERROR ledger is corrupt, refusing writes")
        for ago in range(6, 1, -1)
        for n in range(9)
    ]
    path = tmp_path / "ledger.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"timestamp": ts, "message": text, "eventId": str(n), "logGroup": "/bank/ledger"})
            for n, (ts, text) in enumerate(sorted(rows))
        )
    )
    locations.config_file().write_text(WARM)
    assert call("logs", "ingest", str(path)).exit_code == 0
    return end


class Receiver(BaseHTTPRequestHandler):
    """Answers what it is told to, and keeps what it got."""

    status = 200
    got: list[dict[str, object]]

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[type[Receiver]]:
    """A receiver on this machine that the settings name as the webhook."""
    kind = type("Kept", (Receiver,), {"got": []})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        locations.config_file().write_text(f"{WARM}webhook_url = 'http://127.0.0.1:{server.server_port}/'\n")
        yield kind
        server.shutdown()


def test_a_sweep_opens_pages_and_says_so(call: Call, outage: int) -> None:
    result = call("sweep")
    assert result.exit_code == 0, result.output
    assert "Subject: [" in result.stdout  # the page, since nothing else is configured
    assert "opened inc-" in result.stdout
    assert "(paged)" in result.stdout
    listed = document(call("incidents", "list", "--json"))["incidents"]
    assert [incident["log_groups"] for incident in listed] == [["/bank/ledger"]]
    again = call("sweep", "--now", str(outage))
    assert "Nothing new to judge" in again.stdout
    assert "Subject" not in again.stdout


def test_one_minute_is_one(call: Call, outage: int) -> None:
    assert call("sweep", "--now", str(outage - MINUTE_MS)).exit_code == 0
    assert "Judged 1 minute, up to" in call("sweep", "--now", str(outage)).stdout


def test_json_stays_json_when_a_page_is_shown(call: Call, outage: int) -> None:
    result = call("sweep", "--json")
    found = document(result)
    assert (found["pages"], len(found["opened"])) == (1, 1)
    assert "Subject: [" in result.stderr


def test_a_join_window_of_ones_own(call: Call, outage: int) -> None:
    assert call("sweep", "--window", "30m", "--now", str(outage - 4 * HOUR_MS)).exit_code == 0
    assert document(call("sweep", "--window", "30m", "--json"))["minutes"] >= 239


def test_machines_hear_of_every_change(call: Call, outage: int, receiver: type[Receiver]) -> None:
    opened = document(call("sweep", "--json"))["opened"][0]
    call("incidents", "ack", opened)
    call("incidents", "dismiss", opened)
    assert [message["transition"] for message in receiver.got] == ["open", "ack", "dismiss"]
    assert {message["dedup_key"] for message in receiver.got} == {receiver.got[0]["dedup_key"]}


def test_what_cannot_be_sent_waits(
    call: Call, outage: int, receiver: type[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 500
    result = call("sweep")
    assert result.exit_code == 3
    assert "webhook: 127.0.0.1" in result.stderr
    assert "the next sweep tries again" in result.stderr
    receiver.status = 200
    monkeypatch.setattr(stores, "system_clock", lambda: system_clock() + HOUR_MS)
    assert call("sweep").exit_code == 0
    assert [message["transition"] for message in receiver.got[:2]] == ["open", "open"]
    assert receiver.got[0]["id"] == receiver.got[1]["id"]


def test_a_change_is_kept_though_nobody_can_be_told(
    call: Call, incidents: tuple[str, str], receiver: type[Receiver]
) -> None:
    receiver.status = 503
    result = call("incidents", "ack", incidents[0])
    assert result.exit_code == 0
    assert "webhook" in result.stderr
    assert document(call("incidents", "show", incidents[0], "--json"))["status"] == "ack"


def test_a_receiver_that_cannot_be_is_refused_before_anything_changes(call: Call, incidents: tuple[str, str]) -> None:
    locations.config_file().write_text("webhook_url = 'ftp://example.com/'\n")
    assert call("incidents", "ack", incidents[0]).exit_code == 2
    locations.config_file().unlink()
    assert document(call("incidents", "show", incidents[0], "--json"))["status"] == "open"


def test_the_demo_pages_nobody(call: Call, outage: int, receiver: type[Receiver]) -> None:
    locations.default_database().rename(locations.demo_database())
    for command in (("sweep",), ("incidents", "list")):
        assert call("--store", "demo", *command).exit_code == 0
    assert document(call("--store", "demo", "incidents", "list", "--json"))["incidents"]
    assert receiver.got == []


@pytest.mark.parametrize("ahead_ms", [MINUTE_MS, 400 * DAY_MS])
def test_a_time_to_come_is_refused_before_anything_changes(call: Call, stored: Path, ahead_ms: int) -> None:
    result = call("sweep", "--now", str(system_clock() + ahead_ms))
    assert result.exit_code == 2
    assert "is still to come" in result.stderr
    store = open_store(f"sqlite:///{stored}")
    assert (store.stats().events, store.meta("swept_to"), store.meta("expired_ms")) == (5, None, None)
    store.close()


def test_a_replay_may_be_swept_beyond_its_end(call: Call, outage: int) -> None:
    locations.default_database().rename(locations.demo_database())
    ahead = str(system_clock() + HOUR_MS)
    assert document(call("--store", "demo", "sweep", "--now", ahead, "--json"))["minutes"] > 300


def test_what_is_too_old_goes_once_a_day(call: Call, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = system_clock()
    monkeypatch.setattr(stores, "system_clock", lambda: now + 31 * DAY_MS)
    assert document(call("sweep", "--json"))["expired"] > 0
    store = open_store(f"sqlite:///{stored}")
    assert store.stats().events == 0
    assert store.meta("expired_ms") == str(now + 31 * DAY_MS)
    store.close()
    monkeypatch.setattr(stores, "system_clock", lambda: now + 31 * DAY_MS + HOUR_MS)
    assert document(call("sweep", "--json"))["expired"] == 0
