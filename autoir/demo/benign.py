"""Benign trouble: what goes wrong every day and is nobody's incident.

A kind with variants is one sentence with one word exchanged, from a small set, so that no variant is ever a surprise.
"""

from collections.abc import Callable
from typing import NamedTuple

from autoir.demo.attempts import (
    UPSTREAMS,
    cart_second_attempt,
    next_upstream,
    orders_second_attempt,
    provider_second_attempt,
)
from autoir.demo.mail import invoke
from autoir.demo.shop import CHECKOUT, ERROR, INVENTORY, ORDERS, WARN, Shop
from autoir.demo.traffic import (
    begin_checkout,
    commit_stock,
    finish_checkout,
    hold_item,
    save_order,
)

_LOST_PATHS = ("/favicon-old.png", "/blog/archive", "/products/0", "/wp-login.php")
_TLS_NOISE = ("client hung up", "no shared cipher", "client speaks a version that is too old")
_DECLINES = ("insufficient_funds", "card_expired", "limit_reached")


class Kind(NamedTuple):
    """One kind of benign trouble. ``burst`` is the most that come together; ``tell`` takes shop, time, variant."""

    name: str
    an_hour: float
    burst: int
    variants: int
    tell: Callable[[Shop, int, int], None]


def _not_found(shop: Shop, t: int, variant: int) -> None:
    shop.access(shop.caller(), t, f"GET {_LOST_PATHS[variant]}", 404, 3, "-")


