"""Alarms: each says that AutoIR itself is in trouble, and goes to the people of the platform.

Every custom metric that one reads is named in ``autoir.metric_names``, so none waits for what nobody publishes. Where
silence is the trouble, missing data breaches; elsewhere no data is no trouble. Which alarms there are stands in
``watch`` and nowhere else.
"""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cw
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from autoir import metric_names
from autoir.stage import StageConfig

FIVE_MINUTES = Duration.minutes(5)


class Alarms(Construct):
    """Alarms of a stack that all tell one topic."""

    def __init__(self, scope: Construct, config: StageConfig, topic: sns.ITopic) -> None:
        super().__init__(scope, "Alarms")
        self._config, self._action = config, actions.SnsAction(topic)

    def above(self, name: str, metric: cw.IMetric, threshold: float, why: str, *, periods: int = 1) -> None:
        """Alarm while ``metric`` is above ``threshold`` in all of ``periods``; no data is no trouble."""
        cw_above, fine = cw.ComparisonOperator.GREATER_THAN_THRESHOLD, cw.TreatMissingData.NOT_BREACHING
        self._alarm(name, metric, threshold, why, periods, cw_above, fine)

    def silent(self, name: str, metric: cw.IMetric, why: str, *, periods: int) -> None:
        """Alarm when ``metric`` has no value, or less than 1, in all of ``periods``."""
        below, breaching = cw.ComparisonOperator.LESS_THAN_THRESHOLD, cw.TreatMissingData.BREACHING
        self._alarm(name, metric, 1, why, periods, below, breaching)

    def _alarm(
        self,
        name: str,
        metric: cw.IMetric,
        threshold: float,
        why: str,
        periods: int,
        comparison: cw.ComparisonOperator,
        missing: cw.TreatMissingData,
    ) -> None:
        alarm = cw.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison,
            treat_missing_data=missing,
            alarm_description=f"AutoIR {self._config.name}: {why}",
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)


def own_metric(
    config: StageConfig, service: str, name: str, statistic: str = "Sum", period: Duration = FIVE_MINUTES
) -> cw.Metric:
    """A metric that our code publishes. Raises KeyError where ``service`` publishes no such."""
    if name not in metric_names.EMITTED_BY[service]:
        raise KeyError(f"{service} does not publish {name}")
    return cw.Metric(
        namespace=metric_names.namespace(config.name),
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        period=period,
    )


def aws_metric(namespace: str, name: str, statistic: str = "Sum", **dimensions: str) -> cw.Metric:
    """A metric that AWS publishes, in periods of five minutes."""
    return cw.Metric(
        namespace=namespace, metric_name=name, dimensions_map=dimensions, statistic=statistic, period=FIVE_MINUTES
    )
