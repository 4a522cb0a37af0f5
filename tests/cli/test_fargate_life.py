"""The tailing task's life by command: each is a change of the stage's file, shown, written, deployed."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from autoir.aws.cdk import Stage
from tests.aws import checkout
from tests.aws.answers import Answers, stack
from tests.aws.checkout import ACCOUNT, Checkout
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check

FARGATE = ("aws", "autoir-fargate")
READY = "[store]\nready = true\n"
ON = READY + '[tailer]\nenabled = true\ngroups = ["/a"]\n'


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A stage whose store is ready, on a machine with something like Docker."""
    found = checkout.make(tmp_path / "app", monkeypatch)
    found.write(READY)
    builder = tmp_path / "builder"
    builder.touch(0o755)
    monkeypatch.setenv("CDK_DOCKER", str(builder))
    return found


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """The stage's account, with Foundation."""
    answers = Answers(
        {"sts.GetCallerIdentity": {"Account": ACCOUNT}, "cloudformation.DescribeStacks": stack(FailureBucketName="f")}
    )
    answers.install(monkeypatch)
    return answers


def tailer(app: Checkout) -> dict[str, Any]:
    """What the stage's file says of the task."""
    return tomllib.loads((app.folder / "stages/prod.toml").read_text()).get("tailer", {})


@pytest.mark.parametrize(
    ("before", "arguments", "after"),
    [
        (READY, ("deploy", "--groups", "/a,/b/*"), {"enabled": True, "groups": ["/a", "/b/*"]}),
        (READY, ("deploy", "--groups", "/a", "--groups", " /b "), {"enabled": True, "groups": ["/a", "/b"]}),
        (READY, ("deploy", "--daemon-log-groups", "/a"), {"enabled": True, "groups": ["/a"]}),
        (ON, ("deploy",), {"enabled": True, "groups": ["/a"]}),
        (
            ON,
            ("deploy", "--groups", "/c", "--cpu", "1024", "--memory", "2048", "--desired-count", "0"),
            {"enabled": True, "groups": ["/c"], "cpu": 1024, "memory_mb": 2048, "desired": 0},
        ),
        (ON, ("stop",), {"enabled": True, "groups": ["/a"], "desired": 0}),
        (ON + "desired = 0\n", ("start",), {"enabled": True, "groups": ["/a"]}),
        (ON + "cpu = 1024\nmemory_mb = 4096\n", ("stop",),
         {"enabled": True, "groups": ["/a"], "desired": 0, "cpu": 1024, "memory_mb": 4096}),
    ],
)  # fmt: skip
def test_a_change_is_written_and_deployed(
    call: Call, app: Checkout, before: str, arguments: tuple[str, ...], after: dict[str, Any]
) -> None:
    app.write(before)
    said = call(*FARGATE, *arguments, "--stage", "prod")
    assert said.exit_code == 0, said.output
    assert tailer(app) == after
    (deployed,) = app.calls()
    assert deployed["arguments"][:3] == ["deploy", "AutoIR-prod-Foundation", "AutoIR-prod-Tailer"]
    assert tomllib.loads(deployed["file"])["tailer"] == after


@pytest.mark.parametrize(
    ("arguments", "done"),
    [(("deploy",), "deployed"), (("start",), "started"), (("stop",), "stopped"), (("destroy", "--confirm"), "removed")],
)
def test_what_was_done_is_said(call: Call, app: Checkout, arguments: tuple[str, ...], done: str) -> None:
    app.write(ON + "desired = 0\n" * (arguments == ("start",)))
    changed = "stays as it was" if done == "deployed" else "is changed"
    assert call(*FARGATE, *arguments, "--stage", "prod").stdout == f"{done}: stages/prod.toml {changed}.\n"


