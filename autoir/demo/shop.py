"""The shop itself: seven services, their instances, and the hand each of them writes its log in.

Real log groups agree on nothing, so every service here has its own format; what they share is a trace id that
follows a request through them, which is how one sees who called whom. A voice (``web``, ``cart``, ...) takes what is
said and writes it as that service would. Words that stand in a line and not in a masked number come from small fixed
sets, so a line of a known kind stays of that kind.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from random import Random
from time import gmtime
from typing import NamedTuple

from autoir.events import LogEvent

WEB, CART, CHECKOUT, ORDERS = "web", "cart", "checkout", "orders"
PAYMENTS, INVENTORY, MAILER = "payments", "inventory", "mailer"
INSTANCES = {WEB: 3, CART: 3, CHECKOUT: 3, ORDERS: 3, PAYMENTS: 2, INVENTORY: 2, MAILER: 1}
GROUPS = {service: f"/shop/{service}" for service in INSTANCES}

INFO, WARN, ERROR = "INFO", "WARN", "ERROR"

_LATE_SHARE = 0.003
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=1024)
def _day_time(second: int) -> str:
    y, mo, d, h, mi, s, *_ = gmtime(second)
    return f"{y:04d}-{mo:02d}-{d:02d} {h:02d}:{mi:02d}:{s:02d}"


@lru_cache(maxsize=1024)
def _iso(second: int) -> str:
    return _day_time(second).replace(" ", "T")


@lru_cache(maxsize=1024)
def _slashed(second: int) -> str:
    return _day_time(second).replace("-", "/")


@lru_cache(maxsize=1024)
def _access_time(second: int) -> str:
    y, mo, d, h, mi, s, *_ = gmtime(second)
    return f"{d:02d}/{_MONTHS[mo - 1]}/{y:04d}:{h:02d}:{mi:02d}:{s:02d} +0000"


class Tape:
    """Takes lines in any order within a stretch of time and gives them out as CloudWatch takes them in.

    Most events arrive 0.2 to 3 s after they were written, a few up to 20 s. Nothing at or after ``end_ms`` is kept.
    """

    def __init__(self, rng: Random, salt: str, end_ms: int) -> None:
        self._random = rng.random
        self._salt = f"{int.from_bytes(blake2b(salt.encode(), digest_size=8).digest(), 'big'):020d}"
        self._end_ms = end_ms
        self._written = 0
        self._waiting: list[LogEvent] = []

    def write(self, log_group: str, log_stream: str, ts_ms: int, message: str) -> None:
        """Notes one line; its event id has the 56 digits that CloudWatch's have."""
        if ts_ms >= self._end_ms:
            return
        self._written += 1
        luck = self._random()
        if luck < _LATE_SHARE:
            delay = 3_000 + int(luck / _LATE_SHARE * 17_000)
        else:
            delay = 200 + int(2_800 * luck * luck * luck)
        event_id = f"{ts_ms:020d}{self._salt}{self._written:016d}"
        self._waiting.append(LogEvent(log_group, log_stream, ts_ms, message, event_id, ts_ms + delay))

    def until(self, ingest_ms: int) -> Iterator[LogEvent]:
        """Gives out, in order, what arrived before ``ingest_ms``; nothing written later may carry an older time."""
        self._waiting.sort(key=attrgetter("ingest_ms"))
        cut = len(self._waiting)
        while cut and self._waiting[cut - 1].ingest_ms >= ingest_ms:
            cut -= 1
        ready, self._waiting = self._waiting[:cut], self._waiting[cut:]
        return iter(ready)


class Call(NamedTuple):
    """One request as it passes through the shop: who asks, under which ids, and which instances serve it."""

    trace: str
    user: int
    ip: str
    web: str
    cart: str
    checkout: str
    orders: str
    payments: str
    inventory: str


class Letter(NamedTuple):
    """One message in the mail queue."""

    order: int
    user: int
    queued_ms: int


