"""Tensors of a safetensors file, memory-mapped.

Eight bytes of length, a JSON header, one buffer (the format's own description, huggingface/safetensors). Nothing in it
is code, but a file from somewhere is still only data from somewhere: every number of the header is checked before it
is used, and the tensors must tile the buffer exactly, so none overlaps another and none reaches outside.
"""

import json
import mmap
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoir.embed.local import ModelFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HEADER_LIMIT = 1 << 20
"""Bytes of header that are read at most; a BERT of 24 layers has 50,000."""

READABLE = {"F32": "<f4", "F16": "<f2"}
"""Types that a model may be stored in."""

_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_HINT = "The file is damaged or of another kind. Fetch the model again."


class Tensors:
    """The tensors of one file by name. They stay on disk until used; the file must not change meanwhile."""

    def __init__(self, path: Path) -> None:
        """Raises ModelFileError where the file is no safetensors file, or not a whole one."""
        self.path = path
        try:
            with path.open("rb") as stream:
                self._mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # an empty file cannot be mapped
            raise self._fault(f"cannot be read: {error}") from None
        size = len(self._mapped)
        length = int.from_bytes(self._mapped[:8], "little")
        if size < 8 or length > min(HEADER_LIMIT, size - 8):
            raise self._fault(f"a header of {length:,} bytes, in a file of {size:,} and a limit of {HEADER_LIMIT:,}")
        self._start = 8 + length
        self._entries = self._checked(self._header(self._mapped[8 : self._start]), size - self._start)

    def names(self) -> list[str]:
        """Every tensor's name."""
        return list(self._entries)

    def get(self, name: str, shape: tuple[int, ...]) -> "NDArray[np.float32] | NDArray[np.float16]":
        """A tensor, read-only and as it is stored.

        Raises ModelFileError where it is missing, of another shape or of a type other than F32 and F16.
        """
        import numpy as np

        if name not in self._entries:
            raise self._fault(f"there is no tensor {name}")
        entry = self._entries[name]
        if entry["dtype"] not in READABLE:
            raise self._fault(f"{name} is stored as {entry['dtype']}; {' and '.join(READABLE)} can be read")
        if tuple(entry["shape"]) != shape:
            raise self._fault(f"{name} has shape {entry['shape']}; config.json asks for {list(shape)}")
        at = self._start + entry["data_offsets"][0]
        stored = np.frombuffer(self._mapped, READABLE[entry["dtype"]], prod(shape), at).reshape(shape)
        # A header of odd length leaves all behind it unaligned, which numpy would mend again at every use.
        return np.require(stored, requirements="A")

    def let_go(self) -> None:
        """Give back the memory of what was read; what is used again is read from the disk again."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._mapped.madvise(mmap.MADV_DONTNEED)

    def _fault(self, what: str) -> ModelFileError:
        return ModelFileError(f"{self.path}: {what}.", _HINT)

    def _header(self, raw: bytes) -> dict[str, Any]:
        try:
            header = json.loads(raw, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise self._fault(f"the header is no JSON: {error}") from None
        if not isinstance(header, dict):
            raise self._fault("the header is no JSON object")
        return {name: entry for name, entry in header.items() if name != "__metadata__"}

    def _checked(self, entries: Mapping[str, Any], size: int) -> dict[str, Any]:
        """``entries`` if they are well formed and their places follow each other from 0 to ``size``."""
        good = {}
        for name, entry in entries.items():
            match entry:
                case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
                    if dtype not in _SIZES or not all(type(n) is int and n >= 0 for n in shape):
                        raise self._fault(f"{name} is {dtype} of shape {shape}, which nothing can be")
                    if not 0 <= begin <= end <= size or end - begin != prod(shape) * _SIZES[dtype]:
                        raise self._fault(
                            f"{name}, {dtype} of shape {shape}, cannot lie at {begin} to {end} of {size:,} bytes"
                        )
                    good[name] = entry
                case _:
                    raise self._fault(f"{name} has no dtype, shape and data_offsets")
        at = 0
        for name, entry in sorted(good.items(), key=lambda item: item[1]["data_offsets"]):
            begin, end = entry["data_offsets"]
            if begin != at:
                raise self._fault(f"{name} begins at {begin}, but what is before it ends at {at}")
            at = end
        if at != size:
            raise self._fault(f"the tensors end at {at:,}, the file's buffer at {size:,}")
        return good


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys differ."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found
