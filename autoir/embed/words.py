"""Words of a text as search compares them: identifiers split, stems, no stop words.

Log templates share a small vocabulary, so each word as it stands between blanks is analysed once and remembered:
ten thousand patterns cost little more than their dictionary look-ups. Part of the text recipe: see there.
"""

import re
import unicodedata
from functools import lru_cache

from autoir.embed.recipe import bare, bare_template, split

_STOP = """
    a an and are as at be been being but by can could did do does doing for from had has have having he her his how
    i if in into is it its itself just me my of on onto or our she should so some such than that the their them then
    there these they this those to was we were what when where which while who whom why will with would you your
"""
STOP_WORDS = frozenset(_STOP.split())
"""Words of English that say nothing about a log line. Not among them: no, not, up, down, out, off, over."""

# A word, a number, or one character of a script that is written without blanks.
_TERM = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]|[^\W_]+")
_LONGEST = 64
_VOWEL = re.compile(r"[aeiouy]")


def stem(word: str) -> str:
    """``word`` without its English ending: connect for connections, expir for expired and expiration.

    Light on purpose: endings that change what a word means (-er, -ment, -able) stay.
    """
    if len(word) < 4 or not word.isalpha() or not word.isascii():
        return word
    if word.endswith(("ies", "ied")) and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ion"):
        base = word[: -len(ending)]
        if not word.endswith(ending) or len(base) < 3 or not _VOWEL.search(base) or word.endswith("eed"):
            continue
        if ending == "ion" and base[-1] not in "st":
            continue
        if base[-1] == base[-2] and base[-1] not in "lsz":
            base = base[:-1]
        return _rooted(base)
    return _rooted(word.removesuffix("e")) if len(word) > 3 else word


def _rooted(base: str) -> str:
    """Validate, validated and validation are valid; cancelled is cancel."""
    if len(base) >= 7 and base.endswith("at"):
        return base[:-2]
    return base[:-1] if len(base) >= 6 and base.endswith("ll") else base


def _analyse(word: str) -> tuple[str, ...]:
    text = split(word)
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return tuple(stem(t) for t in _TERM.findall(text.lower()) if t not in STOP_WORDS and len(t) <= _LONGEST)


_remembered = lru_cache(maxsize=65_536)(_analyse)


def terms(text: str) -> list[str]:
    """The stems of ``text`` in order, repeated as they are in it."""
    found: list[str] = []
    for word in text.split():
        found += _remembered(word) if len(word) <= _LONGEST else _analyse(word)
    return found


def pattern_terms(template: str, component: str) -> list[str]:
    """The stems of the view that knows where a pattern comes from: those of ``component_text``, which is not made, for
    words are split one by one anyway."""
    return terms(bare(component)) + terms(bare_template(template)[0])
