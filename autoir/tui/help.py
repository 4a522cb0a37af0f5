"""The keys of the search screen, and what its answers mean."""

from textual import events
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import Static

_HELP = """\
Search finds patterns: lines without their values. What you type may
be a message's own words, an identifier, or what you mean by it.

 typing       searches with every key
 up, down     choose a pattern (page up, page down)
 enter        its newest stored lines, with their ids
 ctrl+g       only log groups like a pattern: /shop/*
 ctrl+t       only since a time: 2h, 3d, 2026-03-17T14:30Z
 ctrl+l       only from a level: warn, error, fatal
 escape       back: from a field, from the lines, from the text
 ctrl+c       leaves

The number before a pattern says how well it answers, 0 to 1, beside
all others that were searched; autoir logs query --explain says why.

Any key closes this."""


class HelpScreen(ModalScreen[None]):
    """Help over whatever is open."""

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        #help { width: 72; max-width: 100%; height: auto; max-height: 100%; padding: 0 1; }
        #help { border: round $foreground 50%; }
    }
    """

    def compose(self) -> ComposeResult:
        help_text = Static(_HELP, id="help", markup=False)
        help_text.border_title = "Help"
        yield help_text

    def on_key(self, event: events.Key) -> None:
        event.stop()  # else the screen below, which has the keys from here on, would act on this one too
        self.dismiss()
