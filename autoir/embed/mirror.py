"""The published weights of a model, brought to a folder of this machine once.

A model is one commit of one repository, for weights under a moving name would make other vectors one day. The folder is
complete when it has a ``spec.json``, which is written last and names every file's hash; until then the same call goes
on where the last one stopped.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from autoir.download import Downloads
from autoir.embed.local import ModelFileError
from autoir.embed.local.folder import BGE, CONFIG, MANIFEST, MINILM, PINS, WEIGHTS, FoundModel, Manifest, read_model
from autoir.embed.models import KNOWN
from autoir.errors import UsageError

HUB: Final = "https://huggingface.co"


class Published(NamedTuple):
    """Where a model is: the repository and the whole id of the commit."""

    repository: str
    commit: str


PUBLISHED: Final[Mapping[str, Published]] = MappingProxyType(
    {
        BGE: Published("BAAI/bge-small-en-v1.5", "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a"),
        MINILM: Published("sentence-transformers/all-MiniLM-L6-v2", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"),
    }
)
FILES: Final = (CONFIG, "vocab.txt", WEIGHTS)
"""What is read of a model, the small ones first: a wrong address shows at once."""

Progress = Callable[[str, int, int], None]
"""Told which file, how many bytes of it are there, and of how many."""


class Fetched(NamedTuple):
    """A verified folder, and the bytes that came over the wire for it."""

    model: FoundModel
    received_bytes: int


def fetch_model(
    model: str,
    folder: Path,
    *,
    hub: str = HUB,
    downloads: Downloads | None = None,
    progress: Progress = lambda name, done, size: None,
) -> Fetched:
    """Bring ``model`` to ``folder``, unless it is there.

    Raises UsageError for a model that is not known, WrongContentError, and UnreachableError; what has arrived by then
    is kept.
    """
    if model not in PUBLISHED:
        raise UsageError(f"There is no model {model!r} to fetch.", f"One of {', '.join(PUBLISHED)}.")
    if (folder / MANIFEST).exists():
        return Fetched(required(folder, model), 0)
    downloads, received = downloads or Downloads(), 0
    folder.mkdir(parents=True, exist_ok=True)
    where = PUBLISHED[model]
    for name in FILES:
        pin, target = PINS[model].get(name, ""), folder / name
        if pin and target.exists() and _sha256(target) == pin:
            continue
        url = f"{hub.rstrip('/')}/{where.repository}/resolve/{where.commit}/{name}"
        received += downloads.fetch(url, target, pin, partial(progress, name))
    hashes = {name: _sha256(folder / name) for name in FILES}
    (folder / MANIFEST).write_text(Manifest(KNOWN[model], "float32", hashes).text(), "utf-8")
    return Fetched(required(folder, model), received)


def required(folder: Path, model: str) -> FoundModel:
    """The verified folder of ``model``. Raises ModelFileError where it holds none, or another one."""
    found = read_model(folder)
    if found.spec != KNOWN[model]:
        raise ModelFileError(f"{folder} holds {found.spec.id}, not {KNOWN[model].id}.", f"Name a folder with {model}.")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