@pytest.mark.parametrize("arguments", [("stop",), ("destroy", "--confirm")])
def test_who_stops_it_knows_that_cloudformation_goes_on(
    call: Call, app: Checkout, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    def interrupted(self: Stage, *parts: str) -> None:
        raise KeyboardInterrupt

    app.write(ON)
    for verb in ("deploy", "destroy"):
        monkeypatch.setattr(Stage, verb, interrupted)
    said = call(*FARGATE, *arguments, "--stage", "prod")
    assert (said.exit_code, "CloudFormation ends what it has begun" in said.stderr) == (130, True), said.output


def test_the_difference_is_shown_before(call: Call, app: Checkout) -> None:
    said = call(*FARGATE, "deploy", "--groups", "/a", "--stage", "prod")
    assert '+groups = ["/a"]' in said.stderr.splitlines()
    assert said.stdout == "deployed: stages/prod.toml is changed.\n"


@pytest.mark.parametrize(
    "arguments", [("deploy", "--groups", "/b"), ("stop",), ("destroy",)], ids=lambda words: words[0]
)
def test_a_dry_run_shows_and_does_nothing(call: Call, app: Checkout, aws: Answers, arguments: tuple[str, ...]) -> None:
    path = app.write(ON)
    before = path.read_text()
    said = call(*FARGATE, *arguments, "--stage", "prod", "--dry-run")
    assert said.exit_code == 0, said.output
    assert said.stdout.startswith("--- stages/prod.toml\n+++ stages/prod.toml\n@@ ")
    assert (path.read_text(), app.calls(), aws.asked) == (before, [], [])


def test_an_answer_for_programs(call: Call, app: Checkout) -> None:
    found = document(call(*FARGATE, "deploy", "--groups", "/a", "--stage", "prod", "--json"))
    check(found, "aws-autoir-fargate-change")
    assert found["dry_run"] is False
    assert '+groups = ["/a"]' in found["difference"]  # type: ignore[operator]
    again = document(call(*FARGATE, "stop", "--stage", "prod", "--json", "--dry-run"))
    check(again, "aws-autoir-fargate-change")


def test_destroy_removes_the_stack_first_and_keeps_the_settings(call: Call, app: Checkout) -> None:
    app.write(ON)
    said = call(*FARGATE, "destroy", "--stage", "prod", "--confirm")
    assert said.exit_code == 0, said.output
    (removed,) = app.calls()
    assert removed["arguments"][:2] == ["destroy", "AutoIR-prod-Tailer"]
    assert tomllib.loads(removed["file"])["tailer"]["enabled"] is True  # or cdk would not know the stack
    assert tailer(app) == {"groups": ["/a"]}


def test_a_stack_that_could_not_be_removed_stays_in_the_file(call: Call, app: Checkout) -> None:
    app.write(ON)
    app.fail()
    assert call(*FARGATE, "destroy", "--stage", "prod", "--confirm").exit_code == 1
    assert tailer(app)["enabled"] is True


@pytest.mark.parametrize(
    ("file", "arguments", "code", "words"),
    [
        (READY, ("deploy",), 2, "names no log group to tail"),
        (READY, ("deploy", "--groups", "/autoir/prod/tail"), 2, "/autoir/prod/tail"),
        (READY, ("deploy", "--groups", "/a", "--cpu", "300"), 2, "256, 512, 1024"),
        (READY, ("deploy", "--groups", "/a", "--desired-count", "2"), 2, "a whole number from 0 to 1"),
        ("", ("deploy", "--groups", "/a"), 2, "autoir tidb dsn --stage prod"),
        (READY, ("start",), 2, "autoir aws autoir-fargate deploy --stage prod"),
        (READY, ("stop",), 2, "has no tailing task"),
        (READY, ("destroy", "--confirm"), 2, "has no tailing task"),
        (ON, ("destroy",), 2, "--confirm"),
        ("protect = true\n" + ON, ("destroy", "--confirm"), 2, "protect = false"),
        (READY, ("deploy", "--groups", "/a", "--region", "us-east-1"), 2, "eu-west-1"),
        (READY, ("deploy", "--groups", "/a", "--store", "x"), 2, "no such option --store"),
    ],
)
def test_what_cannot_be_done_says_what_can(
    call: Call, app: Checkout, file: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    path = app.write(file)
    before = path.read_text()
    said = call(*FARGATE, *arguments, "--stage", "prod")
    assert said.exit_code == code, said.output
    assert words in said.stderr
    assert (path.read_text(), app.calls()) == (before, [])


@pytest.mark.parametrize(
    ("operation", "answer", "code", "words"),
    [
        ("sts.GetCallerIdentity", "ExpiredToken", 3, "aws sso login --profile ops"),
        ("sts.GetCallerIdentity", {"Account": "333333333333"}, 2, "this login is of account 333333333333"),
        ("cloudformation.DescribeStacks", "ValidationError", 2, "autoir tidb dsn --stage prod"),
    ],
)
def test_nothing_is_written_before_it_is_known_who_asks(
    call: Call, app: Checkout, aws: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str,
    answer: Any, code: int, words: str,
) -> None:  # fmt: skip
    (tmp_path / "credentials").write_text("[ops]\naws_access_key_id = testing\naws_secret_access_key = testing\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    aws[operation] = answer
    said = call(*FARGATE, "deploy", "--groups", "/a", "--stage", "prod", "--profile", "ops")
    assert said.exit_code == code, said.output
    assert words in said.stderr
    assert (tailer(app), app.calls()) == ({}, [])


def test_a_deployment_that_failed_is_repeated_by_the_same_command(call: Call, app: Checkout) -> None:
    app.fail(1)
    said = call(*FARGATE, "deploy", "--groups", "/a", "--stage", "prod")
    assert said.exit_code == 1
    assert "the same command tries again" in said.stderr
    assert tailer(app)["enabled"] is True
    (app.folder / "fails").unlink()
    assert call(*FARGATE, "deploy", "--groups", "/a", "--stage", "prod").exit_code == 0
    assert len(app.calls()) == 2


def test_without_docker_nothing_is_begun(call: Call, app: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CDK_DOCKER")
    monkeypatch.setenv("PATH", str(app.folder))
    said = call(*FARGATE, "deploy", "--groups", "/a", "--stage", "prod")
    assert said.exit_code == 2
    assert "docker is not there, and builds the task's image" in said.stderr
    docker = app.folder / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    said = call(*FARGATE, "deploy", "--groups", "/a", "--stage", "prod")
    assert (said.exit_code, app.calls()) == (3, [])
    assert "Docker does not answer" in said.stderr


def test_starting_and_stopping_needs_no_docker(call: Call, app: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    app.write(ON)
    monkeypatch.setenv("CDK_DOCKER", "no-such-program")
    assert call(*FARGATE, "stop", "--stage", "prod").exit_code == 0
