"""Pairs of key and value in text: logfmt lines, pairs in prose, query strings; masked by key as a record is.

They are read from the flattened line with its kept values in place, so they share the memo of plain text.
"""

import re
from typing import NamedTuple

from autoir.patterns.keys import Rule, rule_of
from autoir.patterns.levels import level_of_word
from autoir.patterns.masks import mask
from autoir.patterns.shape import UNKNOWN, WILDCARD

_MAX_KEYS = 64


class Pairs(NamedTuple):
    """A masked line of pairs."""

    level: int
    component: bytes
    template: bytes


_PAIR = re.compile(
    rb"(?<![^\s,;{(\[])([A-Za-z_@][\w.\-/:@]{0,80})=(\"(?:[^\"\\\n]|\\.){0,2048}\"|[^\s\",;)\]}]{0,512})"
)
_PROSE_PAIR = re.compile(
    rb"(?<![^\s,;{(\[])([A-Za-z_@][\w.\-/:@]{0,80})=(\"(?:[^\"\\\n]|\\.){0,2048}\"|[^\s\",;()\[\]{}]{0,512})"
)
_MIN_PAIRS = 3


def is_logfmt(rest: bytes) -> bool:
    """Whether a flattened message is ``key=value`` throughout: it starts with a pair, and pairs are most of it."""
    first = _PAIR.match(rest)
    if first is None:
        return False
    covered = count = 0
    for found in _PAIR.finditer(rest):
        covered += found.end() - found.start() + 1
        count += 1
    return count >= _MIN_PAIRS and covered * 10 >= len(rest) * 7


def mask_logfmt(rest: bytes) -> Pairs:
    """A flattened logfmt line by key. Kept values are in place already, as reserved code points."""
    level, component = UNKNOWN, b""
    messages: list[bytes] = []
    errors: set[bytes] = set()
    pairs: set[bytes] = set()
    for found in list(_PAIR.finditer(rest))[:_MAX_KEYS]:
        key, value = found.groups()
        value = value.strip(b'"')
        rule = rule_of(key.decode("ascii", "replace"))
        if rule is Rule.LEVEL:
            level = level or level_of_word(value)
            pairs.add(key + b"=" + value.lower())
        elif rule is Rule.COMPONENT:
            component = component or mask(value)
        elif rule is Rule.MESSAGE:
            messages.append(mask(value))
        elif rule is Rule.ERROR:
            errors.add(key + b"=" + mask(value))
        elif rule is Rule.VOLATILE and value:
            pairs.add(mask(key) + b"=" + WILDCARD)
        else:
            pairs.add(mask(key) + b"=" + mask(value))
    stray = b" ".join(mask(_PAIR.sub(b" ", rest)).split())
    parts = [*messages, *([stray] if stray else []), *sorted(errors)]
    if pairs:
        parts.append(b"{" + b" ".join(sorted(pairs)) + b"}")
    return Pairs(level, component, b" ".join(parts))


_QUERY = re.compile(rb"(?<=[?&])([A-Za-z_][\w.\-]{0,60})=([^&\s\"'#<>]{1,2048})")
_FREE_TEXT_KEYS = frozenset(
    (b"q", b"query", b"search", b"term", b"keyword", b"keywords", b"filter", b"s", b"url", b"uri", b"redirect", b"next")
)
_LONG_VALUE = 32


def _prose(found: re.Match[bytes]) -> bytes:
    key, value = found.groups()
    if value and rule_of(key.decode("ascii", "replace")) is Rule.VOLATILE:
        return key + b"=" + WILDCARD
    return found.group()


def _query(found: re.Match[bytes]) -> bytes:
    key, value = found.groups()
    is_value = (
        key.lower() in _FREE_TEXT_KEYS
        or len(value) > _LONG_VALUE
        or b"%" in value
        or b"+" in value
        or rule_of(key.decode("ascii", "replace")) is Rule.VOLATILE
    )
    return key + b"=" + WILDCARD if is_value else found.group()


def mask_pairs(rest: bytes) -> bytes:
    """Prose with its pairs masked by key: values of a key that names an id, a user or a time, and free text of queries.

    Pairs of prose count from three on, as fewer may be code.
    """
    if b"=" not in rest:
        return rest
    if b"?" in rest:
        rest = _QUERY.sub(_query, rest)
    return _PROSE_PAIR.sub(_prose, rest) if rest.count(b"=") >= _MIN_PAIRS else rest
