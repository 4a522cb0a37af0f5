"""The screens as they were, as text at two sizes of a terminal: an alarm for changes nobody meant.

`pytest tests/tui/test_snapshots.py --snapshot-update` takes a change; look at it first.
"""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.pilot import Pilot

from autoir.tui.questions import Filters
from tests.embed.scripted import ScriptedEmbedder
from tests.search.conftest import ERROR
from tests.tui.conftest import drawn, opened, run, typed

SMALL, LARGE = (80, 24), (200, 50)


class Text(SingleFileSnapshotExtension):
    """A file a screen, to be read."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


# What is typed, at which sizes it is looked at.
SCREENS: dict[str, tuple[tuple[str, ...], tuple[tuple[int, int], ...]]] = {
    "start": ((), (SMALL,)),
    "answers": (("queue pool limit reached", "down"), (SMALL, LARGE)),
    "lines": (("queue pool limit reached", "enter"), (SMALL, LARGE)),
    "traceback": (("traceback", "enter"), (SMALL,)),
    "hostile": (("gift", "enter"), (SMALL, LARGE)),
    "long": (("mailbox full", "enter"), (SMALL,)),
    "nothing": (("pool", "ctrl+g", "/none/*", "enter"), (SMALL,)),
    "wrong-time": (("pool", "ctrl+t", "yesterday", "enter"), (SMALL,)),
    "help": (("f1",), (SMALL, LARGE)),
}


SIZED = {f"{name}-{size[0]}x{size[1]}": (name, size) for name, (_, sizes) in SCREENS.items() for size in sizes}


@pytest.mark.parametrize("name", SIZED)
def test_screen(filled: Path, name: str, snapshot: SnapshotAssertion) -> None:
    known, size = SIZED[name]
    assert screen(filled, *SCREENS[known][0], size=size) == snapshot(extension_class=Text)


def test_degraded_screen(filled: Path, snapshot: SnapshotAssertion) -> None:
    engine = ScriptedEmbedder(model="other")
    seen = screen(filled, "space left", engine=engine, filters=Filters("/infra/*", "1h", ERROR))
    assert seen == snapshot(extension_class=Text)


def screen(path: Path, *keys: str, size: tuple[int, int] = SMALL, engine: ScriptedEmbedder | None = None,
           filters: Filters | None = None) -> str:  # fmt: skip
    """The text on the screen after those keys."""
    found: list[str] = []

    async def act(pilot: Pilot[None]) -> None:
        await typed(pilot, *keys)
        found.append(drawn(pilot))

    run(opened(path, engine=engine), act, size, filters=filters)
    assert max(len(line) for line in found[0].splitlines()) <= size[0]
    return found[0]
