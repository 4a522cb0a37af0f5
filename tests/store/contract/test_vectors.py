"""The life of a pattern's vector: it waits, somebody takes it up, it is made or refused, it is taken away again."""

import threading
from contextlib import closing

import pytest

from autoir.errors import RejectedError
from autoir.store import Store, open_store
from autoir.store.rows import Pending
from autoir.store.vectors import EmbedProgress, Waiting
from tests.store.rows import NOON, a_batch, a_pattern, an_event

VECTOR = b"\0\0\x80\x3f" * 384
OTHER = b"\0\0\x80\xbf" * 384


@pytest.fixture
def pending(store: Store) -> Store:
    """Patterns 1 to 3, each seen a minute later than the one before."""
    patterns = [a_pattern(n, f"t{n}")._replace(seen_ms=NOON + n) for n in (1, 2, 3)]
    store.write(a_batch([an_event(n, pattern=n) for n in (1, 2, 3)], patterns))
    return store


def claimed(store: Store, now_ms: int, limit: int = 9) -> list[int]:
    return [p.pattern_id for p in store.claim_pending(now_ms, 100, limit)]


def test_pending_patterns_are_claimed_newest_first_and_by_one_worker(pending: Store) -> None:
    assert pending.claim_pending(NOON, 100, 1) == [Pending(3, "", "t3")]
    assert claimed(pending, NOON + 99) == [2, 1]
    assert claimed(pending, NOON + 99) == []
    assert claimed(pending, NOON + 100) == [3]
    assert claimed(pending, NOON + 300) == [3, 2, 1]


def test_a_vector_ends_the_waiting_and_can_be_replaced(pending: Store) -> None:
    pending.save_vectors("model", NOON, [(1, VECTOR), (3, OTHER)])
    assert claimed(pending, NOON) == [2]
    assert pending.vectors() == [(1, VECTOR), (3, OTHER)]
    pending.save_vectors("model", NOON + 1, [(1, OTHER)])
    assert pending.vectors() == [(1, OTHER), (3, OTHER)]
    assert pending.vectors(NOON) == [(1, OTHER)]
    assert {p.pattern_id: p.embed_state for p in pending.patterns()} == {1: "done", 2: "pending", 3: "done"}


def test_a_pattern_that_the_model_refuses_is_not_tried_again(pending: Store) -> None:
    pending.embed_failed(2, "no direction " * 100)
    assert claimed(pending, NOON + 10**9) == [3, 1]
    assert {p.pattern_id: p.embed_state for p in pending.patterns()}[2] == "failed"
    assert pending.vectors() == []


def test_how_far_the_patterns_are_embedded(pending: Store) -> None:
    assert pending.embed_progress() == EmbedProgress(3, 0, 0, None)
    pending.save_vectors("model", NOON, [(1, VECTOR)])
    pending.embed_failed(2, "no")
    assert pending.embed_progress() == EmbedProgress(1, 1, 1, NOON)


@pytest.mark.parametrize("vector", [b"", VECTOR[:-4], VECTOR + b"\0" * 4])
def test_a_vector_of_another_length_is_refused(pending: Store, vector: bytes) -> None:
    with pytest.raises(RejectedError):
        pending.save_vectors("model", NOON, [(2, VECTOR), (1, vector)])
    assert pending.vectors() == []


def test_who_waits_and_how_long(pending: Store) -> None:
    assert pending.waiting(NOON) == Waiting(0, NOON + 1)
    claimed(pending, NOON, 2)  # the two newest
    assert pending.waiting(NOON + 99) == Waiting(2, NOON + 1)
    pending.save_vectors("model", NOON, [(1, VECTOR)])
    assert pending.waiting(NOON + 100) == Waiting(0, NOON + 2)
    pending.save_vectors("model", NOON, [(2, VECTOR), (3, VECTOR)])
    assert pending.waiting(NOON) == Waiting(0, None)


def test_refusals_are_counted_by_reason_and_tried_again_when_asked(pending: Store) -> None:
    assert pending.refusals() == []
    for pattern_id, reason in ((1, "too odd"), (2, "a NaN"), (3, "too odd")):
        pending.embed_failed(pattern_id, reason)
    assert pending.refusals() == [("too odd", 2), ("a NaN", 1)]
    assert pending.retry_refused() == 3
    assert (pending.refusals(), pending.retry_refused()) == ([], 0)
    assert claimed(pending, NOON) == [3, 2, 1]


def test_vectors_are_taken_away_some_at_a_time_and_leave_the_pattern_as_new(pending: Store) -> None:
    new = pending.query("SELECT * FROM autoir_patterns ORDER BY pattern_id")
    claimed(pending, NOON)
    pending.save_vectors("model", NOON, [(1, VECTOR), (3, OTHER)])
    pending.embed_failed(2, "a NaN")
    assert [pending.clear_vectors(2), pending.clear_vectors(2), pending.clear_vectors(2)] == [2, 1, 0]
    assert pending.query("SELECT * FROM autoir_patterns ORDER BY pattern_id") == new


def test_a_fact_that_is_held_stays_until_the_end_of_the_transaction(store: Store, url: str) -> None:
    store.set_meta("k", "before")

    def write() -> None:
        with closing(open_store(url)) as own:
            own.set_meta("k", "after")

    writing = threading.Thread(target=write)

    def held() -> tuple[str | None, str | None]:
        first = store.held_meta("k")
        writing.start()
        writing.join(0.2)
        return first, store.held_meta("k")

    assert store.atomically(held) == ("before", "before")
    writing.join()
    assert (store.held_meta("k"), store.held_meta("none")) == ("after", None)
