"""The sweep over small logbooks: what opens, joins, pages, closes, is learned and is taught."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoir import lifecycle
from autoir.clock import MINUTE_MS
from autoir.errors import AutoirError, UsageError
from autoir.incidents import Incident
from autoir.settings import Heartbeat
from autoir.store import Store
from autoir.store.sqlite import SqliteDatabase
from autoir.sweep import sweep
from tests.detect.logbook import SETTINGS, START, Said, dump, fresh_store, hum, live, swept, write

WEB, CART = "/shop/web", "/shop/cart"
LOST = "ERROR till - ledger is lost"
SLOW = "WARN till - ledger is slow"


@pytest.fixture
def store(tmp_path: Path) -> object:
    with fresh_store(tmp_path / "store.db") as made:
        yield made


def errors(begin: int, end: int, text: str = LOST, group: str = WEB, n: int = 1) -> list[Said]:
    return [Said(at, group, text, n) for at in range(begin, end)]


def told(store: Store) -> list[Incident]:
    """Incidents, oldest first."""
    return sorted(store.incidents(), key=lambda i: (i.opened_ms, i.id))


def at(ms: int) -> int:
    """Minutes after the logbook's start."""
    return ms // MINUTE_MS - START


def history(incident: Incident) -> list[tuple[str, int]]:
    return [(change.transition, at(change.at_ms)) for change in incident.history]


def test_a_new_error_opens_and_pages_with_its_minute(store: Store) -> None:
    live(store, [*hum(45), *errors(40, 43, n=4)], 45)
    (incident,) = told(store)
    assert (at(incident.opened_ms), incident.status, incident.severity, incident.paged) == (41, "open", "medium", True)
    assert (incident.log_groups, incident.event_count) == ((WEB,), 12)
    assert at(incident.first_ts_ms) == 40
    assert "ledger is lost" in incident.title
    assert [e.message for e in store.events(incident.sample_ids)] == [LOST] * 3
    assert [(m.channel, m.kind) for m in store.messages(incident.id)][:2] == [("events", "open"), ("pages", "open")]
    (candidate,) = store.candidates(incident_id=incident.id)
    assert (candidate.kind, candidate.observed, candidate.score) == ("new", 4, 6.3495)


@pytest.mark.parametrize(
    ("said", "opens", "pages"),
    [
        ([], 0, 0),
        (errors(10, 20), 0, 0),  # during the warm-up everything is learned
        (errors(10, 20) + errors(40, 42), 0, 0),  # and known afterwards
        ([Said(40, WEB, SLOW)], 0, 0),
        ([Said(40, WEB, f"{SLOW} {word}") for word in "abcdefgh"], 0, 0),  # one group in one minute is one sign
        ([Said(40, f"/shop/{k}", SLOW) for k in "abcd"], 1, 1),
        ([Said(40 + k, WEB, f"{SLOW} {word}") for k, word in enumerate("abcd")], 1, 1),
        ([Said(40, WEB, f"INFO till - new thing {word}", 50) for word in "abcdefgh"], 0, 0),
    ],
    ids=range(8),
)
def test_what_opens(store: Store, said: list[Said], opens: int, pages: int) -> None:
    live(store, [*hum(50), *said], 50)
    assert (len(told(store)), sum(i.paged for i in told(store))) == (opens, pages)


def test_further_groups_join_and_a_rise_pages_again_once(store: Store) -> None:
    live(store, [*hum(70), *errors(40, 55), *errors(42, 55, "ERROR cart - no answer", CART)], 60)
    (incident,) = told(store)
    assert incident.log_groups == (WEB, CART)
    assert history(incident) == [("open", 41), ("worse", 51)]  # five points after ten minutes
    assert incident.severity == "high"
    pages = [m.kind for m in store.messages(incident.id) if m.channel == "pages"]
    assert pages == ["open", "worse"]
    assert len(store.messages(incident.id)) == 4


