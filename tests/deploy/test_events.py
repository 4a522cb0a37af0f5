"""From a log line in CloudWatch to rows and vectors, through the deployed function and its endpoint."""

import json
from typing import Any

import numpy as np

from autoir.clock import system_clock
from autoir.embed.documents import embed_patterns
from autoir.embed.local.engine import LocalEmbedder
from autoir.embed.local.folder import read_model
from autoir.events import LogEvent, identity
from autoir.patterns import Masker
from autoir.stage import names
from autoir.store import Store
from tests.deploy.conftest import tick, until
from tests.deploy.deployment import ACCOUNT, DATABASE, REGION, STAGE, Deployment
from tests.deploy.story import GROUP, STREAM, lines
from tests.payloads import a_payload


def events_of(deployment: Deployment, group: str) -> list[LogEvent]:
    """All that a group holds, as FilterLogEvents tells it."""
    pages = deployment.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    return [
        LogEvent(group, e["logStreamName"], e["timestamp"], e["message"], e["eventId"], 0, ACCOUNT, REGION)
        for page in pages
        for e in page["events"]
    ]


def expected_rows(events: list[LogEvent]) -> dict[str, int]:
    """Event id to pattern id, as the library makes them."""
    masker = Masker()
    return {identity(e): masker.pattern(e.log_group, e.message).pattern_id for e in events}


def rows_of(store: Store, group: str) -> dict[str, int]:
    """Event id to pattern id, as stored."""
    found = store.query("SELECT id, pattern_id FROM autoir_events WHERE log_group = %s", (group,))
    return {str(id_): int(str(pattern)) for id_, pattern in found}


def counted(store: Store, group: str) -> int:
    """Events of a group in its counts."""
    ((found,),) = store.query("SELECT COALESCE(SUM(n), 0) FROM autoir_counts WHERE log_group = %s", (group,))
    return int(str(found))


def say(deployment: Deployment, group: str, *messages: str) -> None:
    """Log lines, now."""
    now_ms = system_clock()
    events = [{"timestamp": now_ms + n, "message": text} for n, text in enumerate(messages)]
    deployment.client("logs").put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=events)


def invoked(deployment: Deployment, function: str, event: object) -> Any:
    """What a deployed function answers."""
    answer = deployment.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    document = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, document
    return document


def test_what_is_logged_is_stored_as_the_library_would(deployment: Deployment, store: Store) -> None:
    said = lines(system_clock())
    deployment.client("logs").put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=said)
    expected = expected_rows(events_of(deployment, GROUP))
    assert len(expected) == len(said)
    until(lambda: len(rows_of(store, GROUP)) == len(expected))
    assert rows_of(store, GROUP) == expected
    assert counted(store, GROUP) == len(said)


def test_new_patterns_have_the_vectors_of_the_deployed_model(deployment: Deployment, store: Store) -> None:
    until(lambda: store.embed_progress().pending == 0)
    found = store.query("SELECT template, component, embedding FROM autoir_patterns WHERE log_group = %s", (GROUP,))
    pocket = read_model(deployment.folder / "pocket")
    ours = embed_patterns(LocalEmbedder(pocket.folder, pocket.spec), [(str(t), str(c)) for t, c, _ in found])
    likeness = [
        np.dot(np.frombuffer(mine, "<f4"), json.loads(str(stored)))
        for mine, (_, _, stored) in zip(ours, found, strict=True)
    ]
    assert min(likeness) > 0.999  # the endpoint's weights are halved
    assert len(found) == 3


def delivered(group: str, count: int) -> dict[str, Any]:
    """A delivery of that group."""
    now_ms = system_clock()
    events = [{"id": str(n), "timestamp": now_ms + n, "message": f"INFO event {n}"} for n in range(count)]
    return a_payload(events, owner=ACCOUNT, logGroup=group, logStream="by hand")


def test_a_payload_that_comes_twice_is_stored_once(deployment: Deployment, store: Store) -> None:
    function, before = deployment.outputs("App")["EmbedFunctionName"], counted(store, GROUP)
    payload = delivered(GROUP, 5)
    told = [invoked(deployment, function, payload) for _ in range(2)]
    assert [(t["received"], t["stored"], t["duplicate"]) for t in told] == [(5, 5, 0), (5, 0, 5)]
    assert counted(store, GROUP) == before + 5


def test_a_payload_of_its_own_log_is_refused(deployment: Deployment, store: Store) -> None:
    group = names.log_group(STAGE, "embed_logs")
    told = invoked(deployment, deployment.outputs("App")["EmbedFunctionName"], delivered(group, 3))
    assert (told["stored"], told["breaker"]) == (0, "open")
    assert rows_of(store, group) == {}
    assert sum(metric(deployment, "embed_logs", "RecursionRefused")) == 3


def test_a_delivery_that_fails_is_kept_counted_and_replayed(deployment: Deployment, store: Store) -> None:
    bucket = deployment.outputs("Foundation")["FailureBucketName"]

    def kept() -> list[Any]:
        return deployment.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])  # type: ignore[no-any-return]

    before = len(rows_of(store, GROUP))
    deployment.server.run("RENAME TABLE autoir_events TO autoir_events_away", database=DATABASE)
    try:
        say(deployment, GROUP, "INFO this one comes late", "INFO this one comes late, too")
        (record,) = until(kept, 60)
    finally:
        deployment.server.run("RENAME TABLE autoir_events_away TO autoir_events", database=DATABASE)
    assert record["Key"].startswith(deployment.outputs("App")["FailurePrefix"])
    tick(deployment)
    until(lambda: metric(deployment, "sweep_incidents", "FailedDeliveries")[-1:] == [1])
    said = json.loads(deployment.autoir("--json", "aws", "replay-failed", "--stage", STAGE))
    assert said["replayed"] == 1
    assert (len(rows_of(store, GROUP)), kept()) == (before + 2, [])


def metric(deployment: Deployment, part: str, name: str) -> list[float]:
    """The values of a metric that a function wrote into its log, in order."""
    group = names.log_group(STAGE, part)
    pages = deployment.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    said = [json.loads(e["message"]) for page in pages for e in page["events"] if e["message"].startswith("{")]
    found = sorted((line["_aws"]["Timestamp"], value) for line in said for value in line.get(name, ()))
    return [value for _, value in found]


def test_no_event_is_of_unknown_fate(deployment: Deployment) -> None:
    assert set(metric(deployment, "embed_logs", "Unaccounted")) == {0}
