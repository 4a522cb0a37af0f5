"""No planted secret survives redaction, nothing else changes, and twice is once."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoir.redact import RULES, redact
from autoir.redact.rule import any_of, fold, marker
from tests.redact.planted import PLANTED, pem


def test_there_are_enough_planted_secrets() -> None:
    assert len(PLANTED) >= 500
    assert len({message for _, message, _, _ in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize("group", sorted({name.partition("-")[0] for name, *_ in PLANTED}))
def test_a_planted_secret_is_gone_and_the_text_around_it_intact(group: str) -> None:
    for name, message, secret, expected in PLANTED:
        if name.partition("-")[0] == group:
            redacted = redact(message)
            assert redacted == expected, name
            assert secret not in redacted, name
            assert redact(redacted) == redacted, name


FRAGMENTS = [
    *(
        "password",
        "pass",
        "dbPass",
        "pwd",
        "PWD=/",
        "secrets",
        "token",
        "tokens",
        "api_key",
        "access key",
        "credential",
    ),
    *("Authorization", "cookie", "_auth", "identified by", "Bearer", "Basic ", "sig=", "--password ", "--token"),
    *("=", ": ", "=>", "%3D", "%22", "%26", '"', '\\"', '\\\\\\"', "'", "\\", "\\n", "\n", " ", ", ", ";", "&", "|"),
    *("(", ")", "[", "]", "{", "}", "<", ">", "</", "<password>", "@", "%40", "://", ".", "/", "-", "_", "\x1b[31m"),
    *("a", "bob", "hunter2", "X9", "5", "****", "none", "expired", "a@b.co", "u:p@h:80", "@tcp(", "https://u:p@h/"),
    *("eyJhbGciOiJI.eyJzdWIi.abc", "AK" + "IA" + "ABCDEFGHIJKLMNOP", "gh" + "p_" + "a1" * 12, "s" + "k-" + "aB3" * 8),
    *("4111 1111 " + "1111 1111", "4111" + "111111111111", "1111111111", "[REDACTED:secret]", "[REDACTED:card]"),
    *("[REDACTED:", "é", "İ", 'b"', "Some(", "trace_id=", "dXNlcjpwYXNz", pem("RSA "), pem("", end=False)),
]


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=14).map("".join))
def test_redacting_twice_is_redacting_once(message: str) -> None:
    once = redact(message)
    assert redact(once) == once


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=60), st.text(alphabet="abcdefghij 0123,.\n", max_size=60))
def test_a_secret_goes_whatever_stands_around_it(before: str, after: str) -> None:
    secret = "gh" + "p_" + "q7Z" * 12
    assert secret not in redact(before + " " + secret + " " + after)


@given(st.text())
def test_folding_moves_nothing(message: str) -> None:
    folded = fold(message)
    assert len(folded) == len(message)
    assert all(a == b or (a in string.ascii_uppercase and b == a.lower()) for a, b in zip(message, folded, strict=True))


def test_a_gate_finds_what_its_words_do() -> None:
    words = [word for rule in RULES for word in (*rule.gates, *rule.folded_gates)]
    pattern = any_of(words)
    assert all(re.search(pattern, f"x{word}y") for word in words)
    assert not re.search(pattern, "GET /api/v1/items/17 200 in 12ms")
    assert any_of([]) == ""


def test_every_rule_is_tried_by_a_planted_secret() -> None:
    written = {name for name in (rule.name for rule in RULES) for *_, expected in PLANTED if marker(name) in expected}
    assert written == {rule.name for rule in RULES} - {"signature"}  # in the table of forms
