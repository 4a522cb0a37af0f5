"""Lines of ``key=value`` pairs, masked by key as a JSON record is.

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


def mask_pairs(rest: bytes) -> bytes:
    """Prose with three or more pairs in it: values of keys that name an id, a user or a time become placeholders."""
    if rest.count(b"=") < _MIN_PAIRS:
        return rest

    def replace(found: re.Match[bytes]) -> bytes:
        key = found.group(1)
        if not found.group(2) or rule_of(key.decode("ascii", "replace")) is not Rule.VOLATILE:
            return found.group()
        return key + b"=" + WILDCARD

    return _PAIR.sub(replace, rest)
