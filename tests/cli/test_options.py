"""Durations, times and zones as people write them."""

from datetime import UTC, timedelta, timezone

import pytest

from autoir.cli.options import duration_ms, moment_ms, time_zone
from autoir.clock import DAY_MS, HOUR_MS, MINUTE_MS
from autoir.errors import UsageError

NOW = 1_773_759_600_000
"""2026-03-17 15:00 UTC."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", 90_000),
        ("15m", 15 * MINUTE_MS),
        ("15 min", 15 * MINUTE_MS),
        ("2H", 2 * HOUR_MS),
        ("3d", 3 * DAY_MS),
        ("1w", 7 * DAY_MS),
    ],
)
def test_durations(text: str, expected: int) -> None:
    assert duration_ms("--for", text) == expected


@pytest.mark.parametrize("text", ["", "15", "m", "-5m", "1.5h", "1y", "0m", "٣m", "5m 3s", "9999999999s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match=r"--for .* is not a duration"):
        duration_ms("--for", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOW - 2 * HOUR_MS),
        ("1773759600000", NOW),
        ("2026-03-17T15:00:00Z", NOW),
        ("2026-03-17T15:00", NOW),
        ("2026-03-17 16:00+01:00", NOW),
        ("2026-03-17", NOW - 15 * HOUR_MS),
    ],
)
def test_moments(text: str, expected: int) -> None:
    assert moment_ms("--since", text, NOW) == expected


def test_a_time_without_a_zone_takes_the_callers() -> None:
    assert moment_ms("--since", "2026-03-17T16:00", NOW, timezone(timedelta(hours=1))) == NOW


@pytest.mark.parametrize("text", ["", "now", "12:30", "17.03.2026", "17737596"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UsageError, match=r"--since .* is not a time"):
        moment_ms("--since", text, NOW)


@pytest.mark.parametrize(
    ("name", "near"), [("Europe/Berln", "Europe/Berlin"), ("berlin", "Europe/Berlin"), ("Mars/Base", ":")]
)
def test_zones_like_a_wrong_one_are_named(name: str, near: str) -> None:
    with pytest.raises(UsageError, match="is not a time zone") as caught:
        time_zone("--timezone", name)
    assert near in caught.value.hint


def test_zones() -> None:
    assert time_zone("--timezone", "utc") is UTC
    assert str(time_zone("--timezone", "America/New_York")) == "America/New_York"
