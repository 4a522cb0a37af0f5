"""SNS: what each protocol gets, and what becomes of each failure."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import boto3
import jsonschema
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.notify import notifiers_for, publish_due
from autoir.notify.messages import RefusedError, message_of
from autoir.notify.sns import Sns
from autoir.settings import Settings
from tests.notify.outbox import NOW_MS, fill, open_outbox
from tests.notify.test_messages import SCHEMA, rows

PAGES, EVENTS = "arn:aws:sns:eu-west-1:123456789012:pages", "arn:aws:sns:eu-west-1:123456789012:events"
ROW = rows()[0]


class Recorder:
    """Takes the place of boto3's client."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls: list[dict[str, Any]] = []
        self._error = error

    def publish(self, **arguments: Any) -> object:
        """Remember, or fail."""
        self.calls.append(arguments)
        if self._error:
            raise self._error
        return {"MessageId": "1"}


def published(channel: str = "pages") -> dict[str, Any]:
    client = Recorder()
    row = next(row for row in rows() if row.channel == channel)
    Sns(PAGES, channel=channel, client=client).send(row, message_of(row))
    return client.calls[0]


def test_each_protocol_gets_its_own_text() -> None:
    call = published()
    texts = json.loads(call["Message"])
    assert call["MessageStructure"] == "json"
    assert call["Subject"].startswith("[HIGH] checkout: QueuePool limit of size 20 overflow 10 reached (new error")
    assert len(texts["sms"]) < 140
    assert texts["default"] == texts["email"]
    assert "https://eu-west-1.console.aws.amazon.com/" in texts["email"]
    for protocol in ("http", "https", "sqs", "lambda", "firehose", "application", "email-json"):
        jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(texts[protocol]))


def test_machines_get_the_document_where_nothing_else_is_said() -> None:
    assert json.loads(json.loads(published("events")["Message"])["default"])["channel"] == "events"


def test_a_subscription_can_filter() -> None:
    found = {name: value["StringValue"] for name, value in published()["MessageAttributes"].items()}
    assert found == {"severity": "high", "status": "open", "transition": "open", "stage": "prod", "dedup_key": "k#1"}


def refused(code: str, status: int = 400) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Publish")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (refused("InvalidParameter"), RefusedError),
        (refused("ParameterValueInvalid"), RefusedError),
        (refused("ValidationError"), RefusedError),
        (refused("NotFound", 404), UnreachableError),  # the topic may be made yet
        (refused("AuthorizationError", 403), UnreachableError),
        (refused("ExpiredToken", 403), UnreachableError),
        (refused("Throttled", 429), UnreachableError),
        (refused("InternalError", 500), UnreachableError),
        (EndpointConnectionError(endpoint_url="https://sns.example"), UnreachableError),
    ],
)
def test_what_becomes_of_a_failure(error: Exception, expected: type[AutoirError]) -> None:
    with pytest.raises(AutoirError) as caught:
        Sns(PAGES, client=Recorder(error)).send(ROW, message_of(ROW))
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    "arn", ["", "pages", "arn:aws:sqs:eu-west-1:123456789012:pages", f"{PAGES}.fifo", f"{PAGES}\n", f"{PAGES}:sub"]
)
def test_what_is_no_topic_is_refused(arn: str) -> None:
    with pytest.raises(UsageError, match="no ARN of a standard SNS topic"):
        Sns(arn)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


def queue_behind(topic: str) -> tuple[str, str]:
    """A topic and the URL of a queue that is subscribed to it."""
    arn = boto3.client("sns", "eu-west-1").create_topic(Name=topic)["TopicArn"]
    sqs = boto3.client("sqs", "eu-west-1")
    url = sqs.create_queue(QueueName=topic)["QueueUrl"]
    target = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    boto3.client("sns", "eu-west-1").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=target)
    return arn, url


@pytest.mark.usefixtures("aws")
def test_from_the_outbox_through_both_topics_to_a_queue(tmp_path: Path) -> None:
    (pages, pages_url), (events, events_url) = queue_behind("pages"), queue_behind("events")
    store = open_outbox(tmp_path)
    opened = fill(store, ("open", "resolve"))
    notifiers = notifiers_for(Settings(sns_topic_arn=pages, sns_events_topic_arn=events))
    assert publish_due(store, notifiers, NOW_MS, jitter=Random(1)).sent == 4
    store.close()
    for url, channel in ((pages_url, "pages"), (events_url, "events")):
        received = boto3.client("sqs", "eu-west-1").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        envelopes = [json.loads(message["Body"]) for message in received]
        documents = [json.loads(envelope["Message"]) for envelope in envelopes]
        assert {d["transition"] for d in documents} == {"open", "resolve"}
        assert {(d["channel"], d["incident_id"]) for d in documents} == {(channel, opened.id)}
        assert all(envelope["Subject"].isascii() and len(envelope["Subject"]) < 100 for envelope in envelopes)


@pytest.mark.usefixtures("aws")
def test_a_topic_that_is_not_there_waits() -> None:
    boto3.client("sns", "eu-west-1").create_topic(Name="other")
    with pytest.raises(UnreachableError, match="NotFound"):
        Sns(EVENTS, channel="events").send(ROW, message_of(ROW))


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # an earlier test's credentials live on in it
    with pytest.raises(UnreachableError, match="could not be asked"):
        Sns(PAGES).send(ROW, message_of(ROW))
