"""A few trials of bench/synthetic.py with fixed seeds: what was found stays found, what was harmless stays harmless."""

from pathlib import Path

import pytest

from bench.synthetic import FAULTS, HARMLESS, trial

SEEDS = (1, 2)
# Too small to be found every time, or as long as a day.
LEFT_OUT = ("known error x3 for 10 min", "known error x5 for 10 min", "known failure back after 24 h")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where depots are kept after their warm-up, one a seed."""
    return tmp_path_factory.mktemp("depots")


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in LEFT_OUT])
def test_a_fault_pages_in_time_and_nothing_else_does(folder: Path, name: str) -> None:
    results = [trial(name, seed, folder) for seed in SEEDS]
    assert [(r.paged, r.other_pages) for r in results] == [(True, 0)] * len(SEEDS)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_never_pages(folder: Path, name: str) -> None:
    results = [trial(name, seed, folder) for seed in SEEDS]
    assert [(r.paged, r.other_pages) for r in results] == [(False, 0)] * len(SEEDS)


def test_an_ordinary_half_day_never_pages(folder: Path) -> None:
    result = trial("quiet", SEEDS[0], folder, days=0.5)
    assert (result.paged, result.other_pages) == (False, 0)
