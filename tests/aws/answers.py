"""AWS as a table of answers: real clients, whose requests are checked and serialized, and nothing is sent."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from autoir.aws.session import Access

Answer = dict[str, Any] | str | Callable[[dict[str, Any]], dict[str, Any] | str]
"""What an operation gives: a response, the code of an error, or what makes one of them of the parameters."""


@dataclass
class Answers:
    """Operation, as ``ecs.ListTasks``, to its answer. ``asked`` are the calls, in order."""

    given: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __setitem__(self, operation: str, answer: Answer) -> None:
        self.given[operation] = answer

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of each call of ``operation``."""
        return [parameters for name, parameters in self.asked if name == operation]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every client that ``Access`` makes ask here, as somebody whom AWS knows."""
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setattr(Access, "client", _client)
        monkeypatch.setitem(_ASKED, "now", self)

    def answer(self, name: str, params: dict[str, Any]) -> tuple[AWSResponse, dict[str, Any]]:
        """What botocore would have made of the answer to ``name``."""
        assert name in self.given, f"nothing was said of {name}"
        given, status = self.given[name], HTTPStatus.OK
        answer = given(params) if callable(given) else given
        if isinstance(answer, str):
            status, answer = HTTPStatus.BAD_REQUEST, {"Error": {"Code": answer, "Message": "no"}}
        return AWSResponse("", int(status), {}, None), {"ResponseMetadata": {"HTTPStatusCode": int(status)}, **answer}


_ASKED: dict[str, Answers] = {}
"""Whom the clients ask: one of the test that runs."""
_make = Access.client


@functools.cache
def _client(access: Access, service: str, read_s: float = 0) -> Any:
    """A client like any other, made once for all tests: that takes longer than most of them."""
    made = _make(access, service)
    made.meta.events.register("provide-client-params", _remember)
    made.meta.events.register("before-call", _answer)
    return made


def _remember(params: dict[str, Any], model: Any, **_: object) -> None:
    _ASKED["now"].asked.append((_name(model), params))


def _answer(model: Any, **_: object) -> tuple[AWSResponse, dict[str, Any]]:
    answers = _ASKED["now"]
    return answers.answer(_name(model), answers.asked[-1][1])


def _name(model: Any) -> str:
    return f"{model.service_model.service_name}.{model.name}"


def stack(**outputs: str) -> dict[str, Any]:
    """What CloudFormation says of a stack with ``outputs``."""
    listed = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
    return {"Stacks": [{"StackName": "x", "StackStatus": "UPDATE_COMPLETE", "Outputs": listed}]}


def metrics(now_ms: int, **values: list[tuple[float, float]]) -> Answer:
    """GetMetricStatistics out of metric=[(minutes ago, value)]."""

    def answer(asked: dict[str, Any]) -> dict[str, Any]:
        (statistic,) = asked["Statistics"]
        points = values.get(asked["MetricName"], [])
        return {"Datapoints": [{"Timestamp": _ago(now_ms, minutes), statistic: value} for minutes, value in points]}

    return answer


def a_task_that_keeps_up(now_ms: int) -> dict[str, Answer]:
    """What AWS says of a tailing task that has run for 90 minutes and is 4 s behind."""
    task = "arn:aws:ecs:us-east-1:111111111111:task/AutoIR-prod/0a1b"
    service = {
        "desiredCount": 1,
        "runningCount": 1,
        "pendingCount": 0,
        "deployments": [{"rolloutState": "COMPLETED"}],
        "events": [{"message": f"event {number}"} for number in range(5)],
    }
    running = {
        "taskArn": task,
        "lastStatus": "RUNNING",
        "healthStatus": "HEALTHY",
        "startedAt": _ago(now_ms, 90),
    }
    return {
        "cloudformation.DescribeStacks": stack(ClusterName="AutoIR-prod", ServiceName="tail"),
        "ecs.DescribeServices": {"services": [service]},
        "ecs.ListTasks": {"taskArns": [task]},
        "ecs.DescribeTasks": {"tasks": [running]},
        "cloudwatch.GetMetricStatistics": metrics(
            now_ms, TailHeartbeat=[(3, 1.0), (1, 1.0), (2, 1.0)], TailLag=[(2, 90.0), (1, 4.0)]
        ),
    }


def _ago(now_ms: int, minutes: float) -> datetime:
    return datetime.fromtimestamp(now_ms / 1000 - minutes * 60, UTC)
