"""What a stage costs: which lines there are, what moves them, and prices that say how old they are."""

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from autoir import cost, fit, prices
from autoir.cost import PLANS, estimate
from autoir.stage import StageConfig
from autoir.stage.config import Embedding, Host, Ingestion, Network, Tailer

PRICES = prices.table()
PLAIN = StageConfig("x", ingestion=Ingestion(("/aws/lambda/shop",)))
TAILED = StageConfig("x", tailer=Tailer(enabled=True, groups=("/aws/*",)))


def with_host(**settings: object) -> StageConfig:
    return replace(PLAIN, llm={"k2": Host(**settings)})  # type: ignore[arg-type]


def amount(config: StageConfig, part: str, what: str, events: float = 1e6) -> dict[str, float]:
    """That line's amounts; empty where there is no such line."""
    found = [line.usd for line in estimate(config, events).lines if (line.part, line.what) == (part, what)]
    return dict(found[0]) if found else {}


def total(config: StageConfig, events: float = 1e6) -> float:
    return estimate(config, events).total("on_demand")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({}, {"Foundation", "App"}),
        ({"embedding": Embedding(archive="embed/x")}, {"Foundation", "App", "Embedding"}),
        ({"tailer": Tailer(enabled=True, groups=("/x",))}, {"Foundation", "App", "Tailer"}),
        ({"llm": {"a": Host(), "b": Host()}}, {"Foundation", "App", "Llm-a", "Llm-b"}),
    ],
)
def test_what_is_on_costs_and_what_is_off_does_not(change: dict[str, object], parts: set[str]) -> None:
    config = replace(PLAIN, **change)  # type: ignore[arg-type]
    assert {line.part for line in estimate(config, 1e6).lines} == parts
    assert total(config) >= total(PLAIN)


@pytest.mark.parametrize(
    ("dearer", "than"),
    [
        (replace(PLAIN, nat_gateways=2), PLAIN),
        (PLAIN, replace(PLAIN, network=Network("vpc-1", ("subnet-1", "subnet-2")))),
        (replace(PLAIN, lambda_arch="x86_64"), PLAIN),
        (replace(PLAIN, log_retention_days=365), PLAIN),
        (replace(PLAIN, ingestion=Ingestion(("/a", "/b"))), PLAIN),
        (TAILED, replace(TAILED, tailer=replace(TAILED.tailer, desired=0))),
        (replace(TAILED, tailer=replace(TAILED.tailer, cpu=1024, memory_mb=2048)), TAILED),
        (with_host(storage_gib=300), with_host()),
        (with_host(quant="UD-IQ1_S"), with_host()),
    ],
)
def test_more_costs_more(dearer: StageConfig, than: StageConfig) -> None:
    assert total(dearer) > total(than)


def test_events_cost_and_twice_as_many_cost_twice() -> None:
    once, twice = amount(PLAIN, "App", "embed_logs", 1e6), amount(PLAIN, "App", "embed_logs", 2e6)
    assert twice["on_demand"] == pytest.approx(2 * once["on_demand"])
    assert amount(PLAIN, "App", "embed_logs", 0) == {}
    assert estimate(PLAIN, 2e6).store_units == pytest.approx(2e6 * cost.DAYS * cost.STORE_UNITS)


def test_a_million_events_store_for_about_a_cent() -> None:
    found = amount(PLAIN, "App", "embed_logs", 1e6)
    assert found["on_demand"] / cost.DAYS < 0.02


def test_tailed_events_come_through_the_gateway_many_times() -> None:
    tailed, delivered = (
        amount(TAILED, "Foundation", "traffic through NAT"),
        amount(PLAIN, "Foundation", "traffic through NAT"),
    )
    assert tailed["on_demand"] > 3 * delivered["on_demand"]
    assert amount(TAILED, "App", "embed_logs") == {}


