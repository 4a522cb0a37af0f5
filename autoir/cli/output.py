"""How an answer looks: blocks drawn with Rich on a terminal, as plain text elsewhere, or one JSON document.

A command says what there is to show (headings, tables, panels); only this module knows how it is drawn, so nothing can
be told by colour alone. Text in a block is never read as markup. Progress goes to standard error and only lives on a
terminal; what is piped stays clean.
"""

import json
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, TextIO

from autoir.clock import system_clock
from autoir.report import times
from autoir.report.text import clipped, shown

if TYPE_CHECKING:
    from rich.console import RenderableType

SCHEMA_VERSION = 1
"""Version of every JSON document of the command line."""

_QUIET_S = 1.0
_EVERY_S = 0.1
_LEAST = 20
"""Columns of a terminal that the last column of a table has at least."""
_NARROW = 4
"""A column up to here is of marks."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that opens a part."""

    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Text as it is, one entry a line."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headers. ``right`` are the columns of numbers; the last column takes the room that is left."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that belong together under a title."""

    title: str
    lines: Sequence[str]


Block = Heading | Lines | Table | Panel


def show(*blocks: Block) -> None:
    """Draw ``blocks`` on standard output."""
    if sys.stdout.isatty():
        _show_rich(blocks)
    else:
        for block in blocks:
            for line in plain(block):
                print(line)


def show_drawn(drawn: "RenderableType") -> None:
    """Draw what a report made; the same text without colours where there is no terminal."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False, emoji=False, markup=False).print(drawn, crop=False)
    else:
        from autoir.report.screen import plain as without_colours

        print(without_colours(drawn).rstrip("\n"))


def print_json(document: Mapping[str, object]) -> None:
    """One JSON document on one line, under the schema's version; ASCII, so that no log line reaches a terminal raw."""
    print(json.dumps({"schema_version": SCHEMA_VERSION, **document}, separators=(",", ":")))


def note(text: str) -> None:
    """A remark on standard error."""
    print(text, file=sys.stderr, flush=True)


def plain(block: Block, width: int = 0) -> list[str]:
    """``block`` as lines of text; ``width`` 0 cuts nothing."""
    match block:
        case Heading(text):
            return [text]
        case Lines(lines):
            return list(lines)
        case Panel(title, lines):
            return [title, *(f"  {line}".rstrip() for line in lines)]
        case Table():
            return _plain_table(block, width)


def _plain_table(table: Table, width: int) -> list[str]:
    rows = [table.headers, *table.rows] if any(table.headers) else list(table.rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.headers))]
    taken = sum(widths[:-1]) + 2 * (len(widths) - 1)
    lines = []
    for row in rows:
        cells = [
            cell.rjust(widths[at]) if at in table.right else cell.ljust(widths[at]) for at, cell in enumerate(row[:-1])
        ]
        last = clipped(row[-1], max(width - taken, _LEAST)) if width else row[-1]
        lines.append("  ".join([*cells, last.rjust(widths[-1]) if len(row) - 1 in table.right else last]).rstrip())
    return lines


def _show_rich(blocks: Iterable[Block]) -> None:
    from rich import box
    from rich.console import Console
    from rich.panel import Panel as RichPanel
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(highlight=False, emoji=False, markup=False)
    for block in blocks:
        match block:
            case Heading(text):
                console.print(Text(text, style="bold"))
            case Lines(lines):
                for line in lines:
                    console.print(Text(line), soft_wrap=True)
            case Panel(title, lines):
                body = Text("\n").join(Text(line) for line in lines)
                console.print(RichPanel(body, title=Text(title, style="bold"), title_align="left", box=box.ROUNDED))
            case Table(headers, rows, right):
                wrapped = _wrapped(block, console.width)
                tight = len(wrapped) > 1
                drawn = RichTable(
                    box=None, padding=(0, 1, 0, 0) if tight else (0, 1), pad_edge=False, header_style="bold",
                    show_header=any(headers),
                )  # fmt: skip
                widths = _shared_out(block, wrapped, console.width) if tight else {}
                for at, header in enumerate(headers):
                    drawn.add_column(
                        Text(header), justify="right" if at in right else "left", no_wrap=at not in wrapped,
                        overflow="fold", width=widths.get(at),
                    )  # fmt: skip
                for row in rows:
                    drawn.add_row(*(Text(cell) for cell in row))
                console.print(drawn)


