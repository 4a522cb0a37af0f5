"""The search screen under keys: the newest question wins, filters, stored lines, hostile text, failures."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from autoir.errors import UnreachableError
from autoir.search import Hit
from autoir.store import open_store
from autoir.store.rows import StoredEvent
from autoir.tui.hit_list import HitList
from autoir.tui.questions import Answer, Filters, Library
from tests.embed.scripted import ScriptedEmbedder
from tests.search.conftest import ERROR, add
from tests.tui.conftest import drawn, opened, run, typed

POOL = "QueuePool limit of size"


def first(pilot: Pilot[None]) -> str:
    """The chosen pattern's template, or nothing."""
    chosen = pilot.app.query_one(HitList).chosen
    return chosen.template if chosen else ""


def text(pilot: Pilot[None]) -> str:
    return pilot.app.query_one("#text", Input).value


def test_typing_finds_and_arrows_choose(filled: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        assert "10 patterns in 9 log groups" in drawn(pilot)
        await typed(pilot, "upstream")
        assert first(pilot).startswith("upstream timed out")
        before = first(pilot)
        await typed(pilot, "down")
        assert first(pilot) != before
        await typed(pilot, "up")
        assert (first(pilot), text(pilot)) == (before, "upstream")
        assert drawn(pilot).splitlines()[4].startswith("▌1.00  ERROR")

    run(opened(filled), act)


class Slow(Library):
    """Holds the first question until it is let go, and notes what was asked."""

    asked: list[str]
    begun: threading.Event
    go_on: threading.Event

    def answer(self, text: str, filters: Filters) -> Answer:
        self.asked.append(text)
        self.begun.set()
        assert self.go_on.wait(60)
        return super().answer(text, filters)

    def lines(self, hit: Hit) -> list[StoredEvent]:
        self.begun.set()
        assert self.go_on.wait(60)
        return super().lines(hit)


@pytest.fixture
def slow() -> type[Slow]:
    Slow.asked, Slow.begun, Slow.go_on = [], threading.Event(), threading.Event()
    return Slow


def test_the_newest_question_wins_and_no_key_waits(filled: Path, slow: type[Slow]) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("u")
        assert await asyncio.to_thread(slow.begun.wait, 60)
        await pilot.press("s", "e", "r", "backspace", *"x pool limit")
        assert text(pilot) == "usex pool limit"  # while the store is held up
        slow.go_on.set()
        await typed(pilot)
        assert slow.asked == ["u", "usex pool limit"]
        assert first(pilot).startswith(POOL)

    run(opened(filled, slow), act)


def test_enter_before_the_answer_opens_what_answers_the_text(filled: Path, slow: type[Slow]) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await pilot.press(*"pool limit", "enter")
        slow.go_on.set()
        await typed(pilot)
        assert "5 lines, 2026-03-02 12:00 to 12:10" in drawn(pilot)

    run(opened(filled, slow), act)


def test_an_answer_that_takes_long_is_said_to_be_under_way(
    filled: Path, slow: type[Slow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoir.tui.search_pane._SLOW_S", 0.001)

    async def act(pilot: Pilot[None]) -> None:
        await pilot.press("u")
        assert await asyncio.to_thread(slow.begun.wait, 60)
        while "searching" not in drawn(pilot):
            await pilot.pause(0.001)
        await pilot.press("p", "s", "t")  # questions that are given up before they are begun
        slow.go_on.set()
        await typed(pilot)
        assert "9 patterns" in drawn(pilot)
        await pilot.pause(0.01)
        assert "searching" not in drawn(pilot)
        slow.begun.clear()
        slow.go_on.clear()
        await pilot.press("enter")
        assert await asyncio.to_thread(slow.begun.wait, 60)
        while "searching" not in drawn(pilot):
            await pilot.pause(0.001)
        slow.go_on.set()
        await typed(pilot)
        assert "9 patterns" in drawn(pilot)

    run(opened(filled, slow), act)


def test_filters_hold_from_the_key_that_sets_them(filled: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "pool")
        assert pilot.app.query_one(HitList).option_count == 9  # all but the one without a word
        await typed(pilot, "ctrl+g", "/shop/ord*", "enter")
        assert "log groups /shop/ord*   since ever   level any" in drawn(pilot)
        assert pilot.app.query_one(HitList).option_count == 2
        await typed(pilot, "ctrl+l", "ctrl+l")
        assert "level error or above" in drawn(pilot)
        assert pilot.app.query_one(HitList).option_count == 1
        await typed(pilot, "ctrl+t", "4m", "enter")
        assert "No pattern" in drawn(pilot) or "Nothing found" in drawn(pilot)
        await typed(pilot, "ctrl+l", "ctrl+l", "ctrl+t", "ctrl+u", "enter", "ctrl+g", "ctrl+u", "enter")
        assert "log groups all   since ever   level any" in drawn(pilot)
        assert (pilot.app.query_one(HitList).option_count, text(pilot)) == (9, "pool")

    run(opened(filled), act)


def test_a_filter_that_cannot_be_read_is_asked_for_again(filled: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "ctrl+t", "yesterday", "enter")
        assert "since 'yesterday' is not a time." in drawn(pilot)
        await typed(pilot, "escape")
        assert "since ever" in drawn(pilot)
        await typed(pilot, "pool")
        assert text(pilot) == "pool"

    run(opened(filled), act)


def test_it_opens_with_what_the_command_was_given(filled: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        assert "log groups /shop/*   since 8m   level error or above" in drawn(pilot)
        assert (first(pilot)[:23], text(pilot)) == (POOL, "pool")
        await pilot.press("s")
        assert text(pilot) == "pools"  # typing goes on behind it

    run(opened(filled), act, text="pool", filters=Filters("/shop/*", "8m", ERROR))


def test_a_key_shows_the_stored_lines_and_another_leads_back(filled: Path) -> None:
    store = open_store(f"sqlite:///{filled}")
    ids = [event.id for event in store.latest("/shop/checkout", 9)]
    store.close()

    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "pool limit", "enter")
        seen = drawn(pilot)
        assert "QueuePool limit of size 9 reached" in seen
        assert "All of them, newest first:" in seen
        assert ids[-1] in seen
        await typed(pilot, "x")  # the lines have the focus: no key goes into the text
        await typed(pilot, "escape", "s")
        assert text(pilot) == "pool limits"
        assert first(pilot).startswith(POOL)

    run(opened(filled), act)


def test_a_click_shows_the_stored_lines(filled: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "pool limit")
        await pilot.click(HitList, offset=(10, 2))
        await typed(pilot)
        assert "QueuePool created with 0 connections" in drawn(pilot)

    run(opened(filled), act)


def test_a_pattern_without_a_line_any_more_says_so(filled: Path) -> None:
    store = open_store(f"sqlite:///{filled}")
    store.db.execute("DELETE FROM autoir_events")
    store.close()

    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "pool limit", "enter")
        assert "None of them is kept any more." in drawn(pilot)

    run(opened(filled), act)


@pytest.mark.parametrize("query", ["gift", "owned evil"])
def test_hostile_text_is_shown_and_does_nothing(filled: Path, query: str) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, query)
        for keys in ((), ("enter",)):
            await typed(pilot, *keys)
            seen = drawn(pilot)
            assert "\\x1b[2J\\x1b]0;owned\\x07 [bold red]gift[/] [@click=app.quit]" in seen
            assert "/shop/\\x1b[31mred" in seen
            assert not [c for c in seen if ord(c) < 32 and c != "\n"]
            assert "\u202e" not in seen
            strips = pilot.app.screen._compositor.render_strips()
            styles = [segment.style for strip in strips for segment in strip if "gift" in segment.text]
            assert styles
            assert not any(style and (style.meta.get("@click") or style.link) for style in styles)

    run(opened(filled), act)


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("?!", "'?!' holds no word to search for."),
        ("[/bold", "▌"),  # what is typed is no markup either
        ("zzzzzz", "these come nearest"),
    ],
)
def test_what_is_typed_may_be_anything(filled: Path, query: str, seen: str) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "a")  # a question mark at the very start is for help
        pilot.app.query_one("#text", Input).value = query
        await typed(pilot)
        assert seen in drawn(pilot)

    run(opened(filled), act)


