"""Deployments that put a word into every line: old patterns under a new name, not news.

A version, a region or a request id added to the log format makes every pattern of a group new at once, the benign
errors among them. What gives it away is that each new template is an old one plus the same run of words. Once enough
harmless patterns of a group show that run, patterns that differ by it alone inherit their past.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from autoir.store.rows import FamilyState

_LONGEST_RUN = 6
_TOKENS = 60


class Rename(NamedTuple):
    """A new template that is the template of ``family`` with ``run`` put in."""

    family: int
    run: str


def known_templates(rows: Iterable[tuple[int, str]]) -> dict[str, int]:
    """Template to family; the first family of a template wins."""
    known: dict[str, int] = {}
    for family, template in rows:
        known.setdefault(" ".join(template.split()[:_TOKENS]), family)
    return known


def renames_of(template: str, known: Mapping[str, int]) -> list[Rename]:
    """Every way to get a known template by taking one run of up to six words out of ``template``."""
    tokens = template.split()[: _TOKENS + _LONGEST_RUN]
    found: dict[str, Rename] = {}
    for length in range(1, _LONGEST_RUN + 1):
        for start in range(len(tokens) - length + 1):
            rest = " ".join((tokens[:start] + tokens[start + length :])[:_TOKENS])
            family = known.get(rest)
            if rest and family is not None:
                run = " ".join(tokens[start : start + length])
                found.setdefault(run, Rename(family, run))
    return list(found.values())


def common_run(candidates: Iterable[list[Rename]], least: int) -> str:
    """The run of words that at least ``least`` of the new templates gained; empty where there is none."""
    counts = Counter(run for renames in candidates for run in {rename.run for rename in renames})
    best = min(counts.items(), key=lambda item: (-item[1], item[0]), default=("", 0))
    return best[0] if best[1] >= least else ""


def inherited(new: FamilyState, old: FamilyState, minute: int) -> FamilyState:
    """The state of a renamed family: everything that its old name had learned."""
    return old._replace(
        family_id=new.family_id, log_group=new.log_group, severity_class=new.severity_class, first_minute=minute,
        last_minute=minute,
    )  # fmt: skip
