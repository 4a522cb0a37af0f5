"""Redaction: no secret gets past here, for what comes after stores, hashes, embeds, prints and pages.

On for every event, before everything else. A secret becomes a constant marker, ``[REDACTED:rule]``: not a hash, which
could be guessed back, and not the value's length. All text around it stays byte for byte. The result redacted again is
the same, so a replay makes no new event, and it is pure, so it is the same everywhere.

Speed comes from what does not run: two searches for the substrings that some rule needs let the ordinary line through.
Linear time comes from the rules, each of which says how; those of a configuration are measured before they are let in.
"""

import re
from collections.abc import Callable, Iterable

from autoir.redact.configured import compile_user_rules
from autoir.redact.encoded import encoded_rule
from autoir.redact.keys import KEY_RULES
from autoir.redact.rule import MARKER, Rule, any_of, fold
from autoir.redact.shapes import LATE_SHAPE_RULES, SHAPE_RULES

__all__ = ["MARKER", "RULES", "Redactor", "Rule", "compile_user_rules", "redact"]

_PLAIN = (*SHAPE_RULES, *KEY_RULES, *LATE_SHAPE_RULES)
RULES: tuple[Rule, ...] = (*_PLAIN, encoded_rule(_PLAIN))
"""The built-in rules in the order of application."""

_MOST_PASSES = 8
"""Two do for all but made-up messages; the bound keeps those from buying time."""

_Search = Callable[[str], object]


def _gate(words: Iterable[str]) -> _Search:
    """Whether a text holds any of ``words``; of none, no text does."""
    pattern = any_of(words)
    return re.compile(pattern).search if pattern else _never


def _never(_text: str) -> None:
    return None


class Redactor:
    """The built-in rules, then ``extra`` ones (``compile_user_rules``)."""

    def __init__(self, extra: tuple[Rule, ...] = ()) -> None:
        rules = (*RULES, *extra)
        self._gate = _gate(word for rule in rules for word in rule.gates)
        self._folded_gate = _gate(word for rule in rules for word in rule.folded_gates)
        self._ungated = tuple(rule.apply for rule in rules if rule.is_ungated)
        self._steps = tuple(
            (rule.apply, rule.is_ungated, _gate(rule.gates), _gate(rule.folded_gates)) for rule in rules
        )

    def redact(self, message: str) -> str:
        """``message`` without its secrets; at most 1 ms of CPU for each KB.

        Repeated until nothing changes, for a marker may be the boundary that the secret beside it lacked.
        """
        for _ in range(_MOST_PASSES):
            redacted = self._pass(message)
            if redacted == message:
                return message
            message = redacted
        return message

    def _pass(self, message: str) -> str:
        folded = fold(message)
        redacted = message
        exact, keyed = self._gate(message), self._folded_gate(folded)
        if not exact and not keyed:
            for apply in self._ungated:
                redacted = apply(redacted)
            return redacted
        for apply, ungated, gate, folded_gate in self._steps:
            if ungated or (exact and gate(message)) or (keyed and folded_gate(folded)):
                redacted = apply(redacted)
        return redacted


_DEFAULT = Redactor()


def redact(message: str) -> str:
    """``message`` without the secrets that the built-in rules know. Pure, idempotent, linear in time."""
    return _DEFAULT.redact(message)
