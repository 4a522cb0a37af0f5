"""The demo: an outage of a small shop, made up from a seed, for people and tests to run AutoIR on.

A leaf: nothing but this room and the command line imports it, so detection never sees how its logs were made.
"""

from autoir.demo.generator import generate
from autoir.demo.scenarios import (
    BASELINE_MS,
    DEFAULT_END_MS,
    DEFAULT_SEED,
    HEARTBEAT,
    LIVE_MS,
    SCENARIOS,
    Deploy,
    Fault,
    Heartbeat,
    Herring,
    Moment,
    Scenario,
    clock_of,
    scenario,
)

__all__ = [
    "BASELINE_MS",
    "DEFAULT_END_MS",
    "DEFAULT_SEED",
    "HEARTBEAT",
    "LIVE_MS",
    "SCENARIOS",
    "Deploy",
    "Fault",
    "Heartbeat",
    "Herring",
    "Moment",
    "Scenario",
    "clock_of",
    "generate",
    "scenario",
]
