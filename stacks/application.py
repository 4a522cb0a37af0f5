"""App: from a delivery of CloudWatch to rows, and from rows to a page.

``embed_logs`` and the permission to invoke it are never replaced: while CloudWatch finds either missing it switches
a filter off for minutes and skips what is logged. Filters and the schedule exist once the store is ready, so nothing
is sent to a function that cannot store it.
"""

import hashlib

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from autoir import metric_names
from autoir.lambda_env import EmbedLogsEnv, SweepIncidentsEnv
from autoir.stage import StageConfig, names, outputs
from stacks import watch
from stacks.alarms import Alarms
from stacks.foundation import Foundation
from stacks.function import Handler
from stacks.part import Part, allow, role

_QUERIES = {
    "failures": 'filter level = "ERROR" or level = "CRITICAL" | sort @timestamp desc | limit 100',
    "slowest": 'filter @type = "REPORT" | sort @duration desc | limit 20',
    "deliveries": "filter ispresent(Received) | stats sum(Received), sum(Stored), sum(Quarantined) by bin(5m)",
}
"""Saved queries over our own log groups."""

_EVENT_AGE_S = 6 * 3600


class App(Part):
    """Subscription, sweep, and what watches both."""

    def __init__(self, scope: Construct, *, config: StageConfig, foundation: Foundation) -> None:
        super().__init__(scope, "App", config=config, description="subscriptions, sweep, alarms, dashboard")
        self._foundation = foundation
        self._endpoint = names.endpoint(config.name, config.embedding.endpoint) if config.embedding.archive else ""
        self.embed = self._embed()
        self._failure_prefix = f"aws/lambda/async/{self.embed.name}/"
        self.sweep = self._sweep()
        self._retries(self.embed, attempts=2, age_s=_EVENT_AGE_S, keep=True)
        self._retries(self.sweep, attempts=0, age_s=60, keep=False)
        alarms = Alarms(self, config, foundation.topics.alarms)
        watch.watch_function(alarms, metric_names.EMBED_LOGS, self.embed.name)
        watch.watch_function(alarms, metric_names.SWEEP_INCIDENTS, self.sweep.name)
        watch.watch_ingestion(alarms, config)
        permission = self._permission()
        if config.store.ready:
            watch.watch_deliveries(alarms, [self._filter(group, permission) for group in config.ingestion.log_groups])
            watch.watch_sweep(alarms, config, foundation.topics.pages.topic_name)
            self._schedules()
        watch.dashboard(self, config)
        self._queries()
        self.output(outputs.EMBED_FUNCTION, self.embed.name)
        self.output(outputs.SWEEP_FUNCTION, self.sweep.name)
        self.output(outputs.FAILURE_PREFIX, self._failure_prefix)

    def _shared(self, service: str) -> dict[str, str]:
        return {
            "stage": self.config.name,
            "log_level": "INFO",
            "powertools_service_name": service,
            "powertools_metrics_namespace": metric_names.namespace(self.config.name),
            "store_secret_arn": self._foundation.writer_secret.ref,
            "sagemaker_endpoint": self._endpoint,
        }

    def _embed(self) -> Handler:
        failures = self._foundation.failures
        handler = Handler(
            self,
            metric_names.EMBED_LOGS,
            config=self.config,
            environment=EmbedLogsEnv(**self._shared(metric_names.EMBED_LOGS)),
            statements=[
                allow(["secretsmanager:GetSecretValue"], [self._foundation.writer_secret.ref]),
                # Lambda writes failed deliveries in the function's name, and refuses a role bound to their prefix.
                allow(["s3:PutObject"], [failures.arn_for_objects("*")]),
                allow(["s3:ListBucket"], [failures.bucket_arn]),
                *self._embedding(),
            ],
            vpc=self._foundation.network.vpc,
            security_group=self._foundation.network.embed,
            memory_mb=1769,
            timeout_s=120,
            concurrency=self.config.ingestion.reserved_concurrency,
        )
        return handler

    def _sweep(self) -> Handler:
        foundation, config = self._foundation, self.config
        parameters, groups = names.llm_parameter_prefix(config.name), names.llm_group_prefix(config.name)
        secrets = (foundation.writer_secret, foundation.reader_secret, foundation.llm_key_secret)
        return Handler(
            self,
            metric_names.SWEEP_INCIDENTS,
            config=config,
            environment=SweepIncidentsEnv(
                **self._shared(metric_names.SWEEP_INCIDENTS),
                reader_secret_arn=foundation.reader_secret.ref,
                llm_key_secret_arn=foundation.llm_key_secret.ref,
                pages_topic_arn=foundation.topics.pages.topic_arn,
                events_topic_arn=foundation.topics.events.topic_arn,
                failure_bucket=foundation.failures.bucket_name,
                failure_prefix=self._failure_prefix,
                llm_active=config.llm_active,
                llm_parameter_prefix=parameters,
                llm_group_prefix=groups,
                alerts_window_min=config.sweep.window_min,
                alerts_min_severity=config.sweep.min_severity,
                alerts_min_confidence=config.sweep.min_confidence,
            ),
            statements=[
                allow(["secretsmanager:GetSecretValue"], [secret.ref for secret in secrets]),
                allow(["sns:Publish"], [foundation.topics.pages.topic_arn, foundation.topics.events.topic_arn]),
                allow(
                    ["s3:ListBucket"],
                    [foundation.failures.bucket_arn],
                    StringLike={"s3:prefix": f"{self._failure_prefix}*"},
                ),
                *self._embedding(),
                *self._hosts(parameters),
            ],
            vpc=foundation.network.vpc,
            security_group=foundation.network.sweep,
            memory_mb=1769,
            timeout_s=900,
        )

    def _embedding(self) -> list[cdk.aws_iam.PolicyStatement]:
        if not self._endpoint:
            return []
        return [allow(["sagemaker:InvokeEndpoint"], [self._arn("sagemaker", f"endpoint/{self._endpoint}")])]

    def _hosts(self, parameters: str) -> list[cdk.aws_iam.PolicyStatement]:
        if not self.config.llm:
            return []
        group = self._arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")
        tagged = {"autoscaling:ResourceTag/" + names.STAGE_TAG: self.config.name}
        return [
            allow(["ssm:GetParameter", "ssm:GetParameters"], [self._arn("ssm", f"parameter{parameters}*")]),
            allow(["autoscaling:SetDesiredCapacity"], [group], StringEquals=tagged),
        ]

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def _retries(self, handler: Handler, *, attempts: int, age_s: int, keep: bool) -> None:
        """How often an invocation is tried, and where one that failed lands: in S3, for SNS drops large ones."""
        failed = lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=self._foundation.failures.bucket_arn)
        lambda_.CfnEventInvokeConfig(
            handler,
            "Retries",
            function_name=handler.name,
            qualifier="$LATEST",
            maximum_retry_attempts=attempts,
            maximum_event_age_in_seconds=age_s,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(on_failure=failed)
            if keep
            else None,
        )

    def _permission(self) -> lambda_.CfnPermission:
        """One for all groups: a statement for each would outgrow a function's policy."""
        return lambda_.CfnPermission(
            self,
            "Deliveries",
            action="lambda:InvokeFunction",
            function_name=self.embed.function.function_arn,
            principal="logs.amazonaws.com",
            source_account=self.account,
            source_arn=self._arn("logs", "log-group:*"),
        )

    def _filter(self, group: str, permission: lambda_.CfnPermission) -> tuple[str, str]:
        """A subscription of ``group``, named after it and not after its place in the list; its group and its name."""
        subscription = logs.CfnSubscriptionFilter(
            self,
            f"Filter{hashlib.sha256(group.encode()).hexdigest()[:16]}",
            log_group_name=group,
            filter_pattern="",
            destination_arn=self.embed.function.function_arn,
        )
        subscription.add_dependency(permission)
        return group, subscription.ref

    def _schedules(self) -> None:
        targets = {"Sweep": self.sweep, "Partitions": self._foundation.migrate}
        rates = {"Sweep": f"rate({self.config.sweep.interval_min} minute{'s'[: self.config.sweep.interval_min > 1]})"}
        may = role(
            self,
            "SchedulerRole",
            service="scheduler.amazonaws.com",
            statements=[
                allow(["lambda:InvokeFunction"], [target.function.function_arn for target in targets.values()])
            ],
        )
        for name, target in targets.items():
            scheduler.CfnSchedule(
                self,
                f"{name}Schedule",
                schedule_expression=rates.get(name, "rate(1 day)"),
                flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                target=scheduler.CfnSchedule.TargetProperty(
                    arn=target.function.function_arn,
                    role_arn=may.role_arn,
                    # A tick that is lost is made good by the next one, so none is kept.
                    retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                        maximum_retry_attempts=0, maximum_event_age_in_seconds=60
                    ),
                ),
            )

    def _queries(self) -> None:
        groups = [names.log_group(self.config.name, part) for part in (names.EMBED_LOGS_LOG, names.SWEEP_LOG)]
        for name, text in _QUERIES.items():
            logs.CfnQueryDefinition(
                self,
                f"Query{name.title()}",
                name=f"AutoIR/{self.config.name}/{name}",
                query_string=f"fields @timestamp, @message | {text}",
                log_group_names=groups,
            )
