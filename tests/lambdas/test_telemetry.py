"""What a function prints: lines with AutoIR's mark, metrics where the alarms look, and no word of anybody's log."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from autoir import metric_names as m
from autoir.errors import UnreachableError, UsageError
from autoir.functions.telemetry import Telemetry
from autoir.lambda_env import MigrateSchemaEnv
from tests.lambdas.conftest import SHARED, Printed, published

SERVICE = SHARED["powertools_service_name"]


def telemetry(**told: str) -> Telemetry:
    return Telemetry(MigrateSchemaEnv(**SHARED | told, owner_secret_arn="arn:none"))


@pytest.mark.parametrize(
    ("speak", "expected"),
    [
        (lambda told: told.info("stored", received=3), {"level": "INFO", "message": "stored", "received": 3}),
        (lambda told: told.warning("waits", reason="x"), {"level": "WARNING", "message": "waits", "reason": "x"}),
        (
            lambda told: told.failed(UsageError("no secret.", "store it"), "7c1e"),
            {
                "level": "ERROR",
                "message": "no secret.",
                "hint": "store it",
                "error": "UsageError",
                "request_id": "7c1e",
            },
        ),
        (
            lambda told: told.failed(UnreachableError("nothing listens"), "7c1e"),
            {"level": "ERROR", "message": "nothing listens", "error": "UnreachableError"},
        ),
        # what somebody else's error says may be a line of a log
        (
            lambda told: told.failed(ValueError("near 'a canary'"), "7c1e"),
            {"message": "It failed with ValueError, whose words may quote a log line.", "error": "ValueError"},
        ),
        # the library's own words
        (lambda _: logging.getLogger("autoir.store").warning("slow"), {"level": "WARNING", "message": "slow"}),
    ],
)
def test_a_line_bears_the_mark_and_says_who_speaks(
    speak: Callable[[Telemetry], None], expected: dict[str, Any], said: Printed
) -> None:
    speak(telemetry())
    (line,) = said()  # which looks at the mark
    assert {name: line.get(name) for name in expected} == expected
    assert (line["service"], line["autoir_own"], "canary" in str(line)) == (SERVICE, "test", False)


def test_metrics_stand_in_one_record_where_the_alarms_look(said: Printed) -> None:
    values = {m.RECEIVED: 3, m.OUTBOX_AGE_S: 1.5, m.SWEEP_DURATION_MS: 0}
    telemetry().publish(values)
    (line,) = said()
    assert published([line], SERVICE) == set(values)
    assert {name: line[name] for name in values} == {name: [value] for name, value in values.items()}
    assert line["autoir_own"] == "test"


def test_nothing_to_publish_is_no_record(said: Printed) -> None:
    telemetry().publish({})
    assert said() == []


@pytest.mark.parametrize(("level", "heard"), [("DEBUG", 2), ("INFO", 2), ("WARNING", 1), ("ERROR", 0)])
def test_what_is_below_the_level_is_left_out(level: str, heard: int, said: Printed) -> None:
    told = telemetry(log_level=level)
    told.info("stored")
    told.warning("waits")
    assert len(said()) == heard


def test_a_level_that_is_none_is_named() -> None:
    with pytest.raises(UsageError, match=r"LOG_LEVEL = 'loud' is no level") as caught:
        telemetry(log_level="loud")
    assert "INFO" in caught.value.hint
