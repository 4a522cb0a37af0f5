"""What the demo tells: five afternoons of a small shop, each with its deploy, its red herring and at most one fault.

A scenario is fixed but for its times and its mix, which come from the seed: who knows scenario and seed knows what a
detector should have said, so the demo can show its answer beside the truth and a test can score many seeds.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

from autoir.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from autoir.demo.shop import CART, CHECKOUT, GROUPS, INVENTORY, MAILER, ORDERS, PAYMENTS

BASELINE_MS = 4 * HOUR_MS
"""Ordinary life before the live hour, long enough for a detector to learn the shop."""

LIVE_MS = HOUR_MS

DEFAULT_END_MS = 1_773_759_600_000
"""2026-03-17 15:00 UTC: a Tuesday afternoon, so the live hour is 14:00 to 15:00."""

DEFAULT_SEED = 7


class Moment(NamedTuple):
    """One line of the story on the screen. ``ts_ms`` is epoch milliseconds."""

    ts_ms: int
    kind: Literal["deploy", "red herring", "fault", "recovery"]
    text: str


class Heartbeat(NamedTuple):
    """A line that its owner declared to come at least every ``every_s`` seconds."""

    log_group: str
    contains: str
    every_s: int


class Deploy(NamedTuple):
    """A rolling restart of every instance of ``service`` into ``version``, in the live hour."""

    ts_ms: int
    service: str
    version: str
    previous: str


class Herring(NamedTuple):
    """A spell of trouble of a kind that the baseline has seen several times, and larger."""

    ts_ms: int
    kind: str
    seconds: int


class Fault(NamedTuple):
    """From ``ts_ms``, the first line that says so, to ``until_ms``; ``end_ms`` of the run if nobody mended it."""

    ts_ms: int
    until_ms: int


@dataclass(frozen=True)
class Scenario:
    """One afternoon. ``guilty`` is the log group where the fault is, None where there is none."""

    name: str
    summary: str
    guilty: str | None
    seed: int
    end_ms: int
    deploy: Deploy
    red_herring: Herring
    fault: Fault | None
    heartbeat: Heartbeat
    timeline: tuple[Moment, ...]

    @property
    def start_ms(self) -> int:
        """Where the baseline begins."""
        return self.end_ms - LIVE_MS - BASELINE_MS

    @property
    def live_ms(self) -> int:
        """Where the baseline ends and the live hour begins."""
        return self.end_ms - LIVE_MS


class _Plot(NamedTuple):
    summary: str
    guilty: str | None
    fault: str
    recovery: str


HEARTBEAT = Heartbeat(GROUPS[MAILER], "queue poll ok", 30)

HERRINGS = {
    "provider-slow": "payment-provider slow",
    "replica-lag": "inventory's database replica lags",
    "cache-away": "cart's session cache reconnects",
}
"""Kind of red herring -> what it is on the screen."""

PLOTS = {
    "pool-exhaustion": _Plot(
        "checkout runs out of database connections; cart and web, its callers, get 503s",
        GROUPS[CHECKOUT],
        "checkout has no database connection left",
        "checkout's connections are given back",
    ),
    "bad-deploy": _Plot(
        "a new release of orders throws on one code path; checkout and web see 500s",
        GROUPS[ORDERS],
        "orders throws on one code path",
        "orders is rolled back",
    ),
    "expired-certificate": _Plot(
        "the certificate of a payment provider expires; payments cannot reach it and checkouts are lost",
        GROUPS[PAYMENTS],
        "the certificate of api.fernpay.example has expired",
        "the provider serves a new certificate",
    ),
    "silent-consumer": _Plot(
        "the mailer's consumer stops without a word: no error anywhere, only its heartbeat is missing",
        GROUPS[MAILER],
        "the mailer's consumer stops",
        "the mailer's consumer runs again",
    ),
    "healthy": _Plot("nothing is wrong: a deploy, a spell of a known trouble, and nothing else", None, "", ""),
}

RELEASES = {CART: "3.9.{}", CHECKOUT: "12.4.{}", ORDERS: "5.14.{}", PAYMENTS: "2.31.{}", INVENTORY: "1.18.{}"}
"""Services that get deployed in the live hour, and how they number their releases."""


def clock_of(ts_ms: int) -> str:
    """``HH:MM:SS`` in UTC."""
    second = ts_ms // SECOND_MS % 86_400
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def scenario(name: str, seed: int, end_ms: int = DEFAULT_END_MS) -> Scenario:
    """The scenario ``name`` with the times that ``seed`` gives it. Raises KeyError for an unknown name."""
    return scenario_from(name, seed, end_ms, Random(f"{name}:{seed}"))


def scenario_from(name: str, seed: int, end_ms: int, rng: Random) -> Scenario:
    """As ``scenario``, drawing from ``rng``, which the generator goes on to use."""
    plot = PLOTS[name]
    live = end_ms - LIVE_MS
    slots = [live + _between(rng, 2 * MINUTE_MS, 7 * MINUTE_MS), live + _between(rng, 11 * MINUTE_MS, 16 * MINUTE_MS)]
    rng.shuffle(slots)
    onset = live + _between(rng, 20 * MINUTE_MS, 40 * MINUTE_MS)
    mended = onset + _between(rng, 10 * MINUTE_MS, 18 * MINUTE_MS)
    until = mended if rng.random() < 0.4 and mended < end_ms - 2 * MINUTE_MS else end_ms

    services = [s for s in RELEASES if GROUPS[s] != plot.guilty]
    service = ORDERS if name == "bad-deploy" else rng.choice(services)
    patch = rng.randrange(1, 30)
    deploy_ms = onset - _between(rng, 15 * SECOND_MS, 25 * SECOND_MS) if name == "bad-deploy" else slots[0]
    deploy = Deploy(deploy_ms, service, RELEASES[service].format(patch), RELEASES[service].format(patch - 1))

    herring = Herring(slots[1], rng.choice(list(HERRINGS)), rng.randrange(35, 56, 5))
    fault = Fault(onset, until) if plot.guilty else None
    return Scenario(
        name=name,
        summary=plot.summary,
        guilty=plot.guilty,
        seed=seed,
        end_ms=end_ms,
        deploy=deploy,
        red_herring=herring,
        fault=fault,
        heartbeat=HEARTBEAT,
        timeline=_timeline(plot, deploy, herring, fault, end_ms),
    )


def _timeline(plot: _Plot, deploy: Deploy, herring: Herring, fault: Fault | None, end_ms: int) -> tuple[Moment, ...]:
    moments = [
        Moment(deploy.ts_ms, "deploy", f"deploy of {deploy.service} {deploy.version}"),
        Moment(herring.ts_ms, "red herring", f"{HERRINGS[herring.kind]} for {herring.seconds} s"),
    ]
    if fault:
        moments.append(Moment(fault.ts_ms, "fault", plot.fault))
        if fault.until_ms < end_ms:
            moments.append(Moment(fault.until_ms, "recovery", plot.recovery))
    return tuple(sorted(moments))


def _between(rng: Random, low: int, high: int) -> int:
    return low + int(rng.random() * (high - low))


SCENARIOS: dict[str, Scenario] = {name: scenario(name, DEFAULT_SEED) for name in PLOTS}
"""Every scenario as the default seed tells it; ``scenario`` gives it for another seed."""
