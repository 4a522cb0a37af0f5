"""How answers and lines look on a screen: columns and words, colour only beside them, never markup of a log line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text
from textual.content import Content

from autoir.cli.output import body
from autoir.cli.searching import LEVELS
from autoir.report.amounts import counted, listed
from autoir.report.text import clipped, shown
from autoir.report.times import day_and_clock, zone_name
from autoir.search import Hit, Results
from autoir.search.absence import EMPTY
from autoir.store.rows import StoredEvent
from autoir.tui.questions import HITS, Overview

MARK = "▌"
"""Stands before the pattern that a key would open."""

_TEMPLATE, _GROUP = 400, 80
_MOST_LINES, _LONGEST = 30, 2_000
_COLOURS = ("", "", "$text-warning", "$text-error", "$text-error")


def introduction(overview: Overview, zone: tzinfo) -> list[str]:
    """What there is to search."""
    if overview.span is None:
        return [EMPTY]
    what = f"{counted(overview.patterns, 'pattern')} in {counted(overview.log_groups, 'log group')}"
    return [f"{what}, {span(*overview.span, zone)} {zone_name(overview.span[1], zone)}.", "Type what you look for."]


def summary(found: Results, zone: tzinfo) -> str:
    """How many patterns answer, and by what."""
    what = f"{'the best ' if len(found.hits) == HITS else ''}{counted(len(found.hits), 'pattern')}"
    if not found.hits:
        return what
    words = any(hit.why.raw_bm25 for hit in found.hits)
    how = f", by {found.engine} and words" if words else ", none with these words: these come nearest"
    return f"{what}{how}; times in {zone_name(found.hits[0].last_ms, zone)}"


def hit_content(hit: Hit, zone: tzinfo, *, chosen: bool) -> Content:
    """A pattern over two lines: score, level, count, when and where; the pattern, the words that matched in bold."""
    mark = (MARK if chosen else " ", "$text-accent")
    facts = f"{hit.count:>8,}x  {span(hit.first_ms, hit.last_ms, zone)[5:]}  {_groups(hit)}"
    return Content.assemble(
        mark, (f"{hit.score:.2f}  ", "bold"), (f"{_level(hit):<5}", _COLOURS[hit.level]), facts, "\n",
        mark, "      ", _template(hit),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LinesOf:
    """The stored lines of a pattern, newest first, each under its time, id and place, in the width that there is."""

    hit: Hit
    events: Sequence[StoredEvent]
    zone: tzinfo

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        hit = self.hit
        yield Text(_level(hit) and f"{_level(hit)}  ", "bold") + Text(body(hit.template, 1, _TEMPLATE)[0])
        yield Text(f"{counted(hit.count, 'line')}, {span(hit.first_ms, hit.last_ms, self.zone)}, in {_groups(hit, 99)}")
        yield Text(self._how_many())
        day = ""
        for event in self.events:
            date, time = day_and_clock(event.ts_ms, self.zone).split()
            head = ("" if date == day else f"{date}  ") + f"{time}.{event.ts_ms % 1000:03}  {event.id}  "
            place = shown(f"{event.log_group}  {event.log_stream}", 4 * _GROUP)
            yield Text("")
            yield Text(head + clipped(place, max(options.max_width - len(head), 20)), "dim")
            yield Padding(Text("\n".join(body(event.message, _MOST_LINES, _LONGEST))), (0, 0, 0, 2))
            day = date

    def _how_many(self) -> str:
        known, there = len(self.events), self.hit.count
        if not known:
            return "None of them is kept any more."
        if known == 1:
            return "The newest:" if there > 1 else "Its one line:"
        return f"The newest {known}:" if known < there else "All of them, newest first:"


def span(first_ms: int, last_ms: int, zone: tzinfo) -> str:
    """``2026-03-17 14:30 to 14:52``; the second date where it is another."""
    first, last = day_and_clock(first_ms, zone)[:16], day_and_clock(last_ms, zone)[:16]
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def _template(hit: Hit) -> Content:
    text = Content(body(hit.template, 1, _TEMPLATE)[0])
    for word in hit.why.words:
        for found in re.finditer(re.escape(word), text.plain, re.IGNORECASE):
            text = text.stylize("bold", *found.span())
    return text


def _level(hit: Hit) -> str:
    return LEVELS[hit.level].upper() if hit.level else ""


def _groups(hit: Hit, most: int = 3) -> str:
    return listed([clipped(shown(group, _GROUP), _GROUP) for group in hit.log_groups], most)
