"""How a command changes a stage: its file, its difference, whose login, and ``cdk`` on its stacks alone."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoir.aws.cdk import Ended, Stage, access_to, app_folder
from autoir.aws.session import Access, LoginError
from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.stage import StageConfig
from autoir.stage.config import EXAMPLE_ACCOUNT, Tailer
from tests.aws import checkout
from tests.aws.answers import Answers, stack
from tests.aws.checkout import ACCOUNT, Checkout


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    found = checkout.make(tmp_path / "app", monkeypatch)
    found.write("[store]\nready = true\n")
    return found


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Answers:
    answers = Answers({"sts.GetCallerIdentity": {"Account": ACCOUNT}})
    answers.install(monkeypatch)
    return answers


def with_task(config: StageConfig, **settings: Any) -> StageConfig:
    return replace(config, tailer=Tailer(enabled=True, groups=("/a",), **settings))


def test_the_difference_is_that_of_the_file(app: Checkout) -> None:
    opened = Stage.opened("prod")
    assert opened.difference(opened.config) == []
    assert opened.difference(with_task(opened.config)) == [
        "--- stages/prod.toml", "+++ stages/prod.toml", "@@ -6 +6,5 @@", " ready = true", "+", "+[tailer]",
        "+enabled = true", '+groups = ["/a"]',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"cpu": 300}, r"tailer\.cpu = 300 is not allowed"), ({"memory_mb": 16384}, "does not go with")],
)
def test_what_could_not_be_read_again_is_neither_shown_nor_written(
    app: Checkout, settings: dict[str, int], words: str
) -> None:
    opened = Stage.opened("prod")
    with pytest.raises(UsageError, match=words):
        opened.difference(with_task(opened.config, **settings))


def test_the_file_is_written_before_it_is_deployed(app: Checkout) -> None:
    opened = Stage.opened("prod", "ops")
    opened.saved(with_task(opened.config)).deploy("Tailer", "App")
    (call,) = app.calls()
    assert "[tailer]" in call["file"]
    assert call["cwd"] == str(app.folder)
    assert call["environment"] == {"AWS_REGION": "eu-west-1", "AWS_PROFILE": ""}
    assert call["arguments"] == [
        "deploy", "AutoIR-prod-Foundation", "AutoIR-prod-Tailer", "AutoIR-prod-App", "--exclusively",
        "--require-approval", "never", "--progress", "events", "--app", f"{sys.executable} app.py",
        "--context", "stage=prod", "--no-notices", "--profile", "ops",
    ]  # fmt: skip


def test_what_somebody_else_wrote_meanwhile_is_kept(app: Checkout) -> None:
    opened = Stage.opened("prod")
    path = app.write('pages = ["oncall@example.com"]\n')
    with pytest.raises(UsageError, match=r"stages/prod\.toml was changed while this ran") as caught:
        opened.saved(with_task(opened.config))
    assert "the same command" in caught.value.hint
    assert "oncall" in path.read_text()
    again = Stage.opened("prod")
    saved = again.saved(with_task(again.config))
    assert saved.saved(again.config).config == again.config


def test_a_stack_is_removed_alone_and_without_a_question(app: Checkout) -> None:
    Stage.opened("prod").destroy("Tailer")
    assert app.calls()[0]["arguments"][:4] == ["destroy", "AutoIR-prod-Tailer", "--exclusively", "--force"]


def test_nothing_is_written_where_nothing_changed(app: Checkout) -> None:
    path = app.write("# a comment that writing would lose\n")
    opened = Stage.opened("prod")
    opened.saved(opened.config)
    assert "a comment" in path.read_text()


def test_what_cdk_says_is_no_answer(app: Checkout, capfd: pytest.CaptureFixture[str]) -> None:
    Stage.opened("prod").deploy("App")
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "what cdk says\n")


@pytest.mark.parametrize(("verb", "hint"), [("deploy", "the same command tries again"), ("destroy", "")])
def test_a_failure_names_the_stack_and_what_comes_next(app: Checkout, verb: str, hint: str) -> None:
    app.fail(7)
    with pytest.raises(AutoirError, match=rf"cdk {verb} .*AutoIR-prod-App failed \(exit code 7\)") as caught:
        getattr(Stage.opened("prod"), verb)("App")
    assert hint in caught.value.hint


def group(kind: str = "STANDARD") -> dict[str, Any]:
    return {"logGroups": [{"logGroupName": "/shop/api", "logGroupClass": kind}]}


def filters(*functions: str) -> dict[str, Any]:
    arn = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:"
    return {"subscriptionFilters": [{"destinationArn": arn + function} for function in functions]}


@pytest.mark.parametrize(
    ("log_group", "held", "refused", "hint"),
    [
        (group(), filters(), "", ""),
        (group(), filters("theirs"), "", ""),
        # one of the two is this stage's own
        (group(), filters("theirs", "embed"), "", ""),
        # of this one nobody knows, and CloudFormation will say
        (group(), "LimitExceededException", "", ""),
        (group(), filters("theirs", "others"), "/shop/api: 2 of 2 filters (needed: one free)", "autoir-fargate deploy"),
        (
            {"logGroups": []},
            filters(),
            "/shop/api: does not exist (needed: a log group)",
            "aws logs create-log-group --region eu-west-1 --log-group-name /shop/api",
        ),
        (group("DELIVERY"), filters(), "/shop/api: class DELIVERY (needed: class STANDARD)", "make another"),
        ("AccessDeniedException", filters(), "it takes logs:DescribeLogGroups", "docs/iam.md"),
    ],
)
def test_the_functions_are_deployed_where_each_watched_group_has_room(
    app: Checkout, aws: Answers, log_group: Any, held: Any, refused: str, hint: str
) -> None:
    app.write('[ingestion]\nlog_groups = ["/shop/api"]\n')
    aws["cloudformation.DescribeStacks"] = stack(EmbedFunctionName="embed")
    aws["logs.DescribeLogGroups"], aws["logs.DescribeSubscriptionFilters"] = log_group, held
    opened = Stage.opened("prod")
    if not refused:
        opened.deploy("App")
    else:
        with pytest.raises(UsageError, match=re.escape(refused)) as caught:
            opened.deploy("Embedding", "App")
        assert hint in caught.value.hint
    assert len(app.calls()) == (not refused)


def test_each_group_that_has_no_room_has_a_line(app: Checkout, aws: Answers) -> None:
    app.write('[ingestion]\nlog_groups = ["/a", "/b"]\n')
    aws.given |= {"cloudformation.DescribeStacks": stack(), "logs.DescribeLogGroups": {"logGroups": []}}
    with pytest.raises(UsageError) as caught:
        Stage.opened("prod").deploy("App")
    for text in (str(caught.value), caught.value.hint):
        assert [line.split(":")[0] for line in text.splitlines()[-2:]] == ["group /a", "group /b"]


def test_what_watches_nothing_is_deployed_without_a_question(app: Checkout, aws: Answers) -> None:
    app.write('[ingestion]\nlog_groups = ["/shop/api"]\n')
    Stage.opened("prod").deploy("Embedding")
    assert (len(app.calls()), aws.asked) == (1, [])


FAILED = "AutoIR-prod-App | 1/9 | 10:00:01 | CREATE_FAILED        | AWS::Logs::SubscriptionFilter | App/A (A1) {}"


@pytest.mark.parametrize(
    ("said", "kind", "words", "hint"),
    [
        # what CloudFormation says failed first; the others were only cancelled
        (
            [FAILED.format("Resource creation cancelled"), FAILED.format("Limit exceeded."), FAILED.format("x")],
            AutoirError, r"App/A \(AWS::Logs::SubscriptionFilter\): Limit exceeded\.$", "tries again",
        ),
        (
            ["SSM parameter /cdk-bootstrap/hnb659fds/version not found. Has the environment been bootstrapped?"],
            UsageError, "aws://222222222222/eu-west-1 is not prepared",
            "cdk bootstrap aws://222222222222/eu-west-1 --profile ops",
        ),
        (["The security token included in the request is expired"], LoginError, "expired", "sso login --profile ops"),
        (["ExpiredToken: no"], LoginError, "expired", "aws sso login --profile ops"),
        (
            ["Another CLI (PID=17) is currently synthing to cdk.out. Invoke the CLI in sequence, or use '--output'"],
            AutoirError, r"another cdk \(process 17\) works in ", "once it has ended",
        ),
        (["something else"], AutoirError, r"exit code 1\): see above\.$", "tries again"),
    ],
)  # fmt: skip
def test_what_made_it_fail_is_said_last(
    app: Checkout, said: list[str], kind: type[AutoirError], words: str, hint: str
) -> None:
    opened = replace(Stage.opened("prod", "ops"), run=lambda command, folder, environment: Ended(1, said))
    with pytest.raises(kind, match=words) as caught:
        opened.deploy("App")
    assert hint in caught.value.hint


def test_without_the_cdk_there_is_a_command_that_gets_it(app: Checkout) -> None:
    (app.folder / "node_modules/.bin/cdk").unlink()
    with pytest.raises(UsageError, match="cdk is not there") as caught:
        Stage.opened("prod").deploy("App")
    assert "make" in caught.value.hint


def test_the_app_is_where_it_is_said_to_be(app: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert app_folder({"AUTOIR_APP": str(app.folder)}) == app.folder
    monkeypatch.chdir(app.folder)
    assert app_folder({}) == app.folder
    monkeypatch.chdir(tmp_path)
    for environ in ({}, {"AUTOIR_APP": str(tmp_path / "none")}):
        with pytest.raises(UsageError, match=r"no app\.py and no stages, which this command works on") as caught:
            app_folder(environ)
        assert "AUTOIR_APP" in caught.value.hint


def test_a_stage_is_where_its_file_says(app: Checkout) -> None:
    assert Stage.opened("prod", "ops").access == Stage.opened("prod", "ops", "eu-west-1").access
    assert Stage.opened("prod").access.region == "eu-west-1"
    with pytest.raises(UsageError, match="eu-west-1, not in us-east-1"):
        Stage.opened("prod", region="us-east-1")


@pytest.mark.parametrize(
    ("stage", "region", "expected"),
    [
        ("prod", "", "eu-west-1"),
        ("prod", "us-east-1", "us-east-1"),
        # a stage whose file is elsewhere: the environment says where
        ("other", "", ""),
    ],
)
def test_a_stage_is_asked_where_its_file_says(app: Checkout, stage: str, region: str, expected: str) -> None:
    assert access_to(stage, "ops", region) == Access("ops", expected)
    assert access_to(stage, region=region, environ={"AUTOIR_APP": "/nowhere"}) == Access("", region)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({"Account": ACCOUNT}, None, ""),
        ({"Account": "333333333333"}, UsageError, "this login is of account 333333333333, and stage prod is in 2222"),
        ("ExpiredToken", LoginError, "the AWS login has expired"),
        ("InternalFailure", UnreachableError, "AWS does not say who asks"),
    ],
)
def test_the_login_has_to_be_that_of_the_stage(
    app: Checkout, aws: Answers, answer: Any, kind: type[Exception] | None, words: str
) -> None:
    aws["sts.GetCallerIdentity"] = answer
    opened = Stage.opened("prod")
    if kind is None:
        opened.known()
        return
    with pytest.raises(kind, match=words):
        opened.known()


def test_an_example_is_not_deployed(app: Checkout, aws: Answers) -> None:
    path = app.write("")
    path.write_text(path.read_text().replace(ACCOUNT, EXAMPLE_ACCOUNT))
    with pytest.raises(UsageError, match="the example's account"):
        Stage.opened("prod").known()
    assert aws.asked == []
