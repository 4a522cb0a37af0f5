"""What a stage costs in a month: an estimate out of its file, the events of a day, and the dated prices.

It is there to compare: one way to run a host with another, a stage with and without a part. Each amount follows from a
quantity that is a setting, a count of what the stacks make, or an assumption; the assumptions stand here by name with
where they come from. Nothing is asked of AWS. The store counts as connected, since an estimate comes before it is, and
free tiers and discounts are left out, so a small stage costs less.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from autoir import fit, metric_names, prices
from autoir.prices import Prices
from autoir.stage import StageConfig, names
from autoir.stage.config import Host

Plan = Literal["on_demand", "reserved", "spot", "scheduled"]
PLANS: Final[tuple[Plan, ...]] = ("on_demand", "reserved", "spot", "scheduled")

HOURS, DAYS = 730.0, 730.0 / 24
"""Of a month."""
EVENTS_PER_DELIVERY = 100
"""Events that CloudWatch puts into a delivery: few where little is logged, a thousand where much is [estimate]."""
DELIVERY_S, EVENT_S = 0.05, 0.00006
"""Duration of a delivery and of each event in it: bench/ingest.py, at 0.6 of that processor and with the store's
answer [estimate]."""
SWEEP_S = 0.5
"""Duration of a round that finds nothing [estimate]."""
STORE_BYTES, SWEEP_BYTES = 600, 20_000
"""Of an event on its way to the store, and of a round's queries [estimate]."""
READ_BYTES, READS_PER_EVENT = 270, 14.6
"""Of an event as CloudWatch answers, and how often the tailing task reads each, which looks back to miss none."""
LOG_BYTES = 3_000
"""Of our own log lines of an invocation, metrics included [estimate]."""
PATTERNS_PER_EVENT, PATTERN_S = 0.0056, 0.02
"""New patterns an event (bench/patterns.py, caches cold) and what one takes a worker (bench/embed.py)."""
INCIDENTS, MESSAGES_PER_INCIDENT = 100, 4
"""Incidents a month, and changes of state of each [estimate]."""
WORKING_HOURS = 220.0
"""A host of no schedule is shown as if it ran ten hours on 22 days."""
IMAGE_GB = 0.3
"""The tailing task's image."""
DETAILED_METRICS = 7
"""Of a host with detailed monitoring."""
ROOT_GIB = 150
"""A host's volume beside its weights."""
STORE_UNITS, STORED_BYTES = 8, 512
"""Request units and bytes of a stored event in TiDB [estimate]."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of a part, in USD a month, for each way to run hosts."""

    part: str
    what: str
    usd: dict[Plan, float]


@dataclass(frozen=True, slots=True)
class Estimate:
    """Every line, and what TiDB is asked for, whose price depends on its plan."""

    lines: tuple[Line, ...]
    chosen: dict[str, Plan]
    """A host's part to the way that the stage's file says."""
    store_units: float
    store_gb: float

    def total(self, plan: Plan) -> float:
        """USD a month with every host run by ``plan``."""
        return sum(line.usd[plan] for line in self.lines)

    def as_configured(self) -> float:
        """USD a month with every host as the stage says."""
        return sum(line.usd[self.chosen.get(line.part, "on_demand")] for line in self.lines)


def estimate(config: StageConfig, events_per_day: float, table: Prices | None = None) -> Estimate:
    """What ``config`` costs with ``events_per_day`` events."""
    month = _Month(config, events_per_day * DAYS, table or prices.table())
    lines = [*month.foundation(), *month.app(), *month.embedding(), *month.tailer(), *month.hosts()]
    return Estimate(
        lines=tuple(line for line in lines if any(line.usd.values())),
        chosen={f"Llm-{name}": _chosen(host) for name, host in config.llm.items()},
        store_units=month.events * STORE_UNITS,
        store_gb=month.events * STORED_BYTES / 1e9,
    )


def alarm_metrics(config: StageConfig) -> dict[str, int]:
    """Metrics that alarms look at, by part, once the store is ready: each is paid for."""
    functions, ingestion, sweep = 3 * 4, 4, 5 + bool(config.embedding.archive)
    return {
        "App": functions + ingestion + sweep + 2 * len(config.ingestion.log_groups),
        "Embedding": 2 if config.embedding.archive else 0,
        "Tailer": 5 if config.tailer.enabled and config.tailer.desired else 0,
    }


def scheduled_hours(host: Host) -> float:
    """Hours a month between its start and its stop by the clock; ``WORKING_HOURS`` where it has no such hours."""
    start, stop = _daily(host.start_cron), _daily(host.stop_cron)
    if not start or not stop or start[1] != stop[1]:
        return WORKING_HOURS
    return ((stop[0] - start[0]) % 24) * start[1] * DAYS / 7


