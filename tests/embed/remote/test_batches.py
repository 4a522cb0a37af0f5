"""Which texts go together into a request."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.embed.fingerprint import CANARIES
from autoir.embed.recipe import LIMIT, views
from autoir.embed.remote.batches import CAPS, TOKEN_BYTES, Caps, predicted_tokens, queued, take

MAX_TOKENS = 128


def batches(texts: list[str], *, pooled: bool, caps: Caps = CAPS) -> list[list[str]]:
    queue, found = queued(texts), []
    while queue:
        found.append(take(queue, MAX_TOKENS, pooled=pooled, caps=caps))
    return found


def test_each_text_is_sent_once_and_the_short_ones_first() -> None:
    assert queued(["ccc", "a", "bb", "a", "ab"]) == deque(["a", "ab", "bb", "ccc"])
    assert queued(["x" * 2_000, "x" * LIMIT + "y"]) == deque(["x" * LIMIT])


@pytest.mark.parametrize(
    ("texts", "pooled", "caps", "sizes"),
    [
        ([], True, CAPS, []),
        ([f"text {n}" for n in range(70)], True, CAPS, [32, 32, 6]),
        ([f"text {n}" for n in range(8)], True, Caps(texts=3), [3, 3, 2]),
        (["x" * 97, "y" * 97, "z" * 97], True, Caps(request_bytes=200), [2, 1]),
        (["é" * 98, "è" * 98], True, Caps(request_bytes=200), [1, 1]),  # bytes, not characters
        (["x" * 500, "y"], True, Caps(request_bytes=10), [1, 1]),  # one text always goes
        # 421 tokens are 3.5 MB: a word of 4 letters counts 2, and each text has two ends
        ([f"{n} word word word word" for n in range(10_000, 10_064)], False, CAPS, [32, 32]),
        ([f"{n} {'word ' * 20}" for n in range(10_000, 10_020)], False, CAPS, [9, 9, 2]),
        ([f"{n} {'word ' * 20}" for n in range(10_000, 10_020)], True, CAPS, [20]),
        (["?" * n for n in (900, 901, 902, 903)], False, CAPS, [3, 1]),  # cut at 128 tokens
    ],
)
def test_sizes_of_batches(texts: list[str], pooled: bool, caps: Caps, sizes: list[int]) -> None:
    assert [len(batch) for batch in batches(texts, pooled=pooled, caps=caps)] == sizes


@given(st.lists(st.text(max_size=1_600), max_size=80), st.booleans())
def test_every_text_is_in_one_batch_and_no_batch_is_over_its_caps(texts: list[str], pooled: bool) -> None:
    found = batches(texts, pooled=pooled)
    assert [text for batch in found for text in batch] == list(queued(texts))
    for batch in found:
        assert len(batch) <= CAPS.texts
        assert sum(len(text.encode("utf-8", "replace")) for text in batch) <= CAPS.request_bytes
        reply = sum(predicted_tokens(text, MAX_TOKENS) for text in batch) * TOKEN_BYTES
        assert pooled or reply <= CAPS.reply_bytes


@pytest.mark.parametrize(
    ("text", "tokens"),  # tokens: those of bert-base-uncased, with both ends
    [
        ("connection refused", 4),
        ("Queue Pool limit of size overflow reached, connection timed out", 13),
        ("x 509 : certificate has expired or is not yet valid", 13),
        ("Null Pointer Exception at com example billing", 10),
        ("磁盘空间不足", 8),
        ("", 2),
    ],
)
def test_a_prediction_is_at_least_the_tokens_and_not_twice(text: str, tokens: int) -> None:
    assert tokens <= predicted_tokens(text, MAX_TOKENS) <= 2 * tokens


def test_no_text_of_the_canaries_is_predicted_beyond_the_cut() -> None:
    texts = [text for canary in CANARIES for text in views(*canary)]
    assert max(predicted_tokens(text, MAX_TOKENS) for text in texts) == MAX_TOKENS