@pytest.mark.parametrize(
    ("pattern", "count"), [("", 1), ("^/([^/]+)/", 2)], ids=["one environment", "an environment a first part"]
)
def test_environments_do_not_share_incidents(store: Store, pattern: str, count: int) -> None:
    own = replace(SETTINGS, environment_pattern=pattern)
    live(store, [*hum(45), *errors(40, 42), *errors(41, 42, group="/depot/gate")], 45, own)
    assert len(told(store)) == count


def test_an_incident_resolves_itself_and_a_return_is_linked(store: Store) -> None:
    live(store, [*hum(160), *errors(40, 43), *errors(140, 142)], 160)
    first, second = told(store)
    assert history(first) == [("open", 41), ("auto_resolve", 73)]
    assert (history(second), second.paged, second.previous_id) == ([("open", 141)], True, first.id)
    assert first.fingerprint == second.fingerprint
    assert (first.dedupe_key, second.dedupe_key) == (f"{first.fingerprint}#1", f"{first.fingerprint}#2")


def test_what_goes_on_is_cut_and_continued_without_a_page(store: Store) -> None:
    live(store, [*hum(300), *errors(40, 200)], 300)
    first, second = told(store)
    assert [change for change, _ in history(first)] == ["open", "cut"]
    assert history(first)[-1] == ("cut", 161)
    assert (at(second.opened_ms), second.previous_id, second.paged) == (161, first.id, False)
    assert second.severity == first.severity
    assert second.history[0].note == f"continues {first.id}, already paged"
    assert history(second)[-1] == ("auto_resolve", 230)


def test_a_page_held_back_goes_out_when_its_rule_is_met(store: Store) -> None:
    picky = replace(SETTINGS, min_severity="high")
    live(store, [*hum(70), *errors(40, 60), *errors(42, 60, "ERROR cart - no answer", CART)], 48, picky)
    (held,) = told(store)
    assert (held.severity, held.paged) == ("medium", False)
    live(store, [*hum(70), *errors(40, 60), *errors(42, 60, "ERROR cart - no answer", CART)], 60, picky)
    (sent,) = told(store)
    assert (sent.severity, sent.paged_ms) == ("high", (START + 51) * MINUTE_MS)
    assert [m.kind for m in store.messages(sent.id) if m.channel == "pages"] == ["worse"]


def test_detected_late_is_said(store: Store) -> None:
    write(store, [*hum(60), *errors(40, 43)])
    report = swept(store, 60)
    (incident,) = told(store)
    assert (report.minutes, report.opened, report.pages) == (60, (incident.id,), 1)
    assert at(incident.opened_ms) == 41
    assert incident.history[0].note == "detected 19 min late"


def test_a_late_line_is_judged_once_in_the_first_open_minute(store: Store) -> None:
    live(store, [*hum(45), Said(42, WEB, LOST, late_min=20)], 45)
    (incident,) = told(store)
    assert at(incident.opened_ms) == 43
    assert at(incident.first_ts_ms) == 22


def test_a_silence_of_all_is_skipped_and_teaches_nothing(store: Store) -> None:
    live(store, hum(60), 60)
    write(store, [*hum(3_000, begin=2_990), *errors(2_995, 2_996)])
    report = swept(store, 3_000)
    assert report.minutes < 60 + 181
    assert [at(i.opened_ms) for i in told(store)] == [2_996]


def test_a_missed_heartbeat_opens_and_its_return_closes(store: Store) -> None:
    own = replace(SETTINGS, heartbeats=(Heartbeat(CART, "pulse of the cart", 60),))
    beats = [Said(m, CART, "INFO pulse of the cart") for m in range(150) if not 60 <= m < 80]
    live(store, [*hum(150), *beats], 150, own)
    (incident,) = told(store)
    assert (at(incident.opened_ms), incident.log_groups, incident.paged) == (63, (CART,), True)
    assert [(e.message, at(e.ts_ms)) for e in store.events(incident.sample_ids)] == [("INFO pulse of the cart", 59)]
    assert history(incident)[-1] == ("auto_resolve", 110)