class _Month:
    """A stage's month, part by part."""

    def __init__(self, config: StageConfig, events: float, table: Prices) -> None:
        self._config, self._table = config, table
        self.events = events
        tailed = config.tailer.enabled and not config.ingestion.log_groups
        self._tailed = events if tailed else 0.0
        self._delivered = events - self._tailed
        self._deliveries = self._delivered / EVENTS_PER_DELIVERY
        self._sweeps = HOURS * 60 / config.sweep.interval_min

    def foundation(self) -> Iterator[Line]:
        """Network and secrets."""
        network, gateways = self._table["network"], 0 if self._config.network.vpc_id else self._config.nat_gateways
        yield _same("Foundation", "NAT gateways", gateways * HOURS * network["nat_gateway_h"])
        yield _same("Foundation", "fixed addresses", gateways * HOURS * network["public_ipv4_h"])
        if gateways:
            sent = self.events * STORE_BYTES + self._sweeps * SWEEP_BYTES
            read = self._tailed * READ_BYTES * READS_PER_EVENT
            yield _same("Foundation", "traffic through NAT", (sent + read) / 1e9 * network["nat_gb"])
        yield _same("Foundation", "secrets", 4 * self._table["secrets"]["secret_month"])

    def app(self) -> Iterator[Line]:
        """Functions, what they log, what watches them, whom they tell."""
        functions, watching = self._table["functions"], self._table["watching"]
        gb_s = functions[f"{self._config.lambda_arch}_gb_s"] * 1769 / 1024
        storing = self._deliveries * DELIVERY_S + self._delivered * EVENT_S
        yield _same("App", "embed_logs", storing * gb_s + self._deliveries * functions["request"])
        rounds = self._sweeps * (SWEEP_S * gb_s + functions["request"] + functions["scheduled_call"])
        yield _same("App", "sweep_incidents", rounds)
        yield self._logs("App", self._deliveries + self._sweeps)
        published = len(metric_names.EMITTED_BY[metric_names.SWEEP_INCIDENTS])
        published += len(metric_names.EMITTED_BY[metric_names.EMBED_LOGS]) * bool(self._deliveries)
        yield _same("App", "metrics", published * watching["metric_month"])
        yield _same("App", "alarms", alarm_metrics(self._config)["App"] * watching["alarm_metric_month"])
        yield _same("App", "dashboard", watching["dashboard_month"])
        yield _same("App", "messages", self._messages())

    def embedding(self) -> Iterator[Line]:
        """The endpoint, by the second that it works."""
        settings = self._config.embedding
        if settings.archive:
            gb_s = self.events * PATTERNS_PER_EVENT * PATTERN_S * settings.memory_mb / 1024
            yield _same("Embedding", "endpoint", gb_s * self._table["endpoint"]["gb_s"])
            yield self._alarms("Embedding")

    def tailer(self) -> Iterator[Line]:
        """The task."""
        settings, task = self._config.tailer, self._table["task"]
        if not settings.enabled:
            return
        hour = settings.cpu / 1024 * task["vcpu_h"] + settings.memory_mb / 1024 * task["gb_h"]
        yield _same("Tailer", "task", settings.desired * HOURS * hour)
        yield _same("Tailer", "image", IMAGE_GB * task["image_gb_month"])
        published = len(metric_names.EMITTED_BY[metric_names.TAIL]) - 1 + 10
        yield _same("Tailer", "metrics", settings.desired * published * self._table["watching"]["metric_month"])
        yield self._alarms("Tailer")

    def hosts(self) -> Iterator[Line]:
        """Each host: the instance by the hour, its volumes while it runs, its weights in the bucket."""
        kept: set[str] = set()
        for name, host in self._config.llm.items():
            part, hours = f"Llm-{name}", scheduled_hours(host)
            hour = self._table["hosts"][host.instance_type]
            month, shares = hour * HOURS, self._table["shares"]
            yield Line(
                part,
                host.instance_type,
                {
                    "on_demand": month,
                    "reserved": month * shares["reserved"],
                    "spot": month * shares["spot"],
                    "scheduled": hour * hours,
                },
            )
            volumes = self._volumes(host) + DETAILED_METRICS * self._table["watching"]["metric_month"]
            yield Line(
                part, "volumes and metrics", dict.fromkeys(PLANS, volumes) | {"scheduled": volumes * hours / HOURS}
            )
            prefix = names.weights_prefix(host.repo, fit.canonical(host.quant))
            if prefix not in kept:
                kept.add(prefix)
                gigabytes = fit.size_of(host.repo, host.quant) * 2**30 / 1e9
                yield _same(part, "weights in S3", gigabytes * self._table["storage"]["s3_gb_month"])

    def _volumes(self, host: Host) -> float:
        storage = self._table["storage"]
        usd = (ROOT_GIB + host.storage_gib) * storage["gp3_gib_month"]
        if host.storage_gib:  # 4,000 IOPS and 1,000 MiB/s, of which gp3 has 3,000 and 125
            usd += 1000 * storage["gp3_iops_month"] + 875 * storage["gp3_mib_s_month"]
        return usd

    def _logs(self, part: str, invocations: float) -> Line:
        watching, gigabytes = self._table["watching"], invocations * LOG_BYTES / 1e9
        kept = self._config.log_retention_days / DAYS * watching["logs_gb_month"]
        return _same(part, "logs", gigabytes * (watching["logs_gb"] + kept))

    def _alarms(self, part: str) -> Line:
        return _same(part, "alarms", alarm_metrics(self._config)[part] * self._table["watching"]["alarm_metric_month"])

    def _messages(self) -> float:
        sns, sent = self._table["messages"], INCIDENTS * MESSAGES_PER_INCIDENT
        listeners = self._config.pages + self._config.events
        each = sum(sns["email"] if "@" in to else sns["https"] if to.startswith("https") else 0.0 for to in listeners)
        return sent * (2 * sns["publish"] + each)


def _same(part: str, what: str, usd: float) -> Line:
    return Line(part, what, dict.fromkeys(PLANS, usd))


def _chosen(host: Host) -> Plan:
    if host.spot:
        return "spot"
    return "scheduled" if host.start_cron and host.stop_cron else "on_demand"


_DAYS_OF_A_WEEK = {"*": 7, "MON-FRI": 5, "MON-SAT": 6}


def _daily(cron: str) -> tuple[float, int] | None:
    """(hour of the day, days a week) of a cron line that names one time on some days."""
    found = re.fullmatch(r"(\d{1,2}) (\d{1,2}) \* \* (\*|MON-FRI|MON-SAT)", cron)
    return (int(found[2]) + int(found[1]) / 60, _DAYS_OF_A_WEEK[found[3]]) if found else None
