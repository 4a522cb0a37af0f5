"""Deliveries, schedules and alarms: what CloudWatch sends, what the clock starts, and what somebody hears of."""

import hashlib
import json
import re
from typing import Any

import pytest

from autoir import metric_names
from autoir.stage import outputs
from autoir.tail.cloudwatch_group import MOST_IDLE
from autoir.tail.cloudwatch_windows import Pace
from tests.stacks.conftest import Resource, Stage, shown


def test_what_is_off_is_not_there(dev: Stage, prod: Stage) -> None:
    for stage in (dev, prod):
        assert sorted(stage.templates) == ["App", "Foundation"]
        assert stage.all("AWS::Logs::SubscriptionFilter", "AWS::Scheduler::Schedule") == []


def test_what_is_on_is_there(full: Stage) -> None:
    assert sorted(full.templates) == ["App", "Embedding", "Foundation", "Llm-k2", "Llm-k2-quality", "Tailer"]


def test_every_stack_is_named_tagged_and_protected_as_its_stage_says(full: Stage, dev: Stage) -> None:
    for stage, protected in ((full, True), (dev, False)):
        manifest = json.loads((stage.folder / "manifest.json").read_text())
        stacks = {name: body["properties"] for name, body in manifest["artifacts"].items() if "stack" in body["type"]}
        assert sorted(stacks) == [f"AutoIR-{stage.config.name}-{part}" for part in sorted(stage.templates)]
        for properties in stacks.values():
            assert properties["terminationProtection"] == protected


def test_a_filter_is_named_after_its_group_and_waits_for_the_permission(full: Stage) -> None:
    permission = full.one("AWS::Lambda::Permission")
    filters = full.all("AWS::Logs::SubscriptionFilter")
    assert tuple(found["LogGroupName"] for found in filters) == full.config.ingestion.log_groups
    for found in filters:
        name = hashlib.sha256(found["LogGroupName"].encode()).hexdigest()[:16]
        assert re.fullmatch(rf"SubscriptionsFilter{name}[0-9A-F]{{8}}", found.id)
        assert found.body["DependsOn"] == [permission.id]
        assert found["FilterPattern"] == ""


def test_the_function_and_the_permission_keep_their_names(dev: Stage, full: Stage) -> None:
    for stage in (dev, full):
        assert stage.one("AWS::Lambda::Function", "EmbedLogs").id == "EmbedLogsFunction1299C609"
        assert stage.one("AWS::Lambda::Permission").id == "SubscriptionsPermission6C72847C"


def test_a_delivery_that_fails_lands_in_the_bucket_and_a_tick_does_not(full: Stage) -> None:
    embed = full.one("AWS::Lambda::EventInvokeConfig", "Subscriptions")
    assert (embed["MaximumRetryAttempts"], embed["MaximumEventAgeInSeconds"]) == (2, 21_600)
    assert "Failures" in shown(embed["DestinationConfig"]["OnFailure"]["Destination"])
    sweep = full.one("AWS::Lambda::EventInvokeConfig", "Sweep")
    assert (sweep["MaximumRetryAttempts"], sweep["DestinationConfig"]) == (0, None)


def test_the_clock_starts_the_sweep_and_the_upkeep(full: Stage, borrowed: Stage) -> None:
    for stage in (full, borrowed):
        rates = {
            re.sub("[0-9A-F]{8}.*", "", shown(schedule["Target"]["Arn"])): schedule["ScheduleExpression"]
            for schedule in stage.all("AWS::Scheduler::Schedule")
        }
        assert rates == {
            "SweepIncidentsFunction": "rate(1 minute)",
            "Foundation.MigrateSchemaFunction": "rate(1440 minutes)",
        }


def test_who_is_paged_is_subscribed(full: Stage, borrowed: Stage) -> None:
    found = [
        (re.sub("[0-9A-F]{8}$", "", shown(entry["TopicArn"])), entry["Protocol"], entry["Endpoint"])
        for entry in full.all("AWS::SNS::Subscription")
    ]
    assert found == [
        ("TopicsPages", "email", "oncall@example.com"),
        ("TopicsPages", "https", "https://pager.example.com/autoir"),
        ("TopicsPages", "sqs", "arn:aws:sqs:us-east-1:111111111111:oncall-pages"),
        ("TopicsEvents", "sqs", "arn:aws:sqs:us-east-1:111111111111:incident-events"),
        ("TopicsAlarms", "email", "platform@example.com"),
    ]
    assert [entry["Protocol"] for entry in borrowed.all("AWS::SNS::Subscription")] == ["sms"]


def metrics(alarm: Resource) -> list[tuple[str, str, dict[str, str]]]:
    """Namespace, name and dimensions of every metric that an alarm reads."""
    stats = [alarm.body["Properties"]] if alarm["MetricName"] else []
    stats += [entry["MetricStat"]["Metric"] for entry in alarm["Metrics"] or [] if "MetricStat" in entry]
    return [
        (
            stat["Namespace"],
            stat["MetricName"],
            {dimension["Name"]: shown(dimension["Value"]) for dimension in stat.get("Dimensions", [])},
        )
        for stat in stats
    ]


