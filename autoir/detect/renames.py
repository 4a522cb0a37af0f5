"""Deployments that put a word into every line: old patterns under a new name, not news.

A version, a region or a request id added to the log format makes every pattern of a group new at once, the benign
errors among them. What gives it away is that each new template is an old one plus the same run of words. Once enough
harmless patterns of a group show that run, patterns that differ by it alone inherit their past.
"""

from collections.abc import Collection, Iterable, Mapping
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


def common_run(renames: Mapping[int, Iterable[Rename]], harmless: Collection[int], least: int) -> str:
    """The run of words that the templates of at least ``least`` new families gained; empty where there is none.

    One of them must be among the ``harmless``: what only errors have in common is no deployment.
    """
    gained: dict[str, set[int]] = {}
    for family, own in renames.items():
        for rename in own:
            gained.setdefault(rename.run, set()).add(family)
    enough = [(-len(families), run) for run, families in gained.items() if len(families) >= least]
    return next((run for _, run in sorted(enough) if gained[run] & set(harmless)), "")


def inherited(new: FamilyState, old: FamilyState, minute: int) -> FamilyState:
    """The state of a renamed family: everything that its old name had learned."""
    return old._replace(
        family_id=new.family_id, log_group=new.log_group, severity_class=new.severity_class, first_minute=minute,
        last_minute=minute,
    )  # fmt: skip
