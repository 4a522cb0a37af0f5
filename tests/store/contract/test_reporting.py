"""Incidents and their messages: saved together, changed in place, sent once or again but never not."""

from dataclasses import replace

import pytest

from autoir.incidents import Change, Incident
from autoir.store import Store
from autoir.store.rows import OutboxRow
from tests.store.rows import NOON, a_message, an_incident

HOUR = 3_600_000


def test_an_incident_is_read_back_as_it_was_saved(store: Store) -> None:
    incident = an_incident(previous_id="inc-0", explanation_confidence=40, outcome="partial", investigation="done")
    store.save_incident(incident)
    assert store.incident(incident.id) == incident
    assert store.incident("inc-none") is None


def test_an_incident_without_groups_or_page_is_read_back(store: Store) -> None:
    incident = an_incident(log_groups=(), paged_ms=None, claims=(), steps=(), basis=(), history=(), sample_ids=())
    store.save_incident(incident)
    assert store.incident(incident.id) == incident


# Saving again: what each column becomes.
@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"title": "worse", "summary": "s", "severity": "critical", "status": "ack", "revision": 5}, {}),
        ({"history": (Change(1, "ack", "ana"),), "log_groups": ("/b",), "event_count": 99, "paged_ms": None}, {}),
        ({"updated_ms": NOON + 9, "last_hit_ms": NOON + 9, "detection_confidence": 1}, {}),
        ({"first_ts_ms": NOON - 9_000, "last_ts_ms": NOON + 9_000}, {}),
        ({"first_ts_ms": NOON - 1}, {"first_ts_ms": NOON - 5_000}),
        ({"last_ts_ms": NOON - 1}, {"last_ts_ms": NOON}),
        ({"opened_ms": 1}, {"opened_ms": NOON}),
        ({"fingerprint": "x"}, {"fingerprint": "f-inc-00000001"}),
        ({"dedupe_key": "x"}, {"dedupe_key": "k-inc-00000001"}),
        ({"environment": "x", "previous_id": "inc-x"}, {"environment": "shop", "previous_id": ""}),
    ],
)
def test_saving_again_widens_the_span_keeps_the_identity_and_replaces_the_rest(
    store: Store, change: dict[str, object], kept: dict[str, object]
) -> None:
    first = an_incident()
    store.save_incident(first)
    store.save_incident(replace(first, **change))  # type: ignore[arg-type]
    assert store.incident(first.id) == replace(first, **{**change, **kept})  # type: ignore[arg-type]
    assert len(store.incidents()) == 1


@pytest.fixture
def several(store: Store) -> Store:
    for n, status in enumerate(("open", "ack", "resolved", "dismissed", "open")):
        at = NOON + n * HOUR
        store.save_incident(
            an_incident(f"inc-{n}", status=status, opened_ms=at, updated_ms=at, fingerprint="f" if n < 3 else "g")
        )
    return store


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ({}, [4, 3, 2, 1, 0]),
        ({"statuses": ("resolved", "ack")}, [2, 1]),
        ({"statuses": ("dismissed",), "fingerprint": "f"}, []),
        ({"fingerprint": "f"}, [2, 1, 0]),
        ({"since_ms": NOON + 3 * HOUR}, [4, 3]),
        ({"limit": 2}, [4, 3]),
    ],
)
def test_incidents_are_found_newest_first(several: Store, arguments: dict[str, object], found: list[int]) -> None:
    incidents: list[Incident] = several.incidents(**arguments)  # type: ignore[arg-type]
    assert [i.id for i in incidents] == [f"inc-{n}" for n in found]


def test_active_are_those_that_ask_for_attention(several: Store) -> None:
    assert [i.id for i in several.active_incidents()] == ["inc-4", "inc-1", "inc-0"]
    assert several.stats().incidents_active == 3


@pytest.mark.parametrize(
    ("prefix", "limit", "found"),
    [("inc-3", 9, ["inc-3"]), ("inc-", 2, ["inc-0", "inc-1"]), ("inc-%", 9, []), ("", 9, 5), ("x", 9, [])],
)
def test_an_incident_is_named_by_the_beginning_of_its_id(
    several: Store, prefix: str, limit: int, found: list[str] | int
) -> None:
    ids = several.incidents_like(prefix, limit)
    assert (len(ids) if isinstance(found, int) else ids) == found


