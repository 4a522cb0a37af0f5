"""``docs/iam.md``: the rights that AutoIR uses, found in its code.

A list of rights that somebody keeps by hand has one too many or one too few. So every call of an AWS client is found
in the source, and the commands and the parts of a stage that lead to it. Each right stands in the list of each who
needs it, with their reason, so that a list is enough by itself; a right that a list lacks, and a line that nobody of
that list needs any more, fail the check of the pages.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from autoir.cli import aws_calls
from autoir.cli.call_graph import Definition

RUN: Final = {
    "autoscaling:SetDesiredCapacity": "stop a model's host that nobody asks",
    "logs:DescribeLogGroups": "find the log groups to read",
    "logs:FilterLogEvents": "read their events",
    "s3:GetObject": "fetch a model's weights",
    "s3:ListBucket": "count the deliveries that failed",
    "sagemaker:InvokeEndpoint": "turn patterns and questions into vectors",
    "secretsmanager:GetSecretValue": "connect to the store; know the key of a model's host",
    "sns:Publish": "tell people and machines",
    "ssm:PutParameter": "say where a model's host is and how it is",
}
"""Of what runs: the stacks give each function, and the task, its own part of these and no more."""

OPERATE: Final = {
    "cloudformation:DescribeStacks": "find what a stage's stacks are called",
    "cloudwatch:DescribeAlarms": "see which alarms ring",
    "cloudwatch:GetMetricStatistics": "see the tailing task's heartbeat and lag",
    "ec2:DescribeAddresses": "see whether there is room for fixed addresses",
    "ec2:DescribeVpcs": "see whether there is room for a network",
    "ecs:DescribeServices": "see whether the tailing task runs",
    "ecs:DescribeTasks": "see why it does not",
    "ecs:ListTasks": "see its tasks",
    "lambda:GetAccountSettings": "see how much may run at once",
    "lambda:InvokeFunction": "ask for the schema's version from inside the network",
    "logs:DescribeLogGroups": "see whether a log group is there",
    "logs:DescribeSubscriptionFilters": "see whether a log group has a filter free",
    "logs:FilterLogEvents": "read what the tailing task says",
    "sagemaker:DescribeEndpoint": "see whether the embedding endpoint serves",
    "s3:DeleteObject": "take a delivery that is stored out of the failure bucket",
    "s3:ListBucket": "count the deliveries that failed, find them again",
    "secretsmanager:DescribeSecret": "see whether a secret has a value, without reading it",
    "servicequotas:GetAWSDefaultServiceQuota": "see how many GPUs, addresses, networks an account has",
    "servicequotas:GetServiceQuota": "see how many this one has",
    "sns:ListSubscriptionsByTopic": "see who has not said yes to being paged",
    "sns:Publish": "send a page that says it is a test",
    "ssm:GetParameter": "see whether the CDK may deploy here",
    "s3:GetObject": "read a delivery that failed",
    "sts:GetCallerIdentity": "see that the login is of the stage's account; everybody may",
}
"""Of who looks after a stage."""

DEPLOY: Final = {
    "cloudformation:DescribeStacks": "find what a stage's stacks are called",
    "lambda:InvokeFunction": "make the schema from inside the network",
    "logs:DescribeLogGroups": "see whether a log group is there before a filter is put on it",
    "logs:DescribeSubscriptionFilters": "see whether it has a filter free",
    "s3:GetObject": "see whether the weights bucket has a file already",
    "sagemaker:DescribeEndpoint": "wait until a new endpoint serves",
    "sagemaker:InvokeEndpoint": "see that a new endpoint answers as its weights do",
    "secretsmanager:GetSecretValue": "keep the connections that a stage has already",
    "secretsmanager:PutSecretValue": "give a stage the connections to its store",
    "s3:ListBucket": "hear that it has not: without this right S3 says no more than 403",
    "s3:ListBucketMultipartUploads": "find an upload of weights that broke",
    "s3:ListMultipartUploadParts": "go on with it",
    "s3:PutObject": "put a model into the weights bucket",
    "sts:GetCallerIdentity": "see that the login is of the stage's account; everybody may",
    "sts:AssumeRole": "deploy by the roles that cdk bootstrap made: arn:aws:iam::ACCOUNT:role/cdk-*",
}
"""Of who deploys."""

LISTS: Final[Mapping[str, Mapping[str, str]]] = {"deploy": DEPLOY, "run": RUN, "operate": OPERATE}
BY_CDK: Final = frozenset({"sts:AssumeRole"})
"""Used by ``cdk``, in no code of ours."""

_DEPLOYING = ("tidb dsn", "aws mirror-model", "aws sagemaker-bootstrap", "aws autoir-fargate")
_OPERATING = ("aws", "aws autoir-fargate status", "aws autoir-fargate logs")
"""Beginnings of commands; of two that fit, the longer one says whose a command is, and where none fits it is of what
runs."""
_PARTS = {
    "embed_logs": Definition("autoir.functions.embed_logs", "EmbedLogs"),
    "sweep_incidents": Definition("autoir.functions.sweep_incidents", "SweepIncidents"),
    "migrate_schema": Definition("autoir.functions.migrate_schema", "MigrateSchema"),
    "tail": Definition("autoir.task", "run"),
}
"""What runs in a stage, beside the hosts of a model."""
_HOST = "a model's host"


def users(commands: Mapping[str, Definition]) -> dict[str, dict[str, set[str]]]:
    """Of each list: right to those who need it. ``commands`` are all commands, as ``autoir aws check``."""
    needed: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name in LISTS}
    programs = [(_list_of(words), words, aws_calls.of_program(entry)) for words, entry in commands.items()]
    programs += [("run", part, aws_calls.of_program(entry)) for part, entry in _PARTS.items()]
    for name, who, rights in [*programs, ("run", _HOST, aws_calls.of_hosts())]:
        for action in rights:
            needed[name][action].add(who)
    for action in BY_CDK:
        needed["deploy"][action].add("cdk")
    return needed


def problems(commands: Mapping[str, Definition]) -> list[str]:
    """What is wrong with the lists: a right that one lacks, a line that nobody needs, a call that no command makes."""
    needed = users(commands)
    wrong = []
    for name, listed in LISTS.items():
        lacking = sorted(needed[name].keys() - listed.keys())
        wrong += [f"{action} ({min(needed[name][action])}) is not under {name}" for action in lacking]
        wrong += [f"{action} is under {name}, where nobody needs it" for action in listed if action not in needed[name]]
    everywhere = set().union(*needed.values())
    wrong += [
        f"{action} ({module}) is of no command" for action, module in aws_calls.everywhere() if action not in everywhere
    ]
    return wrong


def page(commands: Mapping[str, Definition]) -> str:
    """``docs/iam.md`` without its first line. Raises ValueError where a list is wrong."""
    if wrong := problems(commands):
        raise ValueError(f"autoir/cli/iam.py: {'; '.join(wrong)}")
    needed = users(commands)
    parts = ["# Rights in AWS", _ABOUT]
    for name, rights in LISTS.items():
        rows = [f"| `{action}` | {why} | {_told(needed[name][action])} |" for action, why in sorted(rights.items())]
        parts += [f"## {name.title()}", _WHO[name], "\n".join(["| right | to | needed by |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


_ABOUT = (
    "Every right that a call in AutoIR's code takes, found in the code itself with the commands that come to it. Each"
    " list is enough by itself for who does what it names. What the stacks create has the tag `autoir:stage`, by which"
    " a policy can be bound to one stage."
)
_WHO = {
    "deploy": "Whoever sets a stage up: the commands that write a stage's file and run `cdk`. Everything else that"
    " `cdk deploy` does, CloudFormation does by the role of `cdk bootstrap`, which an administrator of the account runs"
    " once for a Region: it makes IAM roles.",
    "run": "What runs. In AWS the stacks give each role its part, bound to what it is for; a person who runs the same"
    " from a laptop needs the rows of that command, those of `sagemaker` with an endpoint, of `sns` with a topic.",
    "operate": "Whoever looks after a stage.",
}


def _told(who: Iterable[str]) -> str:
    return ", ".join(name if name == _HOST else f"`{name}`" for name in sorted(who))


def _list_of(command: str) -> str:
    words = f"{command.removeprefix('autoir ')} "
    fitting = [(len(begin), "deploy") for begin in _DEPLOYING if words.startswith(f"{begin} ")]
    fitting += [(len(begin), "operate") for begin in _OPERATING if words.startswith(f"{begin} ")]
    return max(fitting, default=(0, "run"))[1]
