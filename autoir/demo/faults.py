"""The four faults, each told the way such a thing shows in logs.

In every one the guilty service speaks first: for some ten to forty seconds callers get by with what they always do
when a neighbour stumbles (another instance, a second attempt), and only then does the trouble reach them. How fast it
spreads, which code paths it takes and how the errors mix comes from the seed.
"""

from random import Random

from autoir.clock import SECOND_MS
from autoir.demo.attempts import cart_second_attempt, next_upstream, orders_second_attempt, provider_second_attempt
from autoir.demo.benign import MAILING, PAYING
from autoir.demo.deploys import GAP_MS, UP_MS, roll
from autoir.demo.scenarios import Scenario
from autoir.demo.shop import CHECKOUT, ERROR, ORDERS, PAYMENTS, WARN, Call, Shop
from autoir.demo.traffic import commit_stock, finish_checkout, provider_of, save_order
from autoir.demo.trouble import Plan, Trouble


class _Fault(Trouble):
    """A fault between two times, whose share of struck requests rises over ``ramp_ms``."""

    def __init__(self, scene: Scenario, rng: Random) -> None:
        if scene.fault is None:
            raise ValueError(f"{scene.name} has no fault")
        self.scene = scene
        self.begin, self.until = scene.fault
        self.grace_until = self.begin + 12_000 + int(rng.random() * 25_000)
        self.ramp_ms = 30_000 + int(rng.random() * 150_000)
        self.share = 0.65 + 0.3 * rng.random()

    def strikes(self, shop: Shop, t: int) -> bool:
        """Whether a request at ``t`` that takes the faulty path is struck."""
        if not self.begin <= t < self.until:
            return False
        return shop.random() < self.share * min(1.0, 0.3 + 0.7 * (t - self.begin) / self.ramp_ms)


