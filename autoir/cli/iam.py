"""``docs/iam.md``: the rights that AutoIR uses, found in its code.

A list of rights that somebody keeps by hand has one too many or one too few. So every call of an AWS client is found
in the source, and each right it takes stands in a list for each who needs it, with their reason; a call that is in no
list, and a line that no code needs any more, fail the check of the pages.

A client's call is ``something.operation(…)``, by the name that botocore gives a method, a paginator or a waiter, of a
service that the package makes a client of; a name of one word, such as ``publish``, counts only in a module that makes
the client itself.
"""

import ast
import functools
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = Path(__file__).resolve().parents[1]

RUN: Final = {
    "logs:DescribeLogGroups": "find the log groups to read",
    "logs:FilterLogEvents": "read their events",
    "s3:ListBucket": "count the deliveries that failed",
    "sagemaker:InvokeEndpoint": "turn patterns and questions into vectors",
    "secretsmanager:GetSecretValue": "connect to the store",
    "sns:Publish": "tell people and machines",
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
}
"""Of who looks after a stage."""

DEPLOY: Final = {
    "lambda:InvokeFunction": "make the schema from inside the network",
    "sagemaker:InvokeEndpoint": "see that a new endpoint answers as its weights do",
    "secretsmanager:PutSecretValue": "give a stage the connections to its store",
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

_PREFIXES = {"monitoring": "cloudwatch"}
_ACTIONS = {
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:HeadObject": "s3:GetObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:UploadPart": "s3:PutObject",
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "lambda:Invoke": "lambda:InvokeFunction",
}
"""Operations whose right has another name (Service Authorization Reference)."""
_TRANSFERS = {"upload_file": "PutObject", "upload_fileobj": "PutObject", "download_file": "GetObject"}
_NAMED = {"get_paginator", "get_waiter", "can_paginate"}


class Call(NamedTuple):
    """A call of an operation: the right it takes, and the module it is in."""

    action: str
    module: str


@functools.cache
def calls() -> tuple[Call, ...]:
    """Every right that the package's calls take, with each module that calls, in order."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    services = {service for tree in trees.values() for service in _services(tree)}
    found: set[Call] = set()
    for path, tree in trees.items():
        module = path.relative_to(PACKAGE.parent).with_suffix("").as_posix().replace("/", ".")
        # A command asks through the package and holds no client; its framework has methods of such names.
        given = () if module.startswith("autoir.cli.") else services
        found |= {Call(action, module) for action in actions(tree, given)}
    return tuple(sorted(found))


def actions(tree: ast.Module, services: Collection[str] = ()) -> set[str]:
    """The rights that the calls of one module take; ``services`` are those that it may have been given a client of.

    Raises ValueError where a client's service is not written out.
    """
    called, own = set(_called(tree)), set(_services(tree))
    return {
        action
        for service in {*own, *services}
        for method, action in _operations(service).items()
        if method in called and (service in own or "_" in method)
    }


def problems() -> list[str]:
    """What is wrong with the lists: a call that is in none or in two, a line that no call needs."""
    used = {call.action: call.module for call in calls()}
    listed = [action for rights in LISTS.values() for action in rights]
    wrong = [f"{action} ({module}) is in no list" for action, module in used.items() if action not in listed]
    wrong += [f"{action} is listed, and no code uses it" for action in listed if action not in used.keys() | BY_CDK]
    return wrong


def page() -> str:
    """``docs/iam.md`` without its first line. Raises ValueError where a list is wrong."""
    if wrong := problems():
        raise ValueError(f"autoir/cli/iam.py: {'; '.join(wrong)}")
    parts = ["# Rights in AWS", _ABOUT]
    for name, rights in LISTS.items():
        modules = {
            action: ", ".join(f"`{call.module.removeprefix('autoir.')}`" for call in calls() if call.action == action)
            for action in rights
        }
        rows = [f"| `{action}` | {why} | {modules[action] or 'cdk'} |" for action, why in sorted(rights.items())]
        parts += [f"## {name.title()}", _WHO[name], "\n".join(["| right | to | used by |", "|---|---|---|", *rows])]
    return "\n\n".join(parts) + "\n"


_ABOUT = (
    "Every right that a call in AutoIR's code takes, found in the code itself, in a list for each who needs it. What"
    " the stacks create has the tag `autoir:stage`, by which a policy can be bound to one stage."
)
_WHO = {
    "deploy": "Whoever sets a stage up: the commands that write a stage's file and run `cdk`. Everything else that"
    " `cdk deploy` does, CloudFormation does by the role of `cdk bootstrap`. The rows under Operate they need, too.",
    "run": "What runs. In AWS the stacks give each role its part, bound to what it is for; a person who runs the same"
    " from a laptop (`autoir logs tail`, `autoir daemon`, `autoir sweep` with a topic) needs the rows that it uses.",
    "operate": "Whoever looks after a stage.",
}


def _services(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="client"), args=[ast.Constant(value=str(service)), *_]):
                yield service
            case ast.FunctionDef(name="client"):
                return  # where clients are made for others
            case ast.Call(func=ast.Attribute(attr="client"), args=[argument, *_]):
                raise ValueError(f"the service of .client({ast.unparse(argument)}) is not written out")


def _called(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr=name), args=[ast.Constant(value=str(operation)), *_]) if (
                name in _NAMED
            ):
                yield operation
            case ast.Call(func=ast.Attribute(attr=name)):
                yield name


@functools.cache
def _operations(service: str) -> Mapping[str, str]:
    """Name of a client's method, or of its waiter, to the right that it takes."""
    import botocore.session
    from botocore import xform_name
    from botocore.exceptions import UnknownServiceError

    session = botocore.session.Session()
    model = session.get_service_model(service)
    prefix = _PREFIXES.get(model.signing_name, model.signing_name)
    named = {xform_name(operation): operation for operation in model.operation_names}
    if service == "s3":
        named |= _TRANSFERS
    try:
        waiters = session.get_waiter_model(service)
    except (UnknownServiceError, ValueError):
        pass
    else:
        named |= {xform_name(name): waiters.get_waiter(name).operation for name in waiters.waiter_names}
    rights = {method: f"{prefix}:{operation}" for method, operation in named.items()}
    return {method: _ACTIONS.get(right, right) for method, right in rights.items()}