def test_an_incident_and_its_messages_are_saved_together(store: Store) -> None:
    messages = [a_message(channel="events"), a_message()]
    store.save_incident(an_incident(), messages)
    store.save_incident(an_incident(), messages)
    assert store.messages("inc-00000001") == messages

    def fail() -> None:
        store.save_incident(an_incident("inc-2"), [a_message("inc-2")])
        raise LookupError

    with pytest.raises(LookupError):
        store.atomically(fail)
    assert store.incident("inc-2") is None
    assert store.messages("inc-2") == []


def test_one_change_has_one_message_a_channel(store: Store) -> None:
    first = a_message()
    store.save_incident(an_incident(), [first])
    store.save_incident(an_incident(), [first._replace(id="other", body="{}")])
    assert store.messages("inc-00000001") == [first]


def due(store: Store, now_ms: int) -> list[str]:
    return [m.channel for m in store.due_messages(now_ms)]


@pytest.fixture
def waiting(store: Store) -> tuple[Store, OutboxRow]:
    message = a_message()
    store.save_incident(an_incident(), [message, a_message(channel="events", at_ms=NOON + 10)])
    return store, message


def test_messages_are_due_from_when_they_were_written_oldest_first(waiting: tuple[Store, OutboxRow]) -> None:
    store, message = waiting
    assert [due(store, NOON + at) for at in (-1, 0, 10)] == [[], ["pages"], ["pages", "events"]]
    assert store.due_messages(NOON + 10, limit=1) == [message]
    assert store.stats().outbox_unsent == 2


def test_a_leased_message_is_nobody_elses_until_the_lease_ends(waiting: tuple[Store, OutboxRow]) -> None:
    store, message = waiting
    assert store.lease_message(message.id, NOON, NOON + 100)
    assert not store.lease_message(message.id, NOON + 99, NOON + 200)
    assert due(store, NOON + 99) == ["events"]
    assert due(store, NOON + 100) == ["pages", "events"]
    assert store.lease_message(message.id, NOON + 100, NOON + 200)
    assert store.messages(message.incident_id)[1].tries == 2


def test_a_sent_message_is_never_sent_again(waiting: tuple[Store, OutboxRow]) -> None:
    store, message = waiting
    store.lease_message(message.id, NOON, NOON + 100)
    store.message_sent(message.id, NOON + 5)
    assert due(store, NOON + HOUR) == ["events"]
    assert not store.lease_message(message.id, NOON + HOUR, NOON + 2 * HOUR)
    assert store.stats().outbox_unsent == 1
    store.save_incident(an_incident(), [message])
    assert due(store, NOON + HOUR) == ["events"]


def test_the_oldest_unsent_message_is_neither_sent_nor_given_up(waiting: tuple[Store, OutboxRow]) -> None:
    store, message = waiting
    assert store.oldest_unsent_ms() == NOON
    store.message_sent(message.id, NOON + 5)
    assert store.oldest_unsent_ms() == NOON + 10
    store.message_failed(store.due_messages(NOON + 10)[0].id, None, NOON + 20)
    assert store.oldest_unsent_ms() is None


def test_a_message_that_failed_is_due_when_it_was_put_off_to(waiting: tuple[Store, OutboxRow]) -> None:
    store, message = waiting
    store.lease_message(message.id, NOON, NOON + HOUR)
    store.message_failed(message.id, NOON + 60, NOON + 5)
    assert [due(store, NOON + at) for at in (59, 60)] == [["events"], ["pages", "events"]]


def test_a_message_that_was_given_up_stays_known_but_not_due(waiting: tuple[Store, OutboxRow]) -> None:
    store, message = waiting
    store.lease_message(message.id, NOON, NOON + 100)
    store.message_failed(message.id, None, NOON + 5)
    assert due(store, NOON + HOUR) == ["events"]
    assert [m.channel for m in store.messages(message.incident_id)] == ["events", "pages"]