def test_every_alarm_tells_the_alarms_topic(full: Stage) -> None:
    alarms = full.all("AWS::CloudWatch::Alarm")
    assert len(alarms) > 20
    for alarm in alarms:
        for actions in (alarm["AlarmActions"], alarm["OKActions"]):
            assert ["TopicsAlarms" in shown(action) for action in actions] == [True]
        assert alarm["AlarmDescription"].startswith("AutoIR full: ")


def test_every_custom_metric_of_an_alarm_or_graph_is_published_by_that_service(full: Stage) -> None:
    """That each service publishes what EMITTED_BY says, the tests of the functions and of the task show."""
    custom = [
        (name, dimensions)
        for alarm in full.all("AWS::CloudWatch::Alarm")
        for namespace, name, dimensions in metrics(alarm)
        if namespace == metric_names.namespace("full")
    ]
    assert len(custom) >= 9
    for name, dimensions in custom:
        assert list(dimensions) == ["service"]
        assert name in metric_names.EMITTED_BY[dimensions["service"]]


def test_silence_alarms_where_silence_is_the_trouble(full: Stage) -> None:
    breaching = {
        name
        for alarm in full.all("AWS::CloudWatch::Alarm")
        if alarm["TreatMissingData"] == "breaching"
        for _, name, _ in metrics(alarm)
    }
    assert breaching == {metric_names.SWEEPS_FINISHED, metric_names.TAIL_HEARTBEAT}
    finished = full.one("AWS::CloudWatch::Alarm", "SweepsFinished")
    assert (finished["Period"], finished["EvaluationPeriods"], finished["Threshold"]) == (60, 3, 1)


def test_the_task_is_watched_for_one_group_as_for_all(full: Stage) -> None:
    found = {
        name: (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"], alarm["EvaluationPeriods"])
        for alarm in full.all("AWS::CloudWatch::Alarm")
        if alarm.stack == "Tailer"
        for _, name, dimensions in metrics(alarm)
        if dimensions == {"service": metric_names.TAIL}
    }
    at_once = ("Sum", "GreaterThanThreshold", 0, 1)
    assert found == {
        metric_names.TAIL_HEARTBEAT: ("Sum", "LessThanThreshold", 1, 1),
        metric_names.TAIL_LAG_S: ("Maximum", "GreaterThanThreshold", 300, 3),
        metric_names.UNACCOUNTED: at_once,
        metric_names.QUARANTINED: at_once,
        metric_names.RECURSION_REFUSED: at_once,
    }
    # a task that keeps up never comes near it
    assert found[metric_names.TAIL_LAG_S][2] * 1_000 > 5 * MOST_IDLE * Pace().poll_ms


def test_what_the_platform_loses_alarms_at_once(full: Stage) -> None:
    at_once = [
        (name, next(iter(dimensions.values()), ""))
        for alarm in full.all("AWS::CloudWatch::Alarm")
        if (alarm["Threshold"], alarm["EvaluationPeriods"]) == (0, 1)
        for namespace, name, dimensions in metrics(alarm)
        if namespace in ("AWS/Lambda", "AWS/Logs")
    ]
    for name in ("AsyncEventsDropped", "DestinationDeliveryFailures"):
        assert any(lost == name and "EmbedLogs" in function for lost, function in at_once)
    for name in ("DeliveryErrors", "DeliveryThrottling"):
        assert len([lost for lost, _ in at_once if lost == name]) == len(full.config.ingestion.log_groups)


def test_a_closed_gate_has_no_alarm_that_would_always_ring(dev: Stage) -> None:
    assert {alarm["TreatMissingData"] for alarm in dev.all("AWS::CloudWatch::Alarm")} == {"notBreaching"}


def test_dashboard_and_queries_look_at_this_stage(full: Stage) -> None:
    board: Any = shown(full.one("AWS::CloudWatch::Dashboard")["DashboardBody"])
    assert set(re.findall(r'"(AutoIR/\w+)"', board)) == {"AutoIR/full"}
    queries = full.all("AWS::Logs::QueryDefinition")
    assert [query["Name"] for query in queries] == [
        f"AutoIR/full/{name}" for name in ("failures", "slowest", "deliveries")
    ]
    assert {group for query in queries for group in query["LogGroupNames"]} == {
        "/autoir/full/embed_logs",
        "/autoir/full/sweep_incidents",
    }


@pytest.mark.parametrize("name", ["dev", "full"])
def test_what_the_commands_look_up_is_an_output(name: str, request: pytest.FixtureRequest) -> None:
    stage: Stage = request.getfixturevalue(name)
    known = {value for key, value in vars(outputs).items() if key.isupper()}
    told = {
        output
        for template in stage.templates.values()
        for output in template.get("Outputs", {})
        if not output.startswith("PublishOutput")
    }
    assert told <= known
    if name == "full":
        assert told == known
