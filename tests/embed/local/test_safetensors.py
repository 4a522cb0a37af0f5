"""Files of weights that are broken, cut short or made to harm: one clear error each, before anything is used."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.embed.local import ModelFileError
from autoir.embed.local.safetensors import HEADER_LIMIT, Tensors
from tests.embed.local.tiny import header_of, write_safetensors

TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "half": np.arange(4, dtype=np.float16),
    "b": np.arange(2, dtype=np.float32),
    "ids": np.arange(3, dtype=np.int64),
    "none": np.zeros((0, 3), np.float32),
}
BUFFER = sum(t.nbytes for t in TENSORS.values())


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    header = header_of(TENSORS)
    change(header)
    return header


@pytest.mark.parametrize("fill", range(8))
def test_tensors_are_read_as_they_are_stored_wherever_they_begin(tmp_path: Path, fill: int) -> None:
    write_safetensors(tmp_path / "m", TENSORS, fill=fill)
    found = Tensors(tmp_path / "m")
    assert found.names() == list(TENSORS)
    for name in ("a", "half", "b", "none"):
        read = found.get(name, TENSORS[name].shape)
        assert read.dtype == TENSORS[name].dtype
        assert read.flags.aligned
        assert np.array_equal(read, TENSORS[name])
    found.let_go()
    assert np.array_equal(found.get("a", (2, 3)), TENSORS["a"])


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("c", (2,), "there is no tensor c"),
        ("a", (3, 2), r"a has shape \[2, 3\]; config.json asks for \[3, 2\]"),
        ("a", (6,), "asks for"),
        ("ids", (3,), "ids is stored as I64; F32 and F16 can be read"),
    ],
)
def test_a_tensor_that_is_not_what_is_asked_for(tmp_path: Path, name: str, shape: tuple[int, ...], words: str) -> None:
    write_safetensors(tmp_path / "m", TENSORS)
    with pytest.raises(ModelFileError, match=words):
        Tensors(tmp_path / "m").get(name, shape)


def at(name: str, begin: int, end: int) -> dict[str, Any]:
    return changed(lambda h: h[name].update(data_offsets=[begin, end]))


@pytest.mark.parametrize(
    ("header", "words"),
    [
        # no header
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no JSON object"),
        (b'{"a": 1' + b"0" * 5_000 + b"}", "no JSON"),
        (json.dumps(header_of(TENSORS)).encode().replace(b'"half"', b'"a"'), "a name is given twice"),
        # an entry that is none
        ({"a": 5}, "a has no dtype, shape and data_offsets"),
        (changed(lambda h: h["a"].pop("dtype")), "has no dtype"),
        (changed(lambda h: h["a"].update(data_offsets=[0])), "has no dtype"),
        (changed(lambda h: h["a"].update(data_offsets=[0.0, 24.0])), "has no dtype"),
        (changed(lambda h: h["a"].update(data_offsets="0,24")), "has no dtype"),
        (changed(lambda h: h["a"].update(dtype="F8")), "a is F8 of shape"),
        (changed(lambda h: h["a"].update(shape=[-2, -3])), "nothing can be"),
        (changed(lambda h: h["a"].update(shape=[True, 6])), "nothing can be"),
        (changed(lambda h: h["a"].update(shape=[1.5, 4])), "nothing can be"),
        # a place that does not fit
        (changed(lambda h: h["a"].update(dtype="F16")), "cannot lie at 0 to 24"),
        (changed(lambda h: h["a"].update(shape=[2, 4])), "cannot lie"),
        (changed(lambda h: h["a"].update(shape=[2**62, 2**62])), "cannot lie"),
        (at("a", -24, 0), "cannot lie"),
        (at("a", 24, 0), "cannot lie"),
        (at("ids", BUFFER, BUFFER + 24), "cannot lie"),
        (at("ids", 2**70, 2**70 + 24), "cannot lie"),
        # places that overlap, or leave something out
        (at("b", 16, 24), "b begins at 16, but what is before it ends at 24"),
        (at("b", 0, 8), "but what is before it ends"),
        (changed(lambda h: h.pop("half")), "b begins at 32, but what is before it ends at 24"),
        (changed(lambda h: (h.pop("ids"), h.pop("none"))), f"the tensors end at 40, the file's buffer at {BUFFER}"),
        ({}, f"the tensors end at 0, the file's buffer at {BUFFER}"),
    ],
)  # fmt: skip
def test_a_header_that_lies(tmp_path: Path, header: dict[str, Any] | bytes, words: str) -> None:
    write_safetensors(tmp_path / "m", TENSORS, header)
    with pytest.raises(ModelFileError, match=words) as refused:
        Tensors(tmp_path / "m")
    assert str(refused.value).startswith(str(tmp_path / "m"))
    assert refused.value.hint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "cannot be read"),
        (b"\x01", "a header of 1 bytes, in a file of 1"),
        ((2**64 - 1).to_bytes(8, "little") + b"{}", "a header of 18,446,744,073,709,551,615 bytes, in a file of 10"),
        ((HEADER_LIMIT + 1).to_bytes(8, "little") + b" " * (HEADER_LIMIT + 9), "a limit of 1,048,576"),
        ((3).to_bytes(8, "little") + b"{}", "a header of 3 bytes, in a file of 10"),
        (b"PK\x03\x04 a zip archive, or a pickle", "a header of"),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "m").write_bytes(content)
    with pytest.raises(ModelFileError, match=words):
        Tensors(tmp_path / "m")


@given(st.data())
def test_a_file_cut_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("cut") / "m"
    write_safetensors(path, TENSORS)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(ModelFileError):
        Tensors(path)


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_give_tensors_or_that_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "m"
    path.write_bytes(len(raw).to_bytes(8, "little") + raw)
    with contextlib.suppress(ModelFileError):
        Tensors(path)
