"""The local cloud by command: what is noted of it, and that none is forgotten while it lives."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.localcloud import __main__ as command
from tools.localcloud.cloud import CloudError


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(command, "_NOTE", tmp_path / "cloud.json")
    return tmp_path / "cloud.json"


@pytest.fixture
def mute() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that answers nobody."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def write(note: Path, pid: int) -> None:
    note.write_text(json.dumps({"pid": pid, "port": 1, "folder": str(note.parent)}))


def test_one_that_does_not_answer_is_named_and_neither_ended_nor_forgotten(
    note: Path, mute: "subprocess.Popen[bytes]"
) -> None:
    write(note, mute.pid)
    with pytest.raises(CloudError, match=rf"kill {mute.pid}\b"):
        command.main("down")
    assert (note.exists(), mute.poll()) == (True, None)


def test_one_that_ended_is_forgotten(note: Path, mute: "subprocess.Popen[bytes]") -> None:
    write(note, mute.pid)
    mute.kill()
    mute.wait()
    command.main("down")
    assert not note.exists()


@pytest.mark.parametrize(
    ("word", "noted", "words"),
    [
        ("down", False, "make localcloud-up"),
        ("env", False, "make localcloud-up"),
        ("up", True, "make localcloud-down"),
        ("restart", False, "up, down, env"),
    ],
)
def test_what_cannot_be_done_says_what_can(note: Path, word: str, noted: bool, words: str) -> None:
    if noted:
        write(note, 1)
    with pytest.raises(CloudError, match=words):
        command.main(word)
