"""A stage gets its store by one command: what comes in which order, what is said, and what is never said."""

import io
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from autoir.aws.cdk import Stage
from autoir.cli import tidb_stage
from tests.aws import checkout
from tests.aws.answers import Answers, stack
from tests.aws.checkout import ACCOUNT, Checkout
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check

DSN = ("tidb", "dsn", "--stage", "prod")
LOGINS = {"owner": "owner:s3cret-o", "writer": "ingest:s3cret-w", "reader": "agent:s3cret-r"}
URLS = {role: f"mysql://{login}@db.example.com:4000/autoir" for role, login in LOGINS.items()}
PIPED = "\n".join(URLS.values()) + "\n"
FOUNDATION = stack(
    StoreOwnerSecretArn="arn:owner", StoreWriterSecretArn="arn:writer", StoreReaderSecretArn="arn:reader",
    MigrateFunctionName="migrate", EgressIps="192.0.2.7,192.0.2.8",
)  # fmt: skip


@dataclass
class Account:
    """Secrets, and a function that answers what it is told to, the last answer for ever."""

    app: Checkout
    answers: Answers = field(default_factory=Answers)
    secrets: dict[str, str] = field(default_factory=dict)
    replies: list[dict[str, Any]] = field(default_factory=lambda: [{"schema": 7, "statements": ["a", "b"]}])
    deployed: bool = True

    def describe(self, asked: dict[str, Any]) -> dict[str, Any] | str:
        return FOUNDATION if self.deployed or self.app.calls() else "ValidationError"

    def put(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.secrets[asked["SecretId"]] = asked["SecretString"]
        return {}

    def get(self, asked: dict[str, Any]) -> dict[str, Any] | str:
        text = self.secrets.get(asked["SecretId"])
        return {"SecretString": text} if text else "ResourceNotFoundException"

    def invoke(self, asked: dict[str, Any]) -> dict[str, Any]:
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        failed = {"FunctionError": "Unhandled"} if "errorType" in reply else {}
        return {"Payload": io.BytesIO(json.dumps(reply).encode()), **failed}

    def events(self) -> list[dict[str, str]]:
        return [json.loads(call["Payload"]) for call in self.answers.calls("lambda.Invoke")]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    found = checkout.make(tmp_path / "app", monkeypatch)
    found.write("")
    return found


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waited: list[float] = []
    monkeypatch.setattr(tidb_stage.prepare, "__kwdefaults__", {"pause": waited.append, "clock": lambda: sum(waited)})
    return waited


@pytest.fixture
def account(app: Checkout, pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account(app)
    made.answers.given |= {
        "sts.GetCallerIdentity": {"Account": ACCOUNT},
        "cloudformation.DescribeStacks": made.describe,
        "secretsmanager.PutSecretValue": made.put,
        "secretsmanager.GetSecretValue": made.get,
        "lambda.Invoke": made.invoke,
    }
    made.answers.install(monkeypatch)
    return made


def failed(kind: str, said: str) -> dict[str, Any]:
    return {"errorType": kind, "errorMessage": said}


def ready(app: Checkout) -> bool:
    return bool(tomllib.loads((app.folder / "stages/prod.toml").read_text()).get("store", {}).get("ready"))


def silent(said: Result) -> bool:
    return not any(login.split(":")[1] in said.output for login in LOGINS.values())


def test_on_a_fresh_account_it_does_everything_in_order(call: Call, app: Checkout, account: Account) -> None:
    account.deployed = False
    said = call(*DSN, "--dsn", "-", "--json", input=PIPED)
    found = document(said)
    check(found, "tidb-dsn-stage")
    assert (found["addresses"], found["schema"], found["statements"]) == (["192.0.2.7", "192.0.2.8"], 7, 4)
    assert [call["arguments"][:2] for call in app.calls()] == [["deploy", "AutoIR-prod-Foundation"]]
    assert "ready" not in app.calls()[0]["file"]
    assert account.secrets == {f"arn:{role}": url for role, url in URLS.items()}
    assert account.events() == [
        {"action": "status"}, {"action": "migrate"}, {"action": "grants", "writer": "ingest", "reader": "agent"}
    ]  # fmt: skip
    assert ready(app)
    assert silent(said)


def test_people_hear_what_to_let_in_what_changed_and_what_comes_next(
    call: Call, app: Checkout, account: Account
) -> None:
    said = call(*DSN, "--dsn", "-", input=PIPED)
    assert said.exit_code == 0, said.output
    assert "192.0.2.7, 192.0.2.8" in said.stderr
    assert "+ready = true" in said.stderr.splitlines()
    assert said.stdout.splitlines()[-1] == "Next: cdk deploy --all --require-approval never -c stage=prod"
    assert app.calls() == []  # Foundation is there


def test_a_log_group_that_cannot_be_subscribed_to_is_refused_before_anything_is_done(
    call: Call, app: Checkout, account: Account
) -> None:
    app.write('[ingestion]\nlog_groups = ["/shop/api", "/shop/web"]\n')
    account.answers["logs.DescribeLogGroups"] = {"logGroups": []}
    said = call(*DSN, "--dsn", "-", input=PIPED)
    assert said.exit_code == 2
    assert "group /shop/api: does not exist" in said.stderr
    assert "group /shop/web: does not exist" in said.stderr
    assert (account.secrets, account.events(), app.calls(), ready(app)) == ({}, [], [], False)


def test_a_stage_that_has_its_store_is_upgraded_whatever_became_of_a_log_group(
    call: Call, app: Checkout, account: Account
) -> None:
    app.write('[ingestion]\nlog_groups = ["/shop/api"]\n[store]\nready = true\n')
    assert call(*DSN, "--dsn", "-", input=PIPED).exit_code == 0
    assert account.answers.calls("logs.DescribeLogGroups") == []


def test_it_waits_until_the_database_lets_it_in(
    call: Call, app: Checkout, account: Account, pauses: list[float]
) -> None:
    away = failed("UnreachableError", "db.example.com:4000 does not answer.")
    account.replies = [away, away, {"schema": 7, "statements": []}]
    said = call(*DSN, "--dsn", "-", input=PIPED)
    assert said.exit_code == 0, said.output
    assert pauses == [10.0, 10.0]
    assert said.stderr.count("allow-list") == 1
    assert [event["action"] for event in account.events()] == ["status", "status", "status", "migrate", "grants"]


@pytest.mark.parametrize(
    ("reply", "code", "words"),
    [
        (failed("UnreachableError", "db.example.com:4000 does not answer."), 3, "allow-list, then go on"),
        # what the store raises where nothing listens
        (failed("TransientError", "nothing listens at db.example.com:4000."), 3, "allow-list, then go on"),
        (failed("Sandbox.Timedout", "Task timed out after 900.00 seconds"), 3, "did not end in time"),
        (failed("PasswordRefusedError", "owner is refused with this password."), 2, "refused with this password"),
        (failed("UsageError", "the user 'agent' does not exist."), 2, "does not exist"),
        (failed("KeyError", "x"), 1, "x"),
    ],
)
def test_a_schema_that_was_not_made_leaves_the_store_off(
    call: Call, app: Checkout, account: Account, reply: dict[str, Any], code: int, words: str
) -> None:
    account.replies = [reply]
    said = call(*DSN, "--dsn", "-", input=PIPED)
    assert said.exit_code == code, said.output
    assert words in said.stderr
    assert ("autoir tidb dsn --stage STAGE --dsn -" in said.stderr) is (code == 2)
    assert not ready(app)
    assert silent(said)
    assert len(account.secrets) == 3  # kept: the next call goes on
    account.replies = [{"schema": 7, "statements": []}]
    assert call(*DSN).exit_code == 0
    assert account.events()[-1] == {"action": "grants", "writer": "ingest", "reader": "agent"}
    assert ready(app)


@pytest.mark.parametrize("where", ["cdk", "database"])
def test_who_stops_it_knows_what_is_kept(
    call: Call, app: Checkout, account: Account, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def interrupted(*_: object) -> Any:
        raise KeyboardInterrupt

    if where == "cdk":
        account.deployed = False
        monkeypatch.setattr(Stage, "deploy", interrupted)
    else:
        account.answers["lambda.Invoke"] = interrupted
    said = call(*DSN, "--dsn", "-", input=PIPED)
    assert (said.exit_code, "the same command goes on" in said.stderr) == (130, True), said.output
    assert (ready(app), silent(said)) == (False, True)


def test_a_dry_run_asks_nobody(call: Call, app: Checkout, account: Account) -> None:
    said = document(call(*DSN, "--dry-run", "--json"))
    check(said, "tidb-dsn-stage")
    assert "+ready = true" in said["difference"]  # type: ignore[operator]
    assert (ready(app), account.answers.asked, app.calls()) == (False, [], [])


@pytest.mark.parametrize(
    ("arguments", "piped", "words"),
    [
        (("--dsn", URLS["owner"]), "", "every program here could read it"),
        ((), "", "there is nobody to ask"),
        (("--dsn", "-"), PIPED.splitlines()[0], "standard input has 1 line, not three"),
        (("--dsn", "-"), PIPED.replace("db.example.com:4000/autoir\nmysql://agent", "other:4000/x\nmysql://agent"),
         "not to one database"),
        (("--dsn", "-"), PIPED.replace("autoir\n", "autoir?ca=/x.pem\n", 1), "a file of certificates of this machine"),
        (("--dsn", "-"), "no\nsuch\nthing\n", "mysql://"),
        (("--name", "x"), "", "--name does not go with --stage"),
        (("--show",), "", "--show does not go with --stage"),
        (("--region", "us-east-1", "--dsn", "-"), PIPED, "eu-west-1"),
        (("--stage", "nowhere", "--dsn", "-"), PIPED, "There is no stage 'nowhere'"),
    ],
)  # fmt: skip
def test_wrong_input_is_refused_before_anything_is_changed(
    call: Call, app: Checkout, account: Account, arguments: tuple[str, ...], piped: str, words: str
) -> None:
    said = call(*DSN, *arguments, input=piped)
    assert said.exit_code == 2, said.output
    assert words in said.stderr
    assert silent(said)
    assert (account.secrets, app.calls(), ready(app)) == ({}, [], False)


@pytest.mark.parametrize("arguments", [("--profile", "x"), ("--region", "eu-west-1"), ("--dry-run",)])
def test_what_is_for_a_stage_needs_one(call: Call, arguments: tuple[str, ...]) -> None:
    said = call("tidb", "dsn", "--show", *arguments)
    assert said.exit_code == 2
    assert "--stage" in said.stderr


def test_a_secret_that_may_not_be_written_names_the_right(call: Call, app: Checkout, account: Account) -> None:
    account.answers["secretsmanager.PutSecretValue"] = "AccessDeniedException"
    said = call(*DSN, "--dsn", "-", input=PIPED)
    assert said.exit_code == 2
    assert "secretsmanager:PutSecretValue" in said.stderr
    assert silent(said)
