"""The seeds that the demo is tried with: the same in every run, so that none fails for what it happened to draw.

Where ``AUTOIR_TEST_SEEDS`` asks for a number of them, as `make test-seeds` does, they are drawn anew in each run, and a
failure names the one that made it.
"""

import os
import random

_ASKED_FOR = os.environ.get("AUTOIR_TEST_SEEDS")


def seeds(count: int) -> list[int]:
    """``count`` seeds, or as many as are asked for; every worker of a run draws the same."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    return random.Random(run if _ASKED_FOR else "demo").sample(range(10**6), int(_ASKED_FOR or count))