def _bad_request(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.cart(
        call,
        t + 6,
        WARN,
        "invalid count in request",
        f'"req":{{"method":"POST","path":"/cart/items"}},"cart":{{"id":{shop.basket}}}',
    )
    shop.access(call, t + 9, "POST /cart/items", 400, 9, "cart:3000")


def _client_gone(shop: Shop, t: int, variant: int) -> None:
    shop.access(shop.caller(), t, f"GET /search?q=lamp&page={shop.between(1, 6)}", 499, 900, "-")


def _tls_noise(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.edge(call.web, t, "warn", f"TLS handshake with {call.ip} failed: {_TLS_NOISE[variant]}")


def _next_upstream(shop: Shop, t: int, variant: int) -> None:
    next_upstream(shop, shop.caller().web, t, list(UPSTREAMS.values())[variant])


def _recommendations(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.edge(call.web, t + 3_000, "error", "recommendations:9090 did not answer within 3 s, page sent without them")
    shop.access(call, t + 3_002, "GET /recommendations", 504, 3_002, "recommendations:9090")


def _cart_second_attempt(shop: Shop, t: int, variant: int) -> None:
    cart_second_attempt(shop, shop.caller(), t, (INVENTORY, CHECKOUT)[variant])


def _merged(shop: Shop, t: int, variant: int) -> None:
    shop.cart(
        shop.caller(),
        t,
        WARN,
        "basket changed in another tab, versions merged",
        f'"cart":{{"id":{shop.basket - shop.between(1, 900)},"items":{shop.between(1, 9)}}}',
    )


def _coupon(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.cart(
        call,
        t,
        ERROR,
        "coupon could not be read, basket priced without it",
        f'"cart":{{"id":{shop.basket}}},"err":{{"type":"CouponFormatError","message":"checksum differs",'
        f'"stack":"CouponFormatError: checksum differs\\n    at parse (/srv/cart/coupon.js:41:11)\\n'
        '    at price (/srv/cart/basket.js:208:20)"}',
    )


def _declined(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.order += 1
    order, basket, total = shop.order, shop.basket - shop.between(1, 300), shop.between(900, 24_000) / 100
    reason = _DECLINES[variant]
    begin_checkout(shop, call, t, basket, total)
    commit_stock(shop, call, t + 14)
    save_order(shop, call, t + 30, order, total)
    shop.payments(
        call.payments,
        t + 310,
        WARN,
        "charge declined",
        f"trace={call.trace} order={order} provider=fernpay reason={reason} amount={total:.2f} currency=EUR",
    )
    shop.checkout(call.checkout, t + 320, WARN, "api", call.trace, f"card declined for order {order}: {reason}")
    shop.access(call, t + 326, "POST /checkout", 402, 326, "checkout:8000")


def _slow_basket(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.checkout(
        call.checkout,
        t,
        WARN,
        "db",
        call.trace,
        f"slow query, {shop.between(900, 2600)} ms: baskets by user {call.user}",
    )


def _orders_second_attempt(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    orders_second_attempt(shop, call.checkout, t, call.trace)


def _gift_note(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.checkout(
        call.checkout,
        t,
        ERROR,
        "notes",
        call.trace,
        f"gift note of basket {shop.basket} could not be drawn, card stays blank\nTraceback (most recent call last):\n"
        '  File "/srv/checkout/notes.py", line 73, in draw\n    font.measure(note.text)\n'
        '  File "/srv/checkout/fonts.py", line 29, in measure\n    raise MissingGlyph(code)\n'
        f"checkout.fonts.MissingGlyph: no glyph for code point {shop.between(9000, 129_000)}",
    )


def _postcode(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.checkout(
        call.checkout,
        t,
        WARN,
        "address",
        call.trace,
        f"postal code of user {call.user} unknown to carrier, asked again",
    )


def _gc_pause(shop: Shop, t: int, variant: int) -> None:
    stream = shop.streams[ORDERS][shop.between(0, 3)]
    shop.orders(
        stream,
        t,
        WARN,
        "MemoryWatch",
        "",
        f"GC pause of {shop.between(250, 800)} ms, heap {shop.between(600, 1400)} MB",
    )


def _changed_meanwhile(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    order = shop.order - shop.between(1, 900)
    shop.orders(
        call.orders,
        t,
        WARN,
        "OrderService",
        call.trace,
        f"order {order} changed meanwhile, saved at attempt {shop.between(2, 4)}",
    )


def _invoice(shop: Shop, t: int, variant: int) -> None:
    order = shop.order - shop.between(1, 900)
    shop.orders(
        shop.streams[ORDERS][shop.between(0, 3)],
        t,
        ERROR,
        "InvoiceJob",
        "",
        f"invoice of order {order} not rendered, comes with the next run\n"
        "shop.orders.invoice.LayoutException: line of text wider than its column\n"
        "\tat shop.orders.invoice.Layout.place(Layout.java:142)\n"
        "\tat shop.orders.invoice.InvoiceJob.render(InvoiceJob.java:61)\n"
        "\tat shop.orders.invoice.InvoiceJob.run(InvoiceJob.java:38)",
    )


def _webhook(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.payments(call.payments, t, WARN, "webhook ignored, invalid signature", f"trace={call.trace} ip={call.ip}")


def _provider_second_attempt(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.order += 1
    basket, total = shop.basket - shop.between(1, 300), shop.between(900, 24_000) / 100
    begin_checkout(shop, call, t, basket, total)
    provider_second_attempt(shop, call.payments, t + 90, call.trace)
    finish_checkout(shop, call, t + 95, t, basket, total)


def _refund(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    order, amount = shop.order - shop.between(200, 3000), shop.between(900, 24_000) / 100
    shop.payments(
        call.payments,
        t,
        ERROR,
        "refund refused by provider, queued for a person",
        f"trace={call.trace} order={order} provider=fernpay reason=charge_too_old amount={amount:.2f}",
    )


def _stock_short(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    shop.inventory(
        call.inventory,
        t,
        WARN,
        "stock/hold.go:77",
        "stock short, fewer held than asked",
        f'"sku": "P-{shop.between(1000, 9999)}", "asked": {shop.between(3, 9)}, "held": {shop.between(1, 3)}, '
        f'"trace": "{call.trace}"',
    )
    shop.cart(
        call,
        t + 9,
        WARN,
        "fewer in stock than asked",
        f'"cart":{{"id":{shop.basket}}},"item":{{"count":{shop.between(1, 3)}}}',
    )
    shop.access(call, t + 14, "POST /cart/items", 409, 14, "cart:3000")


def _slow_stock(shop: Shop, t: int, variant: int) -> None:
    call = shop.caller()
    hold_item(shop, call, t, shop.between(1000, 9999))
    shop.inventory(
        call.inventory,
        t + 1,
        WARN,
        "store/query.go:112",
        "slow query",
        f'"query": "holds_by_sku", "took_ms": {shop.between(400, 1500)}, "trace": "{call.trace}"',
    )


def _feed_row(shop: Shop, t: int, variant: int) -> None:
    shop.inventory(
        shop.streams[INVENTORY][shop.between(0, 2)],
        t,
        ERROR,
        "feed/row.go:64",
        "warehouse feed row skipped",
        f'"warehouse": "ams1", "row": {shop.between(1, 900)}, "error": "count is negative", '
        '"stacktrace": "shop/inventory/feed.parseRow\\n\\t/src/feed/row.go:64\\n'
        'shop/inventory/feed.Sync\\n\\t/src/feed/sync.go:98"',
    )


def _bounce(shop: Shop, t: int, variant: int) -> None:
    invoke(shop, t, WARN, f"letter for order {shop.order - shop.between(5, 900)} came back, address unknown")


def _throttled(shop: Shop, t: int, variant: int) -> None:
    invoke(shop, t, WARN, f"mail relay asks for patience, waited {shop.between(200, 900)} ms and sent")


def _template(shop: Shop, t: int, variant: int) -> None:
    invoke(
        shop,
        t,
        ERROR,
        f"letter for order {shop.order - shop.between(5, 900)} sent as plain text\nTemplateError: block left open\n"
        "    at compile (/var/task/template.js:88:13)\n    at render (/var/task/letter.js:31:9)",
    )


KINDS = (
    Kind("not found", 55, 12, len(_LOST_PATHS), _not_found),
    Kind("bad request", 8, 4, 1, _bad_request),
    Kind("client gone", 9, 5, 1, _client_gone),
    Kind("tls noise", 20, 9, len(_TLS_NOISE), _tls_noise),
    Kind("next upstream", 4, 3, len(UPSTREAMS), _next_upstream),
    Kind("recommendations", 4, 5, 1, _recommendations),
    Kind("cart second attempt", 5, 4, 2, _cart_second_attempt),
    Kind("merged", 9, 3, 1, _merged),
    Kind("coupon", 2, 3, 1, _coupon),
    Kind("declined", 26, 6, len(_DECLINES), _declined),
    Kind("slow basket", 6, 5, 1, _slow_basket),
    Kind("orders second attempt", 5, 4, 1, _orders_second_attempt),
    Kind("gift note", 2, 3, 1, _gift_note),
    Kind("postcode", 8, 3, 1, _postcode),
    Kind("gc pause", 6, 4, 1, _gc_pause),
    Kind("changed meanwhile", 8, 4, 1, _changed_meanwhile),
    Kind("invoice", 1.5, 3, 1, _invoice),
    Kind("webhook", 6, 6, 1, _webhook),
    Kind("provider second attempt", 6, 4, 1, _provider_second_attempt),
    Kind("refund", 2, 2, 1, _refund),
    Kind("stock short", 12, 5, 1, _stock_short),
    Kind("slow stock", 6, 5, 1, _slow_stock),
    Kind("feed row", 2, 5, 1, _feed_row),
    Kind("bounce", 7, 4, 1, _bounce),
    Kind("throttled", 4, 4, 1, _throttled),
    Kind("template", 1.5, 2, 1, _template),
)
"""Every kind of benign trouble, with how often it comes."""

PAYING = frozenset({"declined", "provider second attempt", "refund"})
"""Kinds that need a provider that answers."""

MAILING = frozenset({"bounce", "throttled", "template"})
"""Kinds that need a mailer that runs."""