def test_degraded_search_is_said(filled: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "space left")
        assert "degraded: words only: The store holds vectors of hashed-ngram-384/r1" in drawn(pilot)
        assert first(pilot).startswith("could not extend file")

    run(opened(filled, engine=ScriptedEmbedder(model="other")), act)


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        assert "The store holds no line yet: autoir logs ingest app.log" in drawn(pilot)
        await typed(pilot, "pool", "enter")
        assert "The store holds no line yet: autoir logs ingest app.log" in drawn(pilot)

    run(opened(tmp_path / "empty.db"), act)


def test_a_store_that_goes_away_is_said_and_comes_back(filled: Path) -> None:
    away = [True]

    @contextmanager
    def sometimes() -> Iterator[Library]:
        if away[0]:
            raise UnreachableError("db:4000 does not answer.", "Is the server up?")
        with opened(filled)() as library:
            yield library

    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "pool")
        assert "db:4000 does not answer. Is the server up?" in drawn(pilot)
        away[0] = False
        await typed(pilot, " limit")
        assert first(pilot).startswith(POOL)

    run(sometimes, act)


class Broken(Library):
    """Has a defect."""

    def answer(self, text: str, filters: Filters) -> Answer:
        raise ZeroDivisionError("a defect")

    def lines(self, hit: Hit) -> list[StoredEvent]:
        raise ZeroDivisionError("a defect")


