"""What a value of a stage's file may be: three small rules, each of which can say itself to a person."""

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values."""

    values: tuple[object, ...]

    def allows(self, value: object) -> bool:
        """Whether ``value`` is one of them."""
        return value in self.values

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.values))}"


@dataclass(frozen=True, slots=True)
class Between:
    """A whole number, both ends included."""

    least: int
    most: int

    def allows(self, value: object) -> bool:
        """Whether ``value`` lies between the ends."""
        return isinstance(value, int) and self.least <= value <= self.most

    def __str__(self) -> str:
        return f"a whole number from {self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a form, or an empty one where ``optional``. Digits and letters in a form are those that AWS knows."""

    form: str
    example: str
    optional: bool = False

    def allows(self, value: object) -> bool:
        """Whether ``value`` is wholly of the form."""
        return (self.optional and value == "") or (
            isinstance(value, str) and bool(re.fullmatch(self.form, value, re.ASCII))
        )

    def __str__(self) -> str:
        return f"a text like {self.example!r}{', or empty' if self.optional else ''}"


Rule = OneOf | Between | Text


def setting(default: object, rule: Rule | None = None) -> Any:
    """A field of a stage with its default and its rule; of a tuple, the rule is that of each item."""
    return field(default=default, metadata={"rule": rule})
