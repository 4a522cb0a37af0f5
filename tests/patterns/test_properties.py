"""Properties of masking that no table can show: determinism, equality of values, bounds under attack."""

import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autoir.patterns import Masker, mask_text, pattern_of, shape_of
from tests.yardstick import cpu_s

ROOT = Path(__file__).resolve().parents[2]

PREFIXES = ["req-", "req_", "id=", "/", "(", "[", '"', ":", "#", "@", ".", "user=", "a/b/", "k: "]


def hex_id(draw: random.Random) -> str:
    size = draw.choice([8, 12, 16, 24, 32, 40])
    digits = "".join(draw.choice("0123456789abcdef") for _ in range(size - 2))
    return digits + draw.choice("0123456789") + draw.choice("abcdef")


VALUES: dict[str, Callable[[random.Random], str]] = {
    "uuid": lambda draw: str(uuid.UUID(int=draw.getrandbits(128))),
    "hex id": hex_id,
    "number": lambda draw: str(draw.randrange(10 ** draw.randrange(1, 13))),
    "decimal": lambda draw: f"{draw.randrange(10**6)}.{draw.randrange(10**4)}",
    "ipv4": lambda draw: ".".join(str(draw.randrange(256)) for _ in range(4)),
    "endpoint": lambda draw: ".".join(str(draw.randrange(256)) for _ in range(4)) + f":{draw.randrange(65536)}",
}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_with_a_value_of_a_kind_is_one_pattern(prefix: str, kind: str) -> None:
    draw = random.Random(f"{prefix}{kind}")
    lines = [f"INFO start {prefix}{VALUES[kind](draw)} end" for _ in range(300)]
    assert {shape_of(line).template for line in lines} == {f"start {prefix}<*> end"}


@given(st.sampled_from(sorted(VALUES)), st.randoms(use_true_random=False), st.sampled_from(PREFIXES))
def test_kinds_of_value_do_not_split_a_pattern(kind: str, draw: random.Random, prefix: str) -> None:
    assert mask_text(f"start {prefix}{VALUES[kind](draw)} end") == f"start {prefix}<*> end"


KEPT_APART = [
    ("status: {}", ["503", "429", "500", "404"]),
    ("exit code {}", ["137", "139", "1", "0"]),
    ("[Errno {}] x", ["111", "13"]),
    ("SQLSTATE {}", ["40001", "40P01"]),
    ("killed by {}", ["SIGKILL", "SIGTERM", "SIGUSR1", "SIGUSR2"]),
    ("signal {}", ["9", "15"]),
    ("over {} now", ["ipv4", "ipv6"]),
    ("ORA-{} x", ["00942", "01017"]),
    ("failed with HRESULT 0x{}", ["80070005", "80070057", "8007000E"]),
]


@pytest.mark.parametrize(("form", "values"), KEPT_APART)
def test_kept_values_differ(form: str, values: list[str]) -> None:
    masker = Masker()
    for line in ("INFO " + form, '{"level":"info","msg":"' + form.replace('"', "") + '"}'):
        assert len({masker.pattern("g", line.replace("{}", value)).pattern_id for value in values}) == len(values)


# Text that is likely to meet a rule: words of the rules, values, separators, hostile characters.
PIECES = st.sampled_from(
    [
        *("status", "exit", "code", "returned", "errno", "HTTP/1.1", "SQLSTATE", "signal", "SIGUSR1", "ERROR", "INFO"),
        *(
            "ipv4",
            "s3",
            "S3Client",
            "utf8mb4",
            "E11000",
            "0x80070005",
            "0x7ffe",
            "ORA-00942",
            "503",
            "137",
            "200",
            "-5",
        ),
        *(
            "2024-03-05T10:00:00Z",
            "10:00:00.1",
            "Oct  1 22:14:15",
            "10.0.0.1",
            "::1",
            "fe80::1a",
            "12ms",
            "10MB",
            "1e-5",
        ),
        *("3fa85f64-5717-4562-b3fc-2c963f66afa6", "8abc1234", "a1b2c3", "req_12", "tap0be00e00-0d", "/tmp/tmpAbCdEf"),
        *(
            "=",
            ":",
            ",",
            ", ",
            ".",
            "-",
            "_",
            "/",
            '"',
            "'",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            "<*>",
            "<ok>",
            "<200,",
            "\t",
            " ",
        ),
        *(
            "a=1",
            "user=bob",
            "id=7",
            "msg=",
            "\ue000",
            "\ue00a",
            "\x1b[31m",
            "\x00",
            "\u202e",
            "é",
            "\ud800",
            "\x0e",
            "５",
        ),
    ]
)
LINES = st.lists(PIECES | st.text(max_size=6), max_size=25).map(" ".join) | st.lists(PIECES, max_size=25).map("".join)


@given(LINES)
def test_masking_twice_is_masking_once(line: str) -> None:
    once = mask_text(line)
    assert mask_text(once) == once


@given(st.lists(LINES, max_size=20))
def test_the_memo_never_changes_an_answer(lines: list[str]) -> None:
    masker = Masker(memo_bytes=20_000)
    for line in lines * 2:
        assert masker.pattern("g", line) == pattern_of("g", shape_of(line))


@given(st.lists(LINES, min_size=2, max_size=20), st.randoms(use_true_random=False))
def test_order_does_not_matter(lines: list[str], draw: random.Random) -> None:
    masker = Masker()
    first = {line: masker.pattern("g", line) for line in lines}
    draw.shuffle(lines)
    other = Masker()
    assert {line: other.pattern("g", line) for line in lines} == first


