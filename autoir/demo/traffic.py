"""Ordinary life: what customers do.

A request is told along its call chain: web calls inventory, cart or checkout; cart asks checkout for a quote;
checkout reserves at inventory, places the order at orders and charges it at payments; orders puts a letter into the
mail queue, which the mailer empties. Trouble is asked first, at each place where it could strike.
"""

from math import pi, sin

from autoir.clock import DAY_MS
from autoir.demo.shop import INFO, Call, Letter, Shop
from autoir.demo.trouble import Trouble

REQUESTS_A_MINUTE = 118.0
"""Before the wave of the day; chosen so that five hours come to 110,000 to 140,000 lines."""

_SEARCHES = ("kettle", "tea+towel", "lamp", "oak+tray", "wool+blanket", "enamel+mug", "bread+knife", "doormat")
_PAGES = ("/", "/new", "/sale", "/stores", "/gift-cards")


def requests_in(shop: Shop, minute_ms: int) -> int:
    """How many customers' requests start in the minute at ``minute_ms``: a wave over the day and some chance."""
    wave = 1.0 + 0.22 * sin(2 * pi * (minute_ms % DAY_MS / DAY_MS - 0.25))
    return int(REQUESTS_A_MINUTE * wave * (0.9 + 0.2 * shop.random()))


def request(shop: Shop, trouble: Trouble, t: int) -> None:
    """One customer's next request."""
    luck = shop.random()
    if luck < 0.56:
        browse(shop, t)
    elif luck < 0.68:
        read_order(shop, t)
    elif luck < 0.78:
        read_cart(shop, t)
    elif luck < 0.915:
        add_to_cart(shop, trouble, t)
    else:
        place_order(shop, trouble, t)


def browse(shop: Shop, t: int) -> None:
    """A page of the shop; product pages ask inventory what is in stock."""
    call = shop.caller()
    luck = shop.random()
    if luck < 0.62:
        product = shop.between(1000, 9999)
        took = shop.between(2, 14)
        shop.inventory(
            call.inventory,
            t + 4 + took,
            INFO,
            "stock/read.go:58",
            "stock read",
            f'"sku": "P-{product}", "warehouse": "ams1", "available": {shop.between(1, 90)}, "took_ms": {took}, '
            f'"trace": "{call.trace}"',
        )
        shop.access(call, t + 20 + took, f"GET /products/{product}", 200, 20 + took, "inventory:8080")
    elif luck < 0.8:
        words = _SEARCHES[int(shop.random() * len(_SEARCHES))]
        shop.access(call, t + 31, f"GET /search?q={words}&page={shop.between(1, 6)}", 200, 31, "-")
    else:
        shop.access(call, t + 9, f"GET {_PAGES[int(shop.random() * len(_PAGES))]}", 200, 9, "-")


def read_order(shop: Shop, t: int) -> None:
    """A customer looks where an order is."""
    call = shop.caller()
    order = shop.order - shop.between(1, 4000)
    took = shop.between(6, 40)
    shop.orders(call.orders, t + took, INFO, "OrderReader", call.trace, f"order {order} read by user {call.user}")
    shop.access(call, t + took + 6, f"GET /orders/{order}", 200, took + 6, "orders:8080")


def read_cart(shop: Shop, t: int) -> None:
    """A customer opens the basket."""
    call = shop.caller()
    took = shop.between(3, 18)
    shop.cart(
        call,
        t + took,
        INFO,
        "basket read",
        f'"req":{{"method":"GET","path":"/cart"}},"cart":{{"id":{shop.basket - shop.between(1, 3000)},'
        f'"items":{shop.between(1, 9)}}},"took_ms":{took}',
    )
    shop.access(call, t + took + 5, "GET /cart", 200, took + 5, "cart:3000")


def add_to_cart(shop: Shop, trouble: Trouble, t: int) -> None:
    """Something goes into the basket: inventory holds it, and half the time checkout is asked what it comes to."""
    call = shop.caller()
    shop.basket += 1
    product = shop.between(1000, 9999)
    items = shop.between(1, 9)
    hold_item(shop, call, t + 12, product)
    shop.cart(
        call,
        t + 26,
        INFO,
        "item added",
        f'"req":{{"method":"POST","path":"/cart/items"}},"cart":{{"id":{shop.basket},"items":{items}}},'
        f'"item":{{"sku":"P-{product}","count":{shop.between(1, 4)}}},"took_ms":{shop.between(8, 30)}',
    )
    end = t + 30
    if shop.random() < 0.5:
        end = trouble.quote(shop, call, t + 30, shop.basket)
        if not end:
            end = quote(shop, call, t + 30, shop.basket)
    shop.access(call, end + 4, "POST /cart/items", 201, end + 4 - t, "cart:3000")


