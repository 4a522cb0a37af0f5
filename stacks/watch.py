"""What is watched of ingestion, of the tailing task and of the sweep."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cw
from constructs import Construct

from autoir import metric_names as names
from autoir.stage import StageConfig
from stacks.alarms import Alarms, aws_metric, own_metric

_METRICS_OF_AN_EXPRESSION = 10
_OUTBOX_AGE_S = 600
_SWEEP_MS = 840_000
_SWEEPS_MISSED = 3
_TAIL_LAG_S = 300


def watch_function(alarms: Alarms, service: str, function: str, *, patience: int = 3) -> None:
    """Errors, in ``patience`` periods on end, and what the platform dropped, of a function invoked asynchronously."""
    word = "".join(part.title() for part in service.split("_"))
    for metric, periods, why in (
        ("Errors", patience, "fails"),
        ("Throttles", patience, "is throttled"),
        ("AsyncEventsDropped", 1, "lost an invocation"),
        ("DestinationDeliveryFailures", 1, "lost an invocation that failed"),
    ):
        counted = aws_metric("AWS/Lambda", metric, FunctionName=function)
        alarms.above(f"{word}{metric}", counted, 0, f"{service} {why}", periods=periods)


def watch_ingestion(alarms: Alarms, config: StageConfig) -> None:
    """That every event is stored, and that what could not be is seen to."""
    embed, sweep = names.EMBED_LOGS, names.SWEEP_INCIDENTS
    for name, why in (
        (names.UNACCOUNTED, "events of unknown fate: a defect of AutoIR"),
        (names.QUARANTINED, "events could not be stored and lie in quarantine"),
        (names.RECURSION_REFUSED, "AutoIR's own logs were delivered to it and refused: remove that filter"),
    ):
        alarms.above(name, own_metric(config, embed, name), 0, why)
    waiting = own_metric(config, sweep, names.FAILED_DELIVERIES, "Maximum")
    alarms.above(names.FAILED_DELIVERIES, waiting, 0, "failed deliveries wait: autoir aws replay-failed")


def watch_deliveries(alarms: Alarms, filters: Sequence[tuple[str, str]]) -> None:
    """That CloudWatch reaches the function: while it does not, it skips what is logged. ``filters`` are log groups,
    each with the name of its filter; an alarm takes ten."""
    for metric in ("DeliveryErrors", "DeliveryThrottling"):
        for start in range(0, len(filters), _METRICS_OF_AN_EXPRESSION):
            counted = {
                f"m{number}": aws_metric(
                    "AWS/Logs", metric, LogGroupName=group, DestinationType="Lambda", FilterName=name
                )
                for number, (group, name) in enumerate(filters[start : start + _METRICS_OF_AN_EXPRESSION])
            }
            total = cw.MathExpression(
                expression="SUM(METRICS())", using_metrics=counted, label=metric, period=cdk.Duration.minutes(5)
            )
            why = "CloudWatch could not deliver and skips logs: backfill the time of this alarm"
            alarms.above(f"{metric}{start // _METRICS_OF_AN_EXPRESSION}", total, 0, why)


def watch_tail(alarms: Alarms, config: StageConfig) -> None:
    """That the task lives, reads every log group to its end, and stores what it reads. The heartbeat is no word about
    one group among several, the lag is: that of a group which is refused only grows."""
    tail = names.TAIL
    alarms.silent(
        names.TAIL_HEARTBEAT, own_metric(config, tail, names.TAIL_HEARTBEAT), "the tailing task is silent", periods=1
    )
    lag = own_metric(config, tail, names.TAIL_LAG_S, "Maximum")
    alarms.above(
        names.TAIL_LAG_S,
        lag,
        _TAIL_LAG_S,
        "a log group is read late or not at all: autoir aws autoir-fargate logs",
        periods=3,
    )
    for name, why in (
        (names.UNACCOUNTED, "events of unknown fate: a defect of AutoIR"),
        (names.QUARANTINED, "events could not be stored and lie in quarantine"),
        (names.RECURSION_REFUSED, "AutoIR's own logs came back through a tailed group and were refused"),
    ):
        alarms.above(name, own_metric(config, tail, name), 0, why)


def watch_sweep(alarms: Alarms, config: StageConfig, pages_topic: str) -> None:
    """That rounds finish, in time, and that people hear of what they found."""
    sweep, interval = names.SWEEP_INCIDENTS, cdk.Duration.minutes(config.sweep.interval_min)
    finished = own_metric(config, sweep, names.SWEEPS_FINISHED, period=interval)
    alarms.silent(names.SWEEPS_FINISHED, finished, "no sweep has finished", periods=_SWEEPS_MISSED)
    duration = own_metric(config, sweep, names.SWEEP_DURATION_MS, "Maximum")
    alarms.above(names.SWEEP_DURATION_MS, duration, _SWEEP_MS, "a sweep nearly ran out of time")
    age = own_metric(config, sweep, names.OUTBOX_AGE_S, "Maximum")
    alarms.above(names.OUTBOX_AGE_S, age, _OUTBOX_AGE_S, "messages to people or machines are stuck")
    alarms.above(names.MESSAGES_FAILED, own_metric(config, sweep, names.MESSAGES_FAILED), 0, "a topic refuses messages")
    failed = aws_metric("AWS/SNS", "NumberOfNotificationsFailed", TopicName=pages_topic)
    alarms.above("PagesFailed", failed, 0, "a page did not reach somebody")
    if config.embedding.archive:
        pending = own_metric(config, sweep, names.PATTERNS_PENDING, "Maximum", cdk.Duration.minutes(10))
        rising = cw.MathExpression(
            expression="DIFF(pending)",
            using_metrics={"pending": pending},
            label="rise",
            period=cdk.Duration.minutes(10),
        )
        alarms.above("PatternsPendingRise", rising, 0, "patterns wait for vectors, more each time", periods=6)


def dashboard(scope: Construct, config: StageConfig) -> None:
    """One page: is everything stored, are sweeps on time, who heard."""

    def graph(title: str, service: str, *metrics: str, statistic: str = "Sum") -> cw.GraphWidget:
        return cw.GraphWidget(
            title=title, left=[own_metric(config, service, name, statistic) for name in metrics], width=8
        )

    embed, sweep = names.EMBED_LOGS, names.SWEEP_INCIDENTS
    board = cw.Dashboard(scope, "Dashboard", default_interval=cdk.Duration.hours(3))
    board.add_widgets(
        graph("Events", embed, names.RECEIVED, names.STORED, names.DUPLICATE, names.FILTERED),
        graph("Not stored", embed, names.QUARANTINED, names.UNACCOUNTED, names.RECURSION_REFUSED),
        graph("Failed deliveries", sweep, names.FAILED_DELIVERIES, statistic="Maximum"),
    )
    board.add_widgets(
        graph("Sweeps", sweep, names.SWEEPS_FINISHED, names.INCIDENTS_OPENED),
        graph("Sweep, ms", sweep, names.SWEEP_DURATION_MS, statistic="Maximum"),
        graph("Oldest message, s", sweep, names.OUTBOX_AGE_S, statistic="Maximum"),
    )
    board.add_widgets(
        graph("New patterns", embed, names.PATTERNS_NEW),
        graph("Patterns without a vector", sweep, names.PATTERNS_PENDING, statistic="Maximum"),
        graph("Embedding request, ms", embed, names.EMBED_LATENCY_MS, statistic="Average"),
    )