def test_a_deployment_that_adds_a_word_is_evidence_and_opens_nothing(store: Store) -> None:
    old = [line for line in hum(60) if line.group == WEB]
    old += [Said(m, WEB, "ERROR card of a customer declined") for m in range(60)]
    new = [line._replace(text=line.text.replace(" ", " west ", 1)) if line.at >= 40 else line for line in old]
    live(store, new, 60)
    assert told(store) == []
    (deploy,) = store.candidates()
    assert (deploy.kind, deploy.subject, deploy.fold, deploy.score) == ("deploy", WEB, "west", 0.0)


def lost_again(store: Store, teach: Callable[[Store, str, int], object]) -> Incident | None:
    """The error for ten minutes, a person's word about it, and the error again; the incident of the second time."""
    live(store, [*hum(200), *errors(40, 50, n=2)], 52)
    (first,) = told(store)
    teach(store, first.id, (START + 52) * MINUTE_MS)
    live(store, [*hum(200), *errors(150, 155, n=2)], 160)
    return next((i for i in told(store) if i.id != first.id), None)


@pytest.mark.parametrize(
    ("teach", "status", "severity"),
    [
        (lambda s, i, now: lifecycle.resolve(s, i, now, "ada"), "suspect", "medium"),
        (lambda s, i, now: lifecycle.resolve(s, i, now, "ada", known_failure=True), "known_failure", "high"),
        (lambda s, i, now: lifecycle.dismiss(s, i, now, "ada"), "normal", None),
        (lambda s, i, now: lifecycle.dismiss(s, i, now, "ada", mute=True), "muted", None),
        (lambda s, i, now: lifecycle.dismiss(s, i, now, "ada", "", now + 500 * MINUTE_MS), "muted", None),
        (lambda s, i, now: lifecycle.dismiss(s, i, now, "ada", "", now + 90 * MINUTE_MS), "suspect", "medium"),
    ],
    ids=["resolved", "known failure", "normal", "muted", "muted until later", "muted until before"],
)
def test_what_people_teach(
    store: Store, teach: Callable[[Store, str, int], object], status: str, severity: str | None
) -> None:
    again = lost_again(store, teach)
    assert (again.severity if again else None) == severity
    assert {p.status for p in store.patterns() if "lost" in p.template} == {status}


def test_what_is_called_normal_is_normal_from_its_first_line(store: Store) -> None:
    lost_again(store, lambda s, i, now: lifecycle.dismiss(s, i, now, "ada"))
    (pattern,) = (p for p in store.patterns() if "lost" in p.template)
    state = store.families([pattern.family_id])[pattern.family_id]
    assert (state.s, state.m1, state.m2) == (30, 10, 10)  # two blocks of the incident, one after


def test_a_person_takes_and_closes_an_incident(store: Store) -> None:
    live(store, [*hum(50), *errors(40, 43)], 45)
    (incident,) = told(store)
    now = (START + 45) * MINUTE_MS
    assert lifecycle.acknowledge(store, incident.id, now, "ada", "mine").status == "ack"
    done = lifecycle.resolve(store, incident.id, now + 1, "ada")
    assert [(c.transition, c.by) for c in done.history][-2:] == [("ack", "ada"), ("resolve", "ada")]
    assert [m.kind for m in store.messages(incident.id) if m.channel == "events"] == ["open", "ack", "resolve"]
    with pytest.raises(UsageError, match="is resolved"):
        lifecycle.acknowledge(store, incident.id, now + 2, "ada")
    with pytest.raises(UsageError, match="No incident 'inc-none'"):
        lifecycle.resolve(store, "inc-none", now, "ada")
    assert store.incident(incident.id) == done