class Shop:
    """The running services: streams and their releases, counters, the mail queue, and a voice for each service."""

    def __init__(self, rng: Random, tape: Tape, start_ms: int, releases: dict[str, str]) -> None:
        self.rng = rng
        self.random = rng.random
        self.write = tape.write
        self.releases: dict[str, str] = {}
        self.streams = {
            service: [self.new_stream(service, start_ms, releases.get(service, "1.0.0")) for _ in range(n)]
            for service, n in INSTANCES.items()
        }
        self.letters: list[Letter] = []
        self.order = 40_000 + rng.randrange(20_000)
        self.basket = 700_000 + rng.randrange(90_000)

    def new_stream(self, service: str, t: int, release: str) -> str:
        """The log stream of a new instance of ``release``, named in the manner of ECS or, for the mailer, of Lambda."""
        task = f"{self.rng.getrandbits(128):032x}"
        stream = f"{_slashed(t // 1000)[:10]}/[$LATEST]{task}" if service == MAILER else f"{service}/app/{task}"
        self.releases[stream] = release
        return stream

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` up to but without ``high``, evenly drawn."""
        return low + int(self.random() * (high - low))

    def caller(self) -> Call:
        """Somebody's next request and the instances that will serve it."""
        bits = self.rng.getrandbits(110)
        streams = self.streams
        return Call(
            f"{bits & 0xFFFFFFFFFFFFFFFF:016x}",
            10_000 + (bits >> 64) % 60_000,
            f"{'203.0.113' if bits >> 80 & 1 else '198.51.100'}.{1 + (bits >> 81) % 250}",
            streams[WEB][(bits >> 89 & 7) % len(streams[WEB])],
            streams[CART][(bits >> 92 & 7) % len(streams[CART])],
            streams[CHECKOUT][(bits >> 95 & 7) % len(streams[CHECKOUT])],
            streams[ORDERS][(bits >> 98 & 7) % len(streams[ORDERS])],
            streams[PAYMENTS][(bits >> 101 & 7) % len(streams[PAYMENTS])],
            streams[INVENTORY][(bits >> 104 & 7) % len(streams[INVENTORY])],
        )

    def access(self, call: Call, ts: int, request: str, status: int, took_ms: int, upstream: str) -> None:
        """The edge's access log line; ``request`` is method and path."""
        size = 180 if status >= 300 else 400 + int(self.random() * 30_000)
        self.write(
            GROUPS[WEB],
            call.web,
            ts,
            f'{call.ip} - - [{_access_time(ts // 1000)}] "{request} HTTP/1.1" {status} {size} '
            f"rt={took_ms / 1000:.3f} up={upstream} trace={call.trace}",
        )

    def edge(self, stream: str, ts: int, level: str, text: str) -> None:
        """The edge's error log; ``level`` in lower case, as there."""
        worker = 29 + int(self.random() * 4)
        number = 100_000 + ts // 97 % 800_000
        self.write(GROUPS[WEB], stream, ts, f"{_slashed(ts // 1000)} [{level}] {worker}#{worker}: *{number} {text}")

    def cart(self, call: Call, ts: int, level: str, msg: str, fields: str) -> None:
        """Structured JSON; ``fields`` is the inside of the object that follows the message."""
        self.write(
            GROUPS[CART],
            call.cart,
            ts,
            f'{{"level":"{level.lower()}","time":{ts},"service":"cart","version":"{self.releases[call.cart]}",'
            f'"trace":{{"id":"{call.trace}","span":"{self.rng.getrandbits(60):016x}"}},"user":{{"id":{call.user}}},'
            f'"msg":"{msg}",{fields}}}',
        )

    def checkout(self, stream: str, ts: int, level: str, logger: str, trace: str, text: str) -> None:
        """Python logging; a traceback is part of ``text``, so it is one event."""
        self.write(
            GROUPS[CHECKOUT],
            stream,
            ts,
            f"{_day_time(ts // 1000)},{ts % 1000:03d} {level} checkout.{logger} [trace={trace}] {text}",
        )

    def orders(self, stream: str, ts: int, level: str, logger: str, trace: str, text: str) -> None:
        """Plain text with level, process, thread and class, in the manner of Java services."""
        thread = f"[http-8080-{1 + ts % 16:02d}]" if trace else "[scheduler-01]"
        self.write(
            GROUPS[ORDERS],
            stream,
            ts,
            f"{_day_time(ts // 1000)}.{ts % 1000:03d} {level:>5} 1 --- {thread:<14} shop.orders.{logger:<20} : "
            f"{f'trace={trace} ' if trace else ''}{text}",
        )

    def payments(self, stream: str, ts: int, level: str, msg: str, fields: str) -> None:
        """logfmt."""
        self.write(
            GROUPS[PAYMENTS],
            stream,
            ts,
            f'ts={_iso(ts // 1000)}.{ts % 1000:03d}Z level={level.lower()} svc=payments msg="{msg}" {fields}',
        )

    def inventory(self, stream: str, ts: int, level: str, place: str, msg: str, fields: str) -> None:
        """Tab-separated console lines that end in a JSON object, in the manner of Go services."""
        self.write(
            GROUPS[INVENTORY],
            stream,
            ts,
            f"{_iso(ts // 1000)}.{ts % 1000:03d}Z\t{level}\t{place}\t{msg}\t{{{fields}}}",
        )

    def mailer(self, stream: str, ts: int, request_id: str, level: str, text: str) -> None:
        """What a function writes between its START and END lines."""
        self.write(
            GROUPS[MAILER],
            stream,
            ts,
            f"{_iso(ts // 1000)}.{ts % 1000:03d}Z\t{request_id}\t{level}\t{text}",
        )

    def mailer_platform(self, stream: str, ts: int, text: str) -> None:
        """What the platform writes around an invocation."""
        self.write(GROUPS[MAILER], stream, ts, text)
