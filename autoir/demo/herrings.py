"""The red herrings: short spells of trouble that look bad and are not, told several times in the baseline.

Every spell of the baseline is longer or denser than the one of the live hour; it is the same trouble, seen before.
"""

from autoir.clock import HOUR_MS, MINUTE_MS, SECOND_MS
from autoir.demo.scenarios import HERRINGS, Herring
from autoir.demo.shop import INVENTORY, WARN, Shop
from autoir.demo.traffic import begin_checkout, finish_checkout
from autoir.demo.trouble import Plan, Tell

_SPELLS = 4
"""Of each kind in the baseline: one an hour, so that none falls together with another of its kind."""


def plan_herrings(shop: Shop, start_ms: int, live: Herring) -> Plan:
    """The spells of the baseline, one an hour of each kind, and the live one."""
    plan: Plan = []
    for kind in HERRINGS:
        for hour in range(_SPELLS):
            begin = start_ms + hour * HOUR_MS + shop.between(3, 56) * MINUTE_MS
            plan += _spell(shop, kind, begin, shop.between(55, 80), shop.between(10, 15))
    return plan + _spell(shop, live.kind, live.ts_ms, live.seconds, live.seconds // 6)


def _spell(shop: Shop, kind: str, begin: int, seconds: int, lines: int) -> Plan:
    tell = _TELLS[kind]
    step = seconds * SECOND_MS // lines
    return [(begin + n * step + shop.between(0, step // 2), tell) for n in range(lines)]


def _provider_slow(shop: Shop, t: int) -> None:
    call = shop.caller()
    shop.order += 1
    took = shop.between(2600, 6900)
    basket, total = shop.basket - shop.between(1, 300), shop.between(900, 24_000) / 100
    begin_checkout(shop, call, t, basket, total)
    shop.payments(
        call.payments,
        t + took,
        WARN,
        "provider slow",
        f"trace={call.trace} order={shop.order} provider=fernpay took={took}ms usual=240ms",
    )
    shop.checkout(
        call.checkout, t + took + 3, WARN, "clients", call.trace, f"payments took {took + 3} ms, customer waits"
    )
    finish_checkout(shop, call, t + took + 4, t, basket, total)


def _replica_lag(shop: Shop, t: int) -> None:
    shop.inventory(
        shop.streams[INVENTORY][shop.between(0, 2)],
        t,
        WARN,
        "store/replica.go:71",
        "replica lags, primary asked instead",
        f'"lag_ms": {shop.between(2100, 9000)}, "table": "stock"',
    )


def _cache_away(shop: Shop, t: int) -> None:
    call = shop.caller()
    shop.cart(
        call,
        t,
        WARN,
        "session cache unavailable, connecting again",
        f'"shard":{shop.between(0, 4)},"attempt":{shop.between(1, 4)}',
    )


_TELLS: dict[str, Tell] = {"provider-slow": _provider_slow, "replica-lag": _replica_lag, "cache-away": _cache_away}
