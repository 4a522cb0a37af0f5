"""A test page by command: who gets it, who does not yet, what is sent, and what becomes the exit code."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.aws import checkout
from tests.aws.answers import Answers, stack
from tests.aws.test_topic import ARN, LIST, PUBLISH, subscribed
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check, schema

TEST_PAGE = ("aws", "test-page", "--stage", "prod")
SUBJECT = "[TEST] AutoIR prod: pages reach you"
ADA = ("email", "ada@example.com", f"{ARN}:1")
PHONE = ("sms", "+4915112345678", f"{ARN}:2")
QUEUE = ("sqs", "arn:aws:sqs:us-east-1:111111111111:pager", f"{ARN}:3")
NEW = ("email", "new@example.com", "PendingConfirmation")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """A stage whose three listeners have confirmed."""
    answers = Answers(
        {
            "cloudformation.DescribeStacks": stack(PagesTopicArn=ARN, EventsTopicArn=f"{ARN}-events"),
            LIST: subscribed(ADA, PHONE, QUEUE),
            PUBLISH: {"MessageId": "m-1"},
        }
    )
    answers.install(monkeypatch)
    return answers


def again(way: str, address: str) -> str:
    return f"aws sns subscribe --region us-east-1 --topic-arn {ARN} --protocol {way} --notification-endpoint {address}"


@pytest.mark.parametrize(
    ("listeners", "options", "code", "sent", "expected"),
    [
        ((ADA, PHONE, QUEUE), (), 0, 1, [
            "    LISTENER                                  BY     STATE",
            "ok  ada@example.com                           email  confirmed",
            "ok  +4915112345678                            sms    confirmed",
            "ok  arn:aws:sqs:us-east-1:111111111111:pager  sqs    confirmed",
            "",
            f"sent to 3 listeners: {SUBJECT}",
        ]),
        ((ADA, PHONE, QUEUE), ("--dry-run",), 0, 0, ["would go to 3 listeners; nothing was sent."]),
        ((NEW, PHONE), (), 1, 1, [
            "    LISTENER         BY     STATE",
            "!!  new@example.com  email  not confirmed",
            "ok  +4915112345678   sms    confirmed",
            "",
            "What to do:",
            "  new@example.com: the link in the mail from AWS; to have it sent again:",
            f"    {again('email', 'new@example.com')}",
            "",
            f"sent to 1 listener: {SUBJECT}",
            "1 other will hear nothing before they confirm.",
        ]),
        ((NEW, PHONE), ("--dry-run",), 1, 0, [
            "would go to 1 listener; nothing was sent.",
            "1 other will hear nothing before they confirm.",
        ]),
        ((NEW,), (), 1, 0, [
            f"    {again('email', 'new@example.com')}",
            "",
            "nothing was sent: nobody has confirmed yet on the pages of stage prod.",
        ]),
        ((), (), 1, 0, [
            "What to do:",
            '  name who is paged in stages/prod.toml, as pages = ["oncall@example.com"], and deploy:',
            "    cdk deploy AutoIR-prod-Foundation -c stage=prod",
            "  who is named and deployed did not confirm within 48 h, and AWS forgot; to ask again:",
            f"    {again('email', 'oncall@example.com')}",
            "",
            "nothing was sent: nobody is subscribed on the pages of stage prod.",
        ]),
        # an address that a shell would read otherwise
        ((("https", "https://x.example/a?b=1&c", "PendingConfirmation"),), (), 1, 0, [
            "  https://x.example/…: the SubscribeURL that AWS sent there; to have it sent again:",
            f"    {again('https', chr(39) + 'https://x.example/…' + chr(39))}",
            "",
            "nothing was sent: nobody has confirmed yet on the pages of stage prod.",
        ]),
    ],
)  # fmt: skip
def test_for_people(
    call: Call,
    aws: Answers,
    listeners: tuple[tuple[str, str, str], ...],
    options: tuple[str, ...],
    code: int,
    sent: int,
    expected: list[str],
) -> None:
    aws[LIST] = subscribed(*listeners)
    said = call(*TEST_PAGE, *options)
    assert said.stdout.splitlines()[-len(expected) :] == expected
    assert (said.exit_code, len(aws.calls(PUBLISH)), said.stderr) == (code, sent, "")


@pytest.mark.parametrize(
    ("listeners", "options", "sound", "message_id"),
    [
        ((ADA, QUEUE), (), True, "m-1"),
        ((ADA, QUEUE), ("--dry-run",), True, ""),
        ((ADA, NEW), (), False, "m-1"),
        ((NEW,), (), False, ""),
        ((), (), False, ""),
    ],
)
def test_for_programs(
    call: Call,
    aws: Answers,
    listeners: tuple[tuple[str, str, str], ...],
    options: tuple[str, ...],
    sound: bool,
    message_id: str,
) -> None:
    aws[LIST] = subscribed(*listeners)
    said = call(*TEST_PAGE, "--json", *options)
    found: dict[str, Any] = document(said)
    check(found, "aws-test-page")
    assert (said.exit_code, found["sound"], found["message_id"]) == (0 if sound else 1, sound, message_id)
    assert (found["stage"], found["topic"], found["dry_run"]) == ("prod", ARN, bool(options))
    assert [(row["protocol"], row["endpoint"]) for row in found["listeners"]] == [row[:2] for row in listeners]
    assert all(bool(row["mend"]) is not row["confirmed"] for row in found["listeners"])


def test_one_message_goes_to_the_topic_of_pages(call: Call, aws: Answers) -> None:
    call(*TEST_PAGE)
    (sent,) = aws.calls(PUBLISH)
    assert (sent["TopicArn"], sent["Subject"], sent["MessageStructure"]) == (ARN, SUBJECT, "json")
    texts = json.loads(sent["Message"])
    assert texts["email"].startswith("This is a test of AutoIR, stage prod")
    assert texts["sms"].startswith("TEST AutoIR prod")
    jsonschema.validate(json.loads(texts["sqs"]), schema("test-page"))
    assert set(sent["MessageAttributes"]) == {"stage", "test"}


@pytest.mark.parametrize(
    ("operation", "answer", "code", "words"),
    [
        ("cloudformation.DescribeStacks", "ValidationError", 2, ("AutoIR-prod-Foundation is not deployed", "--stage")),
        ("cloudformation.DescribeStacks", "AccessDenied", 2, ("cloudformation:DescribeStacks", "docs/iam.md")),
        (LIST, "AuthorizationError", 2, ("it takes sns:ListSubscriptionsByTopic.", "docs/iam.md")),
        (PUBLISH, "AuthorizationError", 2, ("it takes sns:Publish.", "docs/iam.md")),
        (PUBLISH, "NotFound", 1, ("AWS refused sns:Publish: NotFound", "")),
        (PUBLISH, "InternalError", 3, ("no answer to sns:Publish", "network")),
        (LIST, "ServiceUnavailable", 3, ("no answer to sns:ListSubscriptionsByTopic", "network")),
        (LIST, "ExpiredToken", 3, ("the AWS login has expired", "aws sso login")),
        (PUBLISH, "ExpiredToken", 3, ("the AWS login has expired", "aws sso login")),
    ],
)
def test_a_failure_says_what_mends_it(
    call: Call, aws: Answers, operation: str, answer: str, code: int, words: tuple[str, str]
) -> None:
    aws[operation] = answer
    said = call(*TEST_PAGE)
    assert (said.exit_code, said.stdout) == (code, "")
    assert all(word in said.stderr for word in words), said.stderr


def test_the_stage_s_file_says_where(call: Call, aws: Answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    checkout.make(tmp_path / "app", monkeypatch).write("")
    assert call(*TEST_PAGE).exit_code == 0
    (asked,) = aws.calls("cloudformation.DescribeStacks")
    assert asked == {"StackName": "AutoIR-prod-Foundation"}
