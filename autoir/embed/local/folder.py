"""A model's folder: where it is looked for, what it says it is, and that its files are those.

A folder holds ``config.json``, ``model.safetensors``, the vocabulary (``vocab.txt`` or ``tokenizer.json``) and
``spec.json``: which model that is, how its vectors are made, and the SHA-256 of every file. The published weights that
AutoIR knows need no ``spec.json``; any other copy, such as one stored as float16, is used only if it has one, so that
nothing passes for a model by being of its size.

Hashing costs a tenth of a second or two, so what was hashed is noted beside the files with their size and times, and a
file that has not been touched since is not read again. That guards against damage and mix-ups, not against an owner.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from autoir import locations
from autoir.embed.interface import EmbedderSpec
from autoir.embed.local import ModelFileError
from autoir.embed.models import KNOWN
from autoir.embed.recipe import RECIPE

MANIFEST = "spec.json"
WEIGHTS = "model.safetensors"
CONFIG = "config.json"
VOCABULARIES = ("vocab.txt", "tokenizer.json")
"""The vocabulary's file, the first that is there."""

BGE_VARIABLE = "AUTOIR_BGE_DIR"
"""Names the folder of a bge-small-en-v1.5."""

_NOTED = ".verified.json"


PINS: Mapping[str, Mapping[str, str]] = {
    "bge-small-en-v1.5": {
        WEIGHTS: "3c9f31665447c8911517620762200d2245a2518d6e7208acc78cd9db317e21ad",
        "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    },
    "all-MiniLM-L6-v2": {
        WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        CONFIG: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    },
}
"""SHA-256 of files as their makers published them, by model and name."""

BGE, MINILM = PINS


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``spec.json`` says: its keys are those of the spec that a model brings with it, ``dtype`` and ``sha256``.

    ``dtype`` is how the weights are stored, which is no part of the model's identity: float16 gives cosine 0.999999 to
    float32. ``sha256`` has an entry for every file that is read.
    """

    spec: EmbedderSpec
    dtype: Literal["float32", "float16"]
    sha256: Mapping[str, str]

    def text(self) -> str:
        """As it stands in ``spec.json``."""
        own = {name: getattr(self.spec, name) for name in _OF_THE_SPEC}
        document = {**own, "dtype": self.dtype, "sha256": dict(self.sha256)}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_OF_THE_SPEC = ("model", "revision", "pooling", "query_prefix", "max_tokens")


class FoundModel(NamedTuple):
    """A folder whose files have been verified, and what they are."""

    folder: Path
    spec: EmbedderSpec


def fetched_folder(environ: Mapping[str, str]) -> Path:
    """Where ``make model`` puts the model."""
    return locations.models_folder(environ) / MINILM


def find_model(environ: Mapping[str, str]) -> FoundModel | None:
    """The model of this machine: that of ``AUTOIR_BGE_DIR``, else what ``make model`` fetched, else None.

    Raises ModelFileError for a folder that is there or is named, and is not what it should be: going on with another
    model would mix vectors.
    """
    if named := environ.get(BGE_VARIABLE):
        found = read_model(Path(named).expanduser())
        if found.spec.model != BGE:
            raise ModelFileError(
                f"{BGE_VARIABLE} names {found.folder}, which holds {found.spec.model}.",
                f"It is for {BGE}. What make model fetches is found without it.",
            )
        return found
    folder = fetched_folder(environ)
    return read_model(folder) if folder.exists() else None


def read_model(folder: Path) -> FoundModel:
    """The model in ``folder``, its files verified.

    Raises ModelFileError where the folder is missing, a file is missing or is not the one that its hash says, or the
    weights are unknown and no ``spec.json`` says what they are.
    """
    if not folder.is_dir():
        raise ModelFileError(f"{folder}: no such folder.", "It should hold an embedding model.")
    vocabulary = vocabulary_of(folder).name
    manifest = _read_manifest(folder / MANIFEST) if (folder / MANIFEST).exists() else None
    if manifest and vocabulary not in manifest.sha256:
        raise ModelFileError(
            f"{folder / MANIFEST} has no hash of {vocabulary}.", f"Remove {vocabulary}, if it is not its."
        )
    digests = _digests(folder, [*manifest.sha256] if manifest else [WEIGHTS, CONFIG, vocabulary])
    spec = manifest.spec if manifest else _published(folder, digests[WEIGHTS])
    expected = manifest.sha256 if manifest else PINS[spec.model]
    for name, digest in digests.items():
        if expected.get(name, digest) != digest:
            raise ModelFileError(
                f"{folder / name} is not that of {spec.model}: its SHA-256 is {digest}, not {expected[name]}.",
                "Fetch it again: make model" if spec.model == MINILM else "Copy the model's files again.",
            )
    return FoundModel(folder, spec)


def _published(folder: Path, digest: str) -> EmbedderSpec:
    """The model whose published weights have that hash."""
    for model, pins in PINS.items():
        if pins[WEIGHTS] == digest:
            return KNOWN[model]
    raise ModelFileError(
        f"{folder / WEIGHTS} is neither {BGE} nor {MINILM} as published: its SHA-256 is {digest}.",
        f"Another copy needs a {MANIFEST} beside it that says what it is.",
    )


def vocabulary_of(folder: Path) -> Path:
    """The file with the vocabulary. Raises ModelFileError where there is none."""
    for name in VOCABULARIES:
        if (folder / name).exists():
            return folder / name
    raise ModelFileError(f"{folder} has neither {' nor '.join(VOCABULARIES)}.", "Copy the whole folder of the model.")


def _read_manifest(path: Path) -> Manifest:
    try:
        document: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: cannot be read: {error}.", "Make the folder again.") from None
    match document:
        case {
            "model": str(model), "revision": str(revision), "pooling": "cls" | "mean" as pooling,
            "query_prefix": str(prefix), "max_tokens": int(max_tokens), "dtype": "float32" | "float16" as dtype,
            "sha256": dict(sha256), **rest,
        } if not rest and {*sha256} - {*VOCABULARIES} == {WEIGHTS, CONFIG} and len(sha256) > 2:  # fmt: skip
            spec = EmbedderSpec(
                model, revision, pooling=pooling, query_prefix=prefix, max_tokens=max_tokens, recipe=RECIPE
            )
            if spec == KNOWN.get(model, spec):
                return Manifest(spec, dtype, sha256)
            raise ModelFileError(f"{path}: {model} is not pooled, cut or prefixed like that.", "Make the folder again.")
    raise ModelFileError(
        f"{path} needs exactly {', '.join(_OF_THE_SPEC)}, dtype and sha256: pooling cls or mean, dtype float32 or"
        f" float16, and a hash of {WEIGHTS}, {CONFIG} and the vocabulary.",
        "Make the folder again.",
    )


def _digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of files, as hexadecimal; read only where they changed since they were noted."""
    before = _noted(folder)
    found = {}
    for name in dict.fromkeys(names):
        try:
            state = (folder / name).stat()
            key = f"{name} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"
            found[key] = before.get(key) or _digest(folder / name)
        except OSError as error:
            raise ModelFileError(
                f"{folder}/{name} cannot be read: {error.strerror or error}.", "Copy the whole folder of the model."
            ) from None
    if found.keys() - before.keys():
        _note(folder, found)
    return {key.split(" ", 1)[0]: digest for key, digest in found.items()}


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _noted(folder: Path) -> dict[str, str]:
    """Digests by file state; none where the note is missing or is no note."""
    try:
        document = json.loads((folder / _NOTED).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    good = isinstance(document, dict) and all(isinstance(digest, str) for digest in document.values())
    return document if good else {}


def _note(folder: Path, digests: Mapping[str, str]) -> None:
    try:
        locations.write_atomically(folder / _NOTED, json.dumps(digests).encode())
    except OSError:
        return  # a folder that is read-only, as in an image: it is hashed at every start
