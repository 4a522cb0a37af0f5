"""Search as you type, over one store.

Every change of the text or of a filter is a new question. It waits a moment for the next key, then for its turn at the
desk; a newer one cancels it wherever it is, so what is shown is always the answer to what stands there. The arrows
choose a pattern while the text keeps the focus, and a key opens its stored lines.
"""

from asyncio import sleep
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from datetime import tzinfo
from typing import ClassVar

from textual import events, work
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Label, Static
from textual.worker import Worker, WorkerState

from autoir.errors import AutoirError
from autoir.report.text import shown
from autoir.tui.desk import Desk
from autoir.tui.drawing import LinesOf, introduction, summary
from autoir.tui.filter_bar import FilterBar
from autoir.tui.help import HelpScreen
from autoir.tui.hit_list import HitList
from autoir.tui.query_input import QueryInput
from autoir.tui.questions import Answer, Filters, Library

DEBOUNCE_S = 0.08
"""A pause in typing after which a question is asked."""
_SLOW_S = 0.3
"""After this, it is said that the answer is still under way."""
_WIDE = 140
"""Columns from which lines stand beside the patterns."""

Work = Callable[[], Coroutine[None, None, None]]


class SearchPane(Widget):
    """Asks the library that ``opened`` gives, beginning with ``text`` and ``filters``; times are shown in ``zone``."""

    DEFAULT_CSS = """
    SearchPane {
        layout: vertical;
        Input > .input--cursor { background: ansi_default; color: ansi_default; text-style: reverse; }
        Input > .input--selection { background: ansi_default; color: ansi_default; text-style: reverse; }
        #query { height: 1; }
        #query Label { padding: 0 1; text-style: bold; }
        #query Input { width: 1fr; }
        #note { padding: 0 1; margin-top: 1; }
        #found { height: 1fr; margin-top: 1; }
        #lines { display: none; width: 1fr; height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        #status { height: 1; padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-silent #note { display: none; }
        &.-reading #lines { display: block; }
        &.-reading HitList { display: none; }
        &.-reading.-wide HitList { display: block; }
        &.-reading.-wide #lines { border-left: solid $foreground 30%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+g", "filter('group_glob')", "Group"),
        Binding("ctrl+t", "filter('since')", "Since"),
        Binding("ctrl+l", "level", "Level"),
        Binding("f1", "help", "Help"),
        Binding("escape", "back", "Back"),
        Binding("up", "move('cursor_up')", "Up", show=False),
        Binding("down", "move('cursor_down')", "Down", show=False),
        Binding("pageup", "move('page_up')", "Page up", show=False),
        Binding("pagedown", "move('page_down')", "Page down", show=False),
    ]

    class Failed(Message):
        """A defect ended a question."""

        def __init__(self, error: BaseException) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self,
        opened: Callable[[], AbstractContextManager[Library]],
        zone: tzinfo,
        text: str = "",
        filters: Filters | None = None,
        *,
        debounce_s: float = DEBOUNCE_S,
    ) -> None:
        super().__init__()
        self._desk = Desk(opened)
        self._zone = zone
        self._text = text
        self._filters = filters or Filters()
        self._debounce_s = debounce_s
        self._answered = self._to_open = False
        self._said, self._under_way = "", "reading the store"
        self._slow: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="query"):
            yield Label("Search")
            yield QueryInput(
                self._text, placeholder="in any words, ? for help", compact=True, select_on_focus=False, id="text"
            )
        yield FilterBar(self._filters)
        yield Static(id="note", markup=False)
        with Horizontal(id="found"):
            yield HitList(self._zone)
            with VerticalScroll(id="lines"):
                yield Static(id="stored", markup=False)
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self.query_one("#text", Input).focus()
        self._ask()

    def on_unmount(self) -> None:
        self._desk.close()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _WIDE, "-wide")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value != self._text:
            self._text = event.value
            self._ask()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        self._filters = event.filters
        self._ask()

    def on_filter_bar_closed(self) -> None:
        self.query_one("#text", Input).focus()

    def _ask(self) -> None:
        """Ask what stands there; what was asked before is no longer waited for."""
        self._close_lines()
        self._answered = self._to_open = False
        text, filters = self._text, self._filters
        self._start((lambda: self._search(text, filters)) if text.strip() else self._introduce)

    def _start(self, asked: Work) -> None:
        """Do this in place of what was asked before, be that begun or not."""
        if self._slow:
            self._slow.stop()
        self._slow = self.set_timer(_SLOW_S, lambda: self._show_status(self._under_way))
        self._do(asked, self._slow)

    @work(group="question", exclusive=True, exit_on_error=False)
    async def _do(self, asked: Work, slow: Timer) -> None:
        try:
            await asked()
        except AutoirError as error:
            self.query_one(HitList).fill(())
            self._note(shown(f"{error} {error.hint}".strip()))
            self._say("")
        finally:
            slow.stop()
        self._show_status(self._said)

    async def _introduce(self) -> None:
        self.query_one(HitList).fill(())
        overview = await self._desk.ask(lambda library: library.overview())
        self._note(*introduction(overview, self._zone))
        self._say("")
        await self._desk.ask(lambda library: library.prepare())
        self._under_way = "searching"

    async def _search(self, text: str, filters: Filters) -> None:
        await sleep(self._debounce_s)
        self._show(await self._desk.ask(lambda library: library.answer(text, filters)))

    def _show(self, answer: Answer) -> None:
        found = answer.results
        self._answered, self._under_way = True, "searching"
        self.query_one(HitList).fill(found.hits)
        notes = [shown(f"degraded: {found.degraded}")] if found.degraded else []
        self._note(*notes, *([answer.why_nothing] if answer.why_nothing else []))
        # Nothing of this is a note: notes push the patterns down, and it comes and goes while a word is typed.
        self._say(summary(found, self._zone))
        if self._to_open:
            self._open_lines()

    def _note(self, *lines: str) -> None:
        self.set_class(not lines, "-silent")
        self.query_one("#note", Static).update("\n".join(lines))

    def _say(self, text: str) -> None:
        """What the status is while nothing is under way."""
        self._said = text
        self._show_status(text)

    def _show_status(self, text: str) -> None:
        self.query_one("#status", Static).update(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._answered:
            self._open_lines()
        else:
            self._to_open = True  # what is shown still answers an older text

    def on_option_list_option_selected(self, event: HitList.OptionSelected) -> None:
        event.stop()  # a click
        self._open_lines()

    def _open_lines(self) -> None:
        """Show the stored lines of the chosen pattern."""
        hit = self.query_one(HitList).chosen
        if hit is None:
            return

        async def read() -> None:
            stored = await self._desk.ask(lambda library: library.lines(hit))
            self.add_class("-reading")
            lines = self.query_one("#lines")
            self.query_one("#stored", Static).update(LinesOf(hit, stored, self._zone))
            lines.scroll_home(animate=False)
            lines.focus()

        self._start(read)

    def _close_lines(self) -> bool:
        """Whether any were open."""
        were = self.has_class("-reading")
        if were:
            self.remove_class("-reading")
            self.query_one("#text", Input).focus()
        return were

    def action_move(self, action: str) -> None:
        """Choose another pattern; where lines have the focus, the key is theirs."""
        getattr(self.query_one(HitList), f"action_{action}")()

    def action_filter(self, field: str) -> None:
        """Change a filter."""
        self.query_one(FilterBar).open(field)

    def action_level(self) -> None:
        """Go on to the next level."""
        self.query_one(FilterBar).next_level()

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(HelpScreen())

    def action_back(self) -> None:
        """Out of the innermost thing that is open; out of the pane is for whoever holds it."""
        text, filters = self.query_one("#text", Input), self.query_one(FilterBar)
        if filters.is_open:
            filters.close()
        elif not self._close_lines():
            if not text.value:
                raise SkipAction
            text.value = ""

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state == WorkerState.ERROR and event.worker.error is not None:
            self.post_message(self.Failed(event.worker.error))
