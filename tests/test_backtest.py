"""The backtest: the incidents that a log would have opened, at the minute they would have been opened."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from autoir.backtest import SETTLE_MS, Fault, backtest, load_truth, read_events, replay, score, scratch_store
from autoir.clock import MINUTE_MS
from autoir.errors import UsageError
from autoir.events import LogEvent
from autoir.incidents import Incident
from autoir.ingest import Ingest
from autoir.settings import Settings
from autoir.tail.formats import Refused
from tests.store.rows import an_incident

START = 1_772_452_800_000  # 2026-03-02 12:00:00 UTC
SETTINGS = Settings(warmup_min=20)
FAULT_MIN = 30


def told(minute: float) -> str:
    return datetime.fromtimestamp(START / 1000 + minute * 60, UTC).isoformat(timespec="milliseconds")


def line(minute: float, text: str) -> str:
    return f"{told(minute)} {text}"


def lines(group: str = "") -> Iterator[tuple[float, str]]:
    """Forty minutes of ordinary life; from minute 30 on an error that was never seen before."""
    for minute in range(40):
        for n in range(4):
            yield minute + n / 4, f"INFO {group}order {minute * 4 + n} placed"
        if minute >= FAULT_MIN:
            for n in range(3):
                yield minute + n / 4 + 0.1, f"ERROR cannot reach stock at 10.0.0.{n}"


def plain(path: Path) -> None:
    path.write_text("".join(f"{line(m, text)}\n" for m, text in sorted(lines())))


def packed(path: Path) -> None:
    path.write_bytes(gzip.compress("".join(f"{line(m, text)}\n" for m, text in sorted(lines())).encode()))


def app_json(path: Path) -> None:
    rows = ({"time": told(m), "level": t.split()[0], "msg": t.split(maxsplit=1)[1]} for m, t in sorted(lines()))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def cloudwatch(path: Path, late_ms: int = 0) -> None:
    rows = (
        {"logGroup": "/shop/api", "logStream": "s", "timestamp": int(START + m * MINUTE_MS), "message": t,
         "ingestionTime": int(START + m * MINUTE_MS) + late_ms}
        for m, t in sorted(lines())
    )  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def aws_tail(path: Path) -> None:
    moments = ((datetime.fromtimestamp(START / 1000 + m * 60, UTC), text) for m, text in sorted(lines()))
    path.write_text("".join(f"{m.isoformat(timespec='microseconds')} api/1/a {text}\n" for m, text in moments))


FORMS: dict[str, Callable[[Path], None]] = {
    "plain": plain, "gzip": packed, "app JSON": app_json, "CloudWatch JSON": cloudwatch, "aws logs tail": aws_tail,
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "api.log"


@pytest.mark.parametrize("form", FORMS)
def test_an_incident_is_found_in_every_form_of_log_at_its_minute(form: str, path: Path) -> None:
    FORMS[form](path)
    [incident] = backtest([path], SETTINGS)
    assert (incident.opened_ms - START) // MINUTE_MS == FAULT_MIN + 1
    assert incident.log_groups == ("/shop/api" if form == "CloudWatch JSON" else "/local/api",)
    assert incident.paged
    assert "late" not in incident.history[0].note
    assert incident.status == "resolved"
    assert list(path.parent.iterdir()) == [path]


def test_events_count_from_when_they_were_taken_in(path: Path) -> None:
    cloudwatch(path, late_ms=3 * MINUTE_MS)
    [incident] = backtest([path], SETTINGS)
    assert incident.first_ts_ms > START + FAULT_MIN * MINUTE_MS - MINUTE_MS
    assert incident.opened_ms > START + (FAULT_MIN + 1) * MINUTE_MS


@pytest.mark.parametrize(
    ("settings", "baseline_ms", "found"),
    [
        (Settings(), None, 0),
        (Settings(), 20 * MINUTE_MS, 1),
        (Settings(warmup_min=0), 35 * MINUTE_MS, 0),
        (Settings(warmup_min=35), 0, 1),
    ],
)
def test_the_beginning_is_only_learned_from(
    settings: Settings, baseline_ms: int | None, found: int, path: Path
) -> None:
    plain(path)
    incidents = backtest([path], settings, baseline_ms=baseline_ms)
    assert len([i for i in incidents if i.opened_ms > START + 10 * MINUTE_MS]) == found


@pytest.mark.parametrize("every_min", [1, 5])
def test_the_rhythm_of_sweeps_moves_no_incident_to_another_minute(every_min: int, path: Path) -> None:
    plain(path)
    [incident] = backtest([path], SETTINGS, sweep_every_ms=every_min * MINUTE_MS)
    assert (incident.opened_ms - START) // MINUTE_MS == FAULT_MIN + 1


def test_the_same_log_gives_the_same_incidents(path: Path) -> None:
    plain(path)
    assert backtest([path], SETTINGS) == backtest([path], SETTINGS)


def test_files_are_merged_by_time(tmp_path: Path) -> None:
    text = [f"{line(m, t)}\n" for m, t in sorted(lines())]
    for n in range(3):
        (tmp_path / f"api.{n}.log").write_text("".join(text[n::3]))
    paths = sorted(tmp_path.glob("api.*.log"))
    [incident] = backtest(paths, SETTINGS)
    assert (incident.opened_ms - START) // MINUTE_MS == FAULT_MIN + 1
    assert backtest(paths[::-1], SETTINGS)[0].id == incident.id


def test_old_logs_are_not_expired_and_a_pause_is_not_replayed_minute_by_minute(path: Path) -> None:
    long_ago = [line(m - 60 * 1440, text) for m, text in sorted(lines())]
    path.write_text("\n".join([*long_ago, *(line(m, "INFO x") for m in range(3))]) + "\n")
    moments: list[int] = []
    incidents = backtest([path], SETTINGS, progress=lambda _, now: moments.append(now))
    assert len(incidents) == 1
    assert len(moments) < 1_000


def test_what_could_not_be_read_is_quarantined_and_counted(tmp_path: Path) -> None:
    first, second = tmp_path / "a.log", tmp_path / "b.log"
    first.write_text('{"logGroup":"/a","message":"no time"}\n' + line(0, "INFO x") + "\n")
    second.write_text(
        line(1, "INFO y") + "\n" + line(9_999_999, "INFO in the year 2045") + "\n" + line(2, "INFO z") + "\n"
    )
    with scratch_store() as store:
        tally = replay([*read_events(first), *read_events(second)], store, SETTINGS)
        assert (tally.received, tally.stored) == (5, 3)
        assert dict(tally.quarantined) == {"no timestamp": 1, "in the future": 1}
    tallies = []
    backtest([first, second], SETTINGS, progress=lambda tally, _: tallies.append(tally.received))
    assert tallies[-1] == 5


def test_a_line_says_when_it_was_taken_in_or_was_when_it_was_written(path: Path) -> None:
    path.write_text(
        line(0, "plain") + "\n"
        + json.dumps({"time": told(1), "msg": "json"}) + "\n"
        + json.dumps({"logGroup": "/a", "timestamp": START, "message": "m", "ingestionTime": START + 9}) + "\n"
        + json.dumps({"logGroup": "/a", "timestamp": START, "message": "m"}) + "\n"
        + "undated\n"
    )  # fmt: skip
    events = [event for event in read_events(path) if isinstance(event, LogEvent)]
    assert [event.ingest_ms - START for event in events] == [0, MINUTE_MS, 9, 0, MINUTE_MS]


def test_a_zone_counts_for_times_that_name_none(path: Path) -> None:
    path.write_text("2026-03-02 13:00:00 x\n")
    [event] = read_events(path, timezone(timedelta(hours=1)))
    assert isinstance(event, LogEvent)
    assert event.ts_ms == START


def test_half_a_file_is_no_basis(path: Path) -> None:
    packed(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UsageError, match="ends in the middle"):
        backtest([path], SETTINGS)


def test_an_empty_log_has_no_incident(path: Path) -> None:
    path.touch()
    assert backtest([path], SETTINGS) == []


def test_memory_is_bounded_by_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    store_events = Ingest.store_events

    def watched(self: Ingest, events: list[LogEvent | Refused]) -> None:
        batches.append(len(events))
        store_events(self, events)

    monkeypatch.setattr(Ingest, "store_events", watched)
    refused = [Refused("/a", "s", "too long", "d", f"{n}" + "x" * 1_000_000, 1_000_001, str(n)) for n in range(5)]
    with scratch_store() as store:
        replay(refused, store, SETTINGS)
    assert batches == [1] * 5


@pytest.mark.parametrize(
    ("until_ms", "last"), [(None, START + SETTLE_MS), (START + 2 * MINUTE_MS, START + 2 * MINUTE_MS)]
)
def test_sweeps_go_on_until_what_is_open_could_close(until_ms: int | None, last: int) -> None:
    moments: list[int] = []
    event = LogEvent("/a", "s", START, "INFO x", "e", START)
    with scratch_store() as store:
        replay([event], store, SETTINGS, sweep_until_ms=until_ms, progress=lambda _, now: moments.append(now))
    assert moments == list(range(START + MINUTE_MS, last + 1, MINUTE_MS))


def page(minute: int, group: str = "/a", *, paged: bool = True) -> Incident:
    opened = START + minute * MINUTE_MS
    return replace(
        an_incident(f"inc-{minute}", log_groups=(group,)), opened_ms=opened, paged_ms=opened if paged else None
    )


def fault(first: int, last: int, group: str = "") -> Fault:
    return Fault(START + first * MINUTE_MS, START + last * MINUTE_MS, group)


@pytest.mark.parametrize(
    ("faults", "incidents", "expected"),
    [
        # faults, found, guilty first, duplicates, false pages, delay p50, p90
        ([], [], (0, 0, 0, 0, 0, None, None)),
        ([fault(0, 60)], [], (1, 0, 0, 0, 0, None, None)),
        ([fault(0, 60)], [page(5)], (1, 1, 1, 0, 0, 5, 5)),
        ([fault(0, 60, "/a")], [page(5)], (1, 1, 1, 0, 0, 5, 5)),
        ([fault(0, 60, "/b")], [page(5)], (1, 1, 0, 0, 0, 5, 5)),
        ([fault(0, 60)], [page(5), page(9)], (1, 1, 1, 1, 0, 5, 5)),
        ([fault(0, 60)], [page(60)], (1, 0, 0, 0, 1, None, None)),
        ([fault(0, 60)], [page(0)], (1, 1, 1, 0, 0, 0, 0)),
        ([fault(0, 60)], [page(5, paged=False)], (1, 0, 0, 0, 0, None, None)),
        ([fault(0, 60), fault(100, 160)], [page(10), page(102), page(90)], (2, 2, 2, 0, 1, 6, 9.2)),
    ],
)
def test_pages_are_scored_against_the_faults(
    faults: list[Fault], incidents: list[Incident], expected: tuple[float | None, ...]
) -> None:
    found = score(faults, incidents)
    assert (found.faults, found.found, found.guilty_first, found.duplicates, found.false_pages) == expected[:5]
    assert (found.delay_p50_min, found.delay_p90_min) == pytest.approx(expected[5:])


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("[]", []),
        ('[{"start_ms": 1, "end_ms": 2}]', [Fault(1, 2)]),
        ('[{"start_ms": 1, "end_ms": 2, "log_group": "/a", "more": 1}]', [Fault(1, 2, "/a")]),
        ('{"start_ms": 1, "end_ms": 2}', [Fault(1, 2)]),
    ],
)
def test_a_truth_file_lists_faults(text: str, faults: list[Fault], path: Path) -> None:
    path.write_text(text)
    assert load_truth(path) == faults


@pytest.mark.parametrize(
    "text",
    ["", "no json", '[{"start_ms": 2, "end_ms": 1}]', '[{"start_ms": 1}]', '[{"start_ms": "1", "end_ms": 2}]', "[5]"],
)
def test_a_broken_truth_file_is_told_with_an_example(text: str, path: Path) -> None:
    path.write_text(text)
    with pytest.raises(UsageError, match=str(path)) as refused:
        load_truth(path)
    assert "start_ms" in refused.value.hint


def test_a_truth_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        load_truth(path)
