"""Saved connections: kept whole, for their owner alone, and never in a message."""

import json
import os
import stat
from pathlib import Path

import pytest

from autoir import locations, profiles
from autoir.errors import UsageError

URL = "mysql://me:cAnArY@db.example.com:4000/autoir"


def test_without_a_file_there_is_none(tmp_path: Path) -> None:
    assert profiles.load(tmp_path / "none.json") == {}


def test_what_is_saved_is_kept_beside_the_others(tmp_path: Path) -> None:
    path = locations.profiles_file()
    profiles.save(path, "prod", URL)
    profiles.save(path, "default", "mysql://me:ü%40@other/db")
    profiles.save(path, "prod", f"{URL}2")
    assert profiles.load(path) == {"default": "mysql://me:ü%40@other/db", "prod": f"{URL}2"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [path.name]


def test_a_file_that_an_editor_has_marked_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"prod": URL}).encode())
    assert profiles.load(path) == {"prod": URL}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "line 1 is not valid JSON"),
        (b'{\n  "prod": "cAnArY",\n  "x"\n}\n', "line 4 is not valid JSON"),
        (b'{\n  "prod": "cAnArY\n}', "line 2 is not valid JSON"),
        (b'{\n"prod":\n"cAnArY\xff"}', "line 3 is not UTF-8"),
        (b"[" * 100_000, "line 1 is not valid JSON"),
        (b'["cAnArY"]', "line 1: profiles are a JSON object"),
        (b'{\n "a": "mysql://me:cAnArY@h/db",\n "b": {"password": "cAnArY"}\n}', "line 3: the profile 'b' is not a"),
    ],
)
def test_a_broken_file_is_named_with_its_line_and_left_alone(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(content)
    for attempt in (lambda: profiles.load(path), lambda: profiles.save(path, "prod", URL)):
        with pytest.raises(UsageError) as caught:
            attempt()
        assert f"{path}: {what}" in str(caught.value)
        assert "not touched" in caught.value.hint
        assert caught.value.__context__ is None  # the parser's error would hold the file
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.json").mkdir()
    with pytest.raises(UsageError, match=r"p\.json cannot be read"):
        profiles.load(tmp_path / "p.json")


@pytest.mark.parametrize("name", ["default", "prod", "eu-west-1.prod_2", "7", "x" * 64])
def test_names(name: str) -> None:
    assert profiles.checked_name(name) == name


@pytest.mark.parametrize("name", ["", "demo", "-x", ".x", "a b", "a/b", "mysql://h/db", "é", "x" * 65, "a\n"])
def test_what_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        profiles.save(tmp_path / "p.json", name, URL)
    assert not (tmp_path / "p.json").exists()
