"""Tails of the negative binomial against sums over its terms, and where sums cannot go."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.detect.tails import surprise_above, surprise_below


def summed(counts: range, mean: float, size: float) -> float:
    """-log10 of the probability of ``counts``, term by term."""
    share = mean / (mean + size)
    terms = (
        math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1) + k * math.log(share) + size * math.log1p(-share)
        for k in counts
    )
    return -math.log10(math.fsum(map(math.exp, terms)))


@pytest.mark.parametrize(
    ("count", "mean", "size"),
    [(4, 0.01, 1), (10, 3, 2), (100, 20, 33), (5, 5, 5), (300, 100, 0.3), (50, 1, 33), (1, 0.5, 1), (40, 2, 0.125)],
)
def test_tails_equal_the_sum_of_their_terms(count: int, mean: float, size: float) -> None:
    assert surprise_above(count, mean, size) == pytest.approx(summed(range(count, 60_000), mean, size), rel=1e-6)
    below = summed(range(count + 1), mean, size)
    assert surprise_below(count, mean, size) == pytest.approx(below, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("tail", "count", "mean", "size", "expected"),
    [
        (surprise_above, 0, 3.0, 1.0, 0.0),  # every count is at least none
        (surprise_above, 3, 0.0, 1.0, 300.0),  # what never happens
        (surprise_below, 0, 0.0, 1.0, 0.0),
        (surprise_above, 10**6, 1.0, 33.0, 300.0),  # bounded
        (surprise_below, 0, 10.0, 1.0, math.log10(11)),  # (size / (mean + size)) ** size
    ],
)
def test_the_ends(
    tail: Callable[[int, float, float], float], count: int, mean: float, size: float, expected: float
) -> None:
    assert tail(count, mean, size) == pytest.approx(expected)


@given(st.integers(1, 10**6), st.floats(1e-4, 1e6), st.floats(0.01, 40))
def test_any_count_has_a_surprise_and_more_is_more(count: int, mean: float, size: float) -> None:
    here, beyond = surprise_above(count, mean, size), surprise_above(count + 1, mean, size)
    assert 0.0 <= here <= 300.0
    assert beyond >= here - 1e-6
    assert 0.0 <= surprise_below(count, mean, size) <= 300.0
