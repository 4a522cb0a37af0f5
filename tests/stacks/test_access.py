"""Who may do what: every right of every role, and every resource that lets others in."""

import re

import pytest

from autoir.cli import aws_calls, iam
from tests.stacks import runs
from tests.stacks.conftest import Stage, listed, shown, statements

NETWORK = {
    "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
}  # fmt: skip
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
PULL = {
    "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetAuthorizationToken",
}  # fmt: skip

# Role (stack and beginning of its id) to what AWS does in its name, with every part on: no code of ours asks for it.
BY_AWS = {
    "Foundation/MigrateSchema": {*NETWORK, *LOG},
    "Foundation/NetworkFlow": {*LOG, "logs:DescribeLogStreams"},
    "App/EmbedLogs": {*NETWORK, *LOG, "s3:PutObject", "s3:ListBucket"},  # Lambda keeps what could not be stored
    "App/SweepIncidents": {*NETWORK, *LOG},
    "App/Schedules": {"lambda:InvokeFunction"},
    "Embedding/Role": {*LOG, *PULL, "logs:DescribeLogStreams", "s3:GetObject", "cloudwatch:PutMetricData"},
    "Tailer/TaskRole": set(),
    "Tailer/ExecutionRole": {*LOG, *PULL},
    "Llm-k2/Role": {"s3:ListBucket"},  # without it S3 says of a file that is not there that it may not be read
    "Llm-k2-quality/Role": {"s3:ListBucket"},
}  # fmt: skip

# Role to the part whose code it is for; a host of the model runs scripts instead.
CODE = {
    "Foundation/MigrateSchema": "migrate_schema",
    "App/EmbedLogs": "embed_logs",
    "App/SweepIncidents": "sweep_incidents",
    "Tailer/TaskRole": "tail",
}

# Role to the calls in its modules that nothing there comes to.
NEVER = {
    "Foundation/MigrateSchema": {"sagemaker:InvokeEndpoint"},  # the store's own search embeds a question
    "App/SweepIncidents": {"s3:GetObject", "s3:DeleteObject"},  # it counts failures; who replays them reads them
    "Tailer/TaskRole": {"sns:Publish"},  # the daemon's alerts, which the task leaves to the sweep
}

# Every action that is allowed on all resources: none of them knows a narrower one.
ON_EVERYTHING = {*NETWORK, "ecr:GetAuthorizationToken", "cloudwatch:PutMetricData", "logs:DescribeLogGroups"}

SECRETS = {
    "Foundation/MigrateSchema": ["StoreOwner"],
    "App/EmbedLogs": ["StoreWriter"],
    "App/SweepIncidents": ["StoreWriter"],
    "Tailer/TaskRole": ["StoreWriter"],
    "Llm-k2/Role": ["LlmKey"],
    "Llm-k2-quality/Role": ["LlmKey"],
}


def rights(stage: Stage) -> dict[str, list[tuple[str, str, dict[str, object]]]]:
    """Role to (action, resource, condition) of each right."""
    found = {}
    for role in stage.all("AWS::IAM::Role"):
        name = re.sub(r"(?<!Task)(?<!Execution)Role[0-9A-F]{8}$", "", role.id) or "Role"
        name = re.sub(r"[0-9A-F]{8}$", "", name)
        found[f"{role.stack}/{name}"] = [
            (action, shown(resource), statement.get("Condition", {}))
            for statement in statements(role)
            for action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        ]
    return found


def asked_for(role: str) -> set[str]:
    """What the code that runs as ``role`` asks of AWS."""
    if role.startswith("Llm-"):
        return set(aws_calls.of_hosts())
    return runs.calls(CODE[role]) - NEVER.get(role, set()) if role in CODE else set()


@pytest.mark.parametrize("role", BY_AWS)
def test_a_role_may_do_what_its_own_code_calls_and_nothing_else(full: Stage, role: str) -> None:
    assert {action for action, _, _ in rights(full)[role]} == BY_AWS[role] | asked_for(role)


def test_every_role_and_every_program_is_looked_at(full: Stage) -> None:
    assert rights(full).keys() == BY_AWS.keys()
    assert set(CODE.values()) == runs.ENTRIES.keys()
    assert all(calls <= runs.calls(CODE[role]) for role, calls in NEVER.items())


@pytest.mark.parametrize("stage", ["dev", "prod", "borrowed"])
def test_a_stage_with_parts_off_has_fewer_rights(stage: str, request: pytest.FixtureRequest) -> None:
    found: Stage = request.getfixturevalue(stage)
    for role, may in rights(found).items():
        known = role.replace("Llm-far", "Llm-k2")
        assert {action for action, _, _ in may} <= BY_AWS[known] | asked_for(known), role
    if stage == "dev":
        assert "sagemaker:InvokeEndpoint" not in str(rights(found))


