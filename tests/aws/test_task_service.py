"""The tailing task as ECS and CloudWatch tell of it: what is wrong, and what is not."""

from typing import Any

import pytest

from autoir.aws.outputs import NotDeployedError
from autoir.aws.session import Access, LoginError, NotAllowedError
from autoir.aws.task_service import Service, Task, TaskService
from autoir.clock import MINUTE_MS
from autoir.errors import UnreachableError, UsageError
from tests.aws.answers import Answers, a_task_that_keeps_up, metrics

NOW_MS = 1_780_000_000_000


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """A stage whose task runs and keeps up."""
    answers = Answers(a_task_that_keeps_up(NOW_MS))
    answers.install(monkeypatch)
    return answers


def seen() -> Service:
    return TaskService(Access(), "prod").seen(NOW_MS)


def test_a_task_that_keeps_up(aws: Answers) -> None:
    found = seen()
    assert found == Service(
        "AutoIR-prod", "tail", 1, 1, 0, "COMPLETED",
        (Task("0a1b", "RUNNING", "HEALTHY", NOW_MS - 90 * MINUTE_MS, ""),),
        ("event 0", "event 1", "event 2"), NOW_MS - MINUTE_MS, 4.0,
    )  # fmt: skip
    assert found.troubles(NOW_MS) == []
    beat, lag = aws.calls("cloudwatch.GetMetricStatistics")
    assert (beat["Namespace"], beat["MetricName"]) == ("AutoIR/prod", "TailHeartbeat")
    assert lag["Dimensions"] == [{"Name": "service", "Value": "tail"}]
    assert aws.calls("cloudformation.DescribeStacks") == [{"StackName": "AutoIR-prod-Tailer"}]


def test_a_minute_without_a_round_is_no_heartbeat(aws: Answers) -> None:
    aws["cloudwatch.GetMetricStatistics"] = metrics(NOW_MS, TailHeartbeat=[(9, 1.0), (1, 0.0)], TailLag=[(1, 0.0)])
    assert seen().heartbeat_ms == NOW_MS - 9 * MINUTE_MS
    assert seen().lag_s == 0.0


def test_no_task_and_no_metric_is_no_error(aws: Answers) -> None:
    aws["ecs.ListTasks"] = {"taskArns": []}
    aws["cloudwatch.GetMetricStatistics"] = metrics(NOW_MS)
    found = seen()
    assert (found.tasks, found.heartbeat_ms, found.lag_s) == ((), None, None)
    assert aws.calls("ecs.DescribeTasks") == []


@pytest.mark.parametrize(
    ("service", "beat_min", "health", "troubles"),
    [
        ({}, 5, "HEALTHY", []),
        ({}, 6, "HEALTHY", ["no heartbeat for 6 minutes"]),
        ({}, None, "HEALTHY", ["no heartbeat in the last hour"]),
        ({}, 1, "UNKNOWN", []),
        ({}, 1, "UNHEALTHY", ["task 0a1b is unhealthy"]),
        ({"runningCount": 0}, 1, "HEALTHY", ["0 of 1 tasks run"]),
        (
            {"deployments": [{"rolloutState": "FAILED"}]},
            1,
            "HEALTHY",
            ["the last deployment failed and was rolled back"],
        ),
        # stopped on purpose
        ({"desiredCount": 0, "runningCount": 0}, None, "UNHEALTHY", []),
    ],
)
def test_what_is_wrong(
    aws: Answers, service: dict[str, object], beat_min: int | None, health: str, troubles: list[str]
) -> None:
    aws.given["ecs.DescribeServices"]["services"][0].update(service)  # type: ignore[index]
    aws.given["ecs.DescribeTasks"]["tasks"][0]["healthStatus"] = health  # type: ignore[index]
    aws["cloudwatch.GetMetricStatistics"] = metrics(NOW_MS, TailHeartbeat=[] if beat_min is None else [(beat_min, 1.0)])
    assert seen().troubles(NOW_MS) == troubles


@pytest.mark.parametrize(
    ("operation", "answer", "kind", "words"),
    [
        ("cloudformation.DescribeStacks", "ValidationError", NotDeployedError, "AutoIR-prod-Tailer is not deployed"),
        ("cloudformation.DescribeStacks", "AccessDenied", NotAllowedError, "it takes cloudformation:DescribeStacks"),
        ("ecs.DescribeServices", {"services": []}, UsageError, "ECS has no service tail in AutoIR-prod"),
        ("ecs.DescribeServices", "AccessDeniedException", NotAllowedError, "it takes ecs:DescribeServices"),
        ("ecs.ListTasks", "InternalFailure", UnreachableError, "no answer to ecs:ListTasks: InternalFailure"),
        ("ecs.DescribeServices", "ExpiredTokenException", LoginError, "the AWS login has expired"),
        ("cloudwatch.GetMetricStatistics", "ExpiredToken", LoginError, "the AWS login has expired"),
    ],
)
def test_each_failure_says_what_it_takes(
    aws: Answers, operation: str, answer: Any, kind: type[Exception], words: str
) -> None:
    aws[operation] = answer
    with pytest.raises(kind, match=words) as caught:
        seen()
    assert type(caught.value) is kind
    assert caught.value.hint  # type: ignore[attr-defined]