def slower_sweep(store: Store) -> None:
    """A sweep that finds, at its end, that another was faster."""

    def late() -> None:
        swept(store, 41)
        store.move_swept(START + 39, START + 40)

    store.atomically(late)


def test_two_sweeps_of_one_minute_are_one(store: Store) -> None:
    live(store, hum(40), 40)
    write(store, hum(41, begin=40))
    with pytest.raises(AutoirError, match="Another sweep"):
        slower_sweep(store)
    assert store.meta("swept_to") == str(START + 39)  # and nothing of the first is kept
    assert swept(store, 41).minutes == 1
    assert swept(store, 41).minutes == 0


LINES = (
    (WEB, "INFO served page"), (WEB, "INFO cache miss"), (WEB, SLOW), (WEB, LOST), (WEB, "ERROR pen is dry"),
    (CART, "INFO item added"), (CART, "WARN basket nearly full"), (CART, "ERROR basket torn"),
)  # fmt: skip
LOGBOOKS = st.lists(
    st.builds(
        lambda at, line, n, late: Said(at, *LINES[line], n, late),
        st.integers(0, 119), st.integers(0, len(LINES) - 1), st.integers(1, 12), st.sampled_from((0, 0, 0, 2)),
    ),
    min_size=5, max_size=60, unique_by=lambda said: said[:3],
)  # fmt: skip


def judged(said: list[Said], path: Path, every: int = 1, shuffle: int | None = None, stop: int | None = None) -> str:
    """Everything kept after 120 minutes of ``said``: swept by ``every`` minutes, written in an order drawn from
    ``shuffle``, the store opened anew after ``stop`` minutes."""
    path.unlink(missing_ok=True)
    early = [line._replace(late_min=0) for line in said] if every > 1 else said
    if shuffle is not None:
        early = random.Random(shuffle).sample(early, len(early))
    with fresh_store(path) as store:
        live(store, early, stop or 120, every=every)
        if stop is None:
            return dump(store)
    with fresh_store(path) as store:
        live(store, early, 120, every=every)
        return dump(store)


@settings(max_examples=15)
@given(LOGBOOKS, st.integers(2, 50), st.integers(1, 119), st.integers())
def test_restarts_batches_and_order_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, said: list[Said], every: int, stop: int, shuffle: int
) -> None:
    path = tmp_path_factory.mktemp("sweeps") / "store.db"
    said = [*hum(120), *said]
    alone = judged(said, path)
    assert judged(said, path, shuffle=shuffle) == alone
    assert judged(said, path, stop=stop) == alone
    in_time = [line._replace(late_min=0) for line in said]
    assert judged(in_time, path, every=every) == judged(in_time, path)


class Killed(BaseException):
    """The process is gone."""


class Mortal(SqliteDatabase):
    """A database that dies before its ``left``-th statement."""

    left = 10**9

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    def execute(self, sql: str, args: object = ()) -> int:
        self._count()
        return super().execute(sql, args)  # type: ignore[arg-type]

    def executemany(self, sql: str, rows: object) -> int:
        self._count()
        return super().executemany(sql, rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(12))
def test_killed_anywhere_and_run_again_gives_the_same_rows(tmp_path: Path, seed: int) -> None:
    said = [*hum(60), *errors(40, 44, n=3), Said(41, CART, "ERROR basket torn"), Said(42, CART, SLOW)]
    now_ms = (START + 60) * MINUTE_MS
    with fresh_store(tmp_path / "whole.db") as store:
        write(store, said)
        sweep(store, now_ms, SETTINGS)
        whole = dump(store)
    rng, killed = random.Random(seed), 0
    db = Mortal(tmp_path / "killed.db", durable=False)
    store = Store(db)
    store.migrate()
    write(store, said)
    while True:
        db.left = rng.randrange(1, 120)
        try:
            sweep(store, now_ms, SETTINGS)
            break
        except Killed:
            killed += 1
            db.left = 10**9
    assert killed >= 3
    assert dump(store) == whole
    store.close()
