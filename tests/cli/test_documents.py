"""What programs read: every JSON document against its published schema, and nothing else on standard output."""

import json
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource

from autoir import locations
from autoir.store import open_store
from tests.cli.conftest import Call, document

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schema"


def schema(name: str) -> dict[str, object]:
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def check(found: dict[str, object], name: str) -> None:
    """``found`` is valid and has no field that the schema does not name."""
    published = schema(name)
    jsonschema.Draft202012Validator.check_schema(published)
    registry = Registry().with_resource("incident.schema.json", Resource.from_contents(schema("incident")))
    jsonschema.Draft202012Validator(published, registry=registry).validate(found)
    assert set(found) <= set(published["properties"])


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("logs", "query", "database refuses", "--json"), "logs-query"),
        (("logs", "query", "--query", "payment", "--since", "1h", "--json"), "logs-query"),
        (("logs", "query", "nothing like it", "--group", "/none/*", "--json"), "logs-query"),
        (("logs", "query", "database", "--also", "postgres", "--level", "warn", "--explain", "--json"), "logs-query"),
        (("logs", "latest", "/shop/api", "--json"), "logs-latest"),
        (("stats", "--json"), "stats"),
        (("--json", "stats"), "stats"),
        (("incidents", "list", "--json"), "incidents"),
        (("incidents", "list", "--status", "resolved", "--json"), "incidents"),
        (("incidents", "show", "inc-7f3k0a2b", "--json"), "incident"),
        (("incidents", "ack", "7f3k", "--json"), "incident"),
        (("incidents", "resolve", "7f3k", "--known-failure", "--json"), "incident"),
        (("incidents", "dismiss", "7f9m", "--for", "7d", "--json"), "incident"),
        (("sweep", "--json"), "sweep"),
    ],
)
def test_an_answer_is_one_document_of_its_schema(
    call: Call, incidents: tuple[str, str], arguments: tuple[str, ...], name: str
) -> None:
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    check(document(result), name)


def test_ingest_accounts_for_every_line(call: Call, log: Path) -> None:
    with log.open("a") as more:
        more.write(
            '{"message": "no time", "logGroup": "/shop/api"}\n{"timestamp": 1, "message": "old", "eventId": "1"}\n'
        )
    found = document(call("logs", "ingest", "--json", str(log)))
    check(found, "logs-ingest")
    lost = found["received"] - found["stored"] - found["duplicate"]
    assert lost == sum(found["filtered"].values()) + sum(found["quarantined"].values())
    assert (found["received"], found["filtered"], found["quarantined"]) == (7, {"expired": 1}, {"no timestamp": 1})


def test_a_pattern_is_found_by_its_words_with_its_count(call: Call, stored: Path) -> None:
    hits = document(call("logs", "query", "connection refused", "--json"))["hits"]
    assert (hits[0]["template"], hits[0]["count"], hits[0]["level"]) == ("db connection refused to <*>", 3, "error")
    assert hits[0]["sample"]["message"].endswith("10.0.0.3:5432")


def test_latest_gives_the_newest_lines_in_their_order(call: Call, stored: Path) -> None:
    events = document(call("logs", "latest", "/shop/api", "--limit", "2", "--json"))["events"]
    assert [event["message"].split()[1] for event in events] == ["WARN", "ERROR"]


def test_hidden_characters_reach_no_terminal_through_json(call: Call, tmp_path: Path) -> None:
    log = tmp_path / "evil.log"
    log.write_text("start \x1b[2J\u202e end\n")
    call("logs", "ingest", str(log))
    result = call("logs", "latest", "/local/evil", "--json")
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout
    assert document(result)["events"][0]["message"] == "start \x1b[2J\u202e end"


