"""Five hours of a shop's logs from a scenario and a seed.

Told minute by minute: everything that starts in a minute is put in order of time and told, and what CloudWatch would
have taken in by then is given out. So the whole is never in memory, and the first lines are there at once. All chance
comes from one generator seeded with the scenario's name and the seed; no set is iterated, no clock is read.
"""

from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from random import Random

from autoir.clock import MINUTE_MS
from autoir.demo.deploys import roll
from autoir.demo.faults import trouble_of
from autoir.demo.herrings import plan_herrings
from autoir.demo.jobs import plan_jobs
from autoir.demo.mail import renew
from autoir.demo.noise import plan_noise
from autoir.demo.scenarios import BASELINE_MS, DEFAULT_END_MS, RELEASES, Scenario, scenario_from
from autoir.demo.shop import INSTANCES, Shop, Tape
from autoir.demo.traffic import request, requests_in
from autoir.demo.trouble import Plan, Trouble
from autoir.events import LogEvent

_LATEST_MS = 20_000
"""How long after it was written the last event may arrive."""


def generate(scenario: str, seed: int, end_ms: int = DEFAULT_END_MS) -> Iterator[LogEvent]:
    """The events of ``scenario`` in order of ``ingest_ms``; their own times end before ``end_ms``.

    Raises KeyError for an unknown scenario. The same arguments give the same events on every machine.
    """
    rng = Random(f"{scenario}:{seed}")
    scene = scenario_from(scenario, seed, end_ms, rng)
    tape = Tape(rng, f"{scenario}:{seed}", end_ms)
    releases = {service: form.format(rng.randrange(3, 20)) for service, form in RELEASES.items()}
    releases[scene.deploy.service] = scene.deploy.previous
    shop = Shop(rng, tape, scene.start_ms, releases)
    trouble = trouble_of(scene, rng)
    plan = sorted(_plan(shop, scene, trouble, releases), key=itemgetter(0))

    told = 0
    for minute_ms in range(scene.start_ms, end_ms, MINUTE_MS):
        next_ms = minute_ms + MINUTE_MS
        due: Plan = []
        while told < len(plan) and plan[told][0] < next_ms:
            due.append(plan[told])
            told += 1
        ask = partial(_request, trouble)
        due += [(minute_ms + shop.between(0, MINUTE_MS), ask) for _ in range(requests_in(shop, minute_ms))]
        due.sort(key=itemgetter(0))
        for t, tell in due:
            tell(shop, t)
        yield from tape.until(next_ms)
    yield from tape.until(end_ms + _LATEST_MS + 1)


def _request(trouble: Trouble, shop: Shop, t: int) -> None:
    request(shop, trouble, t)


def _plan(shop: Shop, scene: Scenario, trouble: Trouble, releases: dict[str, str]) -> Plan:
    """Everything that is known beforehand."""
    plan = plan_herrings(shop, scene.start_ms, scene.red_herring) + trouble.plan(shop)
    for name, times in plan_noise(shop, scene.start_ms, scene.live_ms, scene.end_ms):
        hushed = scene.fault if name in trouble.hushes else None
        plan += [step for step in times if not (hushed and hushed.ts_ms <= step[0] < hushed.until_ms)]

    deploy = scene.deploy
    plan += roll(deploy.service, deploy.version, deploy.ts_ms, range(INSTANCES[deploy.service]))
    other, moved = shop.rng.sample([service for service in RELEASES if service != deploy.service], 2)
    begin = scene.start_ms + shop.between(30, 80) * MINUTE_MS + shop.between(0, 30_000)
    major, _, patch = releases[other].rpartition(".")
    plan += roll(other, f"{major}.{int(patch) + 1}", begin, range(INSTANCES[other]))
    begin = scene.start_ms + shop.between(110, 220) * MINUTE_MS + shop.between(0, 30_000)
    plan += roll(moved, releases[moved], begin, range(1))

    every = BASELINE_MS // 3
    plan += [(t + shop.between(0, 20_000), renew) for t in range(scene.start_ms + 2_000, scene.live_ms, every)]
    return plan + plan_jobs(shop, trouble, scene.start_ms, scene.end_ms)
