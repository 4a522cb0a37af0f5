"""The bucket: what it lets through in a time, and what throttling does to it."""

import pytest

from autoir.tail.cloudwatch_rate import Bucket
from tests.tail.cloudwatch_fake import Time


def calls_in(bucket: Bucket, time: Time, seconds: float) -> int:
    """Calls made when each waits for its token."""
    end_ms, calls = time.now_ms + round(seconds * 1000), 0
    while time.now_ms < end_ms:
        if wait_s := bucket.wait_s():
            time.pause(wait_s)
            continue
        bucket.take()
        calls += 1
    return calls


@pytest.mark.parametrize(
    ("per_s", "seconds", "most"),
    [
        (5, 0.001, 5),  # a second's worth at once
        (5, 10, 55),
        (0.5, 10, 6),
        (1, 60, 61),
    ],
)
def test_the_rate(per_s: float, seconds: float, most: int) -> None:
    time = Time()
    assert most - 2 <= calls_in(Bucket(time.clock, per_s), time, seconds) <= most


def test_a_throttled_call_halves_the_rate_and_answers_give_it_back() -> None:
    time = Time()
    bucket = Bucket(time.clock, 4)
    for expected in (2, 1, 0.5, 0.25, 0.25):
        bucket.throttled()
        assert bucket.per_s == expected
        assert bucket.wait_s() > 0
    answered = 0
    while bucket.per_s < 4:
        bucket.passed()
        answered += 1
    assert 15 <= answered <= 25
    bucket.passed()
    assert bucket.per_s == 4


def test_a_clock_that_goes_back_gives_nothing() -> None:
    time = Time()
    bucket = Bucket(time.clock, 1)
    bucket.take()
    time.now_ms -= 60_000
    assert bucket.wait_s() == 1
    time.now_ms += 1_000
    assert bucket.wait_s() == 0
