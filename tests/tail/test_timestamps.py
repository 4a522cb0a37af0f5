"""When a line happened, by every form of time that is read off it."""

from datetime import timedelta, timezone, tzinfo

import pytest

from autoir.tail import timestamps

AT = 1_772_452_800_000  # 2026-03-02 12:00:00 UTC
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        # ISO 8601 and its relatives
        ("2026-03-02T12:00:00Z start", 0),
        ("2026-03-02T12:00:00.5Z start", 500),
        ("2026-03-02T12:00:00.123456789Z start", 123),
        ("2026-03-02 12:00:00,250 - app - INFO - start", 250),
        ("2026/03/02 12:00:00 [error] 7#7: *1 connect() failed", 0),
        ("2026-03-02T14:00:00+02:00 start", 0),
        ("2026-03-02T14:00:00.1+0200 start", 100),
        ("2026-03-02 12:00:00.007 UTC [41] LOG: checkpoint", 7),
        ("2026-03-02 12:00:00 GMT start", 0),
        ("[2026-03-02 12:00:00] production.ERROR: x", 0),
        ("INFO 2026-03-02 12:00:00.001 start", 1),
        ("2026-03-02T12:00:60Z a leap second", 59_000),
        # web servers
        ('10.0.0.1 - - [02/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5', 0),
        ('10.0.0.1 - - [02/Mar/2026:14:00:00 +0200] "GET / HTTP/1.1" 200 5', 0),
        # syslog, whose year is given
        ("Mar  2 12:00:00 host sshd[1]: x", 0),
        ("Mar 02 12:00:00.5 host sshd[1]: x", 500),
        ("<34>Mar  2 12:00:00 host su: x", 0),
    ],
)  # fmt: skip
def test_a_time_is_read_off_a_line(text: str, ms: int) -> None:
    assert timestamps.from_text(text, year=2026) == AT + ms


@pytest.mark.parametrize(
    "text",
    [
        "", "no time", "12:00:00 a time without a day", "2026-03-02 a day without a time", "2026-13-02T12:00:00Z month",
        "2026-02-30T12:00:00Z day", "2026-03-02T25:00:00Z hour", "12026-03-02T12:00:00Z year of five digits",
        "x" * 130 + "2026-03-02T12:00:00Z too far behind", "99/Mar/2026:12:00:00 +0000", "Feb 30 12:00:00 host x",
        "see Mar  2 12:00:00 in the middle", "0000-00-00 00:00:00 zeros",
    ],
)  # fmt: skip
def test_what_is_no_time_is_not_read(text: str) -> None:
    assert timestamps.from_text(text, year=2026) is None


@pytest.mark.parametrize(
    ("text", "zone", "hours"),
    [
        ("2026-03-02 12:00:00 x", EAST, -2),
        ("2026-03-02 12:00:00Z x", EAST, 0),
        ("2026-03-02 12:00:00-0530 x", EAST, 5.5),
        ("Mar  2 12:00:00 host x", EAST, -2),
    ],
)
def test_a_zone_counts_where_the_line_names_none(text: str, zone: tzinfo, hours: float) -> None:
    assert timestamps.from_text(text, zone=zone, year=2026) == AT + hours * 3_600_000


@pytest.mark.parametrize(
    ("number", "ms"),
    [
        (1_772_452_800, AT),
        (1_772_452_800.5, AT + 500),
        (1_772_452_800_000, AT),
        (1_772_452_800_000_000, AT),
        (1_772_452_800_000_000_000, AT),
        (0, None),
        (12.5, None),
        (-1_772_452_800, None),
        (10**21, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_a_number_counts_seconds_or_thousandths_of_them(number: float, ms: int | None) -> None:
    assert timestamps.from_number(number) == ms


@pytest.mark.parametrize(
    ("fields", "ms"),
    [
        ({"timestamp": "2026-03-02T12:00:00Z"}, AT),
        ({"@timestamp": "2026-03-02T12:00:00.001Z"}, AT + 1),
        ({"ts": 1_772_452_800.25}, AT + 250),
        ({"time": 1_772_452_800_000}, AT),
        ({"asctime": "2026-03-02 12:00:00,009"}, AT + 9),
        ({"t": {"$date": 1}, "ts": 1_772_452_800}, AT),
        ({"timestamp": "soon", "time": "2026-03-02 12:00:00"}, AT),
        ({"timestamp": True}, None),
        ({"timestamp": None, "at": "2026-03-02T12:00:00Z"}, None),
        ({}, None),
    ],
)
def test_a_json_line_says_its_time_under_the_usual_keys(fields: dict[str, object], ms: int | None) -> None:
    assert timestamps.from_fields(fields) == ms
