"""``logs search``: the search screen over the store that was asked for."""

import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from autoir.cli import figures, stores
from autoir.cli.embedding import engine_for
from autoir.cli.options import Asked, moment_ms
from autoir.cli.output import READER
from autoir.cli.searching import count, engine, level_of
from autoir.clock import system_clock
from autoir.embed import ModelMismatchError
from autoir.errors import UsageError
from autoir.report.text import shown
from autoir.store import Store, open_database
from autoir.tui.questions import Answer, Filters, Library
from autoir.tui.search_app import SearchApp

_PATIENCE_S = 10.0
"""For so long a server that gives way is tried, where a person looks on."""


class _Counted(Library):
    """Every search counts, as one of logs query does."""

    def answer(self, text: str, filters: Filters) -> Answer:
        begun = time.perf_counter()
        answer = super().answer(text, filters)
        count(answer.results, time.perf_counter() - begun)
        return answer


def require_terminal(asked: Asked, text: str) -> None:
    """Raise UsageError where there is no terminal to draw on and to type at, or JSON is asked for."""
    other = shlex.join(["autoir", "logs", "query", text or "TEXT"])
    if asked.as_json:
        raise UsageError("logs search is a screen and prints no JSON.", f"To a program: {other} --json")
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        raise UsageError("logs search needs a terminal.", f"Without one: {other}")


def open_screen(asked: Asked, text: str, group_glob: str, since: str, level: str) -> None:
    """Show the screen until it is left. What is wrong with the store or a filter is said before it opens."""
    filters = Filters(group_glob, since, level_of(level))
    with stores.to_read(asked) as found:
        if since:
            moment_ms("--since", since, found.clock())
        with suppress(ModelMismatchError):  # then words alone answer
            engine_for(found.store)
        title, clock = f"AutoIR search   {shown(found.shown)}", found.clock
    url = stores.chosen_url(asked)

    @contextmanager
    def opened() -> Iterator[Library]:
        with (
            closing(Store(open_database(url, time_left_s=lambda: _PATIENCE_S))) as store,
            closing(engine(store)) as embedder,
        ):
            yield _Counted(store, embedder, clock, READER)
        figures.remember(found.shown, system_clock())

    app = SearchApp(title, opened, READER, text, filters)
    app.run()
    if app.failure:
        raise app.failure
