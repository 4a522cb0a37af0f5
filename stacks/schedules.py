"""What runs by the clock: the sweep, and once a day the upkeep of the schema's partitions.

A tick is tried once. The next one makes a lost one good, and the alarm on finished sweeps tells of more than that.
"""

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.function import Handler
from stacks.part import acknowledge, allow, role

_TICK_AGE_S = 60


def once(handler: Handler) -> None:
    """An asynchronous invocation of ``handler`` is tried once, and forgotten when it fails."""
    tick = lambda_.CfnEventInvokeConfig(
        handler,
        "Retries",
        function_name=handler.function.function_name,
        qualifier="$LATEST",
        maximum_retry_attempts=0,
        maximum_event_age_in_seconds=_TICK_AGE_S,
    )
    reason = "A lost tick is made good by the next; the alarm on finished sweeps tells of more than that."
    acknowledge(tick, {"Serverless-LambdaAsyncFailureDestination": reason})


class Schedules(Construct):
    """``handlers`` by the word for their schedule, each with its rate in minutes."""

    def __init__(self, scope: Construct, handlers: dict[str, tuple[Handler, int]]) -> None:
        super().__init__(scope, "Schedules")
        invoked = [handler.function.function_arn for handler, _ in handlers.values()]
        statements = [allow(["lambda:InvokeFunction"], invoked)]
        may = role(self, "Role", service="scheduler.amazonaws.com", statements=statements, own_account=True)
        target = scheduler.CfnSchedule.TargetProperty
        for name, (handler, minutes) in handlers.items():
            scheduler.CfnSchedule(
                self,
                name,
                schedule_expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
                flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                target=target(
                    arn=handler.function.function_arn,
                    role_arn=may.role_arn,
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_retry_attempts=0, maximum_event_age_in_seconds=_TICK_AGE_S
                    ),
                ),
            )
