"""Severity class and family."""

import pytest

from autoir.patterns import ERROR, INFO, TEXT, UNKNOWN, Shape, family_text, pattern_of, shape_of


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("ERROR anything", 2),
        ("FATAL anything", 2),
        ("WARN anything", 1),
        ("INFO anything", 0),
        ("INFO connection timed out", 1),
        ("INFO connection refused", 1),
        ("worker killed by OOM", 1),
        ("INFO caught NullPointerException", 1),
        # words that only hold one
        ("INFO the room is skilled at zooming", 0),
        ("INFO cache invalidated", 0),
        # a statement that there was none
        ("INFO done without errors", 0),
        ("INFO result error=null took 5ms", 0),
        ("INFO result error=broken took 5ms", 1),
    ],
)
def test_class(line: str, severity: int) -> None:
    assert shape_of(line).severity_class == severity


def shape(template: str) -> Shape:
    return Shape(ERROR, TEXT, "c", template, 2)


@pytest.mark.parametrize(
    ("template", "family"),
    [
        ("order <*> failed", "order <*> failed"),
        ("GET https://a.example/x and /etc/a/b failed", "GET <*> and <*> failed"),
        ("status: 503 here", "status: <*> here"),
        ("id=<*> <*> (<*>) end", "<*> end"),
        # twenty tokens, and the exceptions that fall away with the rest
        (" ".join("abcdefghijklmnopqrst") + " u FooException v", " ".join("abcdefghijklmnopqrst") + " FooException"),
        ("x [a.b.BarException:<*>] y", "x <*> y BarException"),
    ],
)
def test_family_text(template: str, family: str) -> None:
    assert family_text(shape(template)) == family


def test_a_family_is_one_of_group_level_component_class_and_text() -> None:
    base = shape("wrapped " + "w " * 25 + "target one")
    other = shape("wrapped " + "w " * 25 + "target two")
    assert pattern_of("g", base).pattern_id != pattern_of("g", other).pattern_id
    assert pattern_of("g", base).family_id == pattern_of("g", other).family_id
    apart = [
        pattern_of("h", base),
        pattern_of("g", base._replace(level=INFO)),
        pattern_of("g", base._replace(component="d")),
        pattern_of("g", base._replace(severity_class=1)),
        pattern_of("g", base._replace(template="other")),
    ]
    assert len({pattern.family_id for pattern in [pattern_of("g", base), *apart]}) == 6


def test_ids_have_63_bits_and_never_change() -> None:
    pattern = pattern_of("/g", Shape(UNKNOWN, TEXT, "", "order <*> failed", 1))
    assert (pattern.pattern_id, pattern.family_id) == (8459357212396013421, 324887351398171233)
    assert 0 <= pattern.pattern_id < 2**63
