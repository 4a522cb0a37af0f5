"""Bytes to lines to records: the same records however the bytes arrive, bounded whatever they are."""

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.tail.formats import AWS_TAIL_STARTS
from autoir.tail.lines import MAX_LINE, Joiner, Line, Record, looks_binary, read_chunks, read_lines
from tests.yardstick import cpu_s


class Chunks:
    """A stream that gives its bytes as they are cut."""

    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = [chunk for chunk in chunks if chunk]

    def read1(self, size: int) -> bytes:
        return self._chunks.pop(0) if self._chunks else b""


def stream(*chunks: bytes) -> BinaryIO:
    return cast(BinaryIO, Chunks(chunks))


def records(*chunks: bytes, joiner: Joiner | None = None) -> list[Record]:
    joiner = joiner or Joiner()
    return [*joiner.records(read_lines(stream(*chunks))), *joiner.flush()]


def texts(content: bytes, joiner: Joiner | None = None) -> list[str]:
    return [record.text for record in records(content, joiner=joiner)]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a", [Line(b"a", 0, 1, 1, False)]),
        (b"a\n", [Line(b"a", 0, 2, 1, True)]),
        (b"a\r\nb", [Line(b"a", 0, 3, 2, True), Line(b"b", 3, 4, 1, False)]),
        (b"\n\n", [Line(b"", 0, 1, 0, True), Line(b"", 1, 2, 0, True)]),
        (b"\0\xff\n", [Line(b"\0\xff", 0, 3, 2, True)]),
    ],
)
def test_lines_know_where_they_stand(content: bytes, lines: list[Line]) -> None:
    assert list(read_lines(stream(content))) == lines
    moved = [line._replace(start=line.start + 7, end=line.end + 7) for line in lines]
    assert list(read_lines(stream(content), 7)) == moved


PYTHON = """Traceback (most recent call last):
  File "app.py", line 3, in <module>
    main()
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "app.py", line 5, in run
ValueError: bad"""
JAVA = """java.lang.IllegalStateException: no stock
\tat shop.Stock.take(Stock.java:31)
Caused by: java.net.ConnectException: refused
\tat shop.Pool.open(Pool.java:9)
\t... 12 more"""
KEY = """key: -----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,00

MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MaGZ
aGZ+/=
-----END RSA PRIVATE KEY-----"""


# What stands behind what, and which records that makes.
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\n  more\n\tmore\nb", ["a\n  more\n\tmore", "b"]),
        ("  starts indented\nb", ["  starts indented", "b"]),
        ("a\n\nb\n\n\n", ["a", "b"]),
        ("\n\na", ["a"]),
        (f"ERROR failed\n{JAVA}\nb", [f"ERROR failed\n{JAVA}", "b"]),
        (f"{JAVA}\nb", [JAVA, "b"]),
        (f"ERROR failed\n{PYTHON}\nb", [f"ERROR failed\n{PYTHON}", "b"]),
        (f"{PYTHON}\nb\n  c", [PYTHON, "b\n  c"]),
        ("shop.Stock: an Error\nshop.error", ["shop.Stock: an Error", "shop.error"]),
        (f"ERROR failed\n{KEY}\nb", ["ERROR failed", KEY, "b"]),
        ("expected -----BEGIN PRIVATE KEY----- here\nThen what? It is not one.", 2),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n" + "no key. " * 20 + "\nc", 3),
        ("a -----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----\nBBBB", 2),
    ],
)
def test_a_record_is_what_one_call_wrote(content: str, expected: list[str] | int) -> None:
    found = texts(content.encode())
    assert (len(found) if isinstance(expected, int) else found) == expected


def test_joining_can_be_off_for_what_has_one_record_a_line() -> None:
    assert texts(b'{"a":1}\n  {"b":2}\n\n', Joiner(joining=False)) == ['{"a":1}', '  {"b":2}']


def test_where_the_format_says_what_starts_a_record_nothing_else_does() -> None:
    head = "2026-03-02T12:00:00.000000+00:00 web/1 "
    content = f"{head}a\nplain below\n  indented\n\nlast\n{head}b\n"
    expected = [f"{head}a\nplain below\n  indented\n\nlast", f"{head}b"]
    assert texts(content.encode(), Joiner(starts=AWS_TAIL_STARTS)) == expected


def test_a_record_has_a_most_of_lines_and_bytes() -> None:
    assert [r.text.count("\n") + 1 for r in records(b"a\n" + b" b\n" * 2_500)] == [1_000, 1_000, 501]
    long = b"x" * 400_000
    assert [r.size for r in records(b"a" + long + b"\n " + long + b"\n " + long)] == [800_002, 400_001]


