"""Rolling restarts: one instance after the other says goodbye, and its successor says hello in a stream of its own."""

from autoir.demo.attempts import UPSTREAMS, next_upstream
from autoir.demo.shop import CART, CHECKOUT, INFO, INVENTORY, MAILER, ORDERS, PAYMENTS, WEB, Shop
from autoir.demo.trouble import Plan, Tell

GAP_MS = 14_000
"""From one instance of a roll to the next."""

UP_MS = 8_000
"""From an instance's last line to the last of its successor's first ones."""


def roll(service: str, release: str, t: int, instances: range) -> Plan:
    """Restarts the given instances of a service into ``release``, from ``t``."""
    return [
        step
        for turn, slot in enumerate(instances)
        for step in (
            (t + turn * GAP_MS, _stop(service, slot)),
            (t + turn * GAP_MS + UP_MS, _start(service, slot, release)),
        )
    ]


def _stop(service: str, slot: int) -> Tell:
    def tell(shop: Shop, t: int) -> None:
        stream = shop.streams[service][slot]
        for after, text in ((0, "asked to stop, finishes open requests"), (900, "all requests finished, goodbye")):
            _say(shop, service, stream, t + after, text)
        shop.streams[service][slot] = shop.streams[service][slot - 1]
        if slot == 0 and service in UPSTREAMS:
            next_upstream(shop, shop.caller().web, t + 700, UPSTREAMS[service])

    return tell


def _start(service: str, slot: int, release: str) -> Tell:
    def tell(shop: Shop, t: int) -> None:
        stream = shop.new_stream(service, t, release)
        for step, text in enumerate(_HELLO[service]):
            _say(shop, service, stream, t - 40 + 13 * step, text.format(release=release))
        shop.streams[service][slot] = stream

    return tell


_HELLO = {
    CART: (
        "cart {release} starting",
        "session store connected, 4 shards",
        "12 routes mounted",
        "listening on port 3000",
    ),
    CHECKOUT: (
        "checkout {release} starting, python 3.12.4",
        "database reached, pool of 20 connections",
        "tax tables loaded, 31 countries",
        "4 workers ready on port 8000",
    ),
    ORDERS: (
        "Starting orders {release} on Java 21.0.3",
        "schema is at version 88, nothing to migrate",
        "mail queue connected",
        "Started orders in 6.212 seconds",
    ),
    PAYMENTS: ("payments {release} starting", "providers configured: fernpay, ostrapay", "listening on port 7070"),
    INVENTORY: ("inventory {release} starting", "replica connected", "stock index built", "listening on port 8080"),
}
"""What a new instance says, by service: once per instance, so a restart is never loud."""


def _say(shop: Shop, service: str, stream: str, t: int, text: str) -> None:
    if service == CART:
        shop.cart(shop.caller()._replace(cart=stream), t, INFO, text, '"pid":1')
    elif service == CHECKOUT:
        shop.checkout(stream, t, INFO, "main", "-", text)
    elif service == ORDERS:
        shop.orders(stream, t, INFO, "OrdersApplication", "", text)
    elif service == PAYMENTS:
        shop.payments(stream, t, INFO, text, "pid=1")
    elif service == INVENTORY:
        shop.inventory(stream, t, INFO, "cmd/main.go:31", text, '"pid": 1')
    else:
        raise ValueError(f"{service} is not deployed here; {WEB} and {MAILER} stay as they are")
