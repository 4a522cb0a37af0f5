"""The patterns that answer, two lines each; one of them is chosen."""

from collections.abc import Sequence
from datetime import tzinfo

from textual.widgets import OptionList

from autoir.search import Hit
from autoir.tui.drawing import hit_content


class HitList(OptionList):
    """Patterns, best first. It never takes the focus: whoever has it moves what is chosen."""

    DEFAULT_CSS = """
    HitList {
        width: 1fr; height: 1fr; max-height: 1fr; border: none; padding: 0; background: transparent;
        text-wrap: nowrap; text-overflow: ellipsis; scrollbar-size-vertical: 1;
        & > .option-list--option-highlighted { background: $boost; color: $foreground; text-style: none; }
    }
    """

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(markup=False)
        self.can_focus = False
        self._zone = zone
        self._hits: Sequence[Hit] = ()
        self._marked: int | None = None

    @property
    def chosen(self) -> Hit | None:
        """The pattern that a key would open."""
        return self._hits[self.highlighted] if self.highlighted is not None else None

    def fill(self, hits: Sequence[Hit]) -> None:
        """Show these, and choose the first."""
        self._hits, self._marked = hits, None
        self.set_options(hit_content(hit, self._zone, chosen=False) for hit in hits)
        self.highlighted = 0 if hits else None

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        for at in {self._marked, highlighted} - {None}:
            assert at is not None
            prompt = hit_content(self._hits[at], self._zone, chosen=at == highlighted)
            self.replace_option_prompt_at_index(at, prompt)
        self._marked = highlighted
