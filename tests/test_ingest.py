"""The ingest job: every event accounted for, stored once, going on where it stopped."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoir.clock import DAY_MS, HOUR_MS
from autoir.errors import AutoirError, RejectedError, UnreachableError
from autoir.events import LogEvent, identity
from autoir.ingest import Ingest
from autoir.metrics import Tally
from autoir.settings import Settings
from autoir.store import Store, migrated
from autoir.store.sqlite import SqliteDatabase
from autoir.tail.formats import Refused

NOW = 1_772_452_800_000  # 2026-03-02 12:00:00 UTC
GROUP = "/shop/api"


def clock() -> int:
    return NOW


def a_store(path: Path) -> Store:
    return migrated(SqliteDatabase(path / "autoir.db", durable=False))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = a_store(tmp_path)
    yield store
    store.close()


@pytest.fixture
def ingest(store: Store) -> Ingest:
    return Ingest(store, Settings(), clock)


def an_event(n: int, message: str = "", *, ts_ms: int = NOW, group: str = GROUP, **more: object) -> LogEvent:
    return LogEvent(group, "s", ts_ms, message or f"served request {n}", f"e{n}", ts_ms, **more)  # type: ignore[arg-type]


def counted(store: Store) -> int:
    return int(store.query("SELECT COALESCE(SUM(n), 0) FROM autoir_counts")[0][0])


def messages(store: Store, group: str = GROUP) -> list[str]:
    return [event.message for event in store.latest(group, 10_000)]


def test_an_event_becomes_a_row_a_pattern_and_a_count(store: Store, ingest: Ingest) -> None:
    ingest.store_events([an_event(1, "ERROR cannot reach 10.0.0.1"), an_event(2, "ERROR cannot reach 10.0.0.2")])
    [pattern] = store.patterns()
    assert (pattern.log_group, pattern.level, pattern.embed_state) == (GROUP, 3, "pending")
    rows = store.latest(GROUP, 9)
    assert {row.pattern_id for row in rows} == {pattern.pattern_id}
    assert {row.id for row in rows} == {identity(an_event(1)), identity(an_event(2))}
    assert counted(store) == 2
    tally = ingest.tally
    assert (tally.received, tally.stored, tally.duplicate, tally.patterns_new) == (2, 2, 0, 1)


FATES = st.lists(
    st.tuples(st.sampled_from(["new", "same", "old", "ahead", "long", "refused", "named"]), st.integers(0, 5)),
    max_size=40,
)


def made(fate: str, n: int) -> LogEvent | Refused:
    if fate == "refused":
        return Refused(GROUP, "s", "no message", "d", f"text {n}", 6, str(n))
    return {
        "new": an_event(n),
        "same": an_event(0),
        "old": an_event(100 + n, ts_ms=NOW - 31 * DAY_MS),
        "ahead": an_event(200 + n, ts_ms=NOW + 3 * HOUR_MS),
        "long": an_event(300 + n, "x" * 1_048_577),
        "named": an_event(400 + n, group="g" * 513),
    }[fate]


@settings(max_examples=25)
@given(fates=FATES)
def test_what_came_is_stored_known_filtered_or_quarantined(
    fates: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = a_store(tmp_path_factory.mktemp("fates"))
    run = Ingest(store, Settings(), clock)
    run.store_events(made(*fate) for fate in fates)
    tally = run.tally
    assert tally.received == len(fates)
    assert tally.unaccounted == 0
    assert tally.stored == store.stats().events == counted(store)
    assert tally.stored == len({n if fate == "new" else 0 for fate, n in fates if fate in ("new", "same")})
    assert tally.filtered.total() == sum(fate == "old" for fate, _ in fates)
    assert tally.quarantined.total() == sum(fate in ("ahead", "long", "refused", "named") for fate, _ in fates)
    store.close()


def test_a_run_that_cannot_account_for_an_event_fails() -> None:
    tally = Tally(received=5, stored=3, duplicate=1)
    with pytest.raises(AutoirError, match="1 of 5 events are unaccounted for"):
        tally.check()


@pytest.mark.parametrize(
    ("sizes", "transactions"),
    [([10] * 4, 1), ([10] * 1_000, 1), ([10] * 1_001, 2), ([500_000] * 4, 2), ([1_000_000] * 3, 3), ([], 0)],
)
def test_batches_are_bounded_by_events_and_bytes(
    store: Store, ingest: Ingest, sizes: list[int], transactions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    write = store.write
    monkeypatch.setattr(store, "write", lambda batch: batches.append(len(batch.events)) or write(batch))  # type: ignore[func-returns-value]
    ingest.store_events(an_event(n, "x" * size) for n, size in enumerate(sizes))
    assert len(batches) == transactions
    assert sum(batches) == len(sizes)


# The edges of what is stored by its time.
@pytest.mark.parametrize(
    ("ts_ms", "fate"),
    [
        (NOW + 2 * HOUR_MS, "stored"),
        (NOW + 2 * HOUR_MS + 1, "in the future"),
        (2**63, "in the future"),
        (10**30, "in the future"),
        (NOW - 30 * DAY_MS, "stored"),
        (NOW - 30 * DAY_MS - 1, "expired"),
        (0, "expired"),
        (-(2**63), "expired"),
    ],
)
def test_an_event_is_stored_by_its_time(store: Store, ingest: Ingest, ts_ms: int, fate: str) -> None:
    ingest.store_events([an_event(1, ts_ms=ts_ms)._replace(ingest_ms=ts_ms), an_event(2)])
    fates = {"stored": ingest.tally.stored - 1, **ingest.tally.filtered, **ingest.tally.quarantined}
    assert {name: n for name, n in fates.items() if n} == {fate: 1}
    assert "served request 2" in messages(store)


def test_old_events_are_kept_where_that_was_asked_for(store: Store) -> None:
    store.set_meta("keep_old", "yes")
    Ingest(store, Settings(), clock).store_events([an_event(1, ts_ms=NOW - 400 * DAY_MS)])
    Ingest(store, Settings(retention_days_events=0), clock).store_events([an_event(2, ts_ms=NOW - 400 * DAY_MS)])
    assert store.stats().events == 2


@pytest.mark.parametrize(
    ("message", "stored", "repaired"),
    [
        ("a\0b", "a␀b", {"NUL": 1}),
        ("a\ud800b", "a�b", {"lone surrogate": 1}),
        ("a\udc80\0", "a�␀", {"NUL": 1, "lone surrogate": 1}),
        ("ok 💥 �", "ok 💥 �", {}),
        ("", "", {}),
        ("\x1b[2J\u202e\x07", "\x1b[2J\u202e\x07", {}),
        ("%s %d {0} $(x) '; DROP TABLE", "%s %d {0} $(x) '; DROP TABLE", {}),
    ],
)
def test_what_no_store_can_hold_is_marked_and_counted(
    store: Store, ingest: Ingest, message: str, stored: str, repaired: dict[str, int]
) -> None:
    ingest.store_events([an_event(1)._replace(message=message)])
    assert messages(store) == [stored]
    assert dict(ingest.tally.repaired) == repaired


@pytest.mark.parametrize(
    ("group", "stream", "names"),
    [("/a\0b", "s", ("/a␀b", "s")), ("/a", "caf\udce9.log", ("/a", "caf�.log")), ("/ä 日本", "\n", ("/ä 日本", "\n"))],
)
def test_a_name_that_no_store_can_hold_takes_no_batch_down(
    store: Store, ingest: Ingest, group: str, stream: str, names: tuple[str, str]
) -> None:
    odd = an_event(1)._replace(log_group=group, log_stream=stream)
    ingest.store_events([odd, odd, an_event(2)])
    assert (ingest.tally.stored, ingest.tally.duplicate) == (2, 1)
    [row] = store.events([identity(odd)])
    assert (row.log_group, row.log_stream) == names


def test_a_group_of_another_account_or_region_has_its_place_in_its_name(store: Store, ingest: Ingest) -> None:
    home, other = {"account": "1", "region": "r"}, {"account": "2", "region": "r"}
    ingest.store_events([an_event(1, **home), an_event(2, **other), an_event(3)])
    Ingest(store, Settings(), clock).store_events([an_event(4, **home), an_event(5, account="1", region="q")])
    assert store.log_groups() == [GROUP, f"1/q:{GROUP}", f"2/r:{GROUP}"]
    assert len(store.latest(GROUP, 9)) == 3


def test_a_new_run_knows_the_patterns_of_the_last_one(store: Store, ingest: Ingest) -> None:
    ingest.store_events([an_event(1)])
    again = Ingest(store, Settings(), clock)
    again.store_events([an_event(1), an_event(2)])
    assert (again.tally.stored, again.tally.duplicate, again.tally.patterns_new) == (1, 1, 0)


def test_an_event_whose_pattern_number_is_taken_is_quarantined(store: Store, ingest: Ingest) -> None:
    ingest.store_events([an_event(1)])
    [pattern] = store.patterns()
    store.db.execute(
        "UPDATE autoir_patterns SET template = 'quite another' WHERE pattern_id = %s", (pattern.pattern_id,)
    )
    again = Ingest(store, Settings(), clock)
    again.store_events([an_event(2), an_event(3, "another line")])
    assert dict(again.tally.quarantined) == {"pattern collision": 1}
    assert again.tally.stored == 1
    assert store.patterns([pattern.pattern_id])[0].template == "quite another"


class Picky(SqliteDatabase):
    """Refuses rows that hold ``poison``, as a server with a smaller packet or another character set would."""

    def executemany(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        if any("poison" in str(value) for row in rows for value in row if "autoir_quarantine" not in sql):
            raise RejectedError("Data too long for column.")
        return super().executemany(sql, rows)


@pytest.mark.parametrize("poisoned", [{0}, {9}, {3, 4}, {0, 5, 9}, set(range(10))], ids=str)
@pytest.mark.parametrize("own_pattern", [True, False], ids=["pattern refused too", "only the row"])
def test_rows_that_the_database_refuses_are_found_and_the_others_stored(
    tmp_path: Path, poisoned: set[int], own_pattern: bool
) -> None:
    store = migrated(Picky(tmp_path / "picky.db", durable=False))
    run = Ingest(store, Settings(), clock)
    word = "poison {}" if own_pattern else "user 0123456789poison{}"
    run.store_events([an_event(n, word.format(n) if n in poisoned else f"fine {n}") for n in range(10)])
    assert sorted(messages(store)) == sorted(f"fine {n}" for n in range(10) if n not in poisoned)
    assert run.tally.quarantined == ({"rejected": len(poisoned)} if poisoned else {})
    assert [row.body for row in store.quarantined()] == [None] * len(poisoned)
    assert run.tally.unaccounted == 0
    assert counted(store) == 10 - len(poisoned)
    run.store_events([an_event(20, "fine 20")])
    assert len(store.patterns()) == run.tally.patterns_new
    store.close()


def test_a_store_that_is_gone_stops_the_run_and_the_same_events_again_are_safe(
    store: Store, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [an_event(n) for n in range(2_500)]
    write, calls = store.write, iter([True, False, True])

    def failing(batch: object) -> object:
        if not next(calls):
            raise UnreachableError("gone")
        return write(batch)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", failing)
        with pytest.raises(UnreachableError):
            ingest.store_events(events)
    again = Ingest(store, Settings(), clock)
    again.store_events(events)
    assert (again.tally.stored, again.tally.duplicate) == (1_500, 1_000)
    assert counted(store) == 2_500


def test_a_group_whose_patterns_explode_is_masked_more_coarsely(store: Store, ingest: Ingest) -> None:
    def name(n: int) -> str:
        return "".join(chr(97 + n // 26**k % 26) for k in range(4))

    ingest.store_events(an_event(n, f"job {name(n)}7 done") for n in range(6_000))
    assert store.mask_versions()[GROUP] == "m1t"
    versions = store.query("SELECT mask_version, COUNT(*) FROM autoir_patterns GROUP BY mask_version")
    assert {str(v).endswith("t") for v, _ in versions} == {False, True}
    assert Ingest(store, Settings(), clock)._versions == {GROUP: "m1t"}


def test_pattern_rows_carry_the_first_time_they_were_seen(store: Store, ingest: Ingest) -> None:
    ingest.store_events([an_event(1, ts_ms=NOW + 5), an_event(2, ts_ms=NOW - 5)])
    assert store.query("SELECT first_ms FROM autoir_patterns") == [(NOW - 5,)]
