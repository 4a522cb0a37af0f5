"""The token mask, and when a log group gets it."""

import pytest

from autoir.patterns import MASK_VERSION, TOKEN_MASK_VERSION, Masker, MissRate, token_mask


@pytest.mark.parametrize(
    ("template", "masked"),
    [
        ("user abc<*>xyz logged in", "user <*> logged in"),
        ("a<*>b c<*>d <*>, e", "<*> e"),
        ("{id=x<*> n=y}", "{id=<*> n=y}"),
        ("status: 503 after <*>", "status: 503 after <*>"),
        ("no values", "no values"),
    ],
)
def test_token_mask(template: str, masked: str) -> None:
    assert token_mask(template) == masked
    assert token_mask(masked) == masked


def test_an_escalated_group_alone_gets_the_version_and_the_mask() -> None:
    masker = Masker({"/noisy": TOKEN_MASK_VERSION})
    plain, noisy = masker.pattern("/calm", "got ab-1-cd ok"), masker.pattern("/noisy", "got ab-1-cd ok")
    assert (plain.mask_version, plain.template) == (MASK_VERSION, "got ab-<*>-cd ok")
    assert (noisy.mask_version, noisy.template) == (TOKEN_MASK_VERSION, "got <*> ok")


def test_escalating_while_running_changes_later_patterns() -> None:
    masker = Masker()
    before = masker.pattern("/g", "got ab-1-cd ok")
    masker.escalate("/g")
    after = masker.pattern("/g", "got ab-1-cd ok")
    assert before.pattern_id != after.pattern_id
    assert after.mask_version == TOKEN_MASK_VERSION


@pytest.mark.parametrize(
    ("batches", "escalates"),
    [
        # (lines, new patterns)
        ([(2000, 2000)], False),  # every group is new once
        ([(2000, 2000), (2000, 100)], False),  # 5 % is not above 5 %
        ([(2000, 2000), (2000, 101)], True),
        ([(2000, 10), (1000, 90), (999, 90)], False),  # a window not yet full
        ([(2000, 10), (1000, 90), (1000, 90)], True),
    ],
)
def test_miss_rate(batches: list[tuple[int, int]], escalates: bool) -> None:
    rate = MissRate()
    rate.observe("/other", 5000, 5000)
    assert [rate.observe("/g", *batch) for batch in batches][-1] is escalates
