"""What the cost estimate counts is what the templates have: alarms, gateways, secrets, dashboards."""

import pytest

from autoir.cost import alarm_metrics
from tests.stacks.conftest import Stage


@pytest.fixture(params=["full", "borrowed"])
def stage(request: pytest.FixtureRequest) -> Stage:
    found: Stage = request.getfixturevalue(request.param)
    return found


def looked_at(alarm: object) -> int:
    """Metrics of one alarm."""
    several = alarm["Metrics"]  # type: ignore[index]
    return sum("MetricStat" in metric for metric in several) if several else 1


def test_every_metric_of_an_alarm_is_paid_for(full: Stage) -> None:
    counted = dict.fromkeys(alarm_metrics(full.config), 0)
    for alarm in full.all("AWS::CloudWatch::Alarm"):
        counted[alarm.stack] += looked_at(alarm)
    assert counted == alarm_metrics(full.config)


def test_gateways_addresses_and_secrets_are_as_many(stage: Stage) -> None:
    gateways = 0 if stage.config.network.vpc_id else stage.config.nat_gateways
    assert len(stage.all("AWS::EC2::NatGateway")) == len(stage.all("AWS::EC2::EIP")) == gateways
    assert len(stage.all("AWS::SecretsManager::Secret")) == 4
    assert len(stage.all("AWS::CloudWatch::Dashboard")) == 1