def _wrapped(table: Table, width: int) -> set[int]:
    """The columns that give way: the last one, or all of text where that is not enough. Marks and numbers never do."""
    rows = [table.headers, *table.rows]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.headers))]
    last = len(widths) - 1
    if sum(widths[:-1]) + 2 * last + min(widths[-1], _LEAST) <= width:
        return {last}
    return {at for at, text in enumerate(widths) if at not in table.right and text > _NARROW}


def _shared_out(table: Table, wrapped: set[int], width: int) -> dict[int, int]:
    """What each column that gives way gets of ``width``: its longest word, for half an id cannot be copied, and from
    right to left what it needs of the rest; the last one may have to break words. Empty where there is too little."""
    columns = [[row[at] for row in (table.headers, *table.rows)] for at in range(len(table.headers))]
    whole = [max(map(len, cells)) for cells in columns]
    got = {at: max(len(word) for cell in columns[at] for word in cell.split() or [""]) for at in wrapped}
    if (last := len(columns) - 1) in got:
        got[last] = min(got[last], _NARROW)
    rest = width - sum(got.get(at, whole[at]) + 1 for at in range(len(columns)))
    if rest < 0:
        return {}
    for at in sorted(wrapped, reverse=True):
        more = min(whole[at] - got[at], rest)
        got[at] += more
        rest -= more
    return got


class Progress:
    """One line on a terminal's standard error that says what is under way; silent elsewhere and in the first second."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._started = self._drawn = time.monotonic()
        self._shown = False

    @property
    def elapsed_s(self) -> float:
        """Seconds since the work began."""
        return time.monotonic() - self._started

    def update(self, text: str, share: float | None = None) -> None:
        """Say how far the work is: ``share`` of 1, where the whole is known."""
        now = time.monotonic()
        if not self._live or now - self._started < _QUIET_S or now - self._drawn < _EVERY_S:
            return
        self._drawn, self._shown = now, True
        columns = shutil.get_terminal_size().columns - 1
        self._stream.write("\r" + clipped(f"  {bar(share)}{text}", columns).ljust(columns))
        self._stream.flush()

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            self._stream.write("\r" + " " * (shutil.get_terminal_size().columns - 1) + "\r")
            self._stream.flush()
            self._shown = False


def bar(share: float | None, width: int = 20) -> str:
    """A bar of ``share`` of its width and the percentage beside it; empty for None."""
    if share is None:
        return ""
    filled = round(min(max(share, 0.0), 1.0) * width)
    return f"{'█' * filled}{'░' * (width - filled)} {min(share, 1.0):4.0%}  "


def body(message: str, most: int = 1, limit: int = 400) -> list[str]:
    """An event or a template over at most ``most`` lines: its first ones and its last one, which names an exception,
    with the count of those between."""
    lines = [line for line in message.splitlines() if line.strip()] or [""]
    hidden = len(lines) - most
    if hidden <= 0:
        return [shown(line, limit) for line in lines]
    if most == 1:
        return [f"{shown(lines[0], limit)}  (+{hidden:,} lines)"]
    first = [shown(line, limit) for line in lines[: most - 1]]
    first[-1] += f"  (+{hidden:,} lines)"
    return [*first, shown(lines[-1], limit)]


class _Reader(tzinfo):
    """The zone of this machine, with summer time as it was at the time that is shown."""

    def _local(self, moment: datetime | None) -> datetime:
        return (moment or datetime.now(UTC)).replace(tzinfo=None).astimezone()

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return self._local(moment).utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        return timedelta(0)

    def tzname(self, moment: datetime | None) -> str | None:
        return self._local(moment).tzname()

    def fromutc(self, moment: datetime) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)


READER: tzinfo = _Reader()
"""The reader's zone."""


def local_time(ts_ms: int | None) -> str:
    """A time in the reader's zone, to the second."""
    return "-" if ts_ms is None else times.day_and_clock(ts_ms, READER)


def zone_name() -> str:
    """The reader's zone, named once beside the times."""
    return times.zone_name(system_clock(), READER)


def size(count: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.0f}"
