"""The judge of bench/retrieval.py: questions as they are written, and measures worked out by hand."""

import math
from pathlib import Path

import pytest

from bench._graded import interval, judged, read_questions
from bench.retrieval import QUESTIONS

WRITTEN = r"""# a remark
[shop]
words ? card declined
    2 /shop/pay* declined
    1 /shop/web POST .* 402
where ? which card: was it?
    1 * card
"""


def test_the_questions_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(WRITTEN)
    first, second = read_questions(path)
    assert (first.source, first.kind, first.text, len(first.answers)) == ("shop", "words", "card declined", 2)
    assert second.text == "which card: was it?"


@pytest.mark.parametrize(
    ("groups", "component", "template", "grade"),
    [
        (["/shop/pay"], "clients", "charge DECLINED", 2),
        (["/shop/declined"], "clients", "charge declined", 0),  # the expression is not for the group's name
        (["/shop/a", "/shop/payments"], "declined", "charge <*>", 2),  # one of its groups, and the component counts
        (["/shop/web"], "access", "POST /checkout <*> 402", 1),
        (["/shop/web"], "access", "GET / 200", 0),
        ([], "", "declined", 0),
    ],
)
def test_a_message_has_the_best_grade_it_is_given(
    tmp_path: Path, groups: list[str], component: str, template: str, grade: int
) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(WRITTEN)
    assert read_questions(path)[0].grade(groups, component, template) == grade


@pytest.mark.parametrize(
    "wrong", ["card declined\n", "[shop]\nno question\n", "    2 * early\n", "words ? no source\n"]
)
def test_a_line_that_is_nothing_is_named(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "questions.txt"
    path.write_text(wrong)
    with pytest.raises(ValueError, match=r"questions\.txt:\d"):
        read_questions(path)


ONE, TWO, THREE = 1.0, 1 / math.log2(3), 1 / math.log2(4)
"""Discounts of the first three places."""


@pytest.mark.parametrize(
    ("ranking", "every", "ndcg", "recall", "first"),
    [
        ([2, 1], [0, 1, 0, 2], 1.0, 1.0, 1.0),
        ([1, 2], [0, 1, 0, 2], (ONE + 3 * TWO) / (3 * ONE + TWO), 1.0, 1.0),
        ([0, 0, 2], [2, 1], 3 * THREE / (3 * ONE + TWO), 0.5, 0.0),
        ([], [2], 0.0, 0.0, 0.0),
        ([0] * 10 + [2], [2], 0.0, 0.0, 0.0),  # the eleventh is not looked at
        ([1] * 10, [1] * 30, 1.0, 1.0, 1.0),  # ten is all that ten answers can show
    ],
)
def test_a_ranking_is_judged(ranking: list[int], every: list[int], ndcg: float, recall: float, first: float) -> None:
    assert judged(ranking, every) == pytest.approx((ndcg, recall, first))


def test_the_interval_holds_the_mean_and_is_none_where_nothing_differs() -> None:
    assert interval([0.5] * 20, [0.25] * 20) == (0.25, 0.25, 0.25)
    mean, low, high = interval([1.0, 0.0] * 20, [0.5] * 40)
    assert mean == 0
    assert -0.2 < low < 0 < high < 0.2


def test_every_question_has_an_answer_in_full_and_stands_once() -> None:
    questions = read_questions(QUESTIONS)
    assert len({(q.source, q.text) for q in questions}) == len(questions) == 108
    assert [q.text for q in questions if all(answer.grade != 2 for answer in q.answers)] == []
