"""The mailer, a function that a queue wakes every 30 s; its line at the end of each poll is the demo's heartbeat.

It also looks through its templates every five minutes, so its log group does not fall silent with its consumer.
"""

from autoir.demo.shop import INFO, MAILER, Shop
from autoir.demo.trouble import Trouble

_BATCH = 10


def poll(trouble: Trouble, shop: Shop, t: int) -> None:
    """One poll of the mail queue: a line for each letter sent, then the heartbeat."""
    if trouble.mailer_poll(shop, t):
        return
    stream, request_id = shop.streams[MAILER][0], _start(shop, t)
    batch = [letter for letter in shop.letters if letter.queued_ms < t][:_BATCH]
    taken = set(batch)
    shop.letters = [letter for letter in shop.letters if letter not in taken]
    at = t + 12
    for letter in batch:
        at += shop.between(60, 140)
        waited = (at - letter.queued_ms) // 1000
        text = f"letter for order {letter.order} sent to user {letter.user}, waited {waited} s"
        shop.mailer(stream, at, request_id, INFO, text)
    shop.mailer(stream, at + 9, request_id, INFO, f"queue poll ok, {len(batch)} messages handled")
    _finish(shop, t, at + 12, request_id)


def look_through_templates(shop: Shop, t: int) -> None:
    """The mailer's other entry point, which has nothing to do with the queue."""
    invoke(shop, t, INFO, f"templates looked through, {shop.between(14, 18)} unchanged")


def invoke(shop: Shop, t: int, level: str, text: str) -> None:
    """An invocation that says one thing."""
    request_id = _start(shop, t)
    shop.mailer(shop.streams[MAILER][0], t + 80, request_id, level, text)
    _finish(shop, t, t + 90, request_id)


def renew(shop: Shop, t: int) -> None:
    """The platform moves the function to a fresh environment, as it does every hour or two."""
    shop.streams[MAILER][0] = shop.new_stream(MAILER, t, "41")
    shop.mailer_platform(shop.streams[MAILER][0], t, f"INIT_START Runtime Version: nodejs:20.v{shop.between(30, 40)}")


def _start(shop: Shop, t: int) -> str:
    bits = f"{shop.rng.getrandbits(128):032x}"
    request_id = f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-a{bits[17:20]}-{bits[20:]}"
    shop.mailer_platform(shop.streams[MAILER][0], t, f"START RequestId: {request_id} Version: 41")
    return request_id


def _finish(shop: Shop, began: int, ended: int, request_id: str) -> None:
    stream, took = shop.streams[MAILER][0], ended - began + shop.random()
    shop.mailer_platform(stream, ended, f"END RequestId: {request_id}")
    shop.mailer_platform(
        stream,
        ended,
        f"REPORT RequestId: {request_id}\tDuration: {took:.2f} ms\tBilled Duration: {int(took) + 1} ms\t"
        f"Memory Size: 256 MB\tMax Memory Used: {shop.between(88, 120)} MB",
    )
