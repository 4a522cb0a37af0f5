"""Where files are kept, for whom, and that they are replaced whole."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from autoir import locations
from autoir.errors import UsageError


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"AUTOIR_HOME": "/tmp/x"}, "/tmp/x"),
        ({"AUTOIR_HOME": "~/own"}, "{home}/own"),
        ({"AUTOIR_HOME": ""}, "{home}/.autoir"),
        ({}, "{home}/.autoir"),
    ],
)
def test_home_is_where_the_user_says(
    environ: dict[str, str], folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    made: list[Path] = []
    monkeypatch.setattr(Path, "mkdir", lambda self, **_: made.append(self))
    assert locations.home(environ) == Path(folder.format(home=tmp_path))
    assert made == [Path(folder.format(home=tmp_path))]


def test_home_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = locations.home({"AUTOIR_HOME": str(tmp_path / "a" / "b")})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert locations.home({"AUTOIR_HOME": str(folder)}) == folder


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("file", "file/below"):
        with pytest.raises(UsageError, match=f"{tmp_path}/{name} cannot be made"):
            locations.home({"AUTOIR_HOME": str(tmp_path / name)})


@pytest.mark.parametrize(
    "of", [locations.config_file, locations.profiles_file, locations.demo_database, locations.models_folder]
)
def test_to_look_for_a_file_makes_no_folder(of: Callable[..., Path], tmp_path: Path) -> None:
    of({"AUTOIR_HOME": str(tmp_path / "none")})
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("of", "name"),
    [
        (locations.config_file, "config.toml"),
        (locations.profiles_file, "tidb-profiles.json"),
        (locations.default_database, "autoir.db"),
        (locations.demo_database, "demo.db"),
        (locations.models_folder, "models"),
    ],
)
def test_every_file_is_in_that_folder(of: Callable[..., Path], name: str, tmp_path: Path) -> None:
    assert of() == tmp_path / name
    assert of({"AUTOIR_HOME": str(tmp_path / "other")}) == tmp_path / "other" / name


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_file_is_written_whole_for_its_owner_alone(before: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o644)
    locations.write_atomically(path, b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)
    assert os.listdir(tmp_path) == ["f.json"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        locations.write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f.json"]
