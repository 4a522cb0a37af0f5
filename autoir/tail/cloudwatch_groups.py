"""Which log groups are meant: names and globs, less the excluded, the unreadable and AutoIR's own.

A name that cannot be read is kept with the reason and does not stop the others; whether that is an error is for the
caller to say. A glob that finds nothing is no error: its groups may come.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import islice

from autoir.errors import AutoirError, UsageError
from autoir.recursion import OWN, is_glob, is_own, refuse_own
from autoir.tail.cloudwatch import CloudWatch, LogGroup

_LIKE = 1_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Names and globs to read, globs to leave out, and globs of AutoIR's own groups."""

    wanted: Sequence[str]
    excluded: Sequence[str] = ()
    own: Sequence[str] = OWN

    def __post_init__(self) -> None:
        refuse_own(self.wanted, self.own)
        if not self.wanted:
            raise UsageError("no log group is named.", "Example: autoir logs tail /aws/lambda/checkout")

    @property
    def is_open(self) -> bool:
        """Whether groups that do not exist yet may be meant."""
        return any(map(is_glob, self.wanted))


@dataclass(slots=True)
class Found:
    """The log groups that are there by name, and for those that cannot be read the reason."""

    groups: dict[str, LogGroup] = field(default_factory=dict)
    refused: dict[str, AutoirError] = field(default_factory=dict)


def discover(cloudwatch: CloudWatch, selection: Selection) -> Found:
    """Look up what ``selection`` means now. Raises what DescribeLogGroups does."""
    found = Found()
    for wanted in selection.wanted:
        listed = {group.name: group for group in _matching(cloudwatch, wanted)}
        kept = {name: group for name, group in listed.items() if not _is_left_out(name, selection)}
        for name, group in kept.items():
            if group.log_class == "STANDARD":
                found.groups[name] = group
            elif not is_glob(wanted):
                found.refused[name] = UsageError(
                    f"{name} is of class {group.log_class}, whose events CloudWatch does not give out.",
                    "Only groups of class STANDARD can be read.",
                )
        if not listed and not is_glob(wanted):
            found.refused[wanted] = _missing(cloudwatch, wanted)
    return found


def _is_left_out(name: str, selection: Selection) -> bool:
    return is_own(name, selection.own) or any(fnmatchcase(name, pattern) for pattern in selection.excluded)


def _matching(cloudwatch: CloudWatch, wanted: str) -> Iterator[LogGroup]:
    for group in cloudwatch.groups(_fixed(wanted)):
        if group.name == wanted or (is_glob(wanted) and fnmatchcase(group.name, wanted)):
            yield group
        if group.name == wanted:  # a name has no second match
            return


def _fixed(wanted: str) -> str:
    """The beginning of a glob that stands for itself."""
    return next((wanted[:at] for at, sign in enumerate(wanted) if is_glob(sign)), wanted)


def _missing(cloudwatch: CloudWatch, wanted: str) -> UsageError:
    like = names_like(wanted, (g.name for g in islice(cloudwatch.groups(_parent(wanted)), _LIKE)))
    if not like and _parent(wanted):
        like = names_like(wanted, (g.name for g in islice(cloudwatch.groups(), _LIKE)))
    hint = f"Did you mean {' or '.join(like)}?" if like else "aws logs describe-log-groups lists those there are."
    return UsageError(f"there is no log group {wanted}.", hint)


def _parent(name: str) -> str:
    """``/aws/lambda/`` of ``/aws/lambda/checkout``."""
    head, slash, _ = name.rstrip("/").rpartition("/")
    return head + slash


def names_like(wanted: str, names: Iterable[str]) -> list[str]:
    """Up to three of ``names`` that resemble ``wanted``, by the whole name or by its last part."""
    by_name: Mapping[str, str] = {name: name for name in names}
    by_end = {name.rsplit("/", 1)[-1]: name for name in by_name}
    close = get_close_matches(wanted, by_name, 3, 0.7)
    return close or [by_end[end] for end in get_close_matches(wanted.rsplit("/", 1)[-1], by_end, 3, 0.7)]
