"""The field for what is looked for."""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from autoir.tui.help import HelpScreen


class QueryInput(Input):
    """The text that is looked for. A question mark at its very start asks for help instead."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Lines")]

    def on_key(self, event: events.Key) -> None:
        if event.character == "?" and not self.value:
            event.prevent_default()
            event.stop()
            self.app.push_screen(HelpScreen())