def hold_item(shop: Shop, call: Call, t: int, product: int) -> None:
    """Inventory keeps an item for a basket."""
    shop.inventory(
        call.inventory,
        t,
        INFO,
        "stock/hold.go:91",
        "stock held",
        f'"sku": "P-{product}", "count": {shop.between(1, 4)}, "hold": {shop.between(100_000, 999_999)}, '
        f'"ttl_s": 900, "trace": "{call.trace}"',
    )


def quote(shop: Shop, call: Call, t: int, basket: int) -> int:
    """Checkout tells cart what a basket comes to. Returns when it has answered."""
    took = shop.between(9, 45)
    total = shop.between(900, 24_000) / 100
    shop.checkout(
        call.checkout,
        t + took,
        INFO,
        "quote",
        call.trace,
        f"quote for basket {basket}: {total:.2f} EUR, shipping 4.90 EUR, {took} ms",
    )
    return t + took + 2


def place_order(shop: Shop, trouble: Trouble, t: int) -> None:
    """A basket becomes an order: the longest chain of the shop."""
    call = shop.caller()
    shop.order += 1
    basket = shop.basket - shop.between(1, 300)
    total = shop.between(900, 24_000) / 100
    begin_checkout(shop, call, t + 5, basket, total)
    if not trouble.place_order(shop, call, t + 8, t, basket, total):
        finish_checkout(shop, call, t + 8, t, basket, total)


def begin_checkout(shop: Shop, call: Call, t: int, basket: int, total: float) -> None:
    """Checkout takes a basket on."""
    shop.checkout(
        call.checkout,
        t,
        INFO,
        "api",
        call.trace,
        f"checkout of basket {basket} begins, user {call.user}, {total:.2f} EUR",
    )


def finish_checkout(shop: Shop, call: Call, t: int, began: int, basket: int, total: float) -> None:
    """The rest of a checkout that goes well, from ``t``; its request came in at ``began``."""
    order = shop.order
    commit_stock(shop, call, t + 14)
    save_order(shop, call, t + 40, order, total)
    paid = charge(shop, call, t + 52, order, total)
    confirm_order(shop, call, paid + 5, order)
    shop.checkout(
        call.checkout, paid + 18, INFO, "api", call.trace, f"basket {basket} is order {order}, {paid + 18 - began} ms"
    )
    shop.access(call, paid + 24, "POST /checkout", 200, paid + 24 - began, "checkout:8000")


def commit_stock(shop: Shop, call: Call, t: int) -> None:
    """Inventory turns held items into sold ones."""
    shop.inventory(
        call.inventory,
        t,
        INFO,
        "stock/commit.go:44",
        "stock committed",
        f'"hold": {shop.between(100_000, 999_999)}, "lines": {shop.between(1, 6)}, "took_ms": {shop.between(3, 20)}, '
        f'"trace": "{call.trace}"',
    )


def save_order(shop: Shop, call: Call, t: int, order: int, total: float) -> None:
    """Orders writes the order down."""
    shop.orders(
        call.orders,
        t,
        INFO,
        "OrderService",
        call.trace,
        f"order {order} saved for user {call.user}, {shop.between(1, 6)} lines, {total:.2f} EUR",
    )


def charge(shop: Shop, call: Call, t: int, order: int, total: float) -> int:
    """Payments takes the money. Returns when it has."""
    took = shop.between(120, 420)
    provider, card = provider_of(call)
    shop.payments(
        call.payments,
        t + took,
        INFO,
        "charge authorised",
        f"trace={call.trace} order={order} provider={provider} card={card} amount={total:.2f} currency=EUR "
        f"attempt=1 took={took}ms",
    )
    shop.payments(
        call.payments,
        t + took + 30,
        INFO,
        "charge captured",
        f"trace={call.trace} order={order} provider={provider} amount={total:.2f} currency=EUR",
    )
    return t + took + 32


def provider_of(call: Call) -> tuple[str, str]:
    """Which provider and card a customer pays with: three quarters go to fernpay."""
    provider = "ostrapay" if call.user & 3 == 3 else "fernpay"
    return provider, ("visa", "mastercard", "amex")[call.user % 3]


def confirm_order(shop: Shop, call: Call, t: int, order: int) -> None:
    """Orders confirms and queues the customer's letter."""
    shop.letters.append(Letter(order, call.user, t))
    shop.orders(
        call.orders,
        t,
        INFO,
        "MailQueue",
        call.trace,
        f"order {order} confirmed, letter queued, queue depth {len(shop.letters)}",
    )
