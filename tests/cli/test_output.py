"""How answers are drawn, and that no log line can draw anything itself."""

import io
import re
import sys
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from autoir.cli import output
from autoir.cli.output import Heading, Lines, Panel, Progress, Table, plain
from tests.cli.conftest import Call

HOSTILE = "\x1b[2J\x1b]0;owned\x07 [bold red]x[/] \u202egnp\u2069 \x00\r fin"
"""Clears the screen, renames the window, speaks Rich's markup, turns the line around, returns the carriage."""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("block", "width", "expected"),
    [
        (Heading("Next:"), 0, ["Next:"]),
        (Lines(("a", "b")), 0, ["a", "b"]),
        (Panel("T", ("a", "")), 0, ["T", "  a", ""]),
        (
            Table(("N", "WHAT"), [("7", "seven"), ("12", "twelve")], frozenset({0})),
            0,
            [" N  WHAT", " 7  seven", "12  twelve"],
        ),
        (Table(("", ""), [("a", "1")]), 0, ["a  1"]),  # no line for headers that are not there
        (Table(("A", "B"), [("x", "word " * 10)]), 30, ["A  B", "x  word word word word word…"]),
        (Table(("A", "N"), [("x", "1"), ("y", "10")], frozenset({1})), 0, ["A   N", "x   1", "y  10"]),
    ],
)
def test_plain_blocks(block: output.Block, width: int, expected: list[str]) -> None:
    assert plain(block, width) == expected


def test_a_terminal_gets_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [
        Heading("Head"),
        Lines(("[bold]as it is[/]",)),
        Panel("Title", ("in",)),
        Table(("A", "B"), [("[red]1", ":smile:")]),
    ]
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    output.show(*blocks)
    drawn = terminal.getvalue()
    assert all(word in drawn for word in ("Head", "[bold]as it is[/]", "Title", "in", "[red]1", ":smile:")), drawn
    assert max(len(line) for line in drawn.splitlines() if "\x1b" not in line) <= 80


CHECKS = Table(
    ("", "CHECK", "FOUND", "NEEDED"),
    [("!!", "group /shop/checkout", "class INFREQUENT_ACCESS, which takes no filter", "class STANDARD"),
     ("ok", "stack Foundation", "UPDATE_COMPLETE", "")],
)  # fmt: skip
COSTS = Table(
    ("part", "USD a month", "on demand", "reserved", "spot", "scheduled"),
    [("Llm-k2-quality", "volumes and metrics", "12,479.81", "11,562.28", "10,867.93", "10,747.34")],
    frozenset(range(2, 6)),
)


INCIDENTS = Table(
    ("ID", "SEVERITY", "STATUS", "SINCE (UTC)", "EVENTS", "WHAT"),
    [("inc-h9nhpgap", "CRITICAL", "dismissed", "2026-03-17 14:27", "1,336", "checkout: all 20 connections in use")],
    frozenset({4}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("table", "whole"),
    [
        (INCIDENTS, ("inc-h9nhpgap", "CRITICAL", "dismissed", "2026-03-17", "14:27", "1,336", "in use")),
        (CHECKS, ("!!", "ok", "UPDATE_COMPLETE", "NEEDED")),
        (COSTS, ("12,479.81", "11,562.28", "10,867.93", "10,747.34", "scheduled")),
    ],
)
@pytest.mark.parametrize("columns", [60, 80])
def test_a_narrow_terminal_wraps_text_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, table: Table, whole: tuple[str, ...], columns: int
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    output.show(table)
    drawn = re.sub(r"\x1b\[[\d;]*m", "", terminal.getvalue())
    assert [word for word in whole if word not in drawn] == [], drawn
    assert max(map(len, drawn.splitlines())) <= columns
    cells = "".join("".join(row) for row in (table.headers, *table.rows))
    assert sorted(drawn.replace(" ", "").replace("\n", "")) == sorted(cells.replace(" ", "")), drawn


@pytest.mark.parametrize(
    ("message", "most", "expected"),
    [
        ("one", 1, ["one"]),
        ("one\ntwo\nthree", 1, ["one  (+2 lines)"]),
        ("one\ntwo\nthree", 2, ["one  (+1 lines)", "three"]),
        ("one\n\ntwo", 2, ["one", "two"]),
        ("", 2, [""]),
        ("a\x1b[2J", 1, ["a\\x1b[2J"]),
    ],
)
def test_an_event_over_its_lines(message: str, most: int, expected: list[str]) -> None:
    assert output.body(message, most) == expected


def test_progress_lives_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        progress = Progress(stream)
        progress.update("at once")
        now[0] += 2
        progress.update("after a while", 0.5)
        progress.done()
    assert "at once" not in terminal.getvalue()
    assert "50%  after a while" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")
    assert pipe.getvalue() == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("logs", "latest", "/local/evil"),
        ("logs", "query", "fin"),
        ("stats",),
        ("logs", "latest", "/local/\x1b[31mx"),
        ("incidents", "list"),
    ],
)
def test_no_log_line_reaches_the_screen_raw(call: Call, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    log = tmp_path / "evil.log"
    log.write_text(
        f"{HOSTILE}\n" + '{"message": "\\u001b[2J no time", "logGroup": "/\\u001b[31mred"}\n', "utf-8", newline="\n"
    )
    call("logs", "ingest", str(log))
    result = call(*arguments)
    assert result.exit_code in (0, 2)
    raw = {c for c in result.stdout + result.stderr if (ord(c) < 32 and c != "\n") or c in "\x7f\u202e\u2069"}
    assert raw == set()


def test_the_page_of_an_incident(call: Call, incidents: tuple[str, str]) -> None:
    shown = call("incidents", "show", "7f3k").stdout
    for words in ("HIGH  api: connection refused", "312 events", "never seen before", "refused to 10.0.0.1:5432"):
        assert words in shown, shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_the_next_commands_name_the_store_that_was_asked_for(
    call: Call, incidents: tuple[str, str], stored: Path
) -> None:
    url = f"sqlite:///{stored}"
    assert f"autoir --store {url} incidents show" in call("--store", url, "incidents", "list").stdout
    assert f"autoir --store {url} incidents list" in call("--store", url, "incidents", "show", "zz").stderr


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns"])
@pytest.mark.parametrize("ts_ms", [1_768_435_200_000, 1_784_073_600_000])  # winter and summer of 2026
def test_times_are_the_readers(monkeypatch: pytest.MonkeyPatch, zone: str, ts_ms: int) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    expected = datetime.fromtimestamp(ts_ms / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    named = datetime.now(ZoneInfo(zone)).tzname()
    try:
        assert (output.local_time(ts_ms), output.zone_name()) == (expected, named)
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
