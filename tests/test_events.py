"""The identity of an event: the same everywhere and always, another for anything that differs."""

import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.events import ID_LENGTH, LogEvent, identity, stable_id, stable_number
from tests.conftest import ROOT

EVENT = LogEvent("/shop/api", "s", 1_772_452_800_000, "m", "e1", 1_772_452_800_500, "123456789012", "eu-west-1")
TEXTS = st.lists(st.text(), max_size=4)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"message": "another", "ts_ms": 5, "ingest_ms": 5}, True),
        ({"event_id": "e2"}, False),
        ({"log_group": "/shop/ap"}, False),
        ({"log_group": "/shop/API"}, False),
        ({"log_stream": ""}, False),
        ({"account": ""}, False),
        ({"region": "eu-west-2"}, False),
    ],
)
def test_an_event_is_known_by_its_place_and_cloudwatchs_id(change: dict[str, object], same: bool) -> None:
    assert (identity(EVENT._replace(**change)) == identity(EVENT)) == same  # type: ignore[arg-type]


def test_an_id_never_changes() -> None:
    assert identity(EVENT) == "0t03qr8ld98nndsllnuf3p3b"
    assert stable_number("a", "b") == 2_409_197_503_289_027_124


@given(TEXTS)
def test_an_id_is_short_lower_case_and_a_number_fits_a_signed_column(parts: list[str]) -> None:
    assert re.fullmatch(rf"[0-9a-v]{{{ID_LENGTH}}}", stable_id(*parts))
    assert 0 <= stable_number(*parts) < 2**63


@given(TEXTS, TEXTS)
def test_no_two_lists_of_parts_share_an_id(one: list[str], other: list[str]) -> None:
    assert (stable_id(*one) == stable_id(*other)) == (one == other)


@pytest.mark.parametrize(("one", "other"), [(("ab", "c"), ("a", "bc")), (("a", ""), ("a",)), (("1:a",), ("", "a"))])
def test_parts_do_not_run_into_each_other(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert stable_id(*one) != stable_id(*other)


@given(st.tuples(*[st.text()] * 5))
def test_an_event_has_the_id_of_its_parts(parts: tuple[str, ...]) -> None:
    account, region, group, stream, event_id = parts
    event = LogEvent(group, stream, 0, "m", event_id, 0, account, region)
    assert identity(event) == stable_id(*parts)


def test_any_text_has_an_id() -> None:
    assert len({stable_id(text) for text in ("\ud800", "\udfff", "\0", "", "💥")}) == 5


def test_another_process_gives_the_same_id() -> None:
    code = "from autoir.events import stable_id; print(stable_id('ä', 'b'))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert outputs == {stable_id("ä", "b")}