class PoolExhaustion(_Fault):
    """Checkout's connections leak away; whoever needs one waits, gives up and raises."""

    def __init__(self, scene: Scenario, rng: Random) -> None:
        super().__init__(scene, rng)
        self.wait_s = rng.choice((3, 5, 8))
        self.fill_ms = 60_000 * rng.randrange(1, 5)
        self.quote_share = 0.4 + 0.5 * rng.random()

    def plan(self, shop: Shop) -> Plan:
        first: Plan = [(self.begin, self._sweep), (self.begin + 2_300, self._sweep), (self.begin + 5_900, self._sweep)]
        later = range(self.begin + 60_000, self.until, 61_000)
        return first + [(t, self._sweep) for t in later]

    def pool_gauge(self, shop: Shop, t: int) -> tuple[int, int] | None:
        if self.begin <= t < self.until:
            return 20, shop.between(6, 38)
        if self.begin - self.fill_ms <= t < self.begin:
            return 20 - int(12 * (self.begin - t) / self.fill_ms), 0
        return None

    def quote(self, shop: Shop, call: Call, t: int, basket: int) -> int:
        if not self.strikes(shop, t) or shop.random() > self.quote_share:
            return 0
        gave_up = t + self.wait_s * SECOND_MS
        self._raise(shop, call.checkout, gave_up, "quote", call.trace, f"quote for basket {basket} failed", "total")
        if gave_up < self.grace_until:
            cart_second_attempt(shop, call, gave_up + 40, CHECKOUT)
            return gave_up + 50
        shop.cart(
            call,
            gave_up + 6,
            ERROR,
            "upstream checkout returned 503",
            f'"upstream":"checkout","req":{{"method":"GET","path":"/quote"}},"status":503,"cart":{{"id":{basket}}},'
            f'"took_ms":{gave_up + 6 - t}',
        )
        return gave_up + 10

    def place_order(self, shop: Shop, call: Call, t: int, began: int, basket: int, total: float) -> bool:
        if not self.strikes(shop, t):
            return False
        gave_up = t + self.wait_s * SECOND_MS
        self._raise(shop, call.checkout, gave_up, "api", call.trace, f"checkout of basket {basket} failed", "place")
        if gave_up < self.grace_until:
            next_upstream(shop, call.web, gave_up + 4, "checkout:8000")
            finish_checkout(shop, call, gave_up + 9, began, basket, total)
            return True
        shop.edge(
            call.web,
            gave_up + 5,
            "error",
            "checkout:8000 answered 503 to POST /checkout, no other instance left to try",
        )
        shop.access(call, gave_up + 7, "POST /checkout", 503, gave_up + 7 - began, "checkout:8000")
        return True

    def _sweep(self, shop: Shop, t: int) -> None:
        stream = shop.streams[CHECKOUT][t // 1000 % len(shop.streams[CHECKOUT])]
        self._raise(shop, stream, t, "sweep", "-", "sweep of idle baskets failed", "sweep")

    def _raise(self, shop: Shop, stream: str, t: int, logger: str, trace: str, what: str, function: str) -> None:
        file, line = {"total": ("quote.py", 67), "place": ("api.py", 118), "sweep": ("sweep.py", 39)}[function]
        shop.checkout(
            stream,
            t,
            ERROR,
            logger,
            trace,
            f"{what}: connection pool exhausted\nTraceback (most recent call last):\n"
            f'  File "/srv/checkout/{file}", line {line}, in {function}\n    with database.session() as session:\n'
            '  File "/srv/checkout/database.py", line 52, in session\n'
            f"    connection = pool.take(wait_s={self.wait_s})\n"
            '  File "/srv/checkout/pool.py", line 88, in take\n    raise PoolExhausted(self, wait_s)\n'
            f"checkout.pool.PoolExhausted: all 20 connections in use, {shop.between(6, 38)} waiting, "
            f"none came free in {self.wait_s} s",
        )


class BadDeploy(_Fault):
    """A release of orders that throws on one code path; its neighbours of the old release still answer for a while."""

    def __init__(self, scene: Scenario, rng: Random) -> None:
        super().__init__(scene, rng)
        self.path, self.method, self.error, self.why = rng.choice(_BROKEN_PATHS)
        self.share = 0.35 + 0.35 * rng.random()
        self.rolled = scene.deploy.ts_ms + 2 * GAP_MS + UP_MS
        self.grace_until = max(self.grace_until, self.rolled + 4_000)

    def strikes(self, shop: Shop, t: int) -> bool:
        return self.begin <= t < self.until and shop.random() < self.share * (0.5 if t < self.rolled else 1.0)

    def plan(self, shop: Shop) -> Plan:
        plan: Plan = [(self.begin + after, self._first) for after in (0, 3_100, 7_700)]
        if self.until < self.scene.end_ms:
            plan += roll(ORDERS, self.scene.deploy.previous, self.until, range(3))
        return plan

    def place_order(self, shop: Shop, call: Call, t: int, began: int, basket: int, total: float) -> bool:
        if not self.strikes(shop, t):
            return False
        commit_stock(shop, call, t + 14)
        if t < self.grace_until:
            self._throw(shop, shop.streams[ORDERS][0], t + 31, call.trace)
            orders_second_attempt(shop, call.checkout, t + 90, call.trace)
            finish_checkout(shop, call, t + 92, began, basket, total)
            return True
        for attempt in range(1, 4):
            self._throw(shop, shop.streams[ORDERS][attempt % 3], t + 70 * attempt, call.trace)
        failed = t + 240
        shop.checkout(
            call.checkout,
            failed,
            ERROR,
            "clients",
            call.trace,
            f"orders answered 500 to all of 3 attempts, basket {basket} is not ordered",
        )
        shop.edge(call.web, failed + 3, "error", "checkout:8000 answered 500 to POST /checkout")
        shop.access(call, failed + 4, "POST /checkout", 500, failed + 4 - began, "checkout:8000")
        return True

    def _first(self, shop: Shop, t: int) -> None:
        call = shop.caller()
        shop.order += 1
        basket, total = shop.basket - shop.between(1, 300), shop.between(900, 24_000) / 100
        self._throw(shop, shop.streams[ORDERS][0], t, call.trace)
        orders_second_attempt(shop, call.checkout, t + 60, call.trace)
        finish_checkout(shop, call, t + 62, t, basket, total)

    def _throw(self, shop: Shop, stream: str, t: int, trace: str) -> None:
        shop.orders(
            stream,
            t,
            ERROR,
            "OrderService",
            trace,
            f"order of kind {self.path} could not be saved\nshop.orders.{self.error}: {self.why}\n"
            f"\tat shop.orders.{self.method}({self.method.split('.')[-2]}.java:{len(self.why) + 40})\n"
            "\tat shop.orders.OrderService.save(OrderService.java:131)\n"
            "\tat shop.orders.OrderController.create(OrderController.java:57)",
        )


_BROKEN_PATHS = (
    ("gift", "pricing.GiftRules.wrap", "pricing.MissingRuleException", "no price rule for wrapping GIFT_BOX"),
    ("pickup", "delivery.PickupPlanner.slot", "delivery.NoSlotException", "store has no opening hours in new calendar"),
    ("voucher", "pricing.VoucherBook.apply", "pricing.RoundingException", "discount has more digits than its currency"),
)
"""Kind of order, method, exception and its words: which one a release breaks comes from the seed."""


class ExpiredCertificate(_Fault):
    """The certificate of one of two providers runs out; kept connections carry on for some seconds."""

    hushes = PAYING

    def __init__(self, scene: Scenario, rng: Random) -> None:
        super().__init__(scene, rng)
        self.share = 0.9 + 0.1 * rng.random()
        self.attempts = rng.choice((2, 3))
        self.ramp_ms = self.grace_until - self.begin

    def plan(self, shop: Shop) -> Plan:
        return [(self.begin + after, self._renew) for after in (0, 1_600, 6_400)]

    def provider_session(self, shop: Shop, t: int) -> bool:
        if not self.begin <= t < self.until:
            return False
        self._renew(shop, t)
        return True

    def place_order(self, shop: Shop, call: Call, t: int, began: int, basket: int, total: float) -> bool:
        provider, _ = provider_of(call)
        if provider != "fernpay" or not self.strikes(shop, t):
            return False
        if t < self.grace_until:
            self._refuse(
                shop, call.payments, t + 60, "charge failed", f"trace={call.trace} order={shop.order} attempt=1"
            )
            provider_second_attempt(shop, call.payments, t + 400, call.trace)
            finish_checkout(shop, call, t + 410, began, basket, total)
            return True
        order = shop.order
        commit_stock(shop, call, t + 14)
        save_order(shop, call, t + 40, order, total)
        for attempt in range(1, self.attempts + 1):
            fields = f"trace={call.trace} order={order} attempt={attempt}"
            self._refuse(shop, call.payments, t + 60 + 300 * attempt, "charge failed", fields)
        failed = t + 80 + 300 * self.attempts
        shop.checkout(
            call.checkout,
            failed,
            ERROR,
            "clients",
            call.trace,
            f"payments answered 502, order {order} stays unpaid",
        )
        shop.orders(
            call.orders, failed + 20, WARN, "OrderService", call.trace, f"order {order} set aside, payment failed"
        )
        shop.access(call, failed + 31, "POST /checkout", 502, failed + 31 - began, "checkout:8000")
        return True

    def _renew(self, shop: Shop, t: int) -> None:
        stream = shop.streams[PAYMENTS][t // 1000 % len(shop.streams[PAYMENTS])]
        self._refuse(shop, stream, t, "provider session not renewed", "host=api.fernpay.example")

    def _refuse(self, shop: Shop, stream: str, t: int, msg: str, fields: str) -> None:
        ago = (t - self.begin) // SECOND_MS
        shop.payments(
            stream,
            t,
            ERROR,
            msg,
            f'{fields} provider=fernpay err="tls: certificate of api.fernpay.example has expired, {ago}s ago"',
        )


class SilentConsumer(_Fault):
    """The queue no longer wakes the mailer; letters pile up, and nobody says a word about it."""

    hushes = MAILING

    def mailer_poll(self, shop: Shop, t: int) -> bool:
        return self.begin <= t < self.until


FAULTS: dict[str, type[_Fault]] = {
    "pool-exhaustion": PoolExhaustion,
    "bad-deploy": BadDeploy,
    "expired-certificate": ExpiredCertificate,
    "silent-consumer": SilentConsumer,
}


def trouble_of(scene: Scenario, rng: Random) -> Trouble:
    """The fault of a scenario, or none."""
    return FAULTS[scene.name](scene, rng) if scene.fault else Trouble()
