"""The shell of a page: its ```sh blocks, in order, and the commands in them.

A block in another language is shown and not run. What is run is plain: commands, one a line or continued by a
backslash, variables, comments, and here-documents, so that a reader may paste it and a test may run it.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)


class Block(NamedTuple):
    """One block: the heading that it stands under, and its text."""

    heading: str
    text: str


def blocks(page: Path, language: str = "sh") -> list[Block]:
    """The blocks of ``page`` in ``language``, in order."""
    text = page.read_text("utf-8")
    headings = [(found.start(), found[1]) for found in re.finditer(r"^#+ (.+)$", text, re.MULTILINE)]
    return [
        Block([heading for at, heading in headings if at < found.start()][-1], found[2])
        for found in _FENCE.finditer(text)
        if found[1] == language
    ]


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a block as words, without assignments before them. Variables stay as they are written."""
    lines = iter(text.replace("\\\n", " ").splitlines())
    for line in lines:
        if document := re.search(r"<<'?(\w+)'?$", line):
            for inner in lines:
                if inner == document[1]:
                    break
            line = line[: document.start()]
        for part in _parts(shlex.split(line, comments=True)):
            while part and _ASSIGNMENT.fullmatch(part[0]):
                part = part[1:]
            if part and part != ["export"]:
                yield part


def _parts(words: list[str]) -> Iterator[list[str]]:
    """``words`` between &&, ||, ; and |."""
    part: list[str] = []
    for word in words:
        if word in ("&&", "||", ";", "|"):
            yield part
            part = []
        else:
            part.append(word)
    yield part
