"""CloudWatch at the wire: which errors are tried again, which are told, and what a page holds."""

import random
from collections.abc import Iterator

import pytest

from autoir.aws.session import Access, LoginError
from autoir.errors import UnreachableError, UsageError
from autoir.events import LogEvent
from autoir.tail.cloudwatch import TRIES, CloudWatch, LogGroup, NotReadableError, StaleTokenError
from autoir.tail.cloudwatch_rate import Bucket
from tests.tail.cloudwatch_fake import (
    ACCOUNT,
    REGION,
    START_MS,
    FakeLogs,
    Faults,
    Refusal,
    Time,
    Wire,
    client_of,
    serving,
)

API = LogGroup("/shop/api", ACCOUNT, REGION)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


@pytest.fixture
def logs(wire: Wire) -> FakeLogs:
    wire.logs = FakeLogs(Time())
    wire.logs.make(API.name)
    return wire.logs


@pytest.fixture
def cloudwatch(wire: Wire, logs: FakeLogs) -> CloudWatch:
    time = logs.time
    return CloudWatch(Access(), Bucket(time.clock), pause=time.pause, jitter=random.Random(1), client=client_of(wire))


@pytest.mark.parametrize(
    ("refusal", "error", "said", "tries"),
    [
        (Refusal("ThrottlingException", "Rate exceeded"), UnreachableError, "throttles logs:FilterLogEvents", TRIES),
        (Refusal("ServiceUnavailableException", status=503), UnreachableError, "answers 503", TRIES),
        (Refusal("InternalFailure", status=500), UnreachableError, "answers 500", TRIES),
        (Refusal("ResourceNotFoundException"), UsageError, "there is no log group /shop/api", 1),
        (Refusal("AccessDeniedException"), NotReadableError, "/shop/api may not be read", 1),
        (Refusal("InvalidParameterException", "The specified nextToken is invalid."), StaleTokenError, "token", 1),
        (Refusal("InvalidParameterException", "startTime is wrong"), NotReadableError, "startTime is wrong", 1),
        (Refusal("InvalidOperationException", "not of this class"), NotReadableError, "not of this class", 1),
        (Refusal("ExpiredTokenException"), LoginError, "login has expired", 1),
        (Refusal("UnrecognizedClientException"), LoginError, "does not know these credentials", 1),
    ],
    ids=lambda value: f"{value.code} {value.message}" if isinstance(value, Refusal) else None,
)
def test_each_error(
    cloudwatch: CloudWatch, logs: FakeLogs, refusal: Refusal, error: type[Exception], said: str, tries: int
) -> None:
    logs.refusal = refusal
    with pytest.raises(error, match=said):
        cloudwatch.page(API, 0, START_MS)
    assert logs.calls["FilterLogEvents"] == tries


def test_an_answer_that_does_not_come(cloudwatch: CloudWatch, logs: FakeLogs) -> None:
    logs.faults.dropped = 1.0
    with pytest.raises(UnreachableError, match="gives no answer"):
        cloudwatch.page(API, 0, START_MS)
    assert logs.calls["FilterLogEvents"] == TRIES


def test_nothing_is_tried_again_once_the_process_is_to_end(cloudwatch: CloudWatch, logs: FakeLogs) -> None:
    logs.time.end_ms = logs.time.now_ms
    logs.refusal = Refusal("InternalFailure", status=500)
    with pytest.raises(UnreachableError):
        cloudwatch.page(API, 0, START_MS)
    assert logs.calls["FilterLogEvents"] == 1


def test_a_page_is_events_with_their_place(cloudwatch: CloudWatch, logs: FakeLogs) -> None:
    event_id = logs.put(API.name, START_MS - 5, "hello", late_ms=3, stream="s-7")
    logs.put(API.name, START_MS, "of exactly the end")
    assert cloudwatch.page(API, START_MS - 5, START_MS) == (
        [LogEvent(API.name, "s-7", START_MS - 5, "hello", event_id, START_MS - 2, ACCOUNT, REGION)], "",
    )  # fmt: skip


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(
    "faults", [Faults(page_events=7), Faults(page_events=7, empty=0.5), Faults(page_events=7, short=0.5)],
    ids=["full", "empty", "short"],
)  # fmt: skip
def test_pages_end_where_no_token_is(
    cloudwatch: CloudWatch, logs: FakeLogs, faults: Faults, newest_first: bool
) -> None:
    logs.faults = faults
    ids = [logs.put(API.name, START_MS - 60 + n // 3) for n in range(60)]
    found: list[str] = []
    token = ""
    while True:
        page = cloudwatch.page(API, 0, START_MS, token, newest_first=newest_first)
        found += [event.event_id for event in page.events]
        token = page.token
        if not token:
            break
    assert found == (ids[::-1] if newest_first else ids)


def test_groups_are_listed_over_pages(cloudwatch: CloudWatch, logs: FakeLogs) -> None:
    names = [f"/many/{n:03}" for n in range(120)]
    for name in names:
        logs.make(name)
    listed = list(cloudwatch.groups("/many/"))
    assert [group.name for group in listed] == names
    assert {(group.account, group.region, group.log_class) for group in listed} == {(ACCOUNT, REGION, "STANDARD")}
    assert logs.calls["DescribeLogGroups"] == 3
