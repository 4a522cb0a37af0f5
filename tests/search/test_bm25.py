"""BM25: what it prefers, its formula, and that no query breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.embed.words import terms
from autoir.search.bm25 import WordIndex
from tests.search.conftest import SEEN


@given(st.text(max_size=60))
def test_no_query_breaks_the_words(query: str) -> None:
    index = WordIndex()
    for row in SEEN:
        index.add(terms(row[3]))
    scores = index.scores({query: 1.0, "pool": 1.0})
    assert scores.shape == (len(SEEN),)
    assert scores.min() >= 0


@pytest.mark.parametrize(
    ("query", "first", "second"),
    [
        ({"pool": 1.0}, "pool", "pool of many other words beside it"),  # shorter
        ({"pool": 1.0}, "pool pool limit", "pool size limit"),  # more often
        ({"lag": 1.0, "pool": 1.0}, "lag size", "pool size"),  # rarer
        ({"lag": 0.1, "pool": 1.0}, "pool size", "lag size"),  # weightier
    ],
)
def test_bm25_prefers(query: dict[str, float], first: str, second: str) -> None:
    index = WordIndex()
    for text in (first, second, "pool", "other words"):
        index.add(terms(text))
    scores = index.scores(query)
    assert scores[0] > scores[1] > 0


def test_bm25_by_its_formula() -> None:
    index = WordIndex()
    for text in ("pool pool limit", "limit", "user login name"):
        index.add(terms(text))
    # idf = ln(1 + (3 - 1 + .5) / (1 + .5)); length 3 against a mean of 7 / 3; k1 = 1.2, b = 0.75
    expected = 0.9808292530117263 * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / (7 / 3)))
    assert index.scores({"pool": 1.0}).tolist() == pytest.approx([expected, 0, 0])
