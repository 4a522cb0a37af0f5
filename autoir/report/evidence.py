"""What a sweep hands over for an incident to be told: each candidate with its words, lines and usual rate."""

from typing import NamedTuple

from autoir.incidents import Candidate
from autoir.store.rows import StoredEvent


class Evidence(NamedTuple):
    """A candidate with what a reader needs of it.

    ``template`` and ``component`` are of the family's first pattern, empty where the candidate is about a group.
    ``samples`` are stored events, earliest first; ``total`` is how many events of the subject the incident holds,
    ``usual_per_min`` what the baseline expects a minute, ``first_ever`` whether it had never been seen before.
    """

    candidate: Candidate
    template: str
    component: str
    samples: tuple[StoredEvent, ...]
    total: int
    usual_per_min: float
    first_ever: bool
