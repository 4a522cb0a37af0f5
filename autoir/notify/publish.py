"""Sending what the outbox holds: at least once each, never lost, no receiver waiting for another.

A row is first divided into one delivery for each notifier of its channel, rows of the outbox themselves under the
channel ``pages:sns`` and the like, in one transaction with marking the row as done. So every receiver has its own
tries, and one that is down neither holds up the others nor makes them hear twice. A delivery is leased, sent, and then
marked: a crash in between sends it again when the lease is over, with the same message id. What no notifier of this
process serves is left to another one, for a day: who acknowledges on a laptop sends no pages, and loses none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from autoir.clock import DAY_MS, MINUTE_MS, SECOND_MS
from autoir.errors import AutoirError
from autoir.events import stable_id
from autoir.notify.messages import EVENTS, PAGES, RefusedError, message_of
from autoir.notify.notifier import Notifier
from autoir.store import Store
from autoir.store.rows import OutboxRow

LEASE_MS = 2 * MINUTE_MS
"""How long a delivery is one process's own: longer than the slowest send, which is 2 x 2 x 10 s."""

FIRST_PAUSE_MS, LONGEST_PAUSE_MS = SECOND_MS, 10 * MINUTE_MS
"""Bounds of the pause before the next try: it doubles from the first to the longest, and of it a random part is taken
("full jitter", Marc Brooker, AWS Architecture Blog, 2015), so that many do not come back together."""

GIVE_UP_MS = DAY_MS
"""Age from which a delivery that fails is not tried again."""

_AT_ONCE = 2_000
_ROUNDS = 100


@dataclass(slots=True)
class Published:
    """What became of deliveries: handed over, put off, given up for good; ``reasons`` by notifier: its last failure."""

    sent: int = 0
    failed: int = 0
    gave_up: int = 0
    reasons: dict[str, str] = field(default_factory=dict)


def backoff_ms(tries: int, jitter: Random) -> int:
    """Milliseconds to wait after the ``tries``-th try failed."""
    ceiling = min(FIRST_PAUSE_MS << min(max(tries - 1, 0), 20), LONGEST_PAUSE_MS)
    return max(FIRST_PAUSE_MS, round(jitter.random() * ceiling))


def publish_due(store: Store, notifiers: Sequence[Notifier], now_ms: int, *, jitter: Random) -> Published:
    """Send every message that is due at ``now_ms``, pages first. Safe in any number of processes at once.

    A notifier whose receiver cannot be reached is not asked again in this call: what waits for it is put off.
    """
    done = Published()
    down: set[str] = set()
    for _ in range(_ROUNDS):
        ours = []
        for row in store.due_messages(now_ms, _AT_ONCE):
            serving = [n for n in notifiers if row.channel in (n.channel, _channel_of(n))]
            if serving:
                ours.append((row, serving))
            elif now_ms - row.created_ms >= GIVE_UP_MS:
                _given_up(store, row, now_ms, done)
        if not ours:
            break
        for row, serving in sorted(ours, key=lambda pair: _urgency(pair[0])):
            if row.channel in (EVENTS, PAGES):
                _divide(store, row, serving, now_ms, done)
            else:
                _deliver(store, row, serving[0], now_ms, jitter, down, done)
    return done


def _channel_of(notifier: Notifier) -> str:
    """The channel of a notifier's own deliveries."""
    return f"{notifier.channel}:{notifier.name}"


def _urgency(row: OutboxRow) -> tuple[bool, int, str, int]:
    return not row.channel.startswith(PAGES), row.created_ms, row.incident_id, row.revision


def _divide(store: Store, row: OutboxRow, notifiers: Sequence[Notifier], now_ms: int, done: Published) -> None:
    deliveries = [_delivery(row, _channel_of(notifier)) for notifier in notifiers]

    def divide() -> bool:
        incident = store.incident(row.incident_id)
        if incident and store.lease_message(row.id, now_ms, now_ms + LEASE_MS):
            store.save_incident(incident, deliveries)
            store.message_sent(row.id, now_ms)
        return incident is not None

    if not store.atomically(divide):
        _given_up(store, row, now_ms, done)


def _delivery(row: OutboxRow, channel: str) -> OutboxRow:
    delivery_id = stable_id("message", row.incident_id, str(row.revision), channel, row.kind)
    return row._replace(id=delivery_id, channel=channel, tries=0)


def _deliver(
    store: Store, row: OutboxRow, notifier: Notifier, now_ms: int, jitter: Random, down: set[str], done: Published
) -> None:
    if not store.lease_message(row.id, now_ms, now_ms + LEASE_MS):
        return
    if notifier.name in down:
        _failed(store, row, now_ms, jitter, done)
        return
    try:
        notifier.send(row, message_of(row))
    except RefusedError as error:
        done.reasons[notifier.name] = str(error)
        _given_up(store, row, now_ms, done)
    except AutoirError as error:
        down.add(notifier.name)
        done.reasons[notifier.name] = str(error)
        _failed(store, row, now_ms, jitter, done)
    else:
        store.message_sent(row.id, now_ms)
        done.sent += 1


def _failed(store: Store, row: OutboxRow, now_ms: int, jitter: Random, done: Published) -> None:
    if now_ms - row.created_ms >= GIVE_UP_MS:
        _given_up(store, row, now_ms, done)
        return
    store.message_failed(row.id, now_ms + backoff_ms(row.tries + 1, jitter), now_ms)
    done.failed += 1


def _given_up(store: Store, row: OutboxRow, now_ms: int, done: Published) -> None:
    store.message_failed(row.id, None, now_ms)
    done.gave_up += 1
