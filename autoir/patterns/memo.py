"""A memo that never changes an answer.

A line is read in two parts: its digits flattened to ``0``, and the few values that the keep list names. What decides a
template is computed from these two alone, so they are the key, and the memo is exact by construction. A hit costs a
substitution, a translation and two look-ups. Bounded by bytes; entries may go at any time.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from autoir.patterns import keep
from autoir.patterns.masks import FLATTEN, hide_random

_MAX_ANSWERS = 256
"""Combinations of kept values remembered for one flattened line."""

_ENTRY_BYTES = 400
"""What an entry takes beside its key: the dictionary slot and a shape."""

T = TypeVar("T")


class _Kept(Generic[T]):
    """A flattened line with places of kept values, and the answers for the values seen there."""

    __slots__ = ("answers", "places")

    def __init__(self, places: tuple[keep.Span, ...]) -> None:
        self.places = places
        self.answers: dict[tuple[bytes, ...], T] = {}


class Memo(Generic[T]):
    """``build`` applied to a line, once for each flattened line and its kept values; two generations."""

    def __init__(self, build: Callable[[bytes, bool], T], limit_bytes: int) -> None:
        self._build = build
        self._limit = limit_bytes // 2
        self._young: dict[bytes, T | _Kept[T]] = {}
        self._old: dict[bytes, T | _Kept[T]] = {}
        self._size = 0

    def get(self, raw: bytes) -> T:
        text = hide_random(raw)
        key = text.translate(FLATTEN)
        entry = self._young.get(key)
        if entry is None:
            entry = self._miss(key)
        if isinstance(entry, _Kept):
            values = tuple([text[start:end] for start, end, _ in entry.places])
            answer: T | None = entry.answers.get(values)
            if answer is None:
                if len(entry.answers) >= _MAX_ANSWERS:
                    entry.answers.clear()
                answer = entry.answers[values] = self._build(*keep.protect(key, entry.places, values))
            return answer
        return entry

    @property
    def held_bytes(self) -> int:
        """About what the memo holds: keys and entries of both generations."""
        return self._size + sum(len(key) + _ENTRY_BYTES for key in self._old)

    def _miss(self, key: bytes) -> T | _Kept[T]:
        entry = self._old.get(key)
        if entry is None:
            places = keep.spans(key)
            entry = _Kept[T](places) if places else self._build(key, False)
        self._size += len(key) + _ENTRY_BYTES
        if self._size > self._limit:
            self._old, self._young, self._size = self._young, {}, len(key) + _ENTRY_BYTES
        self._young[key] = entry
        return entry