@given(LINES)
def test_the_digits_of_a_masked_value_do_not_matter(line: str) -> None:
    assume("eyJ" not in line and "{" not in line)
    ones, sevens = mask_text(line.replace("7", "1")), mask_text(line.replace("1", "7"))
    # Where a kept value stands, its digits do matter.
    assume(not any(c.isascii() and c.isdigit() for c in ones + sevens))
    assume(not any(mark in ones + sevens for mark in ("<ok>", "<info>", "<redir>")))
    assert ones == sevens


@given(LINES)
def test_a_template_is_valid_text_without_control_characters(line: str) -> None:
    shape = shape_of(line)
    for text in (shape.template, shape.component):
        text.encode("utf-8")
        assert not [
            c for c in text if (ord(c) < 32 and c not in "\t\n\r") or ord(c) == 127 or "\ue000" <= c <= "\ue00a"
        ]
        assert len(text) <= 2048


@given(st.lists(st.lists(PIECES, max_size=6).map(" ".join), min_size=1, max_size=5))
def test_no_mask_spans_a_newline(lines: list[str]) -> None:
    whole = mask_text("x\n" + "\n".join(lines) + "\nx")
    assert whole.count("\n") == len(lines) + 1


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, min_size=1, max_size=80), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(record: dict[str, object], draw: random.Random) -> None:
    keys = list(record)
    draw.shuffle(keys)
    assert shape_of(json.dumps({key: record[key] for key in keys})) == shape_of(json.dumps(record))


def test_forged_reserved_code_points_keep_nothing() -> None:
    forged = "".join(chr(0xE000 + int(c)) for c in "503")
    assert mask_text(f"status: {forged}") == "status: \ufffd\ufffd\ufffd"
    assert mask_text("status: 503 \ue00a FooError") == "status: 503 \ufffd FooError"


def test_ids_do_not_hang_on_the_hash_seed() -> None:
    program = (
        "from autoir.patterns import Masker; m = Masker();"
        "print([m.pattern('g', l)[:2] for l in ('INFO ipv4 s3 status: 503 x 5',"
        ' \'{"b": 1, "a": {"c": "x 5"}, "level": "error"}\', \'a=1 b=2 c=3 level=info\')])'
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(outputs) == 1


BOMBS = {
    "1-1-1": "1-" * 20_000,
    "a1a1": "a1" * 20_000,
    "1a 1a": "1a " * 15_000,
    "Jan 1": "Jan 1 " * 8_000,
    "Jan  1 10:": "Jan  1 10:" * 4_000,
    "1:1:1": "1:" * 20_000,
    "a_b": "aab_Ab_" * 6_000,
    "digits": "1" * 40_000,
    "colons": "a:" * 20_000,
    "hex": "abcdef01" * 5_000,
    "hex dashes": "abcdef01-" * 5_000,
    "exit exit": "exit " * 8_000 + "1",
    "status status": "status code " * 4_000 + "503",
    "quotes": '"GET ' * 8_000,
    "pairs": "a=1 " * 10_000,
    "query": "?" + "a=1&" * 10_000,
    "lists": "<*>, " * 8_000,
    "quoted lists": "u'<*>', " * 5_000,
    "open pairs": 'a="' * 10_000,
    "errors": "error_" * 7_000,
    "ErrorError": "Error1" * 7_000,
    "brackets": "[" * 40_000,
    "records": "(1), " * 8_000,
    "record names": "a" * 40_000 + "(1), (1), (1)",
    "escapes": "\x1b[" * 20_000,
    "levels": "ERROR " * 7_000,
    "dots": "a." * 20_000,
    "deep JSON": '{"a":' * 500 + "1" + "}" * 500,
    "too deep JSON": '{"a":' * 20_000 + "1" + "}" * 20_000,
    "broad JSON": json.dumps({f"k{i}": i for i in range(4_000)}),
    "long JSON text": json.dumps({"message": "error 5 " * 5_000}),
    "1 MB line": "word 5 " * 150_000,
    "1 MB word": "a1" * 500_000,
    "10K lines": "line 5\n" * 10_000,
    "10K frames": "x\n" + "\tat com.x.Foo.bar(Foo.java:5)\n" * 10_000,
    "10K causes": "x\n" + "Caused by: a.b.FooException: 5\n\tat a.b.c(D.java:5)\n" * 5_000,
    "half frames": "x\n" + "  at " * 10_000,
    "blank lines": "x\n" + " \n" * 20_000 + "at x",
    "blanks": "x\n" + " " * 40_000 + "at",
    "newlines": "\n" * 40_000 + "x",
    "blank lines without a frame": "x\n" + " \r\n" * 14_000 + "x",
}


SLACK = 4
"""A quadratic expression misses the bound by far more."""


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.parametrize("header", ["", "2024-03-05 10:00:00,123 [main] ERROR c.x.Foo - "])
@pytest.mark.parametrize("size", [4_200, 2_000_000])
def test_a_bomb_costs_at_most_a_millisecond_a_kilobyte(bomb: str, header: str, size: int) -> None:
    # Just over the part that is masked, where a quadratic expression shows, and whole.
    message = header + BOMBS[bomb][:size]
    most_s = SLACK * 0.001 * len(message) / 1024
    assert cpu_s(lambda: shape_of(message), most_s) <= most_s


def test_distinct_lines_do_not_grow_the_memos_without_bound() -> None:
    masker = Masker(memo_bytes=200_000)
    for number in range(3_000):
        masker.pattern(
            "g", f"INFO {'x' * (number % 50)} word{number:x}word {random.Random(number).random()} " + "y" * 200
        )
    assert masker.held_bytes <= 400_000
