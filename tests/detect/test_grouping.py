"""From candidates to incidents: when one opens, whom it pages, what is most suspect, how bad and how sure it is."""

from typing import get_args

import pytest

from autoir.detect.folding import exception_of, folded, frame_of
from autoir.detect.grading import grade
from autoir.detect.grouping import environment_of, fingerprint_of, ordered_groups, pages, qualifies, summed
from autoir.detect.parameters import DEFAULTS
from autoir.detect.renames import Rename, common_run, known_templates, renames_of
from autoir.detect.selection import selected
from autoir.incidents import Candidate, Kind
from autoir.store.rows import StoredEvent

MIN = 60_000


def found(
    kind: Kind = "new", severity: int = 2, score: float = 6.2, group: str = "/a", minute: int = 100, subject: str = "1",
    first: int = 0, observed: int = 1, expected: float = 0.0, fold: str = "", samples: tuple[str, ...] = (),
) -> Candidate:  # fmt: skip
    family = int(subject) if subject.isdigit() else 0
    return Candidate(
        minute, kind, subject, group, severity, observed, expected, 0.0, score, minute - 4, first, family, samples, fold
    )


def warnings(n: int, same_group: bool = False, same_minute: bool = True) -> list[Candidate]:
    """New warnings of ``n`` groups, or of one group in ``n`` minutes."""
    return [
        found(severity=1, score=2.2, group="/a" if same_group else f"/{k}", minute=100 - (not same_minute) * k,
              subject=str(k))
        for k in range(n)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fresh", "span", "opens", "page"),
    [
        ([found(score=5.5)], [], True, True),
        ([found(score=5.4)], [], False, False),
        # three signs are too few, four are enough, wherever in the five minutes they are
        (warnings(3), [], False, False),
        (warnings(4), [], True, True),
        (warnings(4, same_group=True, same_minute=False)[:1], warnings(4, True, False)[1:], True, True),
        # a restart or a traceback is one sign, however many lines it has
        (warnings(12, same_group=True), [], False, False),
        # what is harmless, or at an unusual rate, is no sign
        ([found(severity=0, score=0.8, group=f"/{k}", subject=str(k)) for k in range(30)], [], False, False),
        ([found("spike", 1, 3.0, f"/{k}", subject=str(k)) for k in range(8)], [], False, False),
        # an unusual rate of warnings opens, and does not page
        ([found("spike", 1, 8.0)], [], True, False),
        ([found("spike", 2, 8.0)], [], True, True),
        ([found("errshare", 2, 5.6, subject="/a")], [], True, True),
        ([found("heartbeat", 2, 6.0, subject="/a: tick")], [], True, True),
        # silence by itself is evidence only
        ([found("silence", 0, 0.0, subject="/a")], [], False, False),
    ],
    ids=range(13),
)
def test_when_an_incident_opens_and_pages(
    fresh: list[Candidate], span: list[Candidate], opens: bool, page: bool
) -> None:
    assert qualifies(fresh, [*span, *fresh], DEFAULTS) is opens
    assert pages([*span, *fresh], DEFAULTS) is page


def test_the_sum_takes_the_best_of_each_group_and_minute() -> None:
    some = [found(severity=1, score=s, group=g, subject=str(s)) for g, s in (("/a", 2.2), ("/a", 2.6), ("/b", 2.0))]
    assert summed(some, DEFAULTS) == pytest.approx(0.8 * 4.6)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        # the first to fail is first, not the loudest
        ([found(group="/loud", first=9, score=8.0), found(group="/first", first=5, subject="2")], ("/first", "/loud")),
        # an earlier minute beats an earlier event
        ([found(group="/a", minute=99, first=9), found(group="/b", first=5)], ("/a", "/b")),
        # warnings come after errors, by score
        (
            [found(severity=1, score=2.3, group="/w"), found(severity=1, score=2.9, group="/x"), found(group="/e")],
            ("/e", "/x", "/w"),
        ),
        # harmless news makes no group suspect, unless there is nothing else
        ([found(severity=0, score=0.9, group="/h"), found(group="/e")], ("/e",)),
        ([found("spike", 0, 6.0, group="/h")], ("/h",)),
    ],
    ids=range(5),
)
def test_the_order_of_suspect_groups(candidates: list[Candidate], expected: tuple[str, ...]) -> None:
    assert ordered_groups(candidates, DEFAULTS) == expected


