"""A stage and an account as tables: what is found, what it means, and that no check hides another."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autoir.aws.health.checks import OFFLINE, ONLINE
from autoir.clock import system_clock
from autoir.stage.config import EXAMPLE_ACCOUNT
from autoir.store.database import NEWEST_SCHEMA
from tests.aws import checkout
from tests.aws.answers import Answers, a_task_that_keeps_up
from tests.aws.checkout import ACCOUNT, Checkout
from tests.aws.test_topic import subscribed
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check

CHECK = ("aws", "check", "--stage", "prod", "--json")
ARCHIVE = f"embed/{'a' * 64}/model.tar.gz"
FILE = f"""\
pages = ["oncall@example.com"]
[store]
ready = true
[ingestion]
log_groups = ["/shop/api"]
[embedding]
archive = "{ARCHIVE}"
[tailer]
enabled = true
groups = ["/a"]
"""
HOST = """\
[llm.k2]
ami = "ami-0123456789abcdef0"
image = "ghcr.io/ggml-org/llama.cpp@sha256:{digest}"
""".format(digest="1" * 64)
OUTPUTS = {
    "Foundation": {
        "StoreOwnerSecretArn": "o", "StoreWriterSecretArn": "w", "StoreReaderSecretArn": "r", "PagesTopicArn": "p",
        "EventsTopicArn": "e", "AlarmsTopicArn": "a", "FailureBucketName": "failures", "MigrateFunctionName": "migrate",
    },
    "App": {"EmbedFunctionName": "AutoIR-prod-App-Embed1", "FailurePrefix": "aws/lambda/async/x/"},
    "Tailer": {"ClusterName": "AutoIR-prod", "ServiceName": "tail"},
}  # fmt: skip


def stack_of(asked: dict[str, Any]) -> dict[str, Any]:
    part = asked["StackName"].removeprefix("AutoIR-prod-")
    listed = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.get(part, {}).items()]
    return {"Stacks": [{"StackName": "x", "StackStatus": "UPDATE_COMPLETE", "Outputs": listed}]}


def invoked(version: int) -> Any:
    return lambda asked: {"Payload": io.BytesIO(json.dumps({"schema": version}).encode())}


def failed(asked: dict[str, Any]) -> dict[str, Any]:
    said = {"errorType": "UnreachableError", "errorMessage": "db:4000 does not answer."}
    return {"Payload": io.BytesIO(json.dumps(said).encode()), "FunctionError": "Unhandled"}


def group(name: str = "/shop/api", kind: str = "STANDARD") -> dict[str, Any]:
    return {"logGroups": [{"logGroupName": name, "logGroupClass": kind}]}


def filters(*functions: str) -> dict[str, Any]:
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:"
    return {"subscriptionFilters": [{"destinationArn": arn + function} for function in functions]}


def quota(value: float) -> dict[str, Any]:
    return {"Quota": {"Value": value}}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    found = checkout.make(tmp_path / "app", monkeypatch)
    found.write(FILE)
    return found


@pytest.fixture
def aws(app: Checkout, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """An account in which everything is well."""
    answers = Answers(
        a_task_that_keeps_up(system_clock())
        | {
            "sts.GetCallerIdentity": {"Account": ACCOUNT},
            "ssm.GetParameter": {"Parameter": {"Value": "28"}},
            "lambda.GetAccountSettings": {
                "AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 900}
            },
            "cloudformation.DescribeStacks": stack_of,
            "secretsmanager.DescribeSecret": {"VersionIdsToStages": {"1": ["AWSCURRENT"]}},
            "lambda.Invoke": invoked(NEWEST_SCHEMA),
            "sagemaker.DescribeEndpoint": {"EndpointStatus": "InService"},
            "s3.ListObjectsV2": {"Contents": []},
            "logs.DescribeLogGroups": group(),
            "logs.DescribeSubscriptionFilters": filters("AutoIR-prod-App-Embed1"),
            "sns.ListSubscriptionsByTopic": subscribed(("email", "x@y.z", "arn:s")),
            "cloudwatch.DescribeAlarms": {"MetricAlarms": []},
        }
    )
    answers.install(monkeypatch)
    return answers


def rows(call: Call) -> dict[str, dict[str, str]]:
    """The rows by their names, out of a document of the schema."""
    result = call(*CHECK)
    found = document(result)
    check(found, "aws-check")
    listed: list[dict[str, str]] = found["checks"]  # type: ignore[assignment]
    assert found["sound"] is not any(row["state"] in ("broken", "unknown") for row in listed)
    assert result.exit_code == (0 if found["sound"] else 1)
    return {row["name"]: row for row in listed}


def test_a_sound_stage(call: Call, aws: Answers) -> None:
    found = rows(call)
    assert {row["state"] for row in found.values()} == {"ok", "note"}
    assert [name for name, row in found.items() if row["state"] == "note"] == ["llm"]
    assert len(found) >= 17
    said = call(*CHECK[:-1])
    assert said.exit_code == 0
    assert said.stdout.splitlines()[-1] == "stage prod is sound."


@pytest.mark.parametrize(
    ("operation", "answer", "row", "words", "mend"),
    [
        ("sts.GetCallerIdentity", {"Account": "333333333333"}, "login", "account 333333333333", "--profile"),
        ("ssm.GetParameter", "ParameterNotFound", "bootstrap", "none", f"cdk bootstrap aws://{ACCOUNT}/eu-west-1"),
        ("ssm.GetParameter", {"Parameter": {"Value": "5"}}, "bootstrap", "version 5", "cdk bootstrap"),
        ("lambda.GetAccountSettings",
         {"AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 5}},
         "lambda concurrency", "5 free of 10", "--quota-code L-B99A9384 --desired-value 15"),
        ("secretsmanager.DescribeSecret", {}, "secret of the owner", "no value", "autoir tidb dsn --stage prod"),
        ("lambda.Invoke", invoked(NEWEST_SCHEMA - 1), "schema", f"version {NEWEST_SCHEMA - 1}", "autoir tidb dsn"),
        ("sagemaker.DescribeEndpoint", {"EndpointStatus": "Failed", "FailureReason": "no image"}, "endpoint",
         "is Failed: no image", "autoir aws sagemaker-bootstrap --stage prod"),
        ("sagemaker.DescribeEndpoint", "ValidationException", "endpoint", "is none", "sagemaker-bootstrap"),
        ("s3.ListObjectsV2",
         {"Contents": [{"Key": "k", "Size": 1, "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}]},
         "failed deliveries", "1", "autoir aws replay-failed --stage prod --store NAME"),
        ("cloudwatch.GetMetricStatistics", {"Datapoints": []}, "tailing task", "no heartbeat in the last hour",
         "autoir aws autoir-fargate status --stage prod"),
        ("logs.DescribeLogGroups", {"logGroups": []}, "group /shop/api", "does not exist", "ingestion.log_groups"),
        ("logs.DescribeLogGroups", group("/shop/api-2"), "group /shop/api", "does not exist", "ingestion.log_groups"),
        ("logs.DescribeLogGroups", group(kind="INFREQUENT_ACCESS"), "group /shop/api", "INFREQUENT_ACCESS",
         "autoir-fargate deploy --stage prod --groups '/shop/api'"),
        ("logs.DescribeSubscriptionFilters", filters("theirs", "others"), "group /shop/api", "2 of 2 filters",
         "autoir-fargate deploy"),
        ("sns.ListSubscriptionsByTopic", subscribed(("email", "oncall@example.com", "PendingConfirmation")),
         "pages to oncall@example.com", "not confirmed", "mail"),
        ("sns.ListSubscriptionsByTopic", subscribed(("https", "https://pager.example/s3cr3t", "PendingConfirmation")),
         "pages to https://pager.example/…", "not confirmed", "SubscribeURL"),
        ("sns.ListSubscriptionsByTopic", subscribed(), "topic of pages", "nobody listens",
         "autoir aws test-page --stage prod"),
        ("cloudwatch.DescribeAlarms",
         {"MetricAlarms": [{"AlarmName": "AutoIR-prod-App-X", "AlarmDescription": "AutoIR prod: events lost",
                            "StateUpdatedTimestamp": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}]},
         "alarm", "events lost since 2026-01-02 03:04Z", "AutoIR-prod-App-X"),
    ],
)  # fmt: skip
def test_what_is_broken_names_what_mends_it(
    call: Call, aws: Answers, operation: str, answer: Any, row: str, words: str, mend: str
) -> None:
    aws[operation] = answer
    found = rows(call)[row]
    assert (found["state"], words in found["found"], mend in found["mend"]) == ("broken", True, True), found


@pytest.mark.parametrize(
    ("operation", "answer", "row", "found"),
    [
        ("logs.DescribeSubscriptionFilters", filters("theirs"), "group /shop/api", "1 of 2 filters"),
        # a stage whose name begins with this one's rings for itself
        (
            "cloudwatch.DescribeAlarms",
            {"MetricAlarms": [{"AlarmName": "AutoIR-prod-eu-App-X"}]},
            "alarms",
            "none rings",
        ),
    ],
)
def test_what_is_not_broken(call: Call, aws: Answers, operation: str, answer: Any, row: str, found: str) -> None:
    aws[operation] = answer
    assert rows(call)[row]["state"] == "ok"
    assert rows(call)[row]["found"] == found


@pytest.mark.parametrize(
    ("operation", "answer", "row", "needed"),
    [
        ("ssm.GetParameter", "AccessDeniedException", "bootstrap", "the right ssm:GetParameter"),
        ("cloudwatch.DescribeAlarms", "AccessDenied", "alarms", "the right cloudwatch:DescribeAlarms"),
        ("sns.ListSubscriptionsByTopic", "AuthorizationError", "subscribers", "the right sns:ListSubscriptionsByTopic"),
        ("lambda.GetAccountSettings", "InternalFailure", "lambda concurrency", ""),
        ("lambda.Invoke", failed, "schema", ""),
        ("logs.DescribeSubscriptionFilters", "LimitExceededException", "group /shop/api", ""),
    ],
)
def test_one_that_is_not_answered_hides_no_other(
    call: Call, aws: Answers, operation: str, answer: Any, row: str, needed: str
) -> None:
    before = set(rows(call))
    aws[operation] = answer
    after = rows(call)
    assert (after[row]["state"], after[row]["needed"]) == ("unknown", needed)
    assert len(before - set(after)) <= 3
    assert [name for name, found in after.items() if found["state"] == "unknown"] == [row]


def test_without_a_login_only_that_is_said(call: Call, aws: Answers) -> None:
    aws["sts.GetCallerIdentity"] = "ExpiredToken"
    found = rows(call)
    assert list(found) == ["login", "llm"]
    assert (found["login"]["state"], found["login"]["found"]) == ("broken", "the AWS login has expired")
    assert found["login"]["mend"]


@pytest.mark.parametrize(
    ("account", "mend"),
    [("", "--profile NAME of that account"), (EXAMPLE_ACCOUNT, f'write account = "{"3" * 12}" into stages/prod.toml')],
)
def test_of_another_account_nothing_is_said(call: Call, app: Checkout, aws: Answers, account: str, mend: str) -> None:
    path = app.write(FILE)
    path.write_text(path.read_text().replace(ACCOUNT, account or ACCOUNT))
    aws["sts.GetCallerIdentity"] = {"Account": "3" * 12}
    found = rows(call)
    assert [name for name, row in found.items() if row["state"] != "note"] == ["login"]
    assert (found["login"]["state"], found["login"]["mend"]) == ("broken", mend)
    assert [name for name, _ in aws.asked] == ["sts.GetCallerIdentity"]


def test_a_fresh_account_is_asked_for_room(call: Call, app: Checkout, aws: Answers) -> None:
    app.write(HOST)
    aws.given |= {
        "cloudformation.DescribeStacks": "ValidationError",
        "ec2.DescribeAddresses": {"Addresses": [{}] * 5},
        "ec2.DescribeVpcs": {"Vpcs": [{}]},
        "service-quotas.GetServiceQuota": lambda asked: (
            quota(0) if asked["QuotaCode"] == "L-DB2E81BA" else "NoSuchResourceException"
        ),
        "service-quotas.GetAWSDefaultServiceQuota": quota(5),
    }
    found = rows(call)
    assert (found["elastic addresses"]["state"], found["elastic addresses"]["found"]) == ("broken", "5 of 5 in use")
    assert (found["networks"]["state"], found["networks"]["found"]) == ("ok", "1 of 5 in use")
    assert (found["GPUs of k2"]["found"], found["GPUs of k2"]["needed"]) == ("0 vCPUs", "64 for g6.16xlarge")
    assert found["GPUs of k2"]["mend"].endswith("--service-code ec2 --quota-code L-DB2E81BA --desired-value 64")
    assert found["stack Foundation"]["mend"] == "autoir tidb dsn --stage prod"
    assert found["subscriptions"]["mend"] == "set ingestion.log_groups in stages/prod.toml"
    assert {found[part]["state"] for part in ("store", "embedding", "tailer", "subscriptions")} == {"note"}


@pytest.mark.parametrize(
    ("status", "verb"),
    [
        ("ROLLBACK_COMPLETE", "deploy"),
        ("CREATE_FAILED", "deploy"),
        ("UPDATE_ROLLBACK_FAILED", "rollback"),
        ("DELETE_FAILED", "destroy"),
    ],
)
def test_a_stack_that_failed_is_mended_by_what_its_state_takes(
    call: Call, aws: Answers, status: str, verb: str
) -> None:
    aws["cloudformation.DescribeStacks"] = {"Stacks": [{"StackName": "x", "StackStatus": status}]}
    found = rows(call)["stack App"]
    assert (found["state"], found["mend"]) == ("broken", f"cdk {verb} AutoIR-prod-App -c stage=prod")


def test_nothing_is_changed(call: Call, app: Checkout, aws: Answers) -> None:
    before = (app.folder / "stages/prod.toml").read_text()
    rows(call)
    assert (app.folder / "stages/prod.toml").read_text() == before
    assert app.calls() == []
    verbs = {name.split(".")[1] for name, _ in aws.asked}
    assert {verb for verb in verbs if not verb.startswith(("Describe", "Get", "List"))} == {"Invoke"}
    assert {json.loads(asked["Payload"])["action"] for asked in aws.calls("lambda.Invoke")} == {"status"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--stage", "nowhere"), "There is no stage 'nowhere'"),
        (("--region", "us-east-1"), "eu-west-1"),
        (("--profile", "nobody"), "there is no AWS profile 'nobody'"),
    ],
)
def test_a_stage_that_is_none(call: Call, aws: Answers, arguments: tuple[str, ...], words: str) -> None:
    said = call(*CHECK, *arguments)
    assert said.exit_code == 2
    assert words in said.stderr


def test_each_check_says_what_it_is() -> None:
    names = [made.__name__ for made in (*OFFLINE, *ONLINE)]
    assert len(names) == len(set(names)) == 15
    assert all(made.__doc__ for made in (*OFFLINE, *ONLINE))
