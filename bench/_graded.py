"""Graded questions, and how good a ranking is by them.

Nothing here knows how a ranking came about, or which of the rankings is ours.
"""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import numpy as np

AT = 10
"""Answers that are looked at."""

_ROUNDS = 10_000


class Answer(NamedTuple):
    """What answers a question: 2 answers it, 1 helps."""

    grade: int
    group_glob: str
    expression: re.Pattern[str]


class Question(NamedTuple):
    """A question about the logs of one source."""

    source: str
    kind: str
    text: str
    answers: tuple[Answer, ...]

    def grade(self, log_groups: Iterable[str], component: str, template: str) -> int:
        """The best grade of a message that is said in those log groups; 0 answers nothing."""
        text, groups = f"{component} {template}", tuple(log_groups)
        return max(
            (
                answer.grade
                for answer in self.answers
                if answer.expression.search(text) and any(fnmatchcase(group, answer.group_glob) for group in groups)
            ),
            default=0,
        )


def read_questions(path: Path) -> list[Question]:
    """The questions of a file; its head says how it is written. Raises ValueError naming the line that is not."""
    found: list[Question] = []
    source = ""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            source = line.strip("[]")
        elif line.startswith(" ") and found:
            grade, glob, expression = line.split(maxsplit=2)
            answer = Answer(int(grade), glob, re.compile(expression, re.IGNORECASE))
            found[-1] = found[-1]._replace(answers=(*found[-1].answers, answer))
        elif " ? " in line and source:
            kind, text = line.split(" ? ", 1)
            found.append(Question(source, kind, text, ()))
        else:
            raise ValueError(f"{path}:{number}: neither a source, nor a question, nor an answer: {line!r}")
    return found


class Judged(NamedTuple):
    """How good the first ten answers are, each from 0 to 1.

    ``recall`` is the share of what answers or helps that is among them, of ten where there is more; ``first`` is 1
    where the first of them answers or helps.
    """

    ndcg: float
    recall: float
    first: float


def judged(ranking: Sequence[int], every: Iterable[int]) -> Judged:
    """A ranking by the grades of its answers, beside the grades of ``every`` message of the source.

    nDCG is that of Järvelin and Kekäläinen (2002) with the gain 2^grade - 1.
    """
    best = sorted(filter(None, every), reverse=True)[:AT]
    shown = list(ranking[:AT])
    return Judged(_gain(shown) / _gain(best), sum(map(bool, shown)) / len(best), float(bool(shown and shown[0])))


def _gain(grades: Sequence[int]) -> float:
    return float(sum((2.0**grade - 1) / np.log2(place + 2) for place, grade in enumerate(grades)))


def interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Mean of our figures minus theirs, question by question, and its 95 % interval by bootstrap over questions."""
    differences = np.asarray(ours) - np.asarray(theirs)
    drawn = np.random.default_rng(1).integers(0, len(differences), (_ROUNDS, len(differences)))
    low, high = np.percentile(differences[drawn].mean(axis=1), (2.5, 97.5))
    return float(differences.mean()), float(low), float(high)
