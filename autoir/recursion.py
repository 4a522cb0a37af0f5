"""AutoIR never reads its own log groups: a line about a line would be a line, without end.

One list of what is its own and one question, for whoever chooses log groups before anything runs (the stacks, which
refuse) and for whoever reads or is handed events (the tailer and the subscription's function, which leave them out and
count). Nothing here relies on an exclusion by AWS: there is one for the destination's own group alone.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from autoir.errors import UsageError

_GLOB = frozenset("*?[")

OWN: Sequence[str] = (
    "/autoir/*",
    "/aws/lambda/AutoIR-*",
    "/aws/ecs/containerinsights/AutoIR-*",
)
"""Globs of what every stage writes to: its own groups by their fixed names, and those AWS makes for its parts."""


def own_groups(*, endpoint: str = "", further: Iterable[str] = ()) -> tuple[str, ...]:
    """Globs of AutoIR's own log groups: ``OWN``, the group of the SageMaker ``endpoint``, and ``further`` ones.

    Flow logs of the stage's own network count as its own: reading them makes traffic, which makes flow logs.
    """
    named = (f"/aws/sagemaker/Endpoints/{endpoint}",) if endpoint else ()
    return (*OWN, *named, *further)


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
