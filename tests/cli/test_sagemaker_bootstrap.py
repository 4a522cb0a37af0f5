"""From weights to an endpoint by one command: what it leaves at each step, and what it does when called again."""

import io
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autoir.aws import endpoint as aws_endpoint
from autoir.embed.artefact.inference import transform_fn
from autoir.embed.local.engine import LocalEmbedder
from autoir.embed.local.folder import BGE, read_model
from tests.aws import checkout
from tests.aws.answers import Answers, stack
from tests.aws.checkout import ACCOUNT, Checkout
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check
from tests.embed.local.pocket import write_pocket

BOOTSTRAP = ("aws", "sagemaker-bootstrap", "--stage", "prod")


@dataclass
class Account:
    """A bucket, and an endpoint that runs ``model``; ``states`` are what it is when it is looked at."""

    answers: Answers
    model: LocalEmbedder
    states: list[str] = field(default_factory=lambda: ["InService"])
    objects: dict[str, str] = field(default_factory=dict)

    def head(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"Metadata": {"sha256": self.objects.get(asked["Key"], "")}}

    def put(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.objects[asked["Key"]] = asked["Metadata"]["sha256"]
        return {}

    def describe(self, asked: dict[str, Any]) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"EndpointStatus": state, "FailureReason": "no such image" if state == "Failed" else ""}

    def invoke(self, asked: dict[str, Any]) -> dict[str, Any]:
        answer = transform_fn(self.model, asked["Body"], "application/json", "application/json")
        return {"Body": io.BytesIO(answer.encode())}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    found = checkout.make(tmp_path / "app", monkeypatch)
    found.write("")
    return found


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small folder that passes for the published model, on this machine already."""
    return write_pocket(tmp_path / "models" / BGE, BGE)


@pytest.fixture
def account(app: Checkout, model: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    found = read_model(model)
    made = Account(Answers(), LocalEmbedder(found.folder, found.spec))
    made.answers.given |= {
        "sts.GetCallerIdentity": {"Account": ACCOUNT},
        "cloudformation.DescribeStacks": stack(WeightsBucketName="weights"),
        "s3.HeadObject": made.head,
        "s3.PutObject": made.put,
        "sagemaker.DescribeEndpoint": made.describe,
        "sagemaker-runtime.InvokeEndpoint": made.invoke,
    }
    made.answers.install(monkeypatch)
    monkeypatch.setattr(aws_endpoint.EmbeddingEndpoint.__init__, "__defaults__", (lambda s: None, lambda: 0.0))
    return made


def embedding(app: Checkout) -> dict[str, Any]:
    return tomllib.loads((app.folder / "stages/prod.toml").read_text()).get("embedding", {})


def stacks(app: Checkout) -> list[str]:
    return [" ".join(call["arguments"][:3]) for call in app.calls()]


def test_the_archive_is_there_before_the_stack_and_the_functions_come_last(
    call: Call, app: Checkout, account: Account
) -> None:
    account.states = ["Creating", "Creating", "InService"]
    said = document(call(*BOOTSTRAP, "--memory", "3072", "--concurrency", "9", "--endpoint", "Logs-Prod", "--json"))
    check(said, "aws-sagemaker-bootstrap")
    (archive,) = [key for key in account.objects if key.startswith("embed/")]
    assert archive == said["archive"] == f"embed/{account.objects[archive]}/model.tar.gz"
    assert embedding(app) == {
        "archive": archive, "endpoint": "logs-prod", "memory_mb": 3072, "max_concurrency": 9
    }  # fmt: skip
    assert stacks(app) == [f"deploy AutoIR-prod-Foundation AutoIR-prod-{part}" for part in ("Embedding", "App")]
    assert [tomllib.loads(done["file"])["embedding"]["archive"] for done in app.calls()] == [archive, archive]
    names = {asked["EndpointName"] for asked in account.answers.calls("sagemaker-runtime.InvokeEndpoint")}
    assert (said["endpoint"], names) == ("logs-prod", {"logs-prod"})
    assert f'+archive = "{archive}"' in said["difference"]  # type: ignore[operator]


def test_again_it_sends_nothing_and_deploys_what_is_there(call: Call, app: Checkout, account: Account) -> None:
    assert call(*BOOTSTRAP).exit_code == 0
    before = (embedding(app), account.answers.calls("s3.PutObject"))
    again = call(*BOOTSTRAP)
    assert again.exit_code == 0, again.output
    assert "there already" in again.stderr
    assert (embedding(app), account.answers.calls("s3.PutObject")) == before
    assert "autoir-prod-embedding serves, is the model that it should be" in again.stdout


def test_an_endpoint_of_another_model_is_given_to_nobody(
    call: Call, app: Checkout, account: Account, tmp_path: Path
) -> None:
    other = read_model(write_pocket(tmp_path / "other", BGE, seed=6))
    account.model = LocalEmbedder(other.folder, other.spec)
    said = call(*BOOTSTRAP)
    assert said.exit_code == 2
    assert "is not bge-small-en-v1.5/cls/r1 as it is here" in said.stderr
    assert stacks(app) == ["deploy AutoIR-prod-Foundation AutoIR-prod-Embedding"]


@pytest.mark.parametrize(
    ("state", "code", "words"),
    [("Failed", 1, "autoir-prod-embedding is Failed: no such image"), ("OutOfService", 1, "is OutOfService")],
)
def test_an_endpoint_that_never_serves(
    call: Call, app: Checkout, account: Account, state: str, code: int, words: str
) -> None:
    account.states = ["Creating", state]
    said = call(*BOOTSTRAP)
    assert said.exit_code == code
    assert words in said.stderr
    assert "/aws/sagemaker/Endpoints/autoir-prod-embedding" in said.stderr


def test_waiting_has_an_end(call: Call, app: Checkout, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 100_000, 600))
    monkeypatch.setattr(
        aws_endpoint.EmbeddingEndpoint.__init__, "__defaults__", (lambda s: None, lambda: float(next(seconds)))
    )
    account.states = ["Creating"]
    said = call(*BOOTSTRAP)
    assert said.exit_code == 3
    assert "still Creating after 20 minutes" in said.stderr


def test_a_dry_run_shows_the_file_and_does_nothing(call: Call, app: Checkout, account: Account) -> None:
    said = document(call(*BOOTSTRAP, "--memory", "4096", "--dry-run", "--json"))
    check(said, "aws-sagemaker-bootstrap")
    assert {"+memory_mb = 4096", f'+archive = "{said["archive"]}"'} <= set(said["difference"])  # type: ignore[call-overload]
    assert (embedding(app), app.calls(), account.answers.asked) == ({}, [], [])


def test_a_dry_run_without_the_model_says_so(call: Call, app: Checkout, account: Account, model: Path) -> None:
    model.rename(model.with_name("away"))
    said = call(*BOOTSTRAP, "--memory", "4096", "--dry-run")
    assert said.exit_code == 0, said.output
    assert "embedding.archive be set to its archive" in said.stderr
    assert "+memory_mb = 4096" in said.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--memory", "1500"), 2, "embedding.memory_mb = 1500"),
        (("--concurrency", "0"), 2, "embedding.max_concurrency = 0"),
        (("--endpoint", "a_b"), 2, "embedding.endpoint = 'a_b'"),
        (("--sagemaker-region", "us-east-1"), 2, "eu-west-1"),
        (("--stage", "nowhere"), 2, "There is no stage 'nowhere'"),
    ],
)
def test_what_could_not_be_deployed_is_refused_first(
    call: Call, app: Checkout, account: Account, arguments: tuple[str, ...], code: int, words: str
) -> None:
    said = call(*BOOTSTRAP, *arguments)
    assert said.exit_code == code
    assert words in said.stderr
    assert (account.answers.asked, app.calls()) == ([], [])


def test_without_foundation_there_is_a_command_that_makes_it(call: Call, app: Checkout, account: Account) -> None:
    account.answers["cloudformation.DescribeStacks"] = "ValidationError"
    said = call(*BOOTSTRAP)
    assert said.exit_code == 2
    assert "autoir tidb dsn --stage prod" in said.stderr
    assert account.objects == {}


def test_a_watched_group_that_would_fail_the_functions_is_found_first(
    call: Call, app: Checkout, account: Account
) -> None:
    app.write('[ingestion]\nlog_groups = ["/shop/api", "/shop/web"]\n')
    account.answers["logs.DescribeLogGroups"] = {"logGroups": []}
    said = call(*BOOTSTRAP)
    assert said.exit_code == 2
    assert "App would fail.\n        group /shop/api: does not exist" in said.stderr
    assert "group /shop/web: does not exist" in said.stderr
    assert (account.objects, embedding(app), app.calls()) == ({}, {}, [])


def test_an_upload_that_broke_leaves_the_file_as_it_was(call: Call, app: Checkout, account: Account) -> None:
    account.answers["s3.PutObject"] = "AccessDenied"
    said = call(*BOOTSTRAP)
    assert said.exit_code == 2
    assert "s3:PutObject" in said.stderr
    assert (embedding(app), app.calls()) == ({}, [])
