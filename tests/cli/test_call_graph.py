"""What a command leads to, on the commands that there are: each row is a way in which one thing leads to another."""

import pytest

from autoir.cli.call_graph import Definition, reached

REPLAY, CHECK = ("autoir.cli.replay_failed", "replay_failed"), ("autoir.cli.check", "check")


@pytest.mark.parametrize(
    ("entry", "to"),
    [
        # a function of its own module, an import inside a function, an import of a name out of another's
        (REPLAY, ("autoir.cli.replay_failed", "_place")),
        (REPLAY, ("autoir.aws.replay", "replay")),
        (("autoir.cli.stores", "to_write"), ("autoir.store.database", "Database")),
        # by the module: cdk.Stage
        (CHECK, ("autoir.aws.cdk", "Stage")),
        # a table of functions
        (CHECK, ("autoir.aws.health.ears", "alarms")),
        # a name for something else
        (REPLAY, ("autoir.aws.replay", "Progress")),
        # methods, where they are said
        (REPLAY, ("autoir.aws.replay", "FailureBucket.delete")),
        (CHECK, ("autoir.aws.replay", "FailureBucket.count")),
    ],
)
def test_one_leads_to_the_other(entry: tuple[str, str], to: tuple[str, str]) -> None:
    assert Definition(*to) in reached(Definition(*entry))


@pytest.mark.parametrize(
    ("entry", "to"),
    [
        # a method that nobody names
        (CHECK, ("autoir.aws.replay", "FailureBucket.delete")),
        # a variable that is called like a function beside it
        (("autoir.cli.tidb", "migrate"), ("autoir.cli.tidb", "dsn")),
        # what stands in the same module
        (("autoir.cli.fargate_status", "logs"), ("autoir.cli.fargate_status", "status")),
        (REPLAY, ("autoir.cli.replay_failed", "register")),
    ],
)
def test_one_does_not_lead_to_the_other(entry: tuple[str, str], to: tuple[str, str]) -> None:
    assert Definition(*to) in reached(Definition(*to))
    assert Definition(*to) not in reached(Definition(*entry))


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        reached(Definition("autoir.cli.check", "nothing"))