def test_a_fingerprint_names_what_failed_in_any_order() -> None:
    some = [found(subject=str(k), score=6 + k) for k in range(7)]
    name = fingerprint_of("prod", "/a", some)
    assert name == fingerprint_of("prod", "/a", some[::-1])
    assert name == fingerprint_of("prod", "/a", some[1:])  # the five strongest count
    assert len({name, fingerprint_of("test", "/a", some), fingerprint_of("prod", "/b", some)}) == 3


@pytest.mark.parametrize(
    ("group", "pattern", "expected"),
    [
        ("/prod/web", "^/([^/]+)/", "prod"),
        ("web", "^/([^/]+)/", ""),
        ("/prod/web", "", ""),
        ("/aws/lambda/prod-web", "/(prod|test)-", "prod"),
        ("/aws/lambda/web", "/(prod)?-?web", ""),
    ],
)
def test_environments(group: str, pattern: str, expected: str) -> None:
    assert environment_of(group, pattern) == expected


@pytest.mark.parametrize(
    ("candidates", "minutes", "known", "severity", "confidence"),
    [
        ([found()], 1, False, "medium", 85),
        ([found(observed=10)], 1, False, "medium", 90),
        ([found(), found(group="/b", subject="2")], 1, False, "medium", 90),
        ([found(), found(group="/b", subject="2")], 10, False, "high", 90),
        ([found(group=f"/{k}", subject=str(k), observed=9) for k in range(5)], 10, False, "high", 95),
        ([found("recur")], 1, True, "high", 95),
        ([found(severity=1, score=2.2)], 1, False, "low", 60),
        (warnings(4), 1, False, "medium", 70),
        ([found("spike", 1, 5.5, observed=30, expected=10)], 1, False, "low", 60),
        ([found("spike", 1, 5.5, observed=100, expected=10)], 1, False, "medium", 60),
        ([found("spike", 2, 5.5 * 5.5 / 3, observed=30, expected=10)], 1, False, "medium", 80),
        ([found("errshare", 2, 12.0, observed=100, expected=10, subject="/a")], 1, False, "medium", 90),
        ([found("spike", 2, 12.0, observed=30, expected=0.01)], 1, False, "medium", 90),
        ([found("spike", 2, 12.0, observed=9, expected=0.01)], 1, False, "medium", 90),  # hardly a rate: 9 times once
        ([found(), found("errshare", 2, 6.0, observed=30, expected=9, subject="/a")], 1, False, "medium", 95),
        # one error's burst and its group's share of errors are one sign
        (
            [
                found(kind, 2, 5.6, observed=30, expected=9, subject=s)
                for kind, s in (("spike", "1"), ("errshare", "/a"))
            ],
            1,
            False,
            "medium",
            60,
        ),
        ([found("heartbeat", 2, 6.0, subject="/a: tick")], 1, False, "medium", 85),
        ([found("spike", 0, 6.0, observed=30, expected=10)], 1, False, "info", 90),
        ([found("new", 0, 0.6)], 1, False, "info", 40),
    ],
    ids=range(19),
)
def test_severity_and_confidence(
    candidates: list[Candidate], minutes: int, known: bool, severity: str, confidence: int
) -> None:
    result = grade(candidates, minutes * MIN, known, DEFAULTS)
    assert (result.severity, result.confidence) == (severity, confidence)
    assert severity in result.basis[0]
    assert str(confidence) in result.basis[1]


def event(text: str, ts: int = 5, stream: str = "s", id_: str = "") -> StoredEvent:
    return StoredEvent(id_ or text, ts, "/a", stream, 3, 1, text)


TRACE = {
    "1": 'File "/srv/till/ledger.py", line 12, in post',
    "2": "Traceback (most recent call last):",
    "3": "2031-01-01 ERROR till.LedgerLocked ledger.errors.LockedError: page 7 is locked",
    "4": "till opened",
}


