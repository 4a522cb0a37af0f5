"""The tailing task by command: what is shown for people and programs, and what becomes the exit code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from autoir.cli import fargate_status
from autoir.clock import MINUTE_MS
from tests.aws.answers import Answers, a_task_that_keeps_up, metrics
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check, schema
from tests.tail.cloudwatch_fake import START_MS, FakeLogs, Time, Wire, serving

FARGATE = ("aws", "autoir-fargate")
NOW_MS = 1_780_000_000_000


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fargate_status, "system_clock", lambda: NOW_MS)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """A stage whose task runs and keeps up."""
    answers = Answers(a_task_that_keeps_up(NOW_MS))
    answers.install(monkeypatch)
    return answers


def test_status_for_people(call: Call, aws: Answers) -> None:
    said = call(*FARGATE, "status", "--stage", "prod")
    assert said.exit_code == 0, said.output
    shown = said.stdout.splitlines()
    assert "service    tail in AutoIR-prod" in shown
    assert "tasks      1 of 1 run, 0 to come" in shown
    assert "behind     4 s" in shown
    assert any(line.startswith("heartbeat  1 min ago, ") for line in shown)
    assert shown[-1] == "all is well"


def test_status_for_programs(call: Call, aws: Answers) -> None:
    found = document(call(*FARGATE, "status", "--stage", "prod", "--json"))
    check(found, "aws-autoir-fargate-status")
    assert found["heartbeat_ms"] == NOW_MS - MINUTE_MS
    assert found["troubles"] == []


@pytest.mark.parametrize(
    ("desired", "code", "last"),
    [(1, 1, "no heartbeat in the last hour"), (0, 0, "stopped on purpose")],
)
def test_a_silent_task_is_a_failure_and_a_stopped_one_is_not(
    call: Call,
    aws: Answers,
    desired: int,
    code: int,
    last: str,
) -> None:
    aws["cloudwatch.GetMetricStatistics"] = metrics(NOW_MS)
    aws.given["ecs.DescribeServices"]["services"][0]["desiredCount"] = desired  # type: ignore[index]
    said = call(*FARGATE, "status", "--stage", "prod")
    assert (said.exit_code, said.stdout.splitlines()[-1]) == (code, last)
    assert ("event 0" in said.stdout) is bool(code)  # why, in ECS's own words


@pytest.mark.parametrize(
    ("operation", "answer", "code", "words"),
    [
        ("cloudformation.DescribeStacks", "ValidationError", 2, "autoir aws autoir-fargate deploy --stage prod"),
        ("ecs.DescribeServices", "ExpiredTokenException", 3, "aws sso login --profile ops"),
        ("ecs.ListTasks", "AccessDeniedException", 2, "it takes ecs:ListTasks."),
    ],
)
def test_a_failure_says_what_mends_it(
    call: Call,
    aws: Answers,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    operation: str,
    answer: Any,
    code: int,
    words: str,
) -> None:
    (tmp_path / "credentials").write_text("[ops]\naws_access_key_id = testing\naws_secret_access_key = testing\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    aws[operation] = answer
    said = call(*FARGATE, "status", "--stage", "prod", "--profile", "ops")
    assert said.exit_code == code, said.output
    assert words in said.stderr


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


@pytest.fixture
def task_log(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
    """CloudWatch with the task's log group, at the time of this test."""
    for name, value in wire.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(fargate_status, "system_clock", lambda: START_MS)
    wire.logs = FakeLogs(Time())
    wire.logs.make("/autoir/prod/tail")
    wire.logs.put("/autoir/prod/tail", START_MS - 16 * MINUTE_MS, "before")
    wire.logs.put("/autoir/prod/tail", START_MS - 5, '{"level": "WARNING", "message": "slow\\u001b[31m"}')
    return wire.logs


def test_logs_for_people_and_programs(call: Call, task_log: FakeLogs) -> None:
    said = call(*FARGATE, "logs", "--stage", "prod")
    assert said.exit_code == 0, said.output
    (line,) = said.stdout.splitlines()
    assert line.split(maxsplit=2)[2].startswith("WARNING  slow")
    assert "\x1b" not in line
    documents = [
        json.loads(line)
        for line in call(*FARGATE, "logs", "--stage", "prod", "--json", "--since", "1h").stdout.splitlines()
    ]
    assert [found["message"] for found in documents] == ["before", "slow\x1b[31m"]
    for found in documents:
        jsonschema.validate(found, schema("aws-autoir-fargate-logs"))


def test_logs_of_a_stage_without_a_task(call: Call, task_log: FakeLogs) -> None:
    said = call(*FARGATE, "logs", "--stage", "dev")
    assert said.exit_code == 2
    assert "there is no log group /autoir/dev/tail" in said.stderr
