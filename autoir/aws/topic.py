"""A topic as SNS has it: who listens, who was asked and has not said yes, and one publication to all who have.

SNS sends nothing to an address until its owner confirms, and forgets it after 48 hours without that
(https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html): so who hears is asked, never assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from autoir.aws.session import Access

FORGOTTEN_AFTER_H: Final = 48
"""Hours after which SNS forgets who has not confirmed."""

_PENDING = "PendingConfirmation"
_BY_MAIL = ("email", "email-json")


class Listener(NamedTuple):
    """One subscription: SNS's name of the way, the address, whether its owner said yes."""

    protocol: str
    endpoint: str
    confirmed: bool

    @property
    def place(self) -> str:
        """The address for people; of a URL only the host, for the rest is often the key to the pager behind it."""
        if not self.protocol.startswith("http"):
            return self.endpoint
        return f"{self.protocol}://{urlsplit(self.endpoint).netloc.rpartition('@')[2]}/…"

    @property
    def mend(self) -> str:
        """Where its owner says yes; empty where that is done."""
        if self.confirmed:
            return ""
        return "the link in the mail from AWS" if self.protocol in _BY_MAIL else "the SubscribeURL that AWS sent there"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by its ARN. Each call raises as ``Access.asked`` does."""

    access: Access
    arn: str

    def listeners(self) -> list[Listener]:
        """Everybody who is subscribed; who has left, and is still listed for some days, is not."""
        pages = self.access.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self.arn)
        return self.access.asked(
            "sns:ListSubscriptionsByTopic",
            lambda: [_listener(found) for page in pages for found in page["Subscriptions"] if _is_there(found)],
        )

    def publish(self, publication: Mapping[str, object]) -> str:
        """Publish ``publication``, arguments of SNS's Publish, and return SNS's id of the message."""
        sns = self.access.client("sns")
        return str(self.access.asked("sns:Publish", lambda: sns.publish(**publication))["MessageId"])


def _is_there(found: Mapping[str, Any]) -> bool:
    arn = str(found["SubscriptionArn"])  # or PendingConfirmation, or Deleted
    return arn == _PENDING or arn.startswith("arn:")


def _listener(found: Mapping[str, Any]) -> Listener:
    return Listener(str(found["Protocol"]), str(found["Endpoint"]), found["SubscriptionArn"] != _PENDING)
