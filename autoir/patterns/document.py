"""JSON records, masked by key.

A template depends neither on how a value looks nor on the order of keys. The text of the record comes first, where
search and the family of detection look; the other keys follow, sorted.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from autoir.patterns.keys import COMPONENT_KEYS, MESSAGE_KEYS, Rule, plain, rule_of
from autoir.patterns.levels import level_of_number, level_of_word
from autoir.patterns.shape import UNKNOWN

_MAX_DEPTH, _MAX_KEYS = 4, 64
_MAX_VALUE = 300
"""Characters of the masked value of an ordinary key."""


class Record(NamedTuple):
    """A masked record."""

    level: int
    component: str
    template: str
    server_error: bool


class Masked(NamedTuple):
    """Masked text, and whether an HTTP 5xx was kept in it."""

    template: str
    server_error: bool


MaskText = Callable[[str], Masked]


def _level(value: object) -> int:
    if isinstance(value, bool):
        return UNKNOWN
    if isinstance(value, int):
        return level_of_number(value)
    if not isinstance(value, str):
        return UNKNOWN
    word = value.strip()
    if len(word) == 2 and word.isascii() and word.isdecimal():
        return level_of_number(int(word))
    return level_of_word(word.encode("utf-8", "replace"))


_PLAIN_NAME = re.compile(r"[A-Za-z_@.\-]+")
_NUMBER = re.compile(r"-?\d{1,10}", re.ASCII)
_SHORT_CODE = re.compile(r"-?\d{1,6}|[0-9A-Z]{5}|SIG[A-Z0-9]{2,8}", re.ASCII)


def status_value(value: str) -> str | None:
    """4xx and 5xx exactly, 1xx to 3xx by class, None for what is no HTTP status."""
    if len(value) != 3 or not value.isascii() or not value.isdecimal():
        return None
    return {"1": "<info>", "2": "<ok>", "3": "<redir>", "4": value, "5": value}.get(value[0])


class _Walk:
    """One pass over a document, collecting what the template needs."""

    def __init__(self, masked: MaskText) -> None:
        self.masked = masked
        self.level = UNKNOWN
        self.components: dict[str, str] = {}
        self.messages: dict[str, str] = {}
        self.errors: set[str] = set()
        self.pairs: set[str] = set()
        self.server_error = False
        self.left = _MAX_KEYS

    def text(self, value: str) -> str:
        template, server_error = self.masked(value)
        self.server_error = self.server_error or server_error
        return template

    def walk(self, items: dict[str, object], prefix: str, depth: int) -> None:
        for key in sorted(items):
            if self.left <= 0:
                return
            value = items[key]
            if key == "_aws":
                continue
            name = f"{prefix}.{key}" if prefix else key
            while isinstance(value, list):
                if not value:
                    break
                value = value[0]
            if isinstance(value, dict) and value and rule_of(name) is not Rule.VOLATILE:
                if depth < _MAX_DEPTH:
                    self.walk(value, name, depth + 1)
                else:
                    self.left -= 1
                    self.pairs.add(f"{self.name(name)}=<*>")
                continue
            self.left -= 1
            self.leaf(name, value)

    def name(self, key: str) -> str:
        return key if len(key) <= 60 and _PLAIN_NAME.fullmatch(key) else self.text(key[:200])

    def leaf(self, name: str, value: object) -> None:
        rule = rule_of(name)
        if rule is Rule.LEVEL:
            found = _level(value)
            self.level = self.level or found
            if found:
                self.pairs.add(f"{name}={str(value).strip().lower()}")
                return
        elif rule is Rule.COMPONENT and isinstance(value, str):
            self.components[plain(name)] = value
            return
        elif rule is Rule.MESSAGE and isinstance(value, str):
            self.messages[name] = self.text(value)
            return
        elif rule is Rule.ERROR and isinstance(value, str) and value:
            self.errors.add(f"{self.name(name)}={self.text(value)}")
            return
        self.pairs.add(f"{self.name(name)}={self.value(rule, value)}")

    def value(self, rule: Rule, value: object) -> str:
        if value is None or value == "":
            return "null" if value is None else '""'
        if isinstance(value, bool):
            return "true" if value else "false"
        if rule is Rule.VOLATILE:
            return "<*>"
        if isinstance(value, dict | list):
            return "{}" if isinstance(value, dict) else "[]"
        if rule in (Rule.STATUS, Rule.CODE) and isinstance(value, int | str):
            return self.code(rule, str(value).strip())
        if isinstance(value, str):
            return self.text(value)[:_MAX_VALUE]
        return "<*>"

    def code(self, rule: Rule, value: str) -> str:
        status = status_value(value)
        if rule is Rule.STATUS and status is not None:
            self.server_error = self.server_error or status[:1] == "5"
            return status
        if rule is Rule.CODE and status is not None and value[0] == "5":
            self.server_error = True
        if rule is Rule.CODE and _SHORT_CODE.fullmatch(value):
            return value
        return "<*>" if _NUMBER.fullmatch(value) else self.text(value)[:_MAX_VALUE]

    def record(self) -> Record:
        messages = [self.messages[k] for k in sorted(self.messages, key=_message_order) if self.messages[k]]
        parts = [*messages, *sorted(self.errors)]
        if self.pairs:
            parts.append("{" + " ".join(sorted(self.pairs)) + "}")
        component = ""
        for key in COMPONENT_KEYS:
            if self.components.get(key):
                component = self.text(self.components[key])
                break
        return Record(self.level, component, " ".join(parts), self.server_error)


def _message_order(name: str) -> tuple[int, str]:
    last = name.lower()
    return (MESSAGE_KEYS.index(last) if last in MESSAGE_KEYS else len(MESSAGE_KEYS), name)


def mask_document(document: dict[str, object], masked: MaskText) -> Record:
    """A JSON object by key, to depth 4 and 64 keys; arrays count by their first element."""
    walk = _Walk(masked)
    walk.walk(document, "", 1)
    return walk.record()