@pytest.mark.parametrize(
    ("text", "exception", "frame"),
    [
        (TRACE["1"], "", "ledger.py:post"),
        (TRACE["2"], "", ""),
        (TRACE["3"], "LockedError", ""),
        ("java.io.IOException: no disk", "IOException", ""),
        ("    at shop.Till.open(Till.java:12)", "", "shop.Till.open"),
        ("no error in sight", "", ""),
    ],
)
def test_what_a_line_of_a_traceback_says(text: str, exception: str, frame: str) -> None:
    assert (exception_of(text), frame_of(text)) == (exception, frame)


def test_the_lines_of_a_traceback_are_folded() -> None:
    candidates = [found(subject=k, samples=(text,)) for k, text in TRACE.items()]
    samples = {k: [event(text, 7 if k == "4" else 5)] for k, text in TRACE.items()}
    folds = {c.subject: c.fold for c in folded(candidates, samples)}
    assert folds == dict.fromkeys("123", "/a: LockedError in ledger.py:post") | {"4": ""}
    spoken = selected(folded(candidates, samples), {t: t for t in TRACE.values()}, ["/a"], DEFAULTS)
    assert [c.subject for c in spoken] == ["3", "4"]


@pytest.mark.parametrize(
    ("streams", "severity", "kind"),
    [(("s", "t"), 2, "new"), (("s", "s"), 0, "new"), (("s", "s"), 2, "spike")],
    ids=["another stream", "harmless", "a rate"],
)
def test_what_is_not_folded(streams: tuple[str, str], severity: int, kind: Kind) -> None:
    candidates = [found(kind, severity, subject=k) for k in "12"]
    samples = {k: [event(k, stream=stream)] for k, stream in zip("12", streams, strict=True)}
    assert {c.fold for c in folded(candidates, samples)} == {""}


def test_few_candidates_speak_and_the_first_group_most() -> None:
    many = [found(subject=str(10 * g + k), group=f"/{g}", score=6 + k / 10) for g in range(5) for k in range(6)]
    spoken = selected(many, {}, [f"/{g}" for g in range(5)], DEFAULTS)
    assert [c.log_group for c in spoken] == ["/0"] * 4 + ["/1"] * 2 + ["/2"] * 2
    assert [c.subject for c in spoken[:4]] == ["5", "4", "3", "2"]


@pytest.mark.parametrize(
    ("new", "runs"),
    [
        ("build <*> card declined", ["build <*>"]),
        ("card west declined", ["west"]),
        ("card declined", []),  # nothing was put in
        ("card was declined by <*> in the far west of", []),  # too much was
        ("cards declined", []),
        ("x card declined", ["x"]),
    ],
)
def test_what_a_template_gained(new: str, runs: list[str]) -> None:
    known = known_templates([(1, "card declined"), (2, "till opened")])
    assert [rename.run for rename in renames_of(new, known)] == runs


@pytest.mark.parametrize(
    ("gained", "harmless", "expected"),
    [
        ({1: ["west", "far"], 2: ["west"], 3: []}, {1}, "west"),
        ({1: ["west", "far"], 2: ["west"], 3: []}, {3}, ""),  # only errors gained it
        ({1: ["west"], 2: ["far"]}, {1, 2}, ""),  # each another word
        ({1: ["b"], 2: ["b", "a"], 3: ["a"]}, {1, 2, 3}, "a"),
        ({}, {1}, ""),
    ],
    ids=range(5),
)
def test_a_deployment_shows_in_several_patterns_only(
    gained: dict[int, list[str]], harmless: set[int], expected: str
) -> None:
    renames = {family: [Rename(family, run) for run in runs] for family, runs in gained.items()}
    assert common_run(renames, harmless, 2) == expected


def test_every_kind_of_candidate_can_be_graded() -> None:
    for kind in get_args(Kind):
        assert grade([found(kind, 2, 6.0, observed=3, expected=1.0)], 0, False, DEFAULTS).confidence >= 40
