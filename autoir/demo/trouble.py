"""The places of the shop where a fault may strike; by itself nothing does.

Ordinary life asks at each of them before it goes on, so a fault is written beside the shop and not into it.
"""

from collections.abc import Callable

from autoir.demo.shop import Call, Shop

Tell = Callable[[Shop, int], None]
"""Writes the lines of something that happens at the given epoch milliseconds."""

Plan = list[tuple[int, Tell]]
"""What happens when, in any order."""


class Trouble:
    """No trouble: every question is answered with "go on as usual"."""

    hushes: frozenset[str] = frozenset()
    """Kinds of benign trouble that cannot happen while the fault lasts."""

    def plan(self, shop: Shop) -> Plan:
        """What the fault does at times of its own."""
        return []

    def quote(self, shop: Shop, call: Call, t: int, basket: int) -> int:
        """Asked when cart wants a quote of checkout. Returns when cart went on, 0 if all is well."""
        return 0

    def place_order(self, shop: Shop, call: Call, t: int, began: int, basket: int, total: float) -> bool:
        """Asked when checkout has taken a basket on. True: the rest of the request has been told."""
        return False

    def pool_gauge(self, shop: Shop, t: int) -> tuple[int, int] | None:
        """Asked for checkout's connections: how many are in use and how many wait for one."""
        return None

    def provider_session(self, shop: Shop, t: int) -> bool:
        """Asked when payments renews its session at the provider. True: that has been told."""
        return False

    def mailer_poll(self, shop: Shop, t: int) -> bool:
        """Asked when the mailer is to poll its queue. True: it does not."""
        return False
