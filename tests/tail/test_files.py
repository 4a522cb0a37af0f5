"""Log files: what they hold, where to go on, and what happens to them while they are read."""

import gzip
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoir.errors import UsageError
from autoir.tail.files import Following, LogFile, Place, loads

LINES = b"".join(b"2026-03-02T12:00:%02dZ line %d\n" % (n, n) for n in range(60))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def texts(file: LogFile, offset: int = 0) -> list[str]:
    return [record.text for record in file.records(offset)]


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_read_plain_or_packed(path: Path, packed: bool) -> None:
    path.write_bytes(gzip.compress(LINES) if packed else LINES)
    file = LogFile(path)
    assert (file.gzipped, file.aws_tail, file.json_lines, file.cut.reason) == (packed, False, False, "")
    records = list(file.records(0))
    assert [r.text for r in records] == LINES.decode().splitlines()
    assert texts(file, records[29].end) == LINES.decode().splitlines()[30:]
    assert texts(file, records[-1].end) == []


def test_gzip_of_several_members_is_one_file(path: Path) -> None:
    path.write_bytes(gzip.compress(b"a\n") + gzip.compress(b"b\n"))
    assert texts(LogFile(path)) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "aws", "json"),
    [
        (b"2026-03-02T12:00:00.000000+00:00 a/b x\ny\n", True, False),
        (b'{"a":1}\n{"b":2}\n', False, True),
        (b"a\n", False, False),
        (b"", False, False),
    ],
)
def test_a_file_is_known_by_its_first_lines(path: Path, content: bytes, aws: bool, json: bool) -> None:
    path.write_bytes(content)
    assert (LogFile(path).aws_tail, LogFile(path).json_lines) == (aws, json)


# How a gzip file can be broken, and what is still read of it.
@pytest.mark.parametrize(
    ("keep", "words"),
    [(slice(0, -30), "ends in the middle"), (slice(0, 11), "ends in the middle"), (slice(0, 3), "ends in the middle")],
)
def test_of_half_a_gzip_file_the_whole_lines_are_read(path: Path, keep: slice, words: str) -> None:
    path.write_bytes(gzip.compress(LINES, 1)[keep])
    file = LogFile(path)
    found = texts(file)
    assert found == LINES.decode().splitlines()[: len(found)]
    assert words in file.cut.reason
    assert texts(file, 10_000) == []


@pytest.mark.parametrize("at", [12, 60, -6])
def test_a_damaged_gzip_file_is_told(path: Path, at: int) -> None:
    packed = bytearray(gzip.compress(random.Random(1).randbytes(50_000).hex().encode()))
    packed[at] ^= 0xFF
    path.write_bytes(packed)
    file = LogFile(path)
    texts(file)
    assert "damaged gzip" in file.cut.reason


def test_a_file_that_unpacks_to_a_flood_takes_little_memory(path: Path) -> None:
    with gzip.open(path, "wb", 6) as stream:
        for _ in range(64):
            stream.write(b"a" * 2**20)
    file = LogFile(path)
    tracemalloc.start()
    try:
        for _ in file.records(0):
            pass
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


