"""When benign trouble comes: in bursts, as such things do.

The hours of the baseline hold every variant of every kind several times, and of each two bursts larger than any of
the live hour, so whoever has learned the baseline has seen it all before, and as loud.
"""

from autoir.clock import HOUR_MS, MINUTE_MS
from autoir.demo.benign import KINDS, Kind
from autoir.demo.shop import Shop
from autoir.demo.trouble import Plan, Tell

_BLOCK_MS = 5 * MINUTE_MS
"""The loud bursts of the baseline do not straddle a multiple of this, so each is as loud in whatever is counted."""

_BURST_MS = 90_000


def plan_noise(shop: Shop, start_ms: int, live_ms: int, end_ms: int) -> list[tuple[str, Plan]]:
    """When each kind happens between ``start_ms`` and ``end_ms``: pairs of the kind's name and its plan."""
    return [(kind.name, _plan_kind(shop, kind, start_ms, live_ms, end_ms)) for kind in KINDS]


def _plan_kind(shop: Shop, kind: Kind, start_ms: int, live_ms: int, end_ms: int) -> Plan:
    within = live_ms - start_ms - 2 * MINUTE_MS
    plan = [(start_ms + shop.between(0, within), _one(kind, v)) for v in range(kind.variants) for _ in range(5)]
    for variant in range(kind.variants):
        for _ in range(2):
            block = (start_ms + shop.between(_BLOCK_MS, within - _BLOCK_MS)) // _BLOCK_MS * _BLOCK_MS
            begin = block + shop.between(0, _BLOCK_MS - _BURST_MS)
            plan += [(begin + shop.between(0, _BURST_MS), _one(kind, variant)) for _ in range(kind.burst)]
    plan += _bursts(shop, kind, start_ms, within, kind.burst)
    plan += _bursts(shop, kind, live_ms, end_ms - live_ms - 2 * MINUTE_MS, max(1, kind.burst // 2))
    return plan


def _bursts(shop: Shop, kind: Kind, begin: int, span: int, most: int) -> Plan:
    """Bursts of 1 to ``most`` that come to the kind's hourly number."""
    plan: Plan = []
    owed = kind.an_hour * span / HOUR_MS * (0.6 + 0.8 * shop.random())
    while owed > shop.random():
        size = 1 + int(most * shop.random() ** 2)
        plan += _burst(shop, kind, begin + shop.between(0, span), size)
        owed -= size
    return plan


def _burst(shop: Shop, kind: Kind, begin: int, size: int) -> Plan:
    return [(begin + shop.between(0, _BURST_MS), _one(kind, shop.between(0, kind.variants))) for _ in range(size)]


def _one(kind: Kind, variant: int) -> Tell:
    return lambda shop, t: kind.tell(shop, t, variant)
