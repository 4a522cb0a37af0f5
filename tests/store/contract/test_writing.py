"""Storing batches: whole or not at all, exact about what was new, counted where no sweep has judged yet."""

from collections.abc import Callable

import pytest

from autoir.clock import MINUTE_MS
from autoir.errors import RejectedError
from autoir.store import Store
from autoir.store.rows import Batch, Cursor, EventRow, StoredEvent, Written
from tests.store.rows import GROUP, MINUTE, NOON, STREAM, a_batch, a_pattern, a_quarantined, an_event

Counts = dict[tuple[str, int, int, int], int]


def counts(store: Store) -> Counts:
    rows = store.query("SELECT log_group, minute, level, pattern_id, n FROM autoir_counts")
    return {(str(g), int(m), int(level), int(p)): int(n) for g, m, level, p, n in rows}


def counted(store: Store) -> int:
    return sum(counts(store).values())


def events(numbers: range) -> list[EventRow]:
    return [an_event(n) for n in numbers]


def test_what_is_written_is_read_back(store: Store) -> None:
    message = "'; DROP TABLE autoir_events; -- 100 % of %s “naïve” 💥 \x1b[31m\u202e ␀"
    row = an_event(1, NOON + 7, level=3, pattern=-0x7FFFFFFFFFFFFFFF + 2**63, message=message)
    assert store.write(a_batch([row])) == Written(1, 0)
    [found] = store.events([row.id])
    assert found == StoredEvent(row.id, NOON + 7, GROUP, STREAM, 3, row.pattern_id, message)
    assert counts(store) == {(GROUP, MINUTE, 3, row.pattern_id): 1}


