"""A topic's listeners: all pages of them, in the three states that SNS has, and what is said of each failure."""

from typing import Any

import pytest

from autoir.aws.session import Access, LoginError, NotAllowedError, RefusedError
from autoir.aws.topic import Listener, Topic
from autoir.errors import UnreachableError
from tests.aws.answers import Answers

ARN = "arn:aws:sns:us-east-1:111111111111:pages"
LIST, PUBLISH = "sns.ListSubscriptionsByTopic", "sns.Publish"


def subscribed(*found: tuple[str, str, str], more: str = "") -> dict[str, Any]:
    """SNS's answer with (way, address, what stands for the subscription's ARN)."""
    listed = [{"Protocol": way, "Endpoint": address, "SubscriptionArn": arn} for way, address, arn in found]
    return {"Subscriptions": listed, **({"NextToken": more} if more else {})}


def topic(monkeypatch: pytest.MonkeyPatch, **given: Any) -> tuple[Topic, Answers]:
    answers = Answers({f"sns.{operation}": answer for operation, answer in given.items()})
    answers.install(monkeypatch)
    return Topic(Access(), ARN), answers


@pytest.mark.parametrize(
    ("way", "arn", "confirmed", "mend"),
    [
        ("email", f"{ARN}:1", True, ""),
        ("email", "PendingConfirmation", False, "the link in the mail from AWS"),
        ("email-json", "PendingConfirmation", False, "the link in the mail from AWS"),
        ("https", "PendingConfirmation", False, "the SubscribeURL that AWS sent there"),
        ("sqs", "PendingConfirmation", False, "the SubscribeURL that AWS sent there"),
    ],
)
def test_a_listener(monkeypatch: pytest.MonkeyPatch, way: str, arn: str, confirmed: bool, mend: str) -> None:
    asked, _ = topic(monkeypatch, ListSubscriptionsByTopic=subscribed((way, "x", arn)))
    assert [(found, found.mend) for found in asked.listeners()] == [(Listener(way, "x", confirmed), mend)]


@pytest.mark.parametrize(
    ("way", "address", "place"),
    [
        ("email", "ada@example.com", "ada@example.com"),
        ("sqs", f"{ARN}:q", f"{ARN}:q"),
        ("https", "https://events.pager.example/integration/s3cr3t/enqueue?k=s3cr3t", "https://events.pager.example/…"),
        ("https", "https://me:s3cr3t@pager.example:8443/x", "https://pager.example:8443/…"),
    ],
)
def test_people_see_no_key_in_an_address(way: str, address: str, place: str) -> None:
    assert Listener(way, address, True).place == place


def test_who_has_left_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, _ = topic(monkeypatch, ListSubscriptionsByTopic=subscribed(("email", "gone@example.com", "Deleted")))
    assert asked.listeners() == []


def test_all_pages_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    first = subscribed(("sms", "+491", f"{ARN}:1"), more="next")
    last = subscribed(("sms", "+492", f"{ARN}:2"))
    asked, answers = topic(
        monkeypatch, ListSubscriptionsByTopic=lambda given: last if given.get("NextToken") == "next" else first
    )
    assert [found.endpoint for found in asked.listeners()] == ["+491", "+492"]
    assert [given["TopicArn"] for given in answers.calls(LIST)] == [ARN, ARN]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AuthorizationError", NotAllowedError),
        ("ExpiredToken", LoginError),
        ("NotFound", RefusedError),
        ("InternalError", UnreachableError),
    ],
)
def test_a_failure_says_which_right_was_asked(
    monkeypatch: pytest.MonkeyPatch, code: str, kind: type[Exception]
) -> None:
    asked, _ = topic(monkeypatch, ListSubscriptionsByTopic=code, Publish=code)
    for call, right in (
        (asked.listeners, "ListSubscriptionsByTopic"),
        (lambda: asked.publish({"Message": "x"}), "Publish"),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert kind is LoginError or f"sns:{right}" in str(caught.value)
