"""What the task says, read and followed: each line once, metrics left out, late lines found."""

import json
from collections.abc import Iterator
from random import Random

import pytest

from autoir.aws.session import Access
from autoir.aws.task_log import Line, lines
from autoir.errors import UsageError
from autoir.tail.cloudwatch import CloudWatch
from autoir.tail.cloudwatch_rate import Bucket
from tests.tail.cloudwatch_fake import START_MS, FakeLogs, Faults, Time, Wire, client_of, serving

GROUP = "/autoir/prod/tail"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


@pytest.fixture
def at() -> Time:
    return Time()


def service(wire: Wire, at: Time, faults: Faults | None = None) -> FakeLogs:
    wire.logs = FakeLogs(at, faults)
    wire.logs.make(GROUP)
    return wire.logs


def read(
    wire: Wire, at: Time, *, follow: bool = False, polls: int = 1, since_ms: int = START_MS - 60_000
) -> list[Line]:
    """The lines of ``polls`` polls."""
    left = [polls]

    def pause(seconds: float) -> bool:
        at.pause(seconds)
        left[0] -= 1
        return left[0] > 0

    cloudwatch = CloudWatch(Access(), Bucket(at.clock, 5), pause=at.pause, jitter=Random(0), client=client_of(wire))
    return list(lines(cloudwatch, GROUP, since_ms, clock=at.clock, pause=pause, follow=follow))


def said(level: str, message: str, **more: object) -> str:
    return json.dumps({"level": level, "message": message, "service": "tail", **more})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (said("WARNING", "/shop/api: may not be read"), ("WARNING", "/shop/api: may not be read")),
        (said("ERROR", "no store", hint="Is it up?"), ("ERROR", "no store Is it up?")),
        # metrics
        (json.dumps({"_aws": {}, "Received": 3}), None),
        # not one of its own lines
        ("Traceback (most recent call last):", ("", "Traceback (most recent call last):")),
        ('{"level": 3}', ("", '{"level": 3}')),
        ("[1]", ("", "[1]")),
        ("7", ("", "7")),
    ],
)
def test_a_line(wire: Wire, at: Time, message: str, expected: tuple[str, str] | None) -> None:
    service(wire, at).put(GROUP, START_MS - 10, message)
    found = [(line.level, line.message) for line in read(wire, at)]
    assert found == ([expected] if expected else [])


def test_all_pages_and_no_line_before(wire: Wire, at: Time) -> None:
    logs = service(wire, at, Faults(page_events=3))
    logs.put(GROUP, START_MS - 61_000, "too old")
    for number in range(10):
        logs.put(GROUP, START_MS - 20 + number, f"line {number}")
    assert [line.message for line in read(wire, at)] == [f"line {number}" for number in range(10)]


def test_following_tells_each_line_once_and_finds_late_ones(wire: Wire, at: Time) -> None:
    logs = service(wire, at)
    logs.put(GROUP, START_MS - 10, "first")
    logs.put(GROUP, START_MS + 3_000, "second")  # not there before its time
    logs.put(GROUP, START_MS - 20, "late", unseen_ms=5_500)
    assert [line.message for line in read(wire, at, follow=True, polls=5)] == ["first", "second", "late"]


def test_without_follow_it_ends(wire: Wire, at: Time) -> None:
    service(wire, at)
    assert read(wire, at, polls=5) == []
    assert wire.logs.calls["FilterLogEvents"] == 1


def test_a_group_that_is_not_there_names_what_makes_it(wire: Wire, at: Time) -> None:
    wire.logs = FakeLogs(at)
    with pytest.raises(UsageError, match="no log group /autoir/prod/tail") as caught:
        read(wire, at)
    assert "deploy" in caught.value.hint