@pytest.mark.parametrize("size", [1, 65_536, 1_048_576])
def test_a_message_of_any_size_cloudwatch_takes_stays_whole(store: Store, size: int) -> None:
    row = an_event(1, message="ä" * (size // 2) or "a")
    store.write(a_batch([row]))
    assert store.events([row.id])[0].message == row.message


def test_names_may_be_as_long_as_cloudwatch_allows_and_differ_in_case_alone(store: Store) -> None:
    long, upper = "g" * 512, "G" * 512
    store.write(a_batch([an_event(1, group=long)], stream="s" * 512))
    store.write(a_batch([an_event(2, group=upper, pattern=2)], stream="S" * 512))
    assert store.log_groups() == [upper, long]
    assert [e.log_stream for e in store.latest(upper, 9)] == ["S" * 512]


@pytest.mark.parametrize(
    ("stored", "sent", "written"),
    [
        (range(0), range(10), Written(10, 0)),
        (range(10), range(10), Written(0, 10)),
        (range(5), range(10), Written(5, 5)),
        (range(5, 10), range(10), Written(5, 5)),
        (range(3, 7), range(10), Written(6, 4)),
        (range(0, 10, 2), range(10), Written(5, 5)),
        (range(10), range(0), Written(0, 0)),
    ],
)
def test_an_event_is_stored_and_counted_once_however_often_it_comes(
    store: Store, stored: range, sent: range, written: Written
) -> None:
    store.write(a_batch(events(stored)))
    assert store.write(a_batch(events(sent))) == written
    assert store.write(a_batch(events(sent))) == Written(0, len(sent))
    every = {*stored, *sent}
    assert store.stats().events == len(every)
    assert counted(store) == len(every)


def test_overlapping_events_bring_their_new_patterns_and_quarantine(store: Store) -> None:
    store.write(a_batch(events(range(3))))
    batch = a_batch([*events(range(3)), an_event(9, pattern=9)], quarantine=[a_quarantined()])
    assert store.write(batch) == Written(1, 3)
    assert {p.pattern_id for p in store.patterns()} == {1, 9}
    assert [q.reason for q in store.quarantined()] == ["too long"]
    assert store.write(batch) == Written(0, 4)
    assert store.stats().quarantined == 1


class Careless(Store):
    """Does not look how many rows the database took."""

    def _write_rows(self, batch: Batch, rows: list[EventRow]) -> int | None:
        self._write_others(batch)
        self.db.executemany(
            "INSERT IGNORE INTO autoir_events (id, ts_ms, log_group, stream_id, level, pattern_id, message)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
        self._add_counts(rows)
        return len(rows)


def test_a_store_that_does_not_look_what_was_new_counts_too_much(store: Store) -> None:
    careless = Careless(store.db)
    for numbers in (range(6), range(3, 9)):
        careless.write(a_batch(events(numbers)))
    assert (store.stats().events, counted(store)) == (9, 12)


@pytest.mark.parametrize(
    ("swept_to", "ts_ms", "minute"),
    [
        (None, NOON, MINUTE),
        (None, -1, -1),
        (MINUTE - 1, NOON, MINUTE),
        (MINUTE, NOON + MINUTE_MS, MINUTE + 1),
        (MINUTE, NOON, MINUTE + 1),
        (MINUTE + 90, NOON, MINUTE + 91),
    ],
)
def test_an_event_counts_in_its_minute_or_in_the_first_that_no_sweep_has_judged(
    store: Store, swept_to: int | None, ts_ms: int, minute: int
) -> None:
    if swept_to is not None:
        store.move_swept(None, swept_to)
    store.write(a_batch([an_event(1, ts_ms)]))
    assert counts(store) == {(GROUP, minute, 1, 1): 1}
    assert store.latest(GROUP, 1, since_ms=-10)[0].ts_ms == ts_ms


def test_counts_are_kept_by_group_minute_level_and_pattern(store: Store) -> None:
    rows = [
        an_event(1), an_event(2), an_event(3, pattern=2), an_event(4, level=3, pattern=3),
        an_event(5, NOON + MINUTE_MS - 1), an_event(6, NOON + MINUTE_MS), an_event(7, group="/shop/a", pattern=4),
    ]  # fmt: skip
    store.write(a_batch(rows))
    assert counts(store) == {
        (GROUP, MINUTE, 1, 1): 3,
        (GROUP, MINUTE, 1, 2): 1,
        (GROUP, MINUTE, 3, 3): 1,
        (GROUP, MINUTE + 1, 1, 1): 1,
        ("/shop/a", MINUTE, 1, 4): 1,
    }


def test_a_batch_that_is_refused_leaves_nothing_of_itself(store: Store) -> None:
    cursor = Cursor("file:a", GROUP, NOON, "7")
    batch = a_batch([an_event(1), an_event(2, message="\ud800")], quarantine=[a_quarantined()], cursor=cursor)
    with pytest.raises(RejectedError):
        store.write(batch)
    stats = store.stats()
    assert (stats.events, stats.patterns, stats.groups, stats.quarantined, counted(store)) == (0, 0, 0, 0, 0)
    assert store.cursor("file:a", GROUP) is None
    assert store.write(batch._replace(events=batch.events[:1])) == Written(1, 0)
    assert store.cursor("file:a", GROUP) == cursor


@pytest.mark.parametrize("sent", [range(0), range(4), range(2, 6)], ids=["no events", "known events", "overlap"])
def test_a_cursor_moves_with_every_batch_that_is_written(store: Store, sent: range) -> None:
    store.write(a_batch(events(range(4)), cursor=Cursor("file:a", GROUP, NOON, "4", newest_ingest_ms=9)))
    store.write(a_batch(events(sent), cursor=Cursor("file:a", GROUP, NOON - 5, "8", newest_ingest_ms=7)))
    assert store.cursor("file:a", GROUP) == Cursor("file:a", GROUP, NOON - 5, "8", newest_ingest_ms=9)
    assert store.cursor("file:a", "/shop/other") is None
    assert store.cursor("file:b", GROUP) is None
    assert store.query("SELECT commits FROM autoir_cursors") == [(2,)]


@pytest.mark.parametrize("other", ["Line <*>", "LINE <*>", "line <*> "])
def test_templates_that_differ_in_case_or_a_blank_stay_two_patterns(store: Store, other: str) -> None:
    store.write(a_batch([an_event(1), an_event(2, pattern=2)], [a_pattern(1), a_pattern(2, other)]))
    assert store.templates([1, 2, 3]) == {1: "line <*>", 2: other}
    assert len(store.patterns()) == 2


def test_a_pattern_that_exists_stays_as_it_is(store: Store) -> None:
    store.write(a_batch([an_event(1)], [a_pattern(1, "old", level=1)]))
    store.write(a_batch([an_event(2)], [a_pattern(1, "new", level=3)]))
    [pattern] = store.patterns()
    assert (pattern.template, pattern.level, pattern.status, pattern.embed_state) == ("old", 1, "normal", "pending")


def test_a_new_pattern_makes_its_family_and_its_group_known(store: Store) -> None:
    store.write(a_batch([an_event(1)], [a_pattern(1, family=50, severity=2)]))
    store.write(a_batch([an_event(2, pattern=2)], [a_pattern(2, "x", family=50, severity=2)]))
    [family] = store.families_of(GROUP)
    assert (family.family_id, family.severity_class, family.status, family.blocks) == (50, 2, "normal", 0)
    assert store.mask_versions() == {GROUP: "m1"}


def test_a_group_is_escalated_for_all_writers(store: Store, opener: Callable[[], Store]) -> None:
    store.write(a_batch([an_event(1)]))
    store.escalate(GROUP, "m1t", NOON)
    store.escalate("/shop/new", "m1t", NOON)
    assert opener().mask_versions() == {GROUP: "m1t", "/shop/new": "m1t"}
    store.write(a_batch([an_event(2, pattern=2)]))
    assert store.mask_versions()[GROUP] == "m1t"


@pytest.mark.parametrize(
    ("needle", "found"),
    [("timeout", 2), ("TIMEOUT", 2), ("Timeout after", 1), ("100!%", 1), ("!_x", 1), ("nothing", 0)],
)
def test_like_on_messages_does_not_see_case(store: Store, needle: str, found: int) -> None:
    texts = ["Timeout after 3 s", "connection timeout", "disk 100% full", "a_x", "ayx"]
    store.write(a_batch([an_event(n, message=text) for n, text in enumerate(texts)]))
    sql = "SELECT COUNT(*) FROM autoir_log_events WHERE message LIKE %s ESCAPE '!'"
    assert store.query(sql, (f"%{needle}%",)) == [(found,)]
