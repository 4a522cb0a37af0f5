"""Masking: what is left of a log line without its variables.

(Being written; the types below are the contract.)
"""

from typing import NamedTuple

UNKNOWN, INFO, WARN, ERROR, FATAL = 0, 1, 2, 3, 4
TEXT, JSON, TRACE, FRAME = 0, 1, 2, 3
MASK_VERSION = "m1"


class Shape(NamedTuple):
    """What a message says, whoever said it: a pattern before it belongs to a log group."""

    level: int
    kind: int
    component: str
    template: str
    severity_class: int


class Pattern(NamedTuple):
    """A shape in a log group: the row of ``autoir_patterns``."""

    pattern_id: int
    family_id: int
    mask_version: str
    log_group: str
    level: int
    kind: int
    component: str
    template: str
    severity_class: int


def shape_of(message: str) -> Shape:
    raise RuntimeError


def pattern_of(log_group: str, shape: Shape) -> Pattern:
    raise RuntimeError


class Masker:
    """Patterns of messages, with bounded memos in front of the pure functions."""

    def pattern(self, log_group: str, message: str) -> Pattern:
        return pattern_of(log_group, shape_of(message))
