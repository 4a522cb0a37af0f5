"""Numbers as people read them."""

import pytest

from autoir.report.amounts import counted, lasting, listed, rate, usual


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 events"), (1, "1 event"), (2, "2 events"), (1_284_000, "1,284,000 events")]
)
def test_counted(n: int, text: str) -> None:
    assert counted(n, "event") == text


@pytest.mark.parametrize(
    ("per_min", "text"),
    [
        (0, "0"),
        (0.04, "under 0.1"),
        (0.05, "0.1"),
        (1, "1"),
        (1.25, "1.2"),
        (9.94, "9.9"),
        (9.96, "10"),
        (41.4, "41"),
        (12_000, "12,000"),
    ],
)
def test_rate(per_min: float, text: str) -> None:
    assert rate(per_min) == text
    assert usual(per_min) == ("usually none" if text == "0" else f"usually {text}")


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "under 1 s"),
        (35_999, "35 s"),
        (60_000, "1 min"),
        (125_000, "2 min 5 s"),
        (601_000, "10 min"),
        (3_600_000, "1 h"),
        (3_840_000, "1 h 4 min"),
        (360_000_000, "100 h"),
    ],
)
def test_lasting(ms: int, text: str) -> None:
    assert lasting(ms) == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("", ""),
        ("a", "a"),
        ("ab", "a and b"),
        ("abc", "a, b and c"),
        ("abcd", "a, b, c and d"),
        ("abcdef", "a, b, c and 3 more"),
    ],
)
def test_listed(names: str, text: str) -> None:
    assert listed(list(names)) == text
