"""What masking yields: the shape of a message, and the pattern that a log group makes of it.

A shape depends on the message alone; a pattern is a shape in a log group. Both are plain values with ids derived
from their content, so that every Lambda, task and laptop gives the same line the same id in any order.
"""

from typing import NamedTuple

UNKNOWN, INFO, WARN, ERROR, FATAL = 0, 1, 2, 3, 4
"""Levels of a line as its own header or key states them; debug and trace count as INFO."""

TEXT, JSON, TRACE, FRAME = 0, 1, 2, 3
"""Kinds: a line of text, a JSON or logfmt record, a whole traceback in one event, one line of a traceback."""

MASK_VERSION = "m1"
"""Version of everything in this package that decides a template. Any change of a template needs a new one."""

TOKEN_MASK_VERSION = "m1t"
"""Version of escalated groups, where a token with a masked value is masked whole."""

WILDCARD = b"<*>"
"""The one placeholder. Typed ones would split a pattern whose value fits two masks."""


class Shape(NamedTuple):
    """What a message says, whoever said it: a pattern before it belongs to a log group.

    ``severity_class`` is 2 for ERROR and worse or an HTTP 5xx, 1 for WARN or a word of failure, else 0.
    """

    level: int
    kind: int
    component: str
    template: str
    severity_class: int


class Pattern(NamedTuple):
    """A shape in a log group: the row of ``autoir_patterns``. Both ids have 63 bits."""

    pattern_id: int
    family_id: int
    mask_version: str
    log_group: str
    level: int
    kind: int
    component: str
    template: str
    severity_class: int
