"""What the tests of the screens share: a store with a little of everything in it, an app over it, and its text."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC
from pathlib import Path

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.worker import WorkerError

from autoir.embed import fill_pending
from autoir.store import open_store
from autoir.tui.questions import Filters, Library
from autoir.tui.search_app import SearchApp
from tests.embed.scripted import ScriptedEmbedder
from tests.search.conftest import ERROR, NOON, SEEN, add

HOSTILE = "\x1b[2J\x1b]0;owned\x07 [bold red]gift[/] [@click=app.quit]<*>[/] \u202eevil\u202c \x00"
"""What somebody who can make a program log would try: codes, a terminal's title, our markup, turned text, NUL."""
MORE = [
    ("/shop/\x1b[31mred", "", ERROR, HOSTILE, (3,)),
    ("/shop/api", "trace", ERROR, "unhandled\nTraceback (most recent call last):\n  at <*>\nValueError: bad", (8, 8)),
    ("/shop/mail", "smtp", 2, "mail to <*> bounced: " + "mailbox of that user is full, " * 9, (1, 6)),
]

Opened = Callable[[], AbstractContextManager[Library]]
Act = Callable[[Pilot[None]], Awaitable[None]]


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A store of ten patterns, all embedded."""
    path = tmp_path / "store.db"
    store = open_store(f"sqlite:///{path}")
    add(store, [*SEEN, *MORE])
    fill_pending(store, ScriptedEmbedder(), NOON)
    store.close()
    return path


def opened(path: Path, kind: type[Library] = Library, engine: ScriptedEmbedder | None = None) -> Opened:
    """How a pane opens the store there."""

    @contextmanager
    def library() -> Iterator[Library]:
        store = open_store(f"sqlite:///{path}")
        yield kind(store, engine or ScriptedEmbedder(), lambda: NOON + 600_000, UTC)
        store.close()

    return library


def run(
    library: Opened,
    act: Act,
    size: tuple[int, int] = (80, 24),
    text: str = "",
    filters: Filters | None = None,
) -> SearchApp:
    """Do something on the screen of a search, and leave it."""

    async def running() -> SearchApp:
        app = SearchApp("AutoIR search   demo", library, UTC, text, filters, debounce_s=0)
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await act(pilot)
        return app

    return asyncio.run(running())


async def settled(pilot: Pilot[None]) -> None:
    """Wait until every question is answered and drawn.

    Textual's own pause ends when the process is idle, which it also seems to be where a busy machine lets it wait.
    """
    for _ in range(2):
        await calm(pilot)
        await pilot.pause()  # what changed is laid out, and says so
    await calm(pilot)


async def calm(pilot: Pilot[None]) -> None:
    """Wait until no question is under way and no message waits; one may lead to another, as often as ``_STEPS``."""
    rounds = 0
    while rounds < _STEPS:
        await pilot._wait_for_screen()  # every message that was there is handled
        rounds += 1
        for worker in list(pilot.app.workers):
            rounds = 0
            with suppress(WorkerError):  # it has failed, a newer one took its place, or it is not begun
                await worker.wait()


_STEPS = 8
"""More than there are from a key to its question: screen, input, each widget around it, pane."""


async def typed(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, or paste what is not the name of one, and wait for what comes of it."""
    for key in keys:
        if len(key) == 1 or key in _NAMED or "+" in key:
            await pilot.press(key)
        else:
            pilot.app.post_message(Paste(key))  # one event, where keys would be one a letter
            await pilot.pause()
    await settled(pilot)


_NAMED = {"enter", "escape", "up", "down", "f1"}


def drawn(pilot: Pilot[None]) -> str:
    """The text on the screen."""
    strips = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips) + "\n"
