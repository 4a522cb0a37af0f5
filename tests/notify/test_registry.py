"""Which notifiers the settings ask for, and the one that writes to a stream."""

import io
from datetime import timedelta, timezone

import pytest

from autoir.errors import UnreachableError, UsageError
from autoir.notify import notifiers_for
from autoir.notify.messages import message_of
from autoir.notify.stdout import Stdout
from autoir.settings import Settings
from tests.notify.test_messages import EVIL, rows

ARN = "arn:aws:sns:eu-west-1:123456789012:pages"
HOOK = "https://alerts.example.com/x"
ALL = Settings(webhook_url=HOOK, sns_topic_arn=ARN, sns_events_topic_arn=ARN)


@pytest.mark.parametrize(
    ("settings", "stream", "names", "expected"),
    [
        (Settings(), False, (), []),
        (Settings(), True, (), [("stdout", "pages")]),
        (Settings(webhook_url=HOOK), False, (), [("webhook", "events")]),
        (Settings(sns_topic_arn=ARN), False, (), [("sns", "pages")]),
        (ALL, True, (), [("stdout", "pages"), ("webhook", "events"), ("sns", "pages"), ("sns-events", "events")]),
        (ALL, True, ("sns",), [("sns", "pages"), ("sns-events", "events")]),
        (ALL, True, ("webhook", "stdout", "webhook"), [("webhook", "events"), ("stdout", "pages")]),
    ],
)
def test_who_hears(settings: Settings, stream: bool, names: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    found = notifiers_for(settings, io.StringIO() if stream else None, names=names)
    assert [(notifier.name, notifier.channel) for notifier in found] == expected


@pytest.mark.parametrize(
    ("settings", "names", "words"),
    [
        (ALL, ("pigeon",), "no notifier 'pigeon'"),
        (Settings(), ("sns",), "needs the setting sns_topic_arn"),
        (Settings(), ("webhook",), "needs the setting webhook_url"),
        (Settings(webhook_url="http://far.example"), (), "unencrypted"),
        (Settings(sns_topic_arn="pages"), (), "no ARN"),
    ],
)
def test_what_cannot_be_had_is_said(settings: Settings, names: tuple[str, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        notifiers_for(settings, names=names)


ROW = rows()[0]


def test_a_page_on_a_stream() -> None:
    stream = io.StringIO()
    Stdout(stream, timezone(timedelta(hours=1), "CET")).send(ROW, message_of(ROW))
    text = stream.getvalue()
    assert text.startswith("Subject: [HIGH] checkout: QueuePool limit of size 20 overflow 10 reached (new error, ")
    assert "since 2026-03-17 15:33:20 CET" in text


def test_a_stream_of_few_letters_takes_it_too() -> None:
    row = rows(line="ERROR 日本 \x1b[2J" + EVIL)[0]
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Stdout(stream).send(row, message_of(row))
    assert b"??" in raw.getvalue()
    assert b"\x1b" not in raw.getvalue()


def test_a_closed_stream_is_a_failure_that_may_pass() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(UnreachableError, match="could not be written"):
        Stdout(stream).send(ROW, message_of(ROW))
