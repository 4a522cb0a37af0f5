"""Records to events, in every shape that logs come in."""

from datetime import timedelta, timezone

import pytest

from autoir.events import LogEvent
from autoir.tail.formats import Refused, Source, is_aws_tail, is_json_lines, parse, parse_aws_tail
from autoir.tail.lines import MAX_LINE, Record
from tests.yardstick import cpu_s

NOW = 1_772_456_400_000  # 2026-03-02 13:00:00 UTC
AT = NOW - 3_600_000


def a_record(text: str, start: int = 0) -> Record:
    size = len(text.encode("utf-8", "surrogatepass"))
    return Record(text, start, start + size + 1, size, False, True)


def a_source(**changes: object) -> Source:
    return Source("/local/app", "app.log", **changes)  # type: ignore[arg-type]


def event(text: str, source: Source | None = None, now_ms: int = NOW) -> LogEvent:
    item = parse(source or a_source(), a_record(text), now_ms)
    assert isinstance(item, LogEvent)
    return item


@pytest.mark.parametrize("unit", ["/", "a/b/", "1-", "[", "-a"])
def test_a_long_name_of_a_stream_that_is_none_is_told_in_linear_time(unit: str) -> None:
    text = "2026-03-02T12:00:00.000000+00:00 " + unit * (200_000 // len(unit)) + ":"

    def tell() -> None:
        assert not is_aws_tail([text])

    assert cpu_s(tell, 0.5) < 0.5  # 400 s in quadratic time


# A CloudWatch event in each spelling, and what differs from AS_SENT.
AS_SENT = LogEvent("/a", "s", AT, "m", "e", AT)


@pytest.mark.parametrize(
    ("names", "changes"),
    [
        ('"logGroup":"/a","logStreamName":"s","ingestionTime":1772452800500', {"ingest_ms": AT + 500}),
        ('"logGroupName":"/a","logStream":"s"', {}),
        ('"logStreamName":"s","ingestionTime":1772452800000', {"log_group": "/local/app"}),
        ('"logGroup":"/a"', {"log_stream": "app.log"}),
        ('"logGroup":"","logStream":null', {"log_group": "/local/app", "log_stream": "app.log"}),
        ('"logGroup":"/a","logStream":"s","owner":"123456789012","region":"eu-west-1"',
         {"account": "123456789012", "region": "eu-west-1"}),
        ('"logGroup":"/a","logStream":"s","message":"\\ud83d\\udca5"', {"message": "💥"}),
        ('"logGroup":"/a","logStream":"s","message":"half \\ud83d pair"', {"message": "half \ud83d pair"}),
        ('"logGroup":"/a","logStream":"s","message":""', {"message": ""}),
        ('"logGroup":"/a","logStream":"s","timestamp":-1', {"ts_ms": -1, "ingest_ms": -1}),
    ],
)  # fmt: skip
def test_a_cloudwatch_event_keeps_its_own_names_time_and_id(names: str, changes: dict[str, object]) -> None:
    found = event(f'{{"timestamp":1772452800000,"message":"m","eventId":"e",{names}}}')
    assert found == AS_SENT._replace(**changes)  # type: ignore[arg-type]


def test_an_event_without_an_id_gets_one_by_its_place() -> None:
    first, second = (
        parse(a_source(), a_record('{"logGroup":"/a","timestamp":1,"message":"m"}', start), NOW) for start in (0, 50)
    )
    assert isinstance(first, LogEvent)
    assert isinstance(second, LogEvent)
    assert first.event_id
    assert first.event_id != second.event_id


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"logGroup":"/a","message":"m"}', "no timestamp"),
        ('{"logGroup":"/a","timestamp":"2026-03-02T12:00:00Z","message":"m"}', "no timestamp"),
        ('{"logGroup":"/a","timestamp":1772452800000.5,"message":"m"}', "no timestamp"),
        ('{"logGroup":"/a","timestamp":true,"message":"m"}', "no timestamp"),
        ('{"logGroup":"/a","timestamp":null,"message":null}', "no timestamp"),
        ('{"logGroup":"/a","timestamp":1772452800000,"message":{"a":1}}', "no message"),
        ('{"logGroup":"/a","logStream":"s","timestamp":1772452800000}', "no message"),
        ("x" * (MAX_LINE + 1), "too long"),
        ('{"logGroup":"/a","timestamp":1,"message":"' + "x" * MAX_LINE + '"}', "too long"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_no_event_is_refused_with_its_reason(text: str, reason: str) -> None:
    item = parse(a_source(), a_record(text, 40), NOW)
    assert isinstance(item, Refused)
    assert (item.reason, item.text, item.size, item.place) == (reason, text, len(text), "40")
    assert item.detail


# A line of an application's own log: its time. The line itself stays as it is.
@pytest.mark.parametrize(
    ("text", "ts_ms"),
    [
        ("2026-03-02T12:00:00.123456789Z start of a kubectl --timestamps line", AT + 123),
        ('{"time":"2026-03-02T12:00:00Z","msg":"start","level":"info"}', AT),
        ('{"ts":1772452800.5,"message":"zap has a message too","level":"warn"}', AT + 500),
        ('{"@timestamp":"2026-03-02T12:00:00.000Z","message":"ecs","log.level":"error"}', AT),
        ('{"msg":"2026-03-02 12:00:00 in the text"}', AT),
        ('{"message":"no time"}', NOW),
        ('{"broken": 2026-03-02 12:00:00', AT),
        ("{not json} 2026-03-02 12:00:00", AT),
        ('{"a":"\\ud800","time":"2026-03-02T12:00:00Z"}', AT),
        ('{"a":"\\ud800"' + "[" * 100_000, NOW),
        ("[1, 2]", NOW),
        ("Mar  2 12:00:00 host app: x", AT),
        ("Dec 31 23:59:59 host app: x", AT - 60 * 86_400_000 - 43_201_000),
        ("no time at all", NOW),
        ("12:00:00 no day", NOW),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_plain_line_has_the_time_that_it_says_or_that_it_is_read(text: str, ts_ms: int) -> None:
    found = event(text)
    assert (found.ts_ms, found.message, found.ingest_ms) == (ts_ms, text, NOW)
    assert (found.log_group, found.log_stream) == ("/local/app", "app.log")


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        # 2024-01-01 00:30, 2028-01-01 00:10, 2026-12-31 23:50 UTC: the turn of a year
        (1_704_069_000_000, "Jan  1 00:29:00 h x", 1_704_068_940_000),
        (1_830_298_200_000, "Jan  1 00:09:00 h x", 1_830_298_140_000),
        (1_830_298_200_000, "Dec 31 23:59:00 h x", 1_830_297_540_000),
        (1_798_761_000_000, "Dec 31 23:49:00 h x", 1_798_760_940_000),
    ],
)
def test_a_time_without_a_year_is_of_the_year_that_makes_it_recent(now: int, text: str, expected: int) -> None:
    assert event(text, now_ms=now).ts_ms == expected


def test_an_undated_line_has_the_time_of_the_line_above_it() -> None:
    source = a_source(fixed_ms=5)
    times = [event(text, source).ts_ms for text in ("undated", "2026-03-02T12:00:00Z a", "undated", "{}")]
    assert times == [5, AT, AT, AT]


def test_the_zone_of_a_source_counts_for_its_lines() -> None:
    source = a_source(zone=timezone(timedelta(hours=1)))
    assert event("2026-03-02 13:00:00 x", source).ts_ms == AT
    assert event('{"time":"2026-03-02 13:00:00"}', source).ts_ms == AT


HEAD = "2026-03-02T12:00:00.000000+00:00 "


@pytest.mark.parametrize(
    ("text", "stream", "message"),
    [
        (f"{HEAD}2026/03/02/[$LATEST]0a1b START RequestId: 1", "2026/03/02/[$LATEST]0a1b", "START RequestId: 1"),
        (f"{HEAD}web/api/5f1c hello\n  more\nlast", "web/api/5f1c", "hello\n  more\nlast"),
        (f"{HEAD}ip-10-0-0-1 ", "ip-10-0-0-1", ""),
    ],
)
def test_a_record_of_aws_logs_tail_is_time_stream_and_message(text: str, stream: str, message: str) -> None:
    found = parse_aws_tail(a_source(), a_record(text), NOW)
    assert isinstance(found, LogEvent)
    assert (found.log_stream, found.ts_ms, found.message) == (stream, AT, message)


@pytest.mark.parametrize(
    ("text", "ts_ms", "message"),
    [("no header", AT, None), ("2026-13-02T12:00:00.000000+00:00 a/b x", AT, None), ("x" * (MAX_LINE + 1), None, None)],
    ids=["undated", "no date", "too long"],
)
def test_what_is_no_record_of_aws_logs_tail_is_a_plain_line(text: str, ts_ms: int | None, message: None) -> None:
    source = a_source()
    parse_aws_tail(source, a_record(f"{HEAD}a/b x"), NOW)
    found = parse_aws_tail(source, a_record(text), NOW)
    if ts_ms is None:
        assert isinstance(found, Refused)
    else:
        assert isinstance(found, LogEvent)
        assert (found.ts_ms, found.message, found.log_stream) == (ts_ms, text, "app.log")


@pytest.mark.parametrize(
    ("lines", "aws"),
    [
        ([f"{HEAD}a/b x", f"{HEAD}a/b y"], True),
        ([f"{HEAD}a/b x", "  indented", "", f"{HEAD}a/b y"], True),
        ([f"{HEAD}a/b x", "not indented", f"{HEAD}a/b y"], True),
        ([f"{HEAD}2026/03/02/[$LATEST]0a1b x"], True),
        (["plain", f"{HEAD}a/b x", f"{HEAD}a/b x"], False),
        ([f"{HEAD}a/b x", "plain", "plain"], False),
        ([f"{HEAD}[INFO] a level is no stream"], False),
        ([f"{HEAD}ERROR-1 neither"], False),
        ([f"{HEAD}- nor is a dash"], False),
        ([f"{HEAD}app[web.1]: nor what ends in a colon"], False),
        ([f"{HEAD}word nor a word"], False),
        (["2026-03-02T12:00:00Z a/b another form of time"], False),
        ([], False),
        (["", "  "], False),
    ],
)
def test_aws_logs_tail_is_known_by_the_first_lines(lines: list[str], aws: bool) -> None:
    assert is_aws_tail(lines) == aws


@pytest.mark.parametrize(
    ("lines", "json"),
    [(['{"a":1}', "", '{"b":2} '], True), (['{"a":1}', "plain"], False), (["{", '  "a": 1', "}"], False), ([], False)],
)
def test_json_lines_are_known_by_the_first_lines(lines: list[str], json: bool) -> None:
    assert is_json_lines(lines) == json


def ids(source: Source, *lines: tuple[int, str]) -> list[str]:
    return [source.event_id(a_record(text, start), ts) for ts, (start, text) in enumerate(lines)]


def test_in_a_file_a_line_is_known_by_its_place() -> None:
    first, same, elsewhere, other = ids(a_source(), (0, "a"), (0, "a"), (9, "a"), (0, "b"))
    assert first == same
    assert len({first, elsewhere, other}) == 3


def test_in_a_pipe_a_line_is_known_by_its_time_and_how_often_it_came() -> None:
    lines = [(1, "a"), (1, "a"), (2, "b"), (1, "a"), (2, "a")]

    def once() -> list[str]:
        source = a_source(by_place=False)
        return [source.event_id(a_record(text, start), ts) for start, (ts, text) in enumerate(lines)]

    assert len(set(once())) == len(lines)
    assert once() == once()


def test_a_pipe_does_not_remember_every_line_it_saw() -> None:
    source = a_source(by_place=False)
    for ts in range(25_000):
        source.event_id(a_record("a"), ts)
    assert len(source._twins) == 10_000
