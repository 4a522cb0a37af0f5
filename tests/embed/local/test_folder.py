"""Which model is found, what is verified, and that a folder that is wrong is an error and no reason for another."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoir.embed.local import ModelFileError, folder
from autoir.embed.local.folder import BGE, MINILM, Manifest, fetched_folder, find_model, read_model
from autoir.embed.models import KNOWN

FILES = {"model.safetensors": b"weights", "config.json": b"{}", "vocab.txt": b"[UNK]\n"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def model_in(path: Path, known: str = MINILM, /, **changes: Any) -> Path:
    """A folder with a ``spec.json`` of a known model, as a packer would leave it."""
    path.mkdir(parents=True, exist_ok=True)
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    manifest = Manifest(KNOWN[known], "float16", {name: sha256(content) for name, content in FILES.items()})
    document = json.loads(manifest.text()) | changes
    (path / "spec.json").write_text(json.dumps({k: v for k, v in document.items() if v != "absent"}), "utf-8")
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A home with nothing in it."""
    return {"AUTOIR_HOME": str(tmp_path / "home")}


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pins of what lies in FILES."""
    pins = {BGE: {"model.safetensors": sha256(b"bge")}, MINILM: {name: sha256(c) for name, c in FILES.items()}}
    monkeypatch.setattr(folder, "PINS", pins)


def plain(path: Path, weights: bytes = b"weights") -> Path:
    """A folder as it is downloaded: no ``spec.json``."""
    model_in(path)
    (path / "spec.json").unlink()
    (path / "model.safetensors").write_bytes(weights)
    return path


def test_nothing_is_found_where_nothing_is(environ: dict[str, str]) -> None:
    assert find_model(environ) is None
    assert find_model(environ | {"AUTOIR_BGE_DIR": ""}) is None


def test_what_was_fetched_is_found_and_a_named_bge_comes_first(tmp_path: Path, environ: dict[str, str]) -> None:
    fetched = model_in(fetched_folder(environ))
    assert fetched == tmp_path / "home" / "models" / "all-MiniLM-L6-v2"
    assert find_model(environ) == (fetched, KNOWN[MINILM])
    named = model_in(tmp_path / "bge", BGE)
    assert find_model(environ | {"AUTOIR_BGE_DIR": str(named)}) == (named, KNOWN[BGE])


@pytest.mark.usefixtures("published")
def test_published_weights_need_no_manifest(tmp_path: Path) -> None:
    assert read_model(plain(tmp_path / "a")).spec.id == "all-MiniLM-L6-v2/mean/r1"
    assert read_model(plain(tmp_path / "b", b"bge")).spec.id == "bge-small-en-v1.5/cls/r1"


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: (f / "model.safetensors").write_bytes(b"Weights"), "is neither bge-small-en-v1.5 nor all-MiniLM"),
        (lambda f: (f / "config.json").write_bytes(b"[]"), r"config\.json is not that of all-MiniLM-L6-v2"),
        (lambda f: (f / "vocab.txt").write_bytes(b"x"), r"vocab\.txt is not that of all-MiniLM-L6-v2"),
        (lambda f: (f / "vocab.txt").unlink(), "neither vocab.txt nor tokenizer.json"),
        (lambda f: (f / "config.json").unlink(), r"config\.json cannot be read: No such file"),
        (lambda f: (f / "model.safetensors").unlink(), r"model\.safetensors cannot be read: No such file"),
    ],
)
def test_a_folder_that_is_wrong_is_an_error_wherever_it_lies(
    spoil: Callable[[Path], None], words: str, tmp_path: Path, environ: dict[str, str]
) -> None:
    spoil(plain(fetched_folder(environ)))
    spoil(plain(tmp_path / "named"))
    for named in ("", str(tmp_path / "named")):
        with pytest.raises(ModelFileError, match=words) as refused:
            find_model(environ | {"AUTOIR_BGE_DIR": named})
        assert refused.value.hint


def test_the_variable_takes_no_other_model_and_no_missing_folder(tmp_path: Path, environ: dict[str, str]) -> None:
    model_in(fetched_folder(environ))  # would do, but is not what was asked for
    with pytest.raises(ModelFileError, match=r"which holds all-MiniLM-L6-v2"):
        find_model(environ | {"AUTOIR_BGE_DIR": str(model_in(tmp_path / "other"))})
    with pytest.raises(ModelFileError, match=r"no such folder"):
        find_model(environ | {"AUTOIR_BGE_DIR": str(tmp_path / "nowhere")})


def test_a_copy_is_taken_by_its_manifest(tmp_path: Path) -> None:
    own = model_in(tmp_path, model="own-bert", revision="7", pooling="cls", query_prefix="q: ", max_tokens=64)
    found = read_model(own).spec
    assert (found.id, found.revision, found.query_prefix, found.max_tokens) == ("own-bert/cls/r1", "7", "q: ", 64)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_manifest_does_not_mean(tmp_path: Path, name: str) -> None:
    model_in(tmp_path)
    (tmp_path / name).write_bytes(FILES[name] + b" ")
    with pytest.raises(ModelFileError, match=f"{name} is not that of all-MiniLM-L6-v2: its SHA-256 is"):
        read_model(tmp_path)


HASHES = {name: sha256(content) for name, content in FILES.items()}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        *(({key: "absent"}, "needs exactly model, revision, pooling") for key in
          ("model", "revision", "pooling", "query_prefix", "max_tokens", "dtype", "sha256")),
        ({"more": 1}, "needs exactly"),
        ({"pooling": "max"}, "needs exactly"),
        ({"dtype": "int8"}, "needs exactly"),
        ({"max_tokens": "128"}, "needs exactly"),
        ({"sha256": HASHES | {"../x": "0"}}, "needs exactly"),
        ({"sha256": {n: h for n, h in HASHES.items() if n != "config.json"}}, "needs exactly"),
        ({"sha256": {n: h for n, h in HASHES.items() if n != "vocab.txt"}}, "needs exactly"),
        ({"sha256": HASHES | {"config.json": None}}, r"config\.json is not that of"),
        ({"sha256": {("tokenizer.json" if n == "vocab.txt" else n): h for n, h in HASHES.items()}},
         "has no hash of vocab.txt"),
        # the same name must mean the same vectors
        ({"pooling": "cls"}, "all-MiniLM-L6-v2 is not pooled, cut or prefixed like that"),
        ({"query_prefix": "query: "}, "not pooled, cut or prefixed"),
        ({"max_tokens": 64}, "not pooled, cut or prefixed"),
        ({"revision": "2"}, "not pooled, cut or prefixed"),
    ],
)  # fmt: skip
def test_a_manifest_that_does_not_say_what_is_needed(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelFileError, match=words):
        read_model(model_in(tmp_path, **changes))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_manifest(tmp_path: Path, content: bytes) -> None:
    (model_in(tmp_path) / "spec.json").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"spec\.json"):
        read_model(tmp_path)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read to be hashed."""
    names: list[str] = []
    digest = folder._digest

    def noted(path: Path) -> str:
        names.append(path.name)
        return digest(path)

    monkeypatch.setattr(folder, "_digest", noted)
    return names


