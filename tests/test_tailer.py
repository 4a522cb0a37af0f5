"""The tail job against a CloudWatch that is late, empty, short, busy, forgetful: nothing lost, nothing twice."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoir.aws.session import LoginError
from autoir.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from autoir.errors import UnreachableError, UsageError
from autoir.ingest import Ingest
from autoir.settings import Settings
from autoir.store.rows import Batch, Lease, Written
from autoir.tail.cloudwatch_windows import Pace
from autoir.tailer import ONCE_MS
from tests.tail.cloudwatch_fake import ACCOUNT, REGION, START_MS, Faults, Refusal, Wire, serving
from tests.tail_job import BACK_MS, DyingStore, World, dying, event_of, fill

API, WEB = "/shop/api", "/shop/web"
BEGIN = START_MS - BACK_MS


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


@pytest.fixture
def world(wire: Wire, tmp_path: Path) -> World:
    return World(wire, tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_wire_does(wire: Wire, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    faults = Faults(
        empty=0.1, short=0.2, failing=0.03, dropped=0.02, throttled=0.03, repeated=0.02, latency_ms=80,
        page_events=draw.choice((7, 40, 1000)), token_life_ms=draw.choice((3 * SECOND_MS, DAY_MS)),
    )  # fmt: skip
    world = World(wire, tmp_path, faults, seed)
    for name in (API, WEB):
        fill(world.logs, name, draw, 150, 10 * MINUTE_MS, 10 * MINUTE_MS)
    world.run(world.tailer("/shop/*", pace=Pace(poll_ms=30 * SECOND_MS)), until_ms=START_MS + 36 * MINUTE_MS)
    world.check(BEGIN)
    print(f"seed {seed}: {world.read / world.stored().total():.1f} reads an event, {world.logs.calls.total()} calls")


def test_up_to_fourteen_days_late(world: World) -> None:
    """Each day a new process runs for an hour; what comes late in between, it finds."""
    draw = random.Random(1)
    world.logs.make(API)
    for n in range(300):
        ts_ms = START_MS + draw.randrange(DAY_MS)
        late_ms = draw.choice((0, 20 * MINUTE_MS, 3 * HOUR_MS, 2 * DAY_MS, 14 * DAY_MS - 1))
        world.logs.put(API, ts_ms, f"line {n}", late_ms=draw.randint(0, late_ms))
    for day in range(16):
        world.time.now_ms = max(world.time.now_ms, START_MS + day * DAY_MS)
        tailer = world.tailer(API, pace=Pace(poll_ms=10 * MINUTE_MS))
        world.run(tailer, until_ms=START_MS + day * DAY_MS + HOUR_MS)
        tailer.release()
    world.check(BEGIN)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_write(wire: Wire, tmp_path: Path, after: bool) -> None:
    """The process dies before or after its n-th write, for every n; another one goes on, with no lease given back."""
    for at in range(1, 100):
        folder = tmp_path / str(at)
        folder.mkdir()
        world = World(wire, folder, Faults(page_events=6, empty=0.1, token_life_ms=5 * MINUTE_MS), at)
        fill(world.logs, API, random.Random(at), 40, 3 * MINUTE_MS, 8 * MINUTE_MS)
        end_ms = START_MS + 17 * MINUTE_MS
        pace = Pace(poll_ms=2 * MINUTE_MS)
        with dying(world.store, at, after=after):
            world.run(world.tailer(API, pace=pace), until_ms=end_ms)
            break  # it came to its end before the n-th write
        world.run(world.tailer(API, pace=pace), until_ms=end_ms + 3 * MINUTE_MS)
        world.check(BEGIN)
    print(f"killed at each of {at - 1} writes")
    assert at > 15


def test_two_tasks_in_a_deployment(world: World) -> None:
    draw = random.Random(3)
    world.logs.faults.page_events = 10
    fill(world.logs, API, draw, 200, 20 * MINUTE_MS, 5 * MINUTE_MS)
    old = world.tailer(API)
    new = world.tailer(API, store=world.another_store())
    at = START_MS + 5 * MINUTE_MS
    world.run(old, until_ms=at)
    world.run(new, until_ms=at + 30 * SECOND_MS)
    assert new.events_read == 0
    assert "read by another process" in str(new.states()[0].error)
    old.release()  # SIGTERM
    world.run(new, until_ms=at + 60 * SECOND_MS)
    assert new.events_read
    world.run(new, until_ms=START_MS + 45 * MINUTE_MS)
    world.check(BEGIN)


def test_a_frozen_task_writes_nothing_when_it_thaws(world: World) -> None:
    fill(world.logs, API, random.Random(4), 100, 20 * MINUTE_MS, MINUTE_MS)
    frozen = world.tailer(API)
    other = world.tailer(API, store=world.another_store())
    world.run(frozen, until_ms=START_MS + 5 * MINUTE_MS)
    world.run(other, until_ms=START_MS + 10 * MINUTE_MS)
    rows = world.stored().total()
    assert other.events_read
    tail = frozen.groups[API].readings["tail"]
    world.time.end_ms = 1 << 60
    world.logs.put(API, world.time.now_ms - SECOND_MS, "while it was frozen")
    frozen._read(frozen.groups[API], tail)
    assert (world.stored().total(), frozen.groups[API].lease) == (rows, None)
    frozen.release()  # the other's lease stays
    world.run(other, until_ms=START_MS + 45 * MINUTE_MS)
    world.check(BEGIN)


def test_one_failing_group_never_stops_another(world: World) -> None:
    for name in (API, WEB, "/shop/secret", "/shop/doomed", "/autoir/prod/tail"):
        fill(world.logs, name, random.Random(name), 20, 5 * MINUTE_MS, 1)
    world.logs.make("/shop/archive", log_class="INFREQUENT_ACCESS")
    world.logs.groups["/shop/secret"].denied = True
    doomed = world.logs.groups["/shop/doomed"]
    tailer = world.tailer("*", "/shop/apj", "/shop/archive", excluded=["*/web"])
    world.run(tailer, until_ms=START_MS + MINUTE_MS)
    del world.logs.groups["/shop/doomed"]
    world.run(tailer, until_ms=START_MS + 3 * MINUTE_MS)
    errors = {state.name: (str(state.error), state.error.hint) for state in tailer.states() if state.error}
    assert errors == {
        "/shop/secret": ("/shop/secret may not be read.", "Give this role logs:FilterLogEvents."),
        "/shop/doomed": ("there is no log group /shop/doomed.", "It may have been deleted: what was read is stored."),
        "/shop/apj": ("there is no log group /shop/apj.", "Did you mean /shop/api?"),
        "/shop/archive": (
            "/shop/archive is of class INFREQUENT_ACCESS, whose events CloudWatch does not give out.",
            "Only groups of class STANDARD can be read.",
        ),
    }
    world.run(tailer, until_ms=START_MS + 6 * MINUTE_MS)  # looked up again: gone
    assert "/shop/doomed" not in tailer.groups
    world.logs.groups["/shop/secret"].denied = False
    world.run(tailer, until_ms=START_MS + 30 * MINUTE_MS)
    assert [state.name for state in tailer.states() if state.error] == ["/shop/apj", "/shop/archive"]
    for name in (WEB, "/autoir/prod/tail"):
        del world.logs.groups[name]
    world.logs.groups["/shop/doomed"] = doomed
    stored, wanted = world.stored(), world.wanted(BEGIN)
    assert not stored - wanted
    assert {name for name in world.logs.groups if world.logs.events_given[name]} == {
        API,
        "/shop/secret",
        "/shop/doomed",
    }


def test_a_group_made_while_nobody_looked_is_read_from_its_beginning(world: World) -> None:
    fill(world.logs, API, random.Random(5), 20, MINUTE_MS, 1)
    first = world.tailer("/shop/*")
    world.run(first, until_ms=START_MS + 5 * MINUTE_MS)
    first.release()
    world.logs.make(WEB, created_ms=START_MS + HOUR_MS)
    world.logs.put(WEB, START_MS + HOUR_MS, "the first line of a new group")
    world.time.now_ms = START_MS + 9 * HOUR_MS
    world.run(world.tailer("/shop/*"), until_ms=START_MS + 10 * HOUR_MS)
    world.check(BEGIN)


def test_an_event_two_hours_ahead_is_stored_at_once(world: World) -> None:
    """As far ahead as CloudWatch takes one."""
    world.logs.make(API)
    world.logs.put(API, START_MS + 2 * HOUR_MS, "of a clock that goes ahead", late_ms=-2 * HOUR_MS)
    with world.tailer(API, pace=Pace(poll_ms=ONCE_MS)) as tailer:
        tailer.discover()
        tailer.run(once=True)
    assert world.stored().total() == 1


def test_an_old_group_begins_where_it_was_asked_to(world: World) -> None:
    world.logs.make(API)
    for minutes in (14, 16):
        world.logs.put(API, START_MS - minutes * MINUTE_MS, f"{minutes} minutes ago")
    world.run(world.tailer(API), until_ms=START_MS + HOUR_MS)
    assert world.stored().total() == 1


def test_a_stop_within_a_window_goes_on_with_its_page(world: World) -> None:
    world.logs.faults.page_events = 10
    world.logs.faults.latency_ms = 100
    fill(world.logs, API, random.Random(6), 200, MINUTE_MS, 1)
    world.time.now_ms = START_MS + 2 * MINUTE_MS
    with world.tailer(API) as first:
        world.run(first, until_ms=world.time.now_ms + 1_000)
    before = len(world.logs.requests)
    assert 50 < world.stored().total() < 150
    world.run(world.tailer(API), until_ms=world.time.now_ms + 5_000)
    assert "nextToken" in next(r for r in world.logs.requests[before:] if r["operation"] == "FilterLogEvents")
    assert world.read == world.stored().total() == 200


def test_a_token_that_is_too_old_is_read_anew_from_the_watermark(world: World) -> None:
    world.logs.faults.page_events = 10
    fill(world.logs, API, random.Random(7), 50, MINUTE_MS, 1)
    world.time.now_ms = START_MS + 2 * MINUTE_MS
    with world.tailer(API) as first, dying(world.store, 6, after=False):  # lease, three cursors, one page, then
        world.run(first, until_ms=1 << 60)
    assert world.stored().total() == 10
    world.time.now_ms += DAY_MS + 1
    world.run(world.tailer(API), until_ms=world.time.now_ms + 10_000)
    world.check(BEGIN)


def test_the_rate_is_kept_and_shared(wire: Wire, tmp_path: Path) -> None:
    """At 5 calls a second a group with a long backlog neither throttles itself nor starves the others."""
    world = World(wire, tmp_path, Faults(per_s=5, page_events=20, latency_ms=50))
    fill(world.logs, API, random.Random(8), 1_200, 10 * MINUTE_MS, 1)
    for n in range(8):
        fill(world.logs, f"/small/{n}", random.Random(n), 5, MINUTE_MS, 1)
    world.time.now_ms = START_MS + 10 * MINUTE_MS
    tailer = world.tailer("*", per_s=5)
    tailer.discover()
    worst_ms = 0

    def watch(_: object) -> None:
        nonlocal worst_ms
        now_ms = world.time.now_ms
        worst_ms = max(worst_ms, *(tailer.groups[f"/small/{n}"].lag_ms(now_ms) for n in range(8)))

    world.time.end_ms = world.time.now_ms + 3 * MINUTE_MS
    tailer.run(watch)
    world.check(BEGIN)
    assert world.logs.calls["throttled"] <= 2
    print(f"worst lag of a small group beside a backlog: {worst_ms / 1000:.1f} s")
    assert worst_ms <= 3 * Pace().poll_ms + 10 * SECOND_MS


def test_a_rate_that_others_use_up(wire: Wire, tmp_path: Path) -> None:
    world = World(wire, tmp_path, Faults(per_s=1, page_events=20, latency_ms=50))
    fill(world.logs, API, random.Random(9), 200, MINUTE_MS, 1)
    world.run(world.tailer(API, per_s=5), until_ms=START_MS + 20 * MINUTE_MS)
    world.check(BEGIN)
    assert world.logs.calls["throttled"] < world.logs.calls["FilterLogEvents"] / 3


def test_a_login_that_expires_ends_the_run(world: World) -> None:
    fill(world.logs, API, random.Random(1), 5, MINUTE_MS, 1)
    tailer = world.tailer(API)
    world.run(tailer, until_ms=START_MS + MINUTE_MS)
    world.logs.refusal = Refusal("ExpiredTokenException", "The security token included in the request is expired")
    with pytest.raises(LoginError, match="the AWS login has expired"):
        world.run(tailer, until_ms=START_MS + HOUR_MS)


class AwayStore(DyingStore):
    """Does not answer while it is ``away``."""

    away = False
    failed = 0

    def _answers(self) -> None:
        if self.away:
            self.failed += 1
            raise UnreachableError("nothing listens at 127.0.0.1:4000.")

    def write(self, batch: Batch) -> Written:
        self._answers()
        return super().write(batch)

    def lease(self, source: str, log_group: str, owner: str, now_ms: int, until_ms: int) -> Lease | None:
        self._answers()
        return super().lease(source, log_group, owner, now_ms, until_ms)

    def release(self, lease: Lease) -> None:
        self._answers()
        super().release(lease)


def test_a_store_that_is_away_is_waited_for(world: World) -> None:
    fill(world.logs, API, random.Random(10), 200, 20 * MINUTE_MS, MINUTE_MS)
    store = AwayStore(world.store.db)
    tailer = world.tailer(API, store=store)
    world.run(tailer, until_ms=START_MS + 4 * MINUTE_MS)
    store.away = True
    asked = world.logs.calls["FilterLogEvents"]
    world.run(tailer, until_ms=START_MS + 14 * MINUTE_MS)
    assert "nothing listens" in str(tailer.states()[0].error)
    assert world.logs.calls["FilterLogEvents"] - asked < 15
    store.away = False
    world.run(tailer, until_ms=START_MS + 45 * MINUTE_MS)
    world.check(BEGIN)
    assert tailer.states()[0].error is None
    assert tailer.tally.unaccounted == 0


def test_a_store_that_is_away_is_asked_once_a_turn_and_once_at_the_end(world: World) -> None:
    """Each time may take half a minute, in which nobody hears that the process lives."""
    for n in range(8):
        fill(world.logs, f"/shop/{n}", random.Random(n), 5, MINUTE_MS, 1)
    store = AwayStore(world.store.db)
    tailer = world.tailer("/shop/*", store=store)
    tailer.discover()
    failed = []
    store.away = True
    world.time.end_ms = START_MS + MINUTE_MS
    tailer.run(lambda _: failed.append(store.failed))
    assert max(after - before for before, after in itertools.pairwise([0, *failed])) == 1
    store.away = False
    world.run(tailer, until_ms=START_MS + 10 * MINUTE_MS)
    world.check(BEGIN)
    store.away, store.failed = True, 0
    tailer.release()
    assert store.failed == 1


def test_the_same_event_by_a_subscription_is_the_same(world: World) -> None:
    fill(world.logs, API, random.Random(11), 50, MINUTE_MS, 1)
    ingest = Ingest(world.store, Settings(retention_days_events=0), world.time.clock)
    ingest.store_events([event_of(API, put) for put in world.logs.groups[API].events[::2]])
    tailer = world.tailer(API)
    world.run(tailer, until_ms=START_MS + 5 * MINUTE_MS)
    assert (tailer.tally.stored, tailer.tally.duplicate) == (25, 25)
    world.check(BEGIN)
    assert world.store.meta("home") == f"{ACCOUNT}/{REGION}"


def test_once_reads_to_the_end_and_is_done(world: World) -> None:
    fill(world.logs, API, random.Random(12), 30, MINUTE_MS, 1)
    for minutes in (2, 3):
        world.time.now_ms = START_MS + minutes * MINUTE_MS
        with world.tailer(API, pace=Pace(poll_ms=ONCE_MS)) as tailer:
            tailer.discover()
            tailer.run(once=True)
    assert world.logs.calls["FilterLogEvents"] == 2
    world.check(BEGIN)


def test_what_a_group_gave_still_counts_when_it_is_gone(world: World) -> None:
    fill(world.logs, API, random.Random(14), 20, MINUTE_MS, 1)
    fill(world.logs, WEB, random.Random(15), 20, MINUTE_MS, 1)
    world.logs.put(WEB, START_MS, '{"message": "read", "autoir_own": "prod"}')
    tailer = world.tailer("/shop/*")
    world.run(tailer, until_ms=START_MS + 3 * MINUTE_MS)
    before = (tailer.events_read, tailer.own_lines)
    assert before[1] == 1
    del world.logs.groups[WEB]
    world.run(tailer, until_ms=START_MS + 12 * MINUTE_MS)
    assert WEB not in tailer.groups
    assert (tailer.events_read >= before[0], tailer.own_lines) == (True, 1)


def test_a_new_group_that_could_not_be_begun_is_read_from_its_beginning_later(world: World) -> None:
    """Found by a process that died, or had no store, before there was a cursor for it."""
    fill(world.logs, API, random.Random(16), 20, MINUTE_MS, 1)
    with world.tailer("/shop/*") as first:
        world.run(first, until_ms=START_MS + 5 * MINUTE_MS)
    world.logs.make(WEB, created_ms=START_MS + HOUR_MS)
    world.logs.put(WEB, START_MS + HOUR_MS, "the first line of a new group")
    world.time.now_ms = START_MS + HOUR_MS + MINUTE_MS
    world.tailer("/shop/*").discover()
    world.time.now_ms = START_MS + 9 * HOUR_MS
    world.run(world.tailer("/shop/*"), until_ms=START_MS + 10 * HOUR_MS)
    world.check(BEGIN)


def test_a_range_is_read_once_and_can_be_stopped(world: World) -> None:
    world.logs.faults.page_events = 10
    fill(world.logs, API, random.Random(13), 200, HOUR_MS, 1)
    between = (START_MS + 10 * MINUTE_MS, START_MS + 50 * MINUTE_MS)
    wanted = sum(between[0] <= put.ts_ms < between[1] for put in world.logs.groups[API].events)
    world.time.now_ms = START_MS + DAY_MS
    with dying(world.store, 6, after=False):
        tailer = world.tailer(API, between=between)
        tailer.discover()
        tailer.run(once=True)
    world.time.now_ms += 2 * MINUTE_MS  # until the dead one's lease has run out
    for given in (wanted, wanted):
        with world.tailer(API, between=between) as tailer:
            tailer.discover()
            tailer.run(once=True)
        assert world.stored().total() == given
    assert world.logs.events_given[API] <= wanted + 10


def test_no_group_of_autoir_can_be_asked_for(world: World) -> None:
    with pytest.raises(UsageError, match="AutoIR's own log group"):
        world.tailer(API, "/autoir/prod/tail")
