"""App: from a delivery of CloudWatch to rows, and from rows to a page.

``embed_logs`` and the permission to invoke it are never replaced: while CloudWatch finds either missing it switches
a filter off for minutes and skips what is logged. Filters and the schedule exist once the store is ready, so nothing
is sent to a function that cannot store it.
"""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from autoir import metric_names
from autoir.lambda_env import EmbedLogsEnv, SweepIncidentsEnv
from autoir.stage import StageConfig, names, outputs
from stacks import watch
from stacks.alarms import Alarms
from stacks.foundation import FAILURES_ARN, Foundation
from stacks.function import Handler
from stacks.part import Part, allow, exported
from stacks.schedules import Schedules, once
from stacks.subscription import Subscriptions

_QUERIES = {
    "failures": 'filter level = "ERROR" or level = "CRITICAL" | sort @timestamp desc | limit 100',
    "slowest": 'filter @type = "REPORT" | sort @duration desc | limit 20',
    "deliveries": "filter ispresent(Received) | stats sum(Received), sum(Stored), sum(Quarantined) by bin(5m)",
}
"""Saved queries over our own log groups."""

_DAY_MIN = 1440


class App(Part):
    """Subscription, sweep, and what watches both."""

    def __init__(self, scope: Construct, *, config: StageConfig, foundation: Foundation) -> None:
        super().__init__(scope, "App", config=config, description="subscriptions, sweep, alarms, dashboard")
        self._foundation = foundation
        self._endpoint = names.endpoint(config.name, config.embedding.endpoint) if config.embedding.archive else ""
        self.embed = self._embed()
        self._failure_prefix = f"aws/lambda/async/{self.embed.name}/"
        self.sweep = self._sweep()
        once(self.sweep)
        watched = config.ingestion.log_groups if config.store.ready else ()
        subscriptions = Subscriptions(
            self, config=config, handler=self.embed, failures=foundation.failures, groups=watched
        )
        alarms = Alarms(self, config, foundation.topics.alarms)
        watch.watch_function(alarms, metric_names.EMBED_LOGS, self.embed.name)
        watch.watch_function(alarms, metric_names.SWEEP_INCIDENTS, self.sweep.name)
        watch.watch_ingestion(alarms, config)
        watch.watch_deliveries(alarms, subscriptions.filters)
        if config.store.ready:
            watch.watch_function(alarms, metric_names.MIGRATE_SCHEMA, foundation.migrate.name, patience=1)
            watch.watch_sweep(alarms, config, foundation.topics.pages.topic_name)
            ticks = {"Sweep": (self.sweep, config.sweep.interval_min), "Partitions": (foundation.migrate, _DAY_MIN)}
            Schedules(self, ticks)
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
        foundation, failures = self._foundation, self._foundation.failures
        return Handler(
            self,
            metric_names.EMBED_LOGS,
            config=self.config,
            environment=EmbedLogsEnv(**self._shared(metric_names.EMBED_LOGS)),
            statements=[
                allow(["secretsmanager:GetSecretValue"], [foundation.writer_secret.ref]),
                allow(["s3:PutObject"], [failures.arn_for_objects("*")]),
                allow(["s3:ListBucket"], [failures.bucket_arn]),
                *self._embedding(),
            ],
            wildcards={
                f"{exported(self.config, FAILURES_ARN)}/*": (
                    "Lambda writes failures in the function's name, and refuses a role bound to their prefix."
                )
            },
            vpc=foundation.network.vpc,
            security_group=foundation.network.embed,
            memory_mb=1769,
            timeout_s=120,
            concurrency=self.config.ingestion.reserved_concurrency,
        )

    def _sweep(self) -> Handler:
        foundation, config = self._foundation, self.config
        statements = [
            allow(["secretsmanager:GetSecretValue"], [foundation.writer_secret.ref]),
            allow(["sns:Publish"], [foundation.topics.pages.topic_arn, foundation.topics.events.topic_arn]),
            allow(
                ["s3:ListBucket"],
                [foundation.failures.bucket_arn],
                StringLike={"s3:prefix": f"{self._failure_prefix}*"},
            ),
            *self._embedding(),
        ]
        return Handler(
            self,
            metric_names.SWEEP_INCIDENTS,
            config=config,
            environment=SweepIncidentsEnv(
                **self._shared(metric_names.SWEEP_INCIDENTS),
                pages_topic_arn=foundation.topics.pages.topic_arn,
                events_topic_arn=foundation.topics.events.topic_arn,
                failure_bucket=foundation.failures.bucket_name,
                failure_prefix=self._failure_prefix,
                alerts_window_min=config.sweep.window_min,
                alerts_min_severity=config.sweep.min_severity,
                alerts_min_confidence=config.sweep.min_confidence,
            ),
            statements=statements,
            vpc=foundation.network.vpc,
            security_group=foundation.network.sweep,
            memory_mb=1769,
            timeout_s=900,
        )

    def _embedding(self) -> list[iam.PolicyStatement]:
        if not self._endpoint:
            return []
        endpoint = self.format_arn(service="sagemaker", resource="endpoint", resource_name=self._endpoint)
        return [allow(["sagemaker:InvokeEndpoint"], [endpoint])]

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