def test_a_file_is_hashed_once_a_state(tmp_path: Path, hashed: list[str]) -> None:
    model_in(tmp_path)
    for _ in range(3):
        read_model(tmp_path)
    assert sorted(hashed) == sorted(FILES)
    hashed.clear()
    os.utime(tmp_path / "vocab.txt", ns=(1, 1))
    read_model(tmp_path)
    assert hashed == ["vocab.txt"]


def test_a_change_behind_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    path = model_in(tmp_path) / "model.safetensors"
    read_model(tmp_path)
    before = path.stat()
    path.write_bytes(b"weightz")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ModelFileError, match=r"model\.safetensors is not that of"):
        read_model(tmp_path)


@pytest.mark.parametrize("note", [b"", b"[]", b'{"a": 1}', b"\xff"])
def test_a_note_that_is_none_is_made_again(tmp_path: Path, note: bytes, hashed: list[str]) -> None:
    (model_in(tmp_path) / ".verified.json").write_bytes(note)
    read_model(tmp_path)
    read_model(tmp_path)
    assert sorted(hashed) == sorted(FILES)


def test_a_folder_that_cannot_be_written_is_verified_every_time(
    tmp_path: Path, hashed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(path: Path, content: bytes) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("autoir.locations.write_atomically", read_only)
    model_in(tmp_path)
    for _ in range(2):
        assert read_model(tmp_path).spec.model == MINILM
    assert len(hashed) == 2 * len(FILES)
