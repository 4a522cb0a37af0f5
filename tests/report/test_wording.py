"""A log line's own words: which part of a line is worth a title."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.patterns import shape_of
from autoir.report.wording import LIMIT, words_of
from tests.yardstick import cpu_s

PYTHON = (
    "2026-03-17 14:27:41,379 ERROR shop.sweep [trace=-] sweep failed\n"
    "Traceback (most recent call last):\n"
    '  File "/srv/shop/pool.py", line 88, in take\n'
    "    raise PoolExhausted(self)\n"
    "shop.pool.PoolExhausted: all 20 connections in use"
)
CHAINED = (
    "Traceback (most recent call last):\n"
    '  File "/srv/a.py", line 1, in f\n'
    "OSError: disk gone\n\n"
    "The above exception was the direct cause of the following exception:\n\n"
    "Traceback (most recent call last):\n"
    '  File "/srv/b.py", line 2, in g\n'
    "shop.SaveError: not saved"
)
HANDLING = CHAINED.replace(
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)
JAVA = (
    "2026-03-17 14:38:03.287 ERROR 1 --- [http-8080-08] shop.orders.Orders : trace=fe2d order not saved\n"
    "shop.orders.SaveException: outer\n"
    "\tat shop.orders.Orders.save(Orders.java:75)\n"
    "Caused by: java.net.ConnectException: Connection refused\n"
    "\tat java.base/sun.nio.ch.Net.connect(Net.java:12)"
)
UUID = "4f1c2d3e-1111-2222-3333-444455556666"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        # behind a header
        ("2026-03-17 14:30:12 ERROR shop.api connection refused", "connection refused"),
        (
            "2026/03/17 14:30:12 [error] 29#29: *1234 upstream:8000 answered 503, none left",
            "upstream:8000 answered 503, none left",
        ),
        ('2026-03-17T14:30:12.123Z\tERROR\tstock/commit.go:12\tcommit failed\t{"sku":12}', "commit failed"),
        ("QueuePool limit of size 20 overflow 10 reached", "QueuePool limit of size 20 overflow 10 reached"),
        ('10.0.0.1 - - [17/Mar/2026:14:30:12 +0000] "POST /pay?x=1 HTTP/1.1" 503 180 "-" "Mozilla"', "POST /pay 503"),
        # the exception first
        (PYTHON, "PoolExhausted: all 20 connections in use"),
        (CHAINED, "OSError: disk gone"),
        (HANDLING, "SaveError: not saved"),
        (JAVA, "ConnectException: Connection refused"),
        ("upload failed: boto.exceptions.ReadTimeoutError: no answer", "ReadTimeoutError: no answer"),
        ("panic: runtime error: index out of range", "panic: runtime error: index out of range"),
        # records
        ('{"level":"error","msg":"upstream returned 503","status":503}', "upstream returned 503"),
        ('{"level":"error","msg":"save failed","err":"disk gone"}', "save failed: disk gone"),
        ('{"msg":"x","error":{"type":"TimeoutError","message":"no answer in 5 s"}}', "TimeoutError: no answer in 5 s"),
        ('{"log":"ERROR pay refused\\n","stream":"stderr","time":"t"}', "pay refused"),
        ('level=error svc=pay msg="card refused" err="limit reached"', "card refused: limit reached"),
        (f'2026-03-17T14:30:12.123Z\t{UUID}\tERROR\t{{"msg":"pay failed","err":"x"}}', "pay failed: x"),
        # ids go, values stay
        (f"ERROR order {UUID} of user 7 lost", "order … of user 7 lost"),
        ("ERROR block deadbeef0123456789 at 1234567890 gone", "block … at … gone"),
        ("ERROR [trace=ab12cd] request_id=xyz-1 boom", "boom"),
        # nothing alive, nothing hidden
        ("ERROR see http://evil.example <b>@here</b>", "see http[:]//evil[.]example ‹b›(at)here‹/b›"),
        ("ERROR a\x1b[31mb\u202ec", "a\\x1b[31mb\\u202ec"),
        # what is there when nothing is
        ("", ""),
        ("{}", "{}"),
        ('{"a":', '{"a"'),
    ],
)
def test_words(message: str, expected: str) -> None:
    assert words_of(message, shape_of(message).template) == expected


def test_the_template_speaks_where_no_line_is_known() -> None:
    assert words_of("", "limit of size <*> overflow <*> reached") == "limit of size … overflow … reached"


@given(st.text(max_size=300), st.text(max_size=60))
def test_words_of_anything_are_short_and_harmless(message: str, template: str) -> None:
    words = words_of(message, template)
    assert len(words) <= LIMIT
    assert not set(words) & set("<>@\n\x1b")


@pytest.mark.parametrize(
    "bomb",
    [
        "a.A" * 100_000,
        "x=y " * 100_000,
        '{"a":' * 50_000 + "}",
        "Caused by: " * 50_000,
        "A" * 300_000 + "Exception: ",
        "<*> " * 50_000,
        "\\" * 300_000,
        "0f" * 200_000,
        'x="' + '\\"' * 100_000,
        "trace" * 60_000,
    ],
)
def test_a_bomb_takes_no_time(bomb: str) -> None:
    messages = (bomb, f"ERROR {bomb}", f"Traceback (most recent call last):\n{bomb}\nE: x")
    assert cpu_s(lambda: [words_of(message, bomb[:2_048]) for message in messages], 2) < 2
