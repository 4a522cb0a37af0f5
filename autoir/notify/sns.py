"""Messages to an SNS topic: what pages people in AWS, and where machines hear of every change.

One publication carries a text for each protocol (``MessageStructure=json``): a short one for SMS, a page for e-mail,
the message document for queues, functions and HTTPS. Severity and the like are attributes too, so that a subscription
can filter by them.
"""

import json
import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from autoir.errors import UnreachableError, UsageError
from autoir.notify import render
from autoir.notify.messages import PAGES, Message, RefusedError
from autoir.store.rows import OutboxRow

_ARN = re.compile(r"arn:aws[a-z-]*:sns:(?P<region>[a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}\Z")
_MACHINES = ("http", "https", "sqs", "lambda", "firehose", "application", "email-json")
_ATTRIBUTES = ("severity", "status", "transition", "stage", "dedup_key")
_REFUSED = frozenset({"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationError"})
_TIMEOUT_S = 10
_TRIES = 2


class Texts(NamedTuple):
    """What one publication says: a subject (ASCII, under 100 characters), a page, an SMS, and a JSON document."""

    subject: str
    page: str
    sms: str
    document: str


def publication(
    topic_arn: str, texts: Texts, attributes: Mapping[str, str], *, channel: str = PAGES
) -> dict[str, object]:
    """The arguments of one call of Publish. A protocol that is not known gets what ``channel`` is for: people the page,
    machines the document. An attribute without a value is left out, for SNS takes none."""
    by_protocol = {
        "default": texts.page if channel == PAGES else texts.document,
        "email": texts.page,
        "sms": texts.sms,
        **dict.fromkeys(_MACHINES, texts.document),
    }
    return {
        "TopicArn": topic_arn,
        "Subject": texts.subject,
        "Message": json.dumps(by_protocol),
        "MessageStructure": "json",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
        },
    }


class Publisher(Protocol):
    """The one call of boto3's SNS client that is used."""

    def publish(self, **arguments: object) -> object:
        """https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""


class Sns:
    """Publishes the messages of ``channel`` to ``topic_arn``. Raises UsageError where that is no topic's ARN."""

    def __init__(self, topic_arn: str, *, channel: str = PAGES, client: Publisher | None = None) -> None:
        found = _ARN.match(topic_arn)
        if not found:
            raise UsageError(
                f"{topic_arn!r} is no ARN of a standard SNS topic.",
                "Example: arn:aws:sns:us-east-1:123456789012:pages",
            )
        self.name = "sns" if channel == PAGES else f"sns-{channel}"
        self.channel = channel
        self._topic_arn = topic_arn
        self._region = found["region"]
        self._client = client

    def send(self, row: OutboxRow, message: Message) -> None:
        """Publish; SNS has it when this returns."""
        from botocore.exceptions import BotoCoreError, ClientError  # boto3 costs every start 0.3 s of CPU

        try:
            self._publisher().publish(
                **publication(self._topic_arn, self._texts(row, message), _attributes(message), channel=self.channel)
            )
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            if code in _REFUSED:
                raise RefusedError(f"SNS refused message {message['id']}: {code}.") from error
            raise UnreachableError(f"SNS answered {code} for {self._topic_arn}.") from error
        except BotoCoreError as error:
            raise UnreachableError(f"SNS in {self._region} could not be asked: {error}.") from error

    def _publisher(self) -> Publisher:
        if self._client is None:
            import boto3
            from botocore.config import Config

            config = Config(connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"total_max_attempts": _TRIES})
            client: Publisher = boto3.client("sns", region_name=self._region, config=config)
            self._client = client
        return self._client

    def _texts(self, row: OutboxRow, message: Message) -> Texts:
        page = render.email(message, region=self._region)
        return Texts(render.subject(message), page, render.sms(message), row.body)


def _attributes(message: Message) -> dict[str, str]:
    return {name: str(message[name]) for name in _ATTRIBUTES}  # type: ignore[literal-required]