def test_ways_to_run_a_host_differ_and_nothing_else_does() -> None:
    for line in estimate(with_host(), 1e6).lines:
        same = len(set(line.usd.values())) == 1
        assert same == (line.what not in ("g6.16xlarge", "volumes and metrics")), line
    host = amount(with_host(), "Llm-k2", "g6.16xlarge")
    assert host["on_demand"] == pytest.approx(PRICES["hosts"]["g6.16xlarge"] * 730)
    assert host["scheduled"] < host["spot"] < host["reserved"] < host["on_demand"]


@pytest.mark.parametrize(
    ("start", "stop", "hours"),
    [
        ("", "", cost.WORKING_HOURS),
        ("0 8 * * MON-FRI", "0 18 * * MON-FRI", 10 * 5 * cost.DAYS / 7),
        ("30 7 * * *", "0 8 * * *", 0.5 * 7 * cost.DAYS / 7),
        # over midnight
        ("0 22 * * *", "0 2 * * *", 4 * cost.DAYS),
        # what is not one time on the same days is not guessed
        ("0 8 * * MON-FRI", "0 18 * * *", cost.WORKING_HOURS),
        ("0 8,12 * * *", "0 18 * * *", cost.WORKING_HOURS),
        ("0 8 1 * *", "0 18 1 * *", cost.WORKING_HOURS),
        ("0 8 * * *", "", cost.WORKING_HOURS),
    ],
)
def test_hours_by_the_clock(start: str, stop: str, hours: float) -> None:
    assert cost.scheduled_hours(Host(start_cron=start, stop_cron=stop)) == pytest.approx(hours)


@pytest.mark.parametrize(
    ("settings", "plan"),
    [
        ({}, "on_demand"),
        ({"spot": True}, "spot"),
        ({"start_cron": "0 8 * * *", "stop_cron": "0 9 * * *"}, "scheduled"),
        ({"start_cron": "0 8 * * *"}, "on_demand"),
    ],
)
def test_the_sum_is_that_of_the_stage_s_own_ways(settings: dict[str, object], plan: str) -> None:
    found = estimate(with_host(**settings), 1e6)
    assert found.chosen == {"Llm-k2": plan}
    assert found.as_configured() == pytest.approx(found.total(plan))  # type: ignore[arg-type]
    assert found.as_configured() == pytest.approx(sum(line.usd[plan] for line in found.lines))  # type: ignore[index]


def test_weights_that_two_hosts_share_are_kept_once() -> None:
    both = replace(PLAIN, llm={"a": Host(), "b": Host()})
    assert amount(both, "Llm-a", "weights in S3")
    assert amount(both, "Llm-b", "weights in S3") == {}


def test_every_host_that_fits_something_has_a_price() -> None:
    assert set(PRICES["hosts"]) == set(fit.table().types)
    assert all(set(line.usd) == set(PLANS) for line in estimate(with_host(), 1e6).lines)


@pytest.mark.parametrize(
    ("year", "month", "day", "age"), [(2026, 6, 13, 0), (2026, 12, 10, 180), (2027, 6, 13, 365), (2026, 6, 12, -1)]
)
def test_prices_age(year: int, month: int, day: int, age: int) -> None:
    table = replace(PRICES, as_of=date(2026, 6, 13))
    assert table.age_days(round(datetime(year, month, day, 12, tzinfo=UTC).timestamp() * 1000)) == age


def test_the_date_is_that_of_the_oldest_price() -> None:
    document = tomllib.loads(
        'region = "r"\n[a]\nas_of = 2026-03-01\nsource = "s"\nx = 1.5\n'
        '[b]\nas_of = 2026-01-01\nsource = "t"\nrecalled = true\ny = 2.0\n'
    )
    found = prices.parsed(document)
    assert (found.as_of, found.region, found.recalled) == (date(2026, 1, 1), "r", ("b",))
    assert (found["a"], found.sources) == ({"x": 1.5}, {"a": "s", "b": "t"})
    del document["a"]["source"]
    with pytest.raises(KeyError, match="source"):
        prices.parsed(document)
