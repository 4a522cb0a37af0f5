"""Texts as the numbers a BERT reads: WordPiece, uncased.

Control and format characters go, every kind of blank parts words, accents are stripped, letters made small, each
punctuation mark and each CJK ideograph is a word of its own; a word is then cut into the longest pieces that the
vocabulary knows (Devlin et al., 2018; the rules are those of Hugging Face's ``tokenizers``, which the tests compare
with). What a character becomes does not depend on its neighbours, so all of it is one table look-up a character.

A log line that holds ``[SEP]`` or ``[MASK]`` holds those letters: no text may speak to the model in its own marks.
Only the vocabulary is read from a ``tokenizer.json``. What else such a file sets (cutting and padding to a fixed
length, for one) belongs to whoever saved it, and padding changes vectors.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from autoir.embed.local import ModelFileError

LONGEST_WORD = 100
"""Characters of a word; a longer one is unknown as a whole (``max_input_chars_per_word`` of every BERT)."""

_REMEMBERED = 65_536
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])
_ASCII_WORD = re.compile(r"[0-9a-z]+|[!-/:-@\[-`{-~]")
_IDEOGRAPHS = (
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),  # from 2B920 in the reference too
    (0x2F800, 0x2FA1F),
)


def _is_punctuation(c: str) -> bool:
    """ASCII symbols count as punctuation: ``$``, ``+`` and ``=`` part words."""
    return (c.isascii() and c.isprintable() and not c.isalnum() and c != " ") or unicodedata.category(c)[0] == "P"


@lru_cache(maxsize=_REMEMBERED)
def _character(code: int) -> str:
    """What a character is to the model: nothing, a blank, letters, or a word of its own between blanks."""
    c = chr(code)
    if c in "\t\n\r":
        return " "
    if code in (0, 0xFFFD) or unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs"):
        return ""
    if c.isspace():
        return " "
    plain = "".join(d for d in unicodedata.normalize("NFD", c) if unicodedata.category(d) != "Mn").lower()
    if any(first <= code <= last for first, last in _IDEOGRAPHS):
        return f" {plain} "
    return "".join(f" {d} " if _is_punctuation(d) else d for d in plain)


class _Characters:
    """A table for ``str.translate`` that fills itself, and forgets what it has not met for long."""

    def __getitem__(self, code: int) -> str:
        return _character(code)


_TABLE = _Characters()


def words(text: str) -> Iterable[str]:
    """The words of ``text`` as the model spells them."""
    if text.isascii():
        return (found[0] for found in _ASCII_WORD.finditer(text.translate(_CONTROLS).lower()))
    return text.translate(_TABLE).split()


class Tokenizer:
    """WordPiece over one vocabulary. Safe to share between threads."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        """Raises ModelFileError where ``[UNK]``, ``[CLS]`` or ``[SEP]`` is missing."""
        for mark in ("[UNK]", "[CLS]", "[SEP]"):
            if mark not in vocabulary:
                raise ModelFileError(f"The vocabulary has no {mark}.", "It is not that of a BERT.")
        self._vocabulary = vocabulary
        self._longest = max(map(len, vocabulary))
        self._unknown = (vocabulary["[UNK]"],)
        self._start, self._end = vocabulary["[CLS]"], vocabulary["[SEP]"]
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._cut)

    def encode(self, text: str, max_tokens: int) -> list[int]:
        """Token ids from ``[CLS]`` to ``[SEP]``, at most ``max_tokens`` (2 or more) with both; what is behind is cut.

        Words are looked at only as far as they fit.
        """
        ids = [self._start]
        room = max_tokens - 1
        for word in words(text):
            ids += self._remembered(word) if len(word) <= LONGEST_WORD else self._unknown
            if len(ids) >= room:
                break
        return [*ids[:room], self._end]

    def _cut(self, word: str) -> tuple[int, ...]:
        """Ids of the longest known pieces from the left; unknown as a whole where one place knows none."""
        found = []
        start = 0
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                piece = word[start:end] if start == 0 else f"##{word[start:end]}"
                if piece in self._vocabulary:
                    found.append(self._vocabulary[piece])
                    break
            else:
                return self._unknown
            start = end
        return tuple(found)


def read_vocabulary(path: Path) -> dict[str, int]:
    """Tokens and their ids from a ``vocab.txt`` (a token a line) or a ``tokenizer.json``, which are 0, 1, 2, ...

    Raises ModelFileError where the file is neither.
    """
    try:
        text = path.read_text("utf-8")
        vocabulary = _from_json(text) if path.suffix == ".json" else _from_lines(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: no vocabulary can be read: {error}.", "Fetch the model again.") from None
    if sorted(vocabulary.values()) != list(range(len(vocabulary))):
        raise ModelFileError(f"{path}: ids of tokens are missing or given twice.", "Fetch the model again.")
    return vocabulary


def _from_lines(text: str) -> dict[str, int]:
    return {token: number for number, token in enumerate(text.rstrip("\n").split("\n"))}


def _from_json(text: str) -> dict[str, int]:
    document: Any = json.loads(text)
    match document:
        case {"model": {"vocab": dict(vocabulary), **rest}} if rest.get("type", "WordPiece") == "WordPiece":
            if all(type(number) is int for number in vocabulary.values()):
                return vocabulary
    raise ValueError("it holds no WordPiece vocabulary")
