"""The way of a delivery: CloudWatch may invoke the function, filters name the groups, failures land in a bucket.

A filter waits for the permission, or CloudWatch's trial delivery fails and the stack with it; CDK sees no such need.
What fails for hours goes to S3, since a topic or a queue drops deliveries of more than a quarter of a megabyte.
"""

import hashlib
from collections.abc import Iterable

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from autoir.stage import StageConfig
from stacks.function import Handler

_ATTEMPTS_AGE_S = 6 * 3600
"""As long as Lambda keeps an invocation."""


class Subscriptions(Construct):
    """Subscriptions of ``groups`` to ``handler``. ``filters`` are those groups, each with the name of its filter."""

    def __init__(
        self, scope: Construct, *, config: StageConfig, handler: Handler, failures: s3.IBucket, groups: Iterable[str]
    ) -> None:
        super().__init__(scope, "Subscriptions")
        function = handler.function
        kept = lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=failures.bucket_arn)
        lambda_.CfnEventInvokeConfig(
            self,
            "Retries",
            function_name=function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=_ATTEMPTS_AGE_S,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(on_failure=kept),
        )
        # One for all groups: a statement for each would outgrow a function's policy.
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=function.function_arn,
            principal="logs.amazonaws.com",
            source_account=config.account,
            source_arn=function.stack.format_arn(service="logs", resource="log-group:*"),
        )
        self.filters: list[tuple[str, str]] = []
        for group in groups:
            subscription = logs.CfnSubscriptionFilter(
                self,
                # Named after its group and not its place in the list: a removed group must not rename the others'.
                f"Filter{hashlib.sha256(group.encode()).hexdigest()[:16]}",
                log_group_name=group,
                filter_pattern="",
                destination_arn=function.function_arn,
            )
            subscription.add_resource_dependency(permission)
            self.filters.append((group, subscription.ref))
