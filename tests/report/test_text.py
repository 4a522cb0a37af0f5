"""Log text made fit to be shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from autoir.report.text import ascii_subject, clipped, defanged, excerpt, markup_safe, shown

HOSTILE = st.text(st.characters(codec=None), max_size=400)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("plain", 10, "plain"),
        ("a\nb\r\tc", 20, "a\\nb\\r c"),
        ("\x1b[31mred\x1b[0m", 40, "\\x1b[31mred\\x1b[0m"),
        ("\x9b2J", 20, "\\x9b2J"),  # the one-byte form of the same
        ("a\x00b\x07", 20, "a\\x00b\\x07"),
        ("user\u202egnp.exe", 40, "user\\u202egnp.exe"),  # turns the rest around
        ("ht\u200btp", 20, "ht\\u200btp"),  # nothing to see
        ("a\u2028b", 20, "a\\u2028b"),
        ("\ud800", 20, "\\ud800"),
        ("\U000e0041", 20, "\\U000e0041"),  # a tag character
        ("naïve 日本 😀", 20, "naïve 日本 😀"),
        ("e\u0301", 10, "e\u0301"),
        ("e" + "\u0301" * 4, 40, "e\u0301\u0301\\u0301\\u0301"),
        ("x" * 12, 10, "x" * 10 + "… (+2 chars)"),
        ("x" * 2_010, 10, "x" * 10 + "… (+2,000 chars)"),
        ("\x1b" * 5, 10, "\\x1b\\x1b… (+3 chars)"),  # an escape is never cut in two
    ],
)
def test_shown(text: str, limit: int, expected: str) -> None:
    assert shown(text, limit) == expected


@given(HOSTILE, st.integers(1, 300))
def test_what_is_shown_is_short_visible_and_on_one_line(text: str, limit: int) -> None:
    for result in (shown(text, limit), excerpt(text, limit)):
        assert len(result) <= limit + limit // 8 + 22
        assert not {unicodedata.category(c) for c in result} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(HOSTILE)
def test_what_fits_is_not_lost(text: str) -> None:
    assert shown(text, 10 * len(text)) == excerpt(text, 10 * len(text))
    assert "chars)" not in shown(text, 10 * len(text)) or "chars)" in text


def test_an_excerpt_keeps_both_ends() -> None:
    result = excerpt("begin " + "z" * 10_000 + " end: it broke", 60)
    assert result.startswith("begin zzz")
    assert result.endswith("end: it broke")
    assert "… (+9,960 chars) …" in result


@pytest.mark.parametrize("text", ["[red]x[/red]", "[link=http://a.b]x[/link]", "a [b", "[/]", "\\[red]x"])
def test_rich_reads_no_markup_in_it(text: str) -> None:
    assert Text.from_markup(markup_safe(text)).plain == shown(text)
    assert not Text.from_markup(markup_safe(text)).spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see http://evil.example/a?b=c now", "see http[:]//evil[.]example/a?b=c now"),
        ("HTTPS://User:x@h.example", "HTTPS[:]//User:x(at)h[.]example"),
        ("ftp://a.b and s3://bucket/key", "ftp[:]//a[.]b and s3[:]//bucket/key"),
        ("www.evil.example", "www[.]evil.example"),
        ("mailto:a@b.example tel:+123", "mailto[:]a(at)b.example tel[:]+123"),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("@here @channel <!here> <@U123>", "(at)here (at)channel ‹!here› ‹(at)U123›"),
        ("<b>bold</b> <script>", "‹b›bold‹/b› ‹script›"),
        ("[click](http://evil.example)", "[click] (http[:]//evil[.]example)"),
        ("[click][1] ![i](x)", "[click] [1] ![i] (x)"),
        ("`rm -rf`", "'rm -rf'"),
        ("java.net.ConnectException: a:b, 10:30", "java.net.ConnectException: a:b, 10:30"),
        ("shop.Order[id=3] failed (code 7)", "shop.Order[id=3] failed (code 7)"),
    ],
)
def test_nothing_alive_is_left(text: str, expected: str) -> None:
    assert defanged(text) == expected


ALIVE = st.lists(st.sampled_from(["http", "://", "@", "<b>", "](", "[x", "www.", "mailto:", "a.b", " ", "`", "x"]))


@given(ALIVE.map("".join) | HOSTILE)
def test_defanging_twice_is_defanging_once(text: str) -> None:
    once = defanged(text)
    assert defanged(once) == once
    assert not set(once) & set("<>@`")
    assert "](" not in once


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("checkout: “boom” – 3×", 99, 'checkout: "boom" - 3x'),
        ("naïve café", 99, "naive cafe"),
        ("日本語のエラー", 99, "??"),
        ("a\nb\tc", 99, "a?b?c"),
        ("x" * 100, 99, "x" * 96 + "..."),
        ("all twenty are in use, none came free", 30, "all twenty are in use, none..."),
        ("", 99, ""),
    ],
)
def test_a_subject_is_ascii(text: str, limit: int, expected: str) -> None:
    assert ascii_subject(text, limit) == expected


@given(HOSTILE, st.integers(4, 120))
def test_a_subject_fits(text: str, limit: int) -> None:
    result = ascii_subject(text, limit)
    assert len(result) <= limit
    assert result.isascii()
    assert result.isprintable()


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 10, "short"),
        ("one two three four", 16, "one two three…"),
        ("oneverylongword", 8, "onevery…"),
        ("one two, three", 9, "one two…"),
    ],
)
def test_clipped_at_a_word(text: str, limit: int, expected: str) -> None:
    assert clipped(text, limit) == expected