@pytest.mark.parametrize("size", [MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 5 * MAX_LINE])
def test_of_a_line_that_is_too_long_only_the_beginning_is_held(size: int) -> None:
    [line, after] = read_lines(stream(*[b"x" * (size // 4)] * 4, b"x" * (size % 4), b"\nafter\n"))
    assert (line.size, line.end) == (size, size + 1)
    assert len(line.text) == min(size, MAX_LINE + 1)
    assert after.text == b"after"


def test_broken_bytes_are_marked_and_told() -> None:
    [first, second] = records("naïve\n".encode() + b"na\xefve\n")
    assert (first.text, first.invalid) == ("naïve", False)
    assert (second.text, second.invalid) == ("na�ve", True)


CONTENT = st.lists(
    st.sampled_from([b"a", b" b", b"\n", b"\r\n", b"Traceback (most recent call last):", b"E: x", "ü".encode(), b"\xff",
                     b"Caused by: y", b"-----BEGIN PRIVATE KEY-----", b"QUJD", b"-----END PRIVATE KEY-----", b"\t"])
).map(b"".join)  # fmt: skip


@given(CONTENT, st.lists(st.integers(0, 60)))
def test_the_records_are_the_same_however_the_bytes_are_cut(content: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]
    pieces = [content[a:b] for a, b in pairwise(places)]
    whole = records(content)
    assert records(*pieces) == whole
    joiner = Joiner()
    chunks = read_chunks(stream(*pieces), lambda _: False)
    piped = [r for lines, settled in chunks for r in joiner.records(lines) if not settled]
    assert [*piped, *joiner.flush()] == whole
    assert whole == [] or whole[-1].end <= len(content)
    assert all(a.end <= b.start for a, b in pairwise(whole))


@given(CONTENT, st.integers(0, 5))
def test_reading_on_behind_any_record_gives_the_records_that_follow(content: bytes, n: int) -> None:
    whole = records(content)
    if n < len(whole):
        end, joiner = whole[n].end, Joiner()
        rest = [*joiner.records(read_lines(stream(content[end:]), end)), *joiner.flush()]
        assert rest == whole[n + 1 :]


@pytest.mark.parametrize(
    ("chunks", "quiet", "handed_on"),
    [
        ([b"a\nb\n"], [False], [(["a", "b"], False)]),
        ([b"a\n", b"b\n"], [True, False], [(["a"], True), (["b"], False)]),
        ([b"a\nhal", b"f\n"], [True, True], [(["a"], True), (["half"], True)]),
        ([b"a\nend"], [True], [(["a"], True), (["end"], False)]),
        ([b"a", b"b", b"c\n"], [True], [(["abc"], True)]),
    ],
)
def test_a_pipe_hands_on_lines_as_they_come_and_says_when_it_is_quiet(
    chunks: list[bytes], quiet: list[bool], handed_on: list[tuple[list[str], bool]]
) -> None:
    answers = iter(quiet)
    found = read_chunks(stream(*chunks), lambda _: next(answers))
    assert [([line.text.decode() for line in lines], settled) for lines, settled in found] == handed_on


def test_a_line_of_many_private_keys_is_told_in_linear_time() -> None:
    text = b"-----BEGIN PRIVATE KEY-----" * 35_000 + b"-----END "
    line = Line(text, 0, len(text) + 1, len(text), True)

    def read() -> None:
        assert len(list(Joiner().records([line]))) == 0  # held until the next

    assert cpu_s(read, 1) < 1  # 10 s in quadratic time


@pytest.mark.parametrize(
    ("head", "binary"),
    [
        (b"", False),
        (b"2026-03-02 plain text\n", False),
        ("Überfluß, 日本語, 💥\n".encode(), False),
        (b"\x1b[31mred\x1b[0m text with colours\n" * 9, False),
        (b"one\0NUL in a long enough line of text\n", False),
        (b"caf\xe9 in Latin-1, which is still text\n", False),
        (bytes(range(256)), True),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 57, True),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", True),
        (bytes(range(128, 256)) * 4, True),
        ("all of it is � already".encode(), False),
    ],
)
def test_what_is_no_text_is_told_by_its_beginning(head: bytes, binary: bool) -> None:
    assert looks_binary(head) == binary


def test_a_pipe_of_one_process_can_be_asked_whether_it_is_quiet() -> None:
    from autoir.tail.lines import is_quiet

    assert not is_quiet(io.BytesIO(b"a"))
