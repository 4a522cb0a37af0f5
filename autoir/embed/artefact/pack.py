"""From a folder of weights to ``model.tar.gz``, without Docker, network or any framework.

The same input gives the same bytes, so an upload can be skipped and a deployment named by its hash. Weights are stored
as float16, which halves what every cold start reads and keeps the vectors (cosine 0.999999); they do not compress, so
nothing is.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from autoir.embed.artefact.modules import ROOT, needed_by
from autoir.embed.interface import EmbedderSpec
from autoir.embed.local import ModelFileError
from autoir.embed.local.folder import CONFIG, MANIFEST, WEIGHTS, Manifest, read_model, vocabulary_of
from autoir.embed.local.safetensors import Tensors

INFERENCE = ROOT / "embed" / "artefact" / "inference.py"


class Packed(NamedTuple):
    """An archive: where it is, what its bytes are, which model it runs."""

    path: Path
    sha256: str
    size_bytes: int
    spec: EmbedderSpec


def pack_model(folder: Path, target: Path) -> Packed:
    """Write the archive of the model in ``folder`` to ``target``, which is whole or as it was.

    Raises ModelFileError where ``folder`` holds no model that is known, or one that float16 cannot hold.
    """
    spec = read_model(folder).spec
    vocabulary = vocabulary_of(folder)
    files = {
        WEIGHTS: halved(folder / WEIGHTS),
        CONFIG: (folder / CONFIG).read_bytes(),
        vocabulary.name: vocabulary.read_bytes(),
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files[MANIFEST] = Manifest(spec, "float16", hashes).text().encode()
    files["code/inference.py"] = INFERENCE.read_bytes()
    for path in needed_by(INFERENCE):
        files[f"code/autoir/{path.relative_to(ROOT).as_posix()}"] = path.read_bytes()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w+b") as stream:
            _write(stream, files)
            stream.seek(0)
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Packed(target, digest, target.stat().st_size, spec)


def halved(path: Path) -> bytes:
    """A safetensors file with its float32 as float16, the tensors by name."""
    import numpy as np

    Tensors(path)  # raises where the file is none
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    header, body, at = {}, io.BytesIO(), 0
    for name, entry in sorted(json.loads(whole[8:start]).items()):
        if name == "__metadata__":
            continue
        begin, end = (start + offset for offset in entry["data_offsets"])
        content, kind = whole[begin:end], entry["dtype"]
        if kind == "F32":
            with np.errstate(over="ignore"):
                halves = np.frombuffer(content, "<f4").astype("<f2")
            if not np.isfinite(halves).all():
                raise ModelFileError(
                    f"{path}: {name} has numbers beyond 65,504, the largest of float16.",
                    "No published model has such: fetch it again.",
                )
            content, kind = halves.tobytes(), "F16"
        body.write(content)
        header[name] = {"dtype": kind, "shape": entry["shape"], "data_offsets": [at, at + len(content)]}
        at += len(content)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + body.getvalue()


def _write(stream: BinaryIO, files: Mapping[str, bytes]) -> None:
    """A tar in a gzip, both without times and names of who made them.

    Everybody may write, for a container may run as anybody and start by writing beside the code.
    """
    folders = {parent.as_posix() for name in files for parent in Path(name).parents} - {"."}
    with (
        gzip.GzipFile("", "wb", compresslevel=0, fileobj=stream, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in sorted(folders | set(files)):
            entry = tarfile.TarInfo(name)
            if name in folders:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o777
                archive.addfile(entry)
            else:
                entry.size, entry.mode = len(files[name]), 0o666
                archive.addfile(entry, io.BytesIO(files[name]))
