"""What every rule shares: its form, the marker it leaves, and how text is replaced without moving anything else."""

import re
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import NamedTuple


class Rule(NamedTuple):
    """One kind of secret.

    ``gates`` are substrings of the message, ``folded_gates`` of its ``fold``; a message without any of them is not
    given to ``apply``. A rule with neither is applied to every message. ``apply`` is a pure function from message to
    message.
    """

    name: str
    apply: Callable[[str], str]
    gates: tuple[str, ...] = ()
    folded_gates: tuple[str, ...] = ()

    @property
    def is_ungated(self) -> bool:
        return not self.gates and not self.folded_gates


class Span(NamedTuple):
    """The part of a message, from ``start`` to before ``end``, that ``text`` replaces."""

    start: int
    end: int
    text: str


MARKER = r"\[REDACTED:[a-z0-9-]{1,32}\]"
"""Regular expression of every marker."""


def marker(name: str) -> str:
    """What stands in the place of a secret found by the rule ``name``: a constant, so equal lines stay equal."""
    return f"[REDACTED:{name}]"


def fold(message: str) -> str:
    """``message`` with ASCII letters in lower case; positions are those of ``message`` (``str.lower`` may shift)."""
    if message.isascii():
        return message.lower()
    return message.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def replace_spans(message: str, spans: Iterable[Span]) -> str:
    """``message`` with every span replaced; of spans that overlap, the first gives the text for all."""
    parts: list[str] = []
    done = 0
    for start, end, text in sorted(spans):
        if start >= done:
            parts += (message[done:start], text)
        done = max(done, end)
    return "".join((*parts, message[done:]))


def any_of(words: Iterable[str]) -> str:
    """A regular expression that matches any of ``words``, as a tree of shared prefixes.

    The engine tries the branches of an alternation one by one at every character: the tree takes 1.2 µs where the
    flat list of 50 gates takes 2.8 µs on a line of 160 characters, and substring tests one by one 3 µs.
    """
    branches = []
    for first, group in groupby(sorted(set(words)), key=lambda word: word[:1]):
        rests = [word[1:] for word in group]
        if "" in rests:
            branches.append(re.escape(first))  # the shortest word decides
        elif len(rests) == 1:
            branches.append(re.escape(first + rests[0]))
        else:
            branches.append(f"{re.escape(first)}(?:{any_of(rests)})")
    return "|".join(branches)
