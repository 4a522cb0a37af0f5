"""The one place that chooses an engine: by its name, or by what this machine and a store have."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from autoir.embed.interface import Embedder, ModelMismatchError
from autoir.embed.models import HASHED
from autoir.errors import UsageError

Options = Mapping[str, str]
"""What an engine is told about its surroundings: an endpoint, a folder, a region."""


def _hashed(_options: Options) -> Embedder:
    from autoir.embed.hashed import HashedEmbedder

    return HashedEmbedder()


def _local(options: Options) -> Embedder:
    from pathlib import Path

    from autoir.embed.local.engine import LocalEmbedder
    from autoir.embed.local.folder import read_model

    if {*options} != {"folder"}:
        raise UsageError(
            f"The engine local takes a folder, and was told {sorted(options)}.", "Name the model's folder."
        )
    return LocalEmbedder(*read_model(Path(options["folder"])))


def _sagemaker(options: Options) -> Embedder:
    from autoir.embed.remote.options import sagemaker

    return sagemaker(options)


def _http(options: Options) -> Embedder:
    from autoir.embed.remote.options import http

    return http(options)


ENGINES: Mapping[str, Callable[[Options], Embedder]] = {
    "hashed": _hashed,
    "local": _local,
    "sagemaker": _sagemaker,
    "http": _http,
}
"""Engine names; each is imported when it is chosen."""


def open_embedder(name: str = "hashed", options: Options | None = None) -> Embedder:
    """The engine of that name. Raises UsageError for an unknown one."""
    if name not in ENGINES:
        raise UsageError(f"There is no embedding engine {name!r}.", f"One of {', '.join(ENGINES)}.")
    return ENGINES[name](options or {})


class Choice(NamedTuple):
    """An engine by name, with what it is told: ``open_embedder(*choice)``."""

    name: str
    options: Options


def default_engine(environ: Mapping[str, str], recorded: str | None = None) -> Choice:
    """``local`` where this machine has a model (``local.folder.find_model``), else ``hashed``.

    A store that holds vectors of a model already, whose id is ``recorded``, stays with that model. Raises
    ModelMismatchError where no engine here is of it, and ModelFileError where a model's folder is not what it should
    be: in either case another engine's vectors would not compare.
    """
    from autoir.embed.local.folder import find_model

    found = find_model(environ)
    local = Choice("local", {"folder": str(found.folder)}) if found else None
    hashed = Choice("hashed", {})
    if recorded is None:
        return local or hashed
    if found and local and found.spec.id == recorded:
        return local
    if recorded == HASHED.id:
        return hashed
    raise ModelMismatchError(
        f"The store holds vectors of {recorded}, and this machine has no engine for that model.",
        "make model fetches all-MiniLM-L6-v2; AUTOIR_BGE_DIR names a folder of bge-small-en-v1.5.",
    )
