"""Counting what became of every event.

``received = stored + duplicate + filtered + quarantined``: a run for which that does not hold has lost or invented
something, and raises instead of reporting success.
"""

from collections import Counter
from dataclasses import dataclass, field

from autoir.errors import AutoirError


class UnaccountedError(AutoirError):
    """Nobody knows what became of some events."""


@dataclass(slots=True)
class Tally:
    """What became of the events of one run."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    patterns_new: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)

    @property
    def unaccounted(self) -> int:
        """Events received whose fate is not known; 0 unless something is broken."""
        return self.received - self.stored - self.duplicate - self.filtered.total() - self.quarantined.total()

    def check(self) -> None:
        """Raise AutoirError unless every event received is accounted for."""
        if self.unaccounted:
            raise UnaccountedError(
                f"{self.unaccounted} of {self.received} events are unaccounted for.",
                "This is a defect of AutoIR: run the same input again (nothing is stored twice) and report it.",
            )