def test_a_defect_ends_the_screen_and_is_kept_for_the_command(filled: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "p")

    failure = run(opened(filled, Broken), act).failure
    assert isinstance(failure, ZeroDivisionError)


def test_new_lines_are_found_and_no_transaction_is_held(filled: Path) -> None:
    writer = open_store(f"sqlite:///{filled}")

    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "baskets")
        add(writer, [("/shop/cart", "", ERROR, "baskets <*> vanished", (9,))])
        # The whole log can be taken into the file only while nobody reads an older state.
        assert writer.query("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0
        await typed(pilot, " vanished")
        assert first(pilot) == "baskets <*> vanished"
        await typed(pilot, "enter")
        assert writer.query("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0

    run(opened(filled), act)
    writer.close()


@pytest.mark.parametrize("key", ["x", "escape", "enter", "down", "f1", "ctrl+g"])
def test_a_key_that_closes_help_does_nothing_else(filled: Path, key: str) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "upstream")
        before = (text(pilot), first(pilot), drawn(pilot))
        await typed(pilot, "f1")
        assert "Any key closes this." in drawn(pilot)
        await typed(pilot, key)
        assert (text(pilot), first(pilot), drawn(pilot)) == before

    run(opened(filled), act)


def test_help_is_whole_on_a_narrow_terminal(filled: Path) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, "f1")
        told = " ".join(drawn(pilot).replace("│", " ").split())
        for part in ("What you type may be a message's own words", "how well it answers, 0 to 1, beside all others"):
            assert part in told, told

    run(opened(filled), act, size=(60, 24))


@pytest.mark.parametrize("keys", [("f1",), ("?",)])
def test_help_and_leaving(filled: Path, keys: tuple[str, ...]) -> None:
    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, *keys)
        assert "its newest stored lines, with their ids" in drawn(pilot)
        await typed(pilot, "x")
        assert "its newest stored lines" not in drawn(pilot)
        await typed(pilot, "why?")
        assert text(pilot) == "why?"
        await typed(pilot, "escape")
        assert (text(pilot), pilot.app.is_running) == ("", True)
        await typed(pilot, "escape")
        assert pilot.app._exit

    run(opened(filled), act)
