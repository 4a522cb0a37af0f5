"""Ordinary life: what the services do by themselves, each on a timer of its own.

Gauges, sweeps, syncs, health checks, and the mailer's poll of its queue.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from autoir.clock import MINUTE_MS
from autoir.demo.mail import look_through_templates, poll
from autoir.demo.shop import CART, CHECKOUT, INFO, INVENTORY, ORDERS, PAYMENTS, WEB, Shop
from autoir.demo.trouble import Plan, Trouble


class Job(NamedTuple):
    """Runs every ``every_ms``, first ``after_ms`` after the start, some time within ``jitter_ms``."""

    every_ms: int
    after_ms: int
    jitter_ms: int
    tell: Callable[[Trouble, Shop, int], None]


def plan_jobs(shop: Shop, trouble: Trouble, start_ms: int, end_ms: int) -> Plan:
    """Every run of every job."""
    return [
        (t + shop.between(0, job.jitter_ms), partial(job.tell, trouble))
        for job in JOBS
        for t in range(start_ms + job.after_ms, end_ms, job.every_ms)
    ]


def _turn(shop: Shop, service: str, t: int) -> str:
    """The instance whose turn it is: they take turns by the minute."""
    streams = shop.streams[service]
    return streams[t // MINUTE_MS % len(streams)]


def _pool_gauge(trouble: Trouble, shop: Shop, t: int) -> None:
    for stream in shop.streams[CHECKOUT]:
        used, waiting = trouble.pool_gauge(shop, t) or (shop.between(2, 8), 0)
        shop.checkout(stream, t, INFO, "db", "-", f"pool: {used} of 20 connections in use, {waiting} waiting")


def _sweep(trouble: Trouble, shop: Shop, t: int) -> None:
    text = f"released {shop.between(1, 9)} holds of {shop.between(10, 60)} idle baskets"
    shop.checkout(_turn(shop, CHECKOUT, t), t, INFO, "sweep", "-", text)


def _queue_depth(trouble: Trouble, shop: Shop, t: int) -> None:
    oldest = max(0, (t - shop.letters[0].queued_ms) // 1000) if shop.letters else 0
    text = f"mail queue depth {len(shop.letters)}, oldest letter {oldest} s"
    shop.orders(shop.streams[ORDERS][0], t, INFO, "MailQueue", "", text)


def _settlement(trouble: Trouble, shop: Shop, t: int) -> None:
    text = f"settled {shop.between(4, 16)} orders in {shop.between(80, 400)} ms"
    shop.orders(_turn(shop, ORDERS, t), t, INFO, "Settlement", "", text)


def _provider_session(trouble: Trouble, shop: Shop, t: int) -> None:
    if not trouble.provider_session(shop, t):
        fields = f"provider=fernpay took={shop.between(30, 90)}ms"
        shop.payments(_turn(shop, PAYMENTS, t), t, INFO, "provider session renewed", fields)


def _feed(trouble: Trouble, shop: Shop, t: int) -> None:
    fields = f'"warehouse": "ams1", "rows": {shop.between(200, 900)}, "took_ms": {shop.between(300, 1900)}'
    shop.inventory(_turn(shop, INVENTORY, t), t, INFO, "feed/sync.go:120", "warehouse feed read", fields)


def _templates(trouble: Trouble, shop: Shop, t: int) -> None:
    look_through_templates(shop, t)


def _health(trouble: Trouble, shop: Shop, t: int) -> None:
    """The load balancer looks in on every instance."""
    call = shop.caller()._replace(ip="10.4.0.9")
    for n, stream in enumerate(shop.streams[WEB]):
        shop.access(call._replace(web=stream), t + 300 * n, "GET /healthz", 204, 1, "-")
    for n, stream in enumerate(shop.streams[CART]):
        fields = f'"req":{{"method":"GET","path":"/healthz"}},"took_ms":1,"heap_mb":{shop.between(90, 180)}'
        shop.cart(call._replace(cart=stream), t + 1_000 + 300 * n, INFO, "alive", fields)
    for n, stream in enumerate(shop.streams[CHECKOUT]):
        text = f"alive, {shop.between(1, 9)} requests open"
        shop.checkout(stream, t + 2_000 + 300 * n, INFO, "health", call.trace, text)
    for n, stream in enumerate(shop.streams[PAYMENTS]):
        shop.payments(
            stream, t + 3_000 + 300 * n, INFO, "alive", f"trace={call.trace} goroutines={shop.between(30, 60)}"
        )


JOBS = (
    Job(30_000, 2_000, 500, _health),
    Job(30_000, 3_000, 1_500, poll),
    Job(30_000, 7_500, 300, _provider_session),
    Job(MINUTE_MS, 3_000, 200, _settlement),
    Job(MINUTE_MS, 11_000, 300, _pool_gauge),
    Job(MINUTE_MS, 20_000, 100, _queue_depth),
    Job(MINUTE_MS, 41_000, 900, _sweep),
    Job(2 * MINUTE_MS, 33_000, 2_000, _feed),
    Job(5 * MINUTE_MS, 52_000, 2_000, _templates),
)
"""Every job of the shop; the mailer's poll is its heartbeat."""
