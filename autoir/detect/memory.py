"""What detection remembers beside the statistics of families and groups."""

from dataclasses import dataclass, field

from autoir.detect.parameters import VERSION


@dataclass(slots=True)
class Memory:
    """What a sweep remembers beside the statistics, kept under one key. Minutes are epoch minutes.

    ``warm_min`` counts the minutes learned from, ``blocks`` the blocks; ``busy`` is the last minute with events;
    ``runs`` are the words that deployments put into the lines of a group; ``beats`` the times of the last heartbeats.
    """

    first: int
    busy: int
    warm_min: int = 0
    blocks: int = 0
    runs: dict[str, list[str]] = field(default_factory=dict)
    beats: dict[str, int] = field(default_factory=dict)
    version: str = VERSION
