"""What on-call reads: the subject, the SMS, the page."""

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.incidents import Change
from autoir.notify import render
from autoir.notify.messages import Message, message_of
from tests.notify.test_messages import EVIL, TRANSITIONS, rows
from tests.report.samples import START_MS

CET = timezone(timedelta(hours=1), "CET")
POOL_TITLE = "checkout: QueuePool limit of size 20 overflow 10 reached"


def message(transition: str = "open", **changes: object) -> Message:
    """The page about a change, with what a test wants changed."""
    made = message_of(rows(transition)[0])  # type: ignore[arg-type]
    return {**made, **changes}  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (message(), f"[HIGH] {POOL_TITLE} (new error, 1,284 events)"),
        (message(event_count=1), f"[HIGH] {POOL_TITLE} (new error, 1 event)"),
        (message(event_count=0, kind="heartbeat missing"), f"[HIGH] {POOL_TITLE} (heartbeat missing)"),
        (message(event_count=0, kind=""), f"[HIGH] {POOL_TITLE}"),
        (message("worse", severity="critical"), f"[CRITICAL] {POOL_TITLE} (worse, 1,284 events)"),
        (message("ack", by="ada"), f"[HIGH] {POOL_TITLE} (acknowledged by ada, 1,284 events)"),
        (message("auto_resolve"), f"[HIGH] {POOL_TITLE} (resolved by itself, 1,284 events)"),
        (message(title="pay: “x” – naïve"), '[HIGH] pay: "x" - naive (new error, 1,284 events)'),
    ],
)
def test_subject(given_: Message, expected: str) -> None:
    assert render.subject(given_) == expected


@pytest.mark.parametrize(
    ("given_", "zone", "expected"),
    [
        (message(), CET, f"HIGH {POOL_TITLE}, since 15:33 CET, {{id}}"),
        (message("resolve"), CET, f"HIGH {POOL_TITLE}, resolved, since 15:33 CET, {{id}}"),
        (
            message(title="checkout: " + "word " * 40),
            CET,
            f"HIGH checkout: {('word ' * 18).strip()}..., since 15:33 CET, {{id}}",
        ),
    ],
)
def test_sms(given_: Message, zone: timezone, expected: str) -> None:
    assert render.sms(given_, zone) == expected.format(id=given_["incident_id"])


TEXT = st.text(max_size=200)


@given(TEXT, TEXT, st.sampled_from(["info", "critical"]), st.sampled_from(TRANSITIONS), st.integers(0, 10**12))
def test_they_fit_whatever_is_said(title: str, by: str, severity: str, transition: str, events: int) -> None:
    made = message(transition, title=title, by=by[:80], severity=severity, event_count=events)
    subject, sms = render.subject(made), render.sms(made)
    assert len(subject) < 100
    assert len(sms) < 140
    assert (subject + sms).isascii()
    assert (subject + sms).isprintable()
    assert sms.endswith(made["incident_id"])


def test_the_page_answers_in_the_order_of_the_questions() -> None:
    made = message()
    text = render.email(made, CET, region="eu-west-1")
    wanted = [
        f"{POOL_TITLE}.",
        "New error since 2026-03-17 15:33:20 CET: 1,284 events in 2 min 5 s.",
        "How bad, how sure: high, confidence 95 of 100.",
        "severity high: 5 points",
        "Where: /shop/checkout; also hit: /shop/cart.",
        "Lines (times in CET):",
        "15:33:20 checkout",
        "QueuePool limit",
        "15:33:20 cart",
        "Look first:",
        "Connections held by checkout",
        f"Incident {made['incident_id']}:",
        f"autoir incidents show {made['incident_id']}",
        "In CloudWatch:",
        "https://eu-west-1.console.aws.amazon.com/",
        "You get this because you are on the pages of stage prod, environment",
    ]
    at = 0
    for part in wanted:
        assert part in text[at:], part
        at = text.index(part, at) + len(part)
    long = [line for line in text.split("\n") if len(line) > render.COLUMNS]
    assert len(long) == 1
    assert long[0].startswith("  https://")


@pytest.mark.parametrize("transition", TRANSITIONS)
def test_a_page_without_a_region_has_no_link_and_no_wide_line(transition: str) -> None:
    text = render.email(message(transition, note=EVIL[:0] + "x" * 200, previous_id="inc-00000000"))
    assert "http" not in text
    assert "it was here before: inc-00000000" in text
    assert max(map(len, text.split("\n"))) <= render.COLUMNS


def test_a_page_of_a_change_says_who_and_why() -> None:
    history = (Change(START_MS, "worse", "autoir", "3 services"),)
    made = message_of(rows("worse", history=history)[0])
    text = " ".join(render.email(made).split())
    assert "Now worse (by autoir): 3 services." in text
    assert "pages of stage prod, environment shop: it got worse." in text


def test_many_groups_are_counted() -> None:
    text = " ".join(render.email(message(log_groups=[f"/shop/s{n}" for n in range(9)])).split())
    assert "Where: /shop/s0; also hit: /shop/s1, /shop/s2, /shop/s3, /shop/s4, /shop/s5 and 3 more." in text
    assert "Where: not known." in render.email(message(log_groups=[]), region="eu-west-1")


GROUP = "/aws/lambda/a b#1"


@pytest.mark.parametrize(
    ("region", "stream", "expected"),
    [
        (
            "us-east-1",
            "",
            "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
            "$252Faws$252Flambda$252Fa$2520b$25231",
        ),
        (
            "us-east-1",
            "2026/03/17/[$LATEST]ab",
            "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/"
            "$252Faws$252Flambda$252Fa$2520b$25231/log-events/2026$252F03$252F17$252F$255B$2524LATEST$255Dab"
            f"$3Fstart$3D{START_MS - 60_000}$26end$3D{START_MS + 185_000}",
        ),
        ("cn-north-1", "", "https://cn-north-1.console.amazonaws.cn/"),
        ("us-gov-west-1", "", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
def test_the_link_into_the_console(region: str, stream: str, expected: str) -> None:
    link = render.console_link(message(log_groups=[GROUP], log_stream=stream), region)
    assert link == expected if "log-groups" in expected else link.startswith(expected)


def test_no_name_leads_the_link_elsewhere() -> None:
    link = render.console_link(
        message(log_groups=["@evil.example/?a=b#c\n"], log_stream="x"), "eu-west-1/@evil.example"
    )
    assert link.startswith("https://eu-west-1%2F%40evil.example.console.aws.amazon.com/cloudwatch/home?region=")
    assert not set(link.partition("log-group/")[2]) & set("@?#=\n ")


def test_a_long_line_keeps_its_end() -> None:
    trace = "ERROR not saved\nTraceback (most recent call last):\n" + '  File "/srv/a.py", line 3, in f\n' * 90
    text = render.email(message_of(rows(line=f"{trace}ShopError: all gone")[0]))
    assert " ".join(text.split()).count("ShopError: all gone") >= 2
    assert len(text.split("\n")) < 45