def test_no_action_and_no_principal_is_a_star(full: Stage, borrowed: Stage) -> None:
    for role in [*full.all("AWS::IAM::Role"), *borrowed.all("AWS::IAM::Role")]:
        assert all("*" not in action for statement in statements(role) for action in listed(statement["Action"]))
        (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert set(trusted["Principal"]) == {"Service"}


def test_everything_is_a_resource_only_where_nothing_narrower_is(full: Stage) -> None:
    everywhere = {action for may in rights(full).values() for action, resource, _ in may if resource == "*"}
    assert everywhere == ON_EVERYTHING
    metrics = [
        condition for may in rights(full).values() for action, _, condition in may if action.endswith("MetricData")
    ]
    assert metrics == [{"StringEquals": {"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]}}]


def test_a_secret_is_read_by_those_who_need_it(full: Stage) -> None:
    readers = {
        role: sorted(re.search(r"[A-Z]\w+?(?=[0-9A-F]{8}$|$)", where.rpartition(".")[2])[0] for where in where_of)  # type: ignore[index]
        for role, may in rights(full).items()
        if (where_of := [where for action, where, _ in may if action == "secretsmanager:GetSecretValue"])
    }
    assert readers == SECRETS


def test_only_the_clock_and_cloudwatch_invoke(full: Stage) -> None:
    assert full.all("AWS::Lambda::Url") == []
    permission = full.one("AWS::Lambda::Permission")
    assert (permission["Principal"], permission["Action"]) == ("logs.amazonaws.com", "lambda:InvokeFunction")
    assert permission["SourceAccount"] == full.config.account
    assert permission["SourceArn"] == f"arn:aws:logs:us-east-1:{full.config.account}:log-group:*"
    assert "EmbedLogsFunction" in shown(permission["FunctionName"])
    invoked = [(role, where) for role, may in rights(full).items() for action, where, _ in may if "Invoke" in action]
    functions = [(role, where) for role, where in invoked if "endpoint/" not in where]
    assert {role for role, _ in functions} == {"App/Schedules"}
    assert ["Sweep" in where or "Migrate" in where for _, where in functions] == [True, True]
    assert {where for _, where in invoked if "endpoint/" in where} == {
        f"arn:aws:sagemaker:us-east-1:{full.config.account}:endpoint/autoir-full-embedding"
    }


def test_services_that_tell_their_account_take_roles_for_this_one_alone(full: Stage) -> None:
    trusted = {
        (statement["Principal"]["Service"], "TaskRole" in role.id): statement.get("Condition")
        for role in full.all("AWS::IAM::Role")
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
    }
    own = {"StringEquals": {"aws:SourceAccount": full.config.account}}
    assert {who for who, condition in trusted.items() if condition == own} == {
        ("scheduler.amazonaws.com", False),
        ("ecs-tasks.amazonaws.com", True),
        ("vpc-flow-logs.amazonaws.com", False),
    }


def test_only_the_sweep_publishes_incidents_and_cloudwatch_alarms(full: Stage) -> None:
    publishers = {
        (role, re.sub(r"[0-9A-F]{8,}.*", "", where))
        for role, may in rights(full).items()
        for action, where, _ in may
        if action == "sns:Publish"
    }
    assert publishers == {
        ("App/SweepIncidents", "Foundation.TopicsPages"),
        ("App/SweepIncidents", "Foundation.TopicsEvents"),
    }
    allowed = [
        (policy.id, statement)
        for policy in full.all("AWS::SNS::TopicPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    ((policy, statement),) = allowed
    assert policy.startswith("TopicsAlarms")
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": full.config.account}}


def test_a_host_reaches_its_own_things_alone(full: Stage) -> None:
    account = full.config.account
    mine = {action: (where, condition) for action, where, condition in rights(full)["Llm-k2/Role"]}
    assert mine["ssm:PutParameter"][0] == f"arn:aws:ssm:us-east-1:{account}:parameter/autoir/full/llm/k2/*"
    assert mine["autoscaling:SetDesiredCapacity"][0].endswith(":autoScalingGroupName/autoir-full-llm-k2")
    assert mine["s3:GetObject"][0].endswith("/weights/Kimi-K2-Instruct-0905-GGUF/UD-TQ1_0/*")


def test_the_one_managed_policy_is_session_managers(full: Stage) -> None:
    managed = {
        role.stack: role["ManagedPolicyArns"] for role in full.all("AWS::IAM::Role") if role["ManagedPolicyArns"]
    }
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    found = {stack: [shown(arn).replace("AWS::Partition", "aws") for arn in arns] for stack, arns in managed.items()}
    assert found == {"Llm-k2": [core], "Llm-k2-quality": [core]}


def test_the_list_of_what_runs_is_that_of_the_roles() -> None:
    assert set(iam.RUN) <= set().union(*map(asked_for, BY_AWS))
