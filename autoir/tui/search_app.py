"""The search alone on a terminal."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import tzinfo
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static

from autoir.tui.questions import Filters, Library
from autoir.tui.search_pane import DEBOUNCE_S, SearchPane


class SearchApp(App[None]):
    """A search pane under a title. ``failure`` is the defect that ended it, if one did."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #title { height: 1; padding: 0 1; text-style: bold; text-wrap: nowrap; text-overflow: ellipsis; }
    SearchPane { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "quit", "Leave"),
        Binding("ctrl+c", "quit", "Leave", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        opened: Callable[[], AbstractContextManager[Library]],
        zone: tzinfo,
        text: str = "",
        filters: Filters | None = None,
        *,
        debounce_s: float = DEBOUNCE_S,
    ) -> None:
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"  # the terminal's own colours, be it dark or light
        self._shown_title = title
        self._pane = SearchPane(opened, zone, text, filters, debounce_s=debounce_s)
        self.failure: BaseException | None = None

    def compose(self) -> ComposeResult:
        yield Static(self._shown_title, id="title", markup=False)
        yield self._pane
        yield Footer(compact=True, show_command_palette=False)

    def on_search_pane_failed(self, event: SearchPane.Failed) -> None:
        self.failure = event.error
        self.exit()
