"""How the shop gets by when a neighbour stumbles: another instance, a second attempt.

Told in the same words in good times and at the onset of a fault, where they are what keeps the callers quiet.
"""

from autoir.demo.shop import CART, CHECKOUT, INVENTORY, ORDERS, WARN, Call, Shop

UPSTREAMS = {CART: "cart:3000", CHECKOUT: "checkout:8000", INVENTORY: "inventory:8080", ORDERS: "orders:8080"}
"""Services behind the edge, as it names them."""


def next_upstream(shop: Shop, stream: str, t: int, upstream: str) -> None:
    """The edge tries another instance, and nobody notices."""
    shop.edge(stream, t, "warn", f"{upstream} closed the connection early, next instance tried")


def cart_second_attempt(shop: Shop, call: Call, t: int, upstream: str) -> None:
    """Cart asks a neighbour again and gets its answer."""
    shop.cart(call, t, WARN, f"{upstream} answered at second attempt", f'"upstream":"{upstream}","attempt":2')


def orders_second_attempt(shop: Shop, stream: str, t: int, trace: str) -> None:
    """Checkout asks another instance of orders and gets its answer."""
    shop.checkout(stream, t, WARN, "clients", trace, f"orders answered at attempt 2 of 3, {shop.between(40, 300)} ms")


def provider_second_attempt(shop: Shop, stream: str, t: int, trace: str) -> None:
    """Payments asks the provider again and gets its answer."""
    shop.payments(
        stream,
        t,
        WARN,
        "provider answered at second attempt",
        f"trace={trace} provider=fernpay attempt=2 took={shop.between(300, 900)}ms",
    )