# What stands at a path, and what is said of it.
REFUSED = {
    "missing": (lambda p: None, "no such file.", "Name a file that is there"),
    "misspelled": (
        lambda p: p.with_name("app.lok").touch(),
        "Did you mean {folder}/app.lok?",
        "Name a file that is there",
    ),
    "folder": (lambda p: p.mkdir(), "is a folder.", "{path}/*.log"),
    "binary": (lambda p: p.write_bytes(bytes(range(256))), "is a binary file, not a log.", "JSON Lines"),
    "packed": (lambda p: p.write_bytes(gzip.compress(bytes(range(256)))), "is a binary file", "JSON Lines"),
    "loop": (lambda p: p.symlink_to(p), "cannot be read: Too many levels of symbolic links.", "rights"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_as_a_log_is_refused(path: Path, name: str) -> None:
    make, words, hint = REFUSED[name]
    make(path)
    with pytest.raises(UsageError) as refused:
        LogFile(path)
    assert str(path) in str(refused.value)
    assert words.format(folder=path.parent) in str(refused.value)
    assert hint.format(path=path) in refused.value.hint


# What a file was when it was read to a place, what it is now, and whether to go on there.
@pytest.mark.parametrize(
    ("before", "offset", "now", "resumes"),
    [
        (LINES, 100, LINES, True),
        (LINES, len(LINES), LINES + b"more\n", True),
        (LINES, 0, b"another\n", True),
        (LINES, len(LINES), LINES[:-1], False),
        (LINES, 100, b"X" + LINES[1:], False),
        (LINES, 100, LINES[:99] + b"X" + LINES[100:], False),
        (LINES, 100, LINES[:100] + b"X" + LINES[101:], True),
        (LINES, 1_500, LINES[:1_023] + b"X" + LINES[1_024:], False),
        (LINES, 1_500, b"", False),
    ],
)
def test_a_place_is_good_for_the_file_that_it_was_taken_of(
    path: Path, before: bytes, offset: int, now: bytes, resumes: bool
) -> None:
    path.write_bytes(before)
    place = LogFile(path).place(offset)
    path.write_bytes(now)
    assert LogFile(path).resumes(loads(place.dumps())) == resumes
    path.write_bytes(gzip.compress(now))
    assert LogFile(path).resumes(place) == (resumes or now == LINES[:-1])


@pytest.mark.parametrize(
    ("now", "start"), [(b"a\nhalf", 6), (b"a\nhalf of it\n", 2), (b"a\nhalf\n", 2)], ids=["same", "went on", "ended"]
)
def test_a_line_that_was_not_ended_is_read_again_when_the_file_has_grown(path: Path, now: bytes, start: int) -> None:
    path.write_bytes(b"a\nhalf")
    [_, last] = LogFile(path).records(0)
    place = LogFile(path).place(last.end, None if last.whole else last.start)
    assert place == Place(6, place.head, 6, 2)
    path.write_bytes(now)
    assert LogFile(path).resumes(place)
    assert LogFile(path).start(place) == start


@pytest.mark.parametrize(
    ("settled", "found"), [(False, ["a", "b"]), (True, ["a", "b", "c\n  more"])], ids=["just grown", "settled"]
)
def test_of_a_growing_file_only_complete_records_are_read(path: Path, settled: bool, found: list[str]) -> None:
    path.write_bytes(b"a\nb\nc\n  more\n  not end")
    assert texts(LogFile(path, growing=True, settled=settled)) == found


class Follower:
    """Looks at a file as a follower does, and keeps how far it read each file by its beginning."""

    def __init__(self, following: Following) -> None:
        self.following = following
        self.place: Place | None = None

    def look(self, *, last: bool = False) -> list[str]:
        found: list[str] = []
        for file in self.following.look(last=last):
            offset = file.start(self.place) if self.place and file.resumes(self.place) else 0
            for record in file.records(offset):
                found.append(record.text)
                offset = record.end
            self.place = file.place(offset)
        return found


@pytest.fixture
def follower(path: Path) -> Iterator[Follower]:
    """Follows ``path``, which is not there yet."""
    with Following(path) as following:
        yield Follower(following)


def test_a_file_is_followed_as_it_grows(path: Path, follower: Follower) -> None:
    path.write_bytes(b"a\nb\n")
    assert follower.look() == ["a"]
    assert follower.look() == ["b"]
    assert follower.look() == []
    with path.open("ab") as stream:
        stream.write(b"c\n  tr")
    assert follower.look() == []
    with path.open("ab") as stream:
        stream.write(b"ace\nd\n")
    assert follower.look() == ["c\n  trace"]
    assert follower.look(last=True) == ["d"]


def test_what_was_written_before_a_rotation_is_read_before_what_comes_after(path: Path, follower: Follower) -> None:
    path.write_bytes(b"a\n")
    assert [follower.look(), follower.look()] == [[], ["a"]]
    with path.open("ab") as old:
        old.write(b"b\n")
        old.flush()
        path.rename(path.with_name("app.log.1"))
        assert follower.look() == []
        path.write_bytes(b"new\n")
        old.write(b"c\nunended")
    assert [follower.look() for _ in range(3)] == [["b"], ["c", "unended"], ["new"]]
    assert follower.look() == []


def test_the_last_look_takes_everything_over_a_rotation(path: Path, follower: Follower) -> None:
    path.write_bytes(b"a\n")
    follower.look()
    path.rename(path.with_name("app.log.1"))
    path.write_bytes(b"b\nc\n")
    assert follower.look(last=True) == ["a", "b", "c"]


def test_a_file_that_is_cut_short_is_read_anew(path: Path, follower: Follower) -> None:
    path.write_bytes(b"first one\nsecond\n")
    assert [follower.look(), follower.look()] == [["first one"], ["second"]]
    path.write_bytes(b"third\n")
    assert [follower.look(), follower.look()] == [[], ["third"]]


def test_a_file_may_come_later_and_go_in_between(path: Path, follower: Follower) -> None:
    assert follower.look() == []
    path.write_bytes(b"a\n")
    assert [follower.look(), follower.look()] == [[], ["a"]]
    path.unlink()
    assert follower.look() == []
    path.write_bytes(b"b\n")
    assert [follower.look(), follower.look()] == [[], ["b"]]


def test_a_folder_s_name_is_no_command_in_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "$(reboot)"
    folder.mkdir()
    with pytest.raises(UsageError) as refused:
        LogFile(folder)
    assert refused.value.hint == f"Name its files: '{folder}'/*.log"