def test_an_incident_is_changed_and_says_by_whom(call: Call, incidents: tuple[str, str]) -> None:
    found = document(call("incidents", "ack", incidents[0], "--by", "ada", "--note", "on it", "--json"))
    assert (found["status"], found["history"][-1]["by"], found["history"][-1]["note"]) == ("ack", "ada", "on it")
    listed = document(call("incidents", "list", "--status", "ack", "--json"))
    assert [row["id"] for row in listed["incidents"]] == [incidents[0]]


def test_a_dismissal_teaches(call: Call, incidents: tuple[str, str], stored: Path) -> None:
    call("incidents", "dismiss", incidents[0], "--for", "2h")
    call("incidents", "dismiss", incidents[1])
    store = open_store(f"sqlite:///{stored}")
    taught = {verdict.incident_id: (verdict.status, verdict.until_ms is not None) for verdict in store.verdicts()}
    store.close()
    assert taught == {incidents[0]: ("muted", True), incidents[1]: ("normal", False)}


def test_the_demo_tells_its_outage_and_leaves_its_store(call: Call) -> None:
    told = call("demo", "--scenario", "expired-certificate", "--seed", "5").stdout
    for words in (
        "lines/s",
        "nothing opened",
        "● opened in",
        "certificate of",
        "Subject: [",
        "Search:",
        "Next, on this",
    ):
        assert words in told, told
    assert locations.demo_database().exists()
    answered = document(call("--store", "demo", "logs", "query", "payment declined", "--since", "2h", "--json"))
    assert answered["hits"]
    listed = document(call("--store", "demo", "incidents", "list", "--json"))["incidents"]
    assert [(i["log_groups"][0], i["status"]) for i in listed] == [("/shop/payments", "open")]
    assert f"autoir --store demo incidents show {listed[0]['id']}" in told
    shown = call("--store", "demo", "incidents", "show", listed[0]["id"])
    assert (shown.exit_code, "evidence" in shown.stdout) == (0, True)
    assert max(len(line) for line in told.splitlines() if line.startswith(("│", "╭", "  14:"))) <= 80


def test_a_backtest_writes_an_incident_a_line(call: Call, tmp_path: Path) -> None:
    start_ms = 1_772_409_600_000
    minutes = [(minute, "INFO request served") for minute in range(300)]
    minutes += [(minute, "ERROR ledger is corrupt, refusing writes") for minute in range(280, 300) for _ in range(9)]
    rows = [
        {
            "timestamp": start_ms + minute * 60_000 + number,
            "message": text,
            "eventId": str(number),
            "logGroup": "/b/api",
        }
        for number, (minute, text) in enumerate(sorted(minutes))
    ]
    path = tmp_path / "replay.jsonl"
    path.write_text("\n".join(json.dumps({**row, "ingestionTime": row["timestamp"]}) for row in rows))
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps([{"start_ms": start_ms + 280 * 60_000, "end_ms": start_ms + 320 * 60_000}]))
    result = call("backtest", str(path), "--baseline", "2h", "--truth", str(truth), "--json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    for incident in found:
        check(incident, "incident")
    assert [incident["log_groups"] for incident in found] == [["/b/api"]]
    assert "recall 1 of 1" in result.stderr
    assert "1 incident, 1 with a page, in 480 lines" in call("backtest", str(path), "--baseline", "2h").stdout
    quiet = call("backtest", str(path), "--baseline", "9h").stdout
    assert quiet == "No incident in 480 lines. The first 9h were only learned from: --baseline sets another span.\n"
    path.write_text('2026-03-17T14:00:00Z INFO one\n{"message": "no time", "logGroup": "/a"}\n')
    told = call("backtest", str(path)).stdout.splitlines()
    assert told[0].startswith("No incident in 2 lines. The first 4 h were only learned from")
    assert told[1:] == ["Not replayed: 1 line, no timestamp."]


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_a_backtest_of_nothing_is_no_good_news(call: Call, tmp_path: Path, how: tuple[str, ...]) -> None:
    (tmp_path / "empty.log").touch()
    result = call("backtest", str(tmp_path / "empty.log"), *how)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no line to replay" in result.stderr
