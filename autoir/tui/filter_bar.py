"""What answers are held to, on one line; a key turns the line into a field for one of them."""

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from autoir.cli.options import moment_ms
from autoir.cli.searching import LEVELS
from autoir.errors import UsageError
from autoir.report.text import shown
from autoir.tui.questions import Filters

_LEVELS = (0, LEVELS.index("warn"), LEVELS.index("error"), LEVELS.index("fatal"))
_FIELDS = {
    "group_glob": ("log group", "/shop/* (nothing: all)"),
    "since": ("since", "15m, 2h, 3d, or 2026-03-17T14:30Z (nothing: ever)"),
}


class FieldInput(Input):
    """The field for a filter."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "Apply")]


class FilterBar(Widget):
    """The filters, and how they are changed."""

    DEFAULT_CSS = """
    FilterBar {
        height: auto;
        #told { padding: 0 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; height: 1; }
        #field { height: 1; display: none; }
        #field Label { padding: 0 1; text-style: bold; }
        #field Input { width: 1fr; }
        #wrong { padding: 0 1; color: $text-error; display: none; }
        &.-open #told { display: none; }
        &.-open #field { display: block; }
        &.-wrong #wrong { display: block; }
    }
    """

    class Changed(Message):
        """Other filters hold from now on."""

        def __init__(self, filters: Filters) -> None:
            super().__init__()
            self.filters = filters

    class Closed(Message):
        """The field is gone, and with it the focus."""

    def __init__(self, filters: Filters) -> None:
        super().__init__()
        self._filters = filters
        self._field = ""

    def compose(self) -> ComposeResult:
        yield Static(id="told", markup=False)
        with Horizontal(id="field"):
            yield Label(id="name", markup=False)
            yield FieldInput(compact=True, select_on_focus=False, id="value")
        yield Static(id="wrong", markup=False)

    def on_mount(self) -> None:
        self._tell()

    @property
    def is_open(self) -> bool:
        """Whether a field stands open."""
        return bool(self._field)

    def open(self, field: str) -> None:
        """Ask for ``group_glob`` or ``since``."""
        self.close()
        name, example = _FIELDS[field]
        self._field = field
        self.query_one("#name", Label).update(name)
        value = self.query_one("#value", Input)
        value.placeholder, value.value = example, getattr(self._filters, field)
        value.cursor_position = len(value.value)
        self.add_class("-open")
        value.focus()

    def close(self) -> None:
        """Leave the filter as it was."""
        if self._field:
            self._field = ""
            self.remove_class("-open", "-wrong")
            self.post_message(self.Closed())

    def next_level(self) -> None:
        """Go on to the next level from which patterns are shown."""
        at = _LEVELS.index(self._filters.level) if self._filters.level in _LEVELS else 0
        self._change(level=_LEVELS[(at + 1) % len(_LEVELS)])

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.remove_class("-wrong")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        value = event.value.strip()
        if self._field == "since" and value:
            try:
                moment_ms("since", value, 0)
            except UsageError as error:
                self.query_one("#wrong", Static).update(shown(f"{error} {error.hint}"))
                self.add_class("-wrong")
                return
        self._change(**{self._field: value})
        self.close()

    def _change(self, **changed: str | int) -> None:
        self._filters = replace(self._filters, **changed)  # type: ignore[arg-type]
        self._tell()
        self.post_message(self.Changed(self._filters))

    def _tell(self) -> None:
        held = self._filters
        level = f"{LEVELS[held.level]} or above" if held.level else "any"
        told = (f"log groups {held.group_glob or 'all'}", f"since {held.since or 'ever'}", f"level {level}")
        self.query_one("#told", Static).update(shown("   ".join(told)))
