"""Which candidates speak for an incident: few, most suspect group first, one for each traceback."""

from collections.abc import Mapping, Sequence

from autoir.detect.folding import telling
from autoir.detect.parameters import Params
from autoir.incidents import Candidate

_MOST = 8
_OF_FIRST_GROUP = 4
_OF_OTHER_GROUPS = 2


def selected(
    candidates: Sequence[Candidate],
    messages: Mapping[str, str],
    groups: Sequence[str],
    params: Params,
) -> list[Candidate]:
    """At most eight of ``candidates``: up to four of the most suspect group, two of each other one in ``groups``.

    ``messages`` holds sampled lines by event id. Of one fold, the line that names the exception speaks; a subject
    that was found again speaks once: as it was found first, with its highest score.
    """
    best: dict[tuple[str, str], Candidate] = {}
    for c in sorted(candidates, key=lambda c: (c.minute, c.kind, c.subject)):
        subject = ("family", c.subject) if c.family_id else (c.kind, c.subject)
        first = best.setdefault(subject, c)
        if c.score > first.score:
            best[subject] = first._replace(score=c.score)
    folds: dict[tuple[str, ...], list[Candidate]] = {}
    for subject, c in best.items():
        folds.setdefault(("fold", c.log_group, c.fold) if c.fold else subject, []).append(c)
    tellers = [
        min(own, key=lambda c: telling(c, [messages[i] for i in c.sample_ids if i in messages]))
        for own in folds.values()
    ]
    rank = {group: at for at, group in enumerate(groups)}
    order = sorted(
        (c for c in tellers if c.log_group in rank),
        key=lambda c: (rank[c.log_group], -c.severity_class, -c.score, c.first_ms, c.subject),
    )
    chosen: list[Candidate] = []
    taken: dict[str, int] = {}
    for c in order:
        limit = _OF_FIRST_GROUP if rank[c.log_group] == 0 else _OF_OTHER_GROUPS
        if taken.get(c.log_group, 0) < limit and len(chosen) < _MOST:
            chosen.append(c)
            taken[c.log_group] = taken.get(c.log_group, 0) + 1
    return chosen
