"""Rules from a configuration: they run after the others, and a harmful one is refused."""

import threading

import pytest

from autoir.errors import UsageError
from autoir.redact import Redactor, compile_user_rules, redact

S = "[REDACTED:secret]"


def test_a_configured_rule_runs_after_the_others() -> None:
    redactor = Redactor(compile_user_rules({"staff-id": r"EMP-\d{6}", "host": r"db-\d+\.internal"}))
    message = "EMP-123456 on db-7.internal password=EMP-654321"
    expected = f"[REDACTED:staff-id] on [REDACTED:host] password={S}"
    assert redactor.redact(message) == expected
    assert redactor.redact(expected) == expected
    assert redact(message) == f"EMP-123456 on db-7.internal password={S}"


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("[A-Z]{8}", "REDACTED password=x9 ABCDEFGH", f"[REDACTED:own] password={S} [REDACTED:own]"),
        (r"secret", "secret x password=x9", f"[REDACTED:own] x password={S}"),
        (r"id=\S+", "id=7 id=a@b.co", "[REDACTED:own] [REDACTED:own]"),
        (r"(?i)case \d", "CASE 7", "[REDACTED:own]"),
    ],
)
def test_a_configured_rule_leaves_markers_alone(pattern: str, message: str, expected: str) -> None:
    redactor = Redactor(compile_user_rules({"own": pattern}))
    assert redactor.redact(message) == expected
    assert redactor.redact(expected) == expected


@pytest.mark.parametrize(
    ("name", "pattern", "words"),
    [
        ("own", "(", "not a regular expression"),
        ("own", "a{99999999999}", "not a regular expression"),
        ("own", "[a-", "not a regular expression"),
        ("own", "", "matches the empty string"),
        ("own", "a*", "matches the empty string"),
        ("own", "^", "matches the empty string"),
        ("own", r"\b", "matches the empty string"),
        ("own", "(?=a)", "matches the empty string"),
        ("own", "x|", "matches the empty string"),
        ("own", r"(a+)+$", "too slow"),
        ("own", r"(a|aa)+$", "too slow"),
        ("own", r"(x+x+)+y", "too slow"),
        ("own", r"(\w+\s?)*$", "too slow"),
        ("own", r"([A-Z]+)+:", "too slow"),
        ("own", r"((?:xyz)+)+!", "too slow"),
        ("own", r"(~+)+!", "too slow"),
        ("own", r"\d+\d+\d+x", "too slow"),  # a polynomial
        ("own", r"(.*)=(.*),(.*);", "too slow"),
        ("own", r"\s+$", "too slow"),
        ("own", r"(a?){40}a{40}", "too slow"),  # nothing until 40 characters, then for ever
        ("own", r"user=(\w+|\d+)*;", "too slow"),  # only behind what it says literally
        ("own", r"(?i)\bid: (?:[0-9a-f]+-?)+Z", "too slow"),
        ("own", r"(foo|fo+)+bar", "too slow"),  # only of whole words
        ("Own", "a", "name"),
        ("a_b", "a", "name"),
        ("", "a", "name"),
        ("x" * 33, "a", "name"),
        ("a]b", "a", "name"),
    ],
)
def test_a_harmful_rule_is_refused(name: str, pattern: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as refused:
        compile_user_rules({"good": "GOOD-[0-9]{4}", name: pattern})
    assert repr(name) in str(refused.value)
    assert refused.value.hint
    if words != "name":
        assert repr(pattern) in str(refused.value)


def test_rules_compile_outside_the_main_thread_too() -> None:
    outcome: list[object] = []

    def compile_both() -> None:
        outcome.append(len(compile_user_rules({"own": r"EMP-\d{6}"})))
        try:
            compile_user_rules({"own": r"(a+)+$"})
        except UsageError as error:
            outcome.append(type(error))

    thread = threading.Thread(target=compile_both)
    thread.start()
    thread.join()
    assert outcome == [1, UsageError]
