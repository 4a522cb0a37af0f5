"""JSON and logfmt records: level, component and template, by key."""

import json

import pytest

from autoir.patterns import ERROR, FATAL, INFO, JSON, TEXT, UNKNOWN, WARN, shape_of

RECORDS = [
    # the text first, then keys; ids, users and times are values
    (
        {"ts": 1.5, "level": "error", "msg": "payment 123 failed", "status": 503, "user_id": "bob", "n": 4},
        *(ERROR, "", "payment <*> failed {level=error n=<*> status=503 ts=<*> user_id=<*>}"),
    ),
    # the numeric scale of pino and bunyan
    (
        {"level": 50, "time": 1531171074631, "name": "app", "msg": "boom 5"},
        ERROR,
        "app",
        "boom <*> {level=50 time=<*>}",
    ),
    ({"level": 60, "msg": "x"}, FATAL, "", "x {level=60}"),
    ({"level": 30, "msg": "x"}, INFO, "", "x {level=30}"),
    # other names of the level
    ({"severity": "WARNING", "message": "x"}, WARN, "", "x {severity=warning}"),
    ({"lvl": "crit", "message": "x"}, FATAL, "", "x {lvl=crit}"),
    ({"log.level": "warn", "message": "x"}, WARN, "", "x {log.level=warn}"),
    ({"log": {"level": "warn"}, "message": "x"}, WARN, "", "x {log.level=warn}"),
    ({"level": "banana", "message": "x"}, UNKNOWN, "", "x {level=banana}"),
    # kept by key
    ({"msg": "x", "statusCode": 200}, UNKNOWN, "", "x {statusCode=<ok>}"),
    ({"msg": "x", "status": "active"}, UNKNOWN, "", "x {status=active}"),
    ({"msg": "x", "exitCode": 137}, UNKNOWN, "", "x {exitCode=137}"),
    ({"msg": "x", "errno": -13}, UNKNOWN, "", "x {errno=-13}"),
    ({"msg": "x", "sqlstate": "40P01"}, UNKNOWN, "", "x {sqlstate=40P01}"),
    ({"msg": "x", "code": 1234567}, UNKNOWN, "", "x {code=<*>}"),
    # what stays: booleans, null, words; arrays count by their first element
    (
        {"msg": "x", "ok": True, "next": None, "region": "eu", "tags": ["a", "b"], "none": []},
        *(UNKNOWN, "", "x {next=null none=[] ok=true region=eu tags=a}"),
    ),
    # nesting, to depth four
    ({"a": {"b": {"c": {"d": {"e": 1}}}}}, UNKNOWN, "", "{a.b.c.d=<*>}"),
    # error texts are masked text
    ({"msg": "x", "error": "dial 10.0.0.1: refused"}, UNKNOWN, "", "x error=dial <*>: refused"),
    ({"msg": "x", "logger": "c.x.Foo", "thread": "exec-1"}, UNKNOWN, "c.x.Foo", "x {thread=<*>}"),
    ({"user_12345": 1, "msg": "x"}, UNKNOWN, "", "x {user_<*>=<*>}"),
]


@pytest.mark.parametrize(("record", "level", "component", "template"), RECORDS)
def test_record(record: dict[str, object], level: int, component: str, template: str) -> None:
    shape = shape_of(json.dumps(record))
    assert (shape.kind, shape.level, shape.component, shape.template) == (JSON, level, component, template)


def test_an_error_without_content_is_no_failure() -> None:
    assert shape_of('{"level":"info","msg":"done","error":null}').severity_class == 0
    assert shape_of('{"level":"info","msg":"done","error":"it failed"}').severity_class == 1


def test_a_5xx_by_key_is_class_two() -> None:
    assert shape_of('{"level":"info","msg":"done","status":502}').severity_class == 2


@pytest.mark.parametrize(
    ("line", "level", "template"),
    [
        # behind a header
        ('2024-03-05T10:00:00.000Z\t3fa85f64-5717-4562-b3fc-2c963f66afa6\tERROR\t{"msg":"x 5"}', ERROR, "x <*>"),
        # zap on a terminal: a line of text, a tab, fields
        ('2024-03-05T10:00:00Z\tWARN\tdb/q.go:5\tslow 5\t{"user": "bob", "n": 5}', WARN, "slow <*> {n=<*> user=<*>}"),
        ('2024-03-05T10:00:00.123456789Z stdout F {"level":"warn","msg":"x 5"}', WARN, "x <*> {level=warn}"),
    ],
)
def test_a_header_in_front_of_a_record_counts(line: str, level: int, template: str) -> None:
    shape = shape_of(line)
    assert (shape.kind, shape.level, shape.template) == (JSON, level, template)


def test_a_containers_wrapper_is_taken_off() -> None:
    inner = "2024-03-05 10:00:00,123 - my.mod - ERROR - boom 5"
    wrapped = json.dumps({"log": inner + "\n", "stream": "stderr", "time": "2024-03-05T10:00:00Z"})
    assert shape_of(wrapped) == shape_of(inner)


def test_a_wrapper_cut_short_keeps_the_level() -> None:
    assert shape_of('{"log":"2024-03-05 10:00:00,123 - my.mod - ERROR - boom 5').level == ERROR


@pytest.mark.parametrize("line", ['{"a": 1', "{a: 1}", "[1, 2]", "{}", '{"a": 1} trailing', "{" * 3000 + "}" * 3000])
def test_what_is_no_object_is_text(line: str) -> None:
    assert shape_of(line).kind == TEXT


@pytest.mark.parametrize(
    ("line", "level", "component", "template"),
    [
        (
            'ts=2024-03-05T10:00:00Z level=error caller=main.go:55 msg="request failed" status=503 dur=12ms user=bob',
            *(ERROR, "", "request failed {caller=main.go:<*> dur=<*> level=error status=503 ts=<*> user=<*>}"),
        ),
        (
            "at=info method=GET path=/a status=200 service=12ms",
            *(UNKNOWN, "", "{at=<*> method=GET path=/a service=<*> status=<ok>}"),
        ),
        ("level=warn logger=shop.db msg=slow id=7", WARN, "shop.db", "slow {id=<*> level=warn}"),
    ],
)
def test_logfmt(line: str, level: int, component: str, template: str) -> None:
    shape = shape_of(line)
    assert (shape.kind, shape.level, shape.component, shape.template) == (JSON, level, component, template)


def test_prose_with_pairs_hides_who_and_keeps_what() -> None:
    template = shape_of("INFO login ok user=bob zone=eu request_id=abc done").template
    assert template == "login ok user=<*> zone=eu request_id=<*> done"
