"""AutoIR never reads its own log groups: a line about a line would be a line, without end.

One list of what is its own and one question, for whoever chooses log groups before anything runs (the stacks, which
refuse) and for whoever reads or is handed events (the tailer and the subscription's function, which leave them out and
count). Nothing here relies on an exclusion by AWS: there is one for the destination's own group alone.

A line of AutoIR's own may come back by a detour, through a group that somebody fills from others. So its functions and
its task mark what they write. The mark is a field of the line's own JSON: text that a stranger puts into a message of
somebody else's cannot forge it, or it would be a way to hide from AutoIR.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final

from autoir.errors import UsageError

OWN_LINE: Final = "autoir_own"
"""The field that marks a line of AutoIR's; it holds the stage."""

QUIET_S: Final = 60.0
"""What is refused is spoken of this often at most: each word about it may come back as a line."""

OPEN_S: Final = 600.0
"""How long after the last line of its own AutoIR takes care not to speak."""

_GLOB = frozenset("*?[")

OWN: Sequence[str] = (
    "/autoir/*",
    "/aws/lambda/AutoIR-*",
    "/aws/ecs/containerinsights/AutoIR-*",
)
"""Globs of what every stage writes to: its own groups by their fixed names, and those AWS makes for its parts."""


def own_groups(*, endpoint: str = "") -> tuple[str, ...]:
    """Globs of AutoIR's own log groups: ``OWN``, and the group of the SageMaker ``endpoint``.

    Flow logs of the stage's own network count as its own: reading them makes traffic, which makes flow logs.
    """
    named = (f"/aws/sagemaker/Endpoints/{endpoint}",) if endpoint else ()
    return (*OWN, *named)


def is_own(log_group: str, own: Sequence[str] = OWN) -> bool:
    """Whether ``log_group``, a name, is one of ``own``."""
    return any(fnmatchcase(log_group, pattern) for pattern in own)


def is_glob(log_group: str) -> bool:
    """Whether ``log_group`` names many by ``*``, ``?`` or ``[…]``, none of which a log group's name may hold."""
    return bool(_GLOB & set(log_group))


def refuse_own(watched: Iterable[str], own: Sequence[str] = OWN) -> None:
    """Raise UsageError when a name in ``watched`` is one of ``own``, or a glob in it can only mean such groups.

    A wider glob (``/aws/lambda/*``) is taken: what it finds of AutoIR's own is left out when it is looked up.
    """
    for name in watched:
        if is_own(name, own) or (is_glob(name) and is_own(name.replace("*", "x").replace("?", "x"), own)):
            raise UsageError(
                f"{name} is AutoIR's own log group: reading it would write to it, without end.",
                f"Leave it out. Its own are {', '.join(own)}",
            )


def is_own_line(message: str) -> bool:
    """Whether ``message`` was written by AutoIR, whatever group it stands in."""
    if OWN_LINE not in message or not message.startswith("{"):
        return False
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and OWN_LINE in fields


class Breaker:
    """Keeps AutoIR from talking to itself: once its own lines come in, it says so once a minute and no more.

    ``clock`` is seconds of any clock that only goes forward. Not shared between threads.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._untold = 0
        self._until_s = self._quiet_until_s = clock()

    @property
    def is_open(self) -> bool:
        """Whether own lines came in lately."""
        return self._clock() < self._until_s

    def refused(self, events: int) -> None:
        """Count own events that were refused."""
        if events:
            self._untold += events
            self._until_s = self._clock() + OPEN_S

    def to_tell(self) -> int:
        """Events refused since it was last told, to be told now; 0 while it is time to be quiet."""
        now_s = self._clock()
        if not self._untold or now_s < self._quiet_until_s:
            return 0
        told, self._untold = self._untold, 0
        self._quiet_until_s = now_s + QUIET_S
        return told
