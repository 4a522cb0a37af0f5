"""The lists of rights: each is enough by itself for who does what it is for, and none has a line too many."""

import pytest

from autoir.cli import aws_calls, docs, iam

# What a command of a person who looks after a stage takes, or of one who sets it up.
TAKES = {
    "autoir aws replay-failed": "cloudformation:DescribeStacks s3:DeleteObject s3:GetObject s3:ListBucket",
    "autoir aws test-page": "cloudformation:DescribeStacks sns:ListSubscriptionsByTopic sns:Publish",
    "autoir aws autoir-fargate logs": "logs:DescribeLogGroups logs:FilterLogEvents",
    "autoir aws autoir-fargate status": "cloudformation:DescribeStacks cloudwatch:GetMetricStatistics"
    " ecs:DescribeServices ecs:DescribeTasks ecs:ListTasks",
    "autoir tidb dsn": "cloudformation:DescribeStacks lambda:InvokeFunction logs:DescribeLogGroups"
    " logs:DescribeSubscriptionFilters secretsmanager:GetSecretValue secretsmanager:PutSecretValue"
    " sts:GetCallerIdentity",
    "autoir aws mirror-model": "cloudformation:DescribeStacks s3:GetObject s3:ListBucket s3:ListBucketMultipartUploads"
    " s3:ListMultipartUploadParts s3:PutObject",
    "autoir aws cost": "",
    "autoir stats": "",
}


@pytest.mark.parametrize("command", TAKES)
def test_a_command_takes_what_its_code_comes_to(command: str) -> None:
    assert aws_calls.of_program(docs.programs()[command]) == set(TAKES[command].split())


def test_the_lists_are_those_of_the_code() -> None:
    assert iam.problems(docs.programs()) == []


def test_each_list_has_its_commands() -> None:
    users = iam.users(docs.programs())
    who = {name: set().union(*rights.values()) for name, rights in users.items()}
    assert {"autoir aws check", "autoir aws replay-failed", "autoir aws test-page"} < who["operate"]
    assert {"autoir tidb dsn", "autoir aws autoir-fargate deploy", "autoir aws autoir-fargate stop"} < who["deploy"]
    assert {"embed_logs", "sweep_incidents", "migrate_schema", "tail", "a model's host"} < who["run"]
    assert {"autoir daemon", "autoir logs tail", "autoir sweep"} < who["run"]
    assert not who["deploy"] & who["operate"]


def without(name: str, action: str) -> dict[str, dict[str, str]]:
    """The lists, a line gone from one of them; others may have it."""
    return {**iam.LISTS, name: {a: why for a, why in iam.LISTS[name].items() if a != action}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        # a right that stands in another list is no help to who has this one
        (without("operate", "s3:ListBucket"), "s3:ListBucket (autoir aws check) is not under operate"),
        (without("deploy", "s3:GetObject"), "s3:GetObject (autoir aws mirror-model) is not under deploy"),
        (without("deploy", "secretsmanager:GetSecretValue"), "(autoir tidb dsn) is not under deploy"),
        (without("run", "ssm:PutParameter"), "ssm:PutParameter (a model's host) is not under run"),
        (without("run", "logs:FilterLogEvents"), "logs:FilterLogEvents (autoir daemon) is not under run"),
        ({**iam.LISTS, "deploy": {**iam.DEPLOY, "iam:PassRole": "x"}}, "iam:PassRole is under deploy, where nobody"),
        ({**iam.LISTS, "operate": {**iam.OPERATE, "s3:PutObject": "x"}}, "s3:PutObject is under operate, where nobody"),
    ],
)
def test_a_wrong_list_fails_the_check_of_the_pages(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, dict[str, str]], words: str
) -> None:
    monkeypatch.setattr(iam, "LISTS", change)
    assert [words in problem for problem in iam.problems(docs.programs())] == [True]
    with pytest.raises(ValueError, match=r"autoir/cli/iam\.py"):
        iam.page(docs.programs())


def test_a_call_that_no_command_comes_to_is_named() -> None:
    commands = {name: entry for name, entry in docs.programs().items() if "fargate status" not in name}
    commands.pop("autoir aws check")
    assert "ecs:ListTasks (autoir.aws.task_service) is of no command" in iam.problems(commands)
