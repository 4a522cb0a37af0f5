"""The one place that chooses an engine: by its name, or by what this machine and a store have."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from autoir.embed.interface import Embedder, ModelMismatchError
from autoir.embed.models import DEFAULT, HASHED, KNOWN
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


ENDPOINT, REGION, SERVER = "SAGEMAKER_ENDPOINT", "SAGEMAKER_REGION", "AUTOIR_EMBED_URL"
"""Variables that name a SageMaker endpoint and its Region, or a server that speaks as text-embeddings-inference."""


def remote_engine(environ: Mapping[str, str], model: str = DEFAULT) -> Choice | None:
    """The endpoint or server that the environment names, which runs ``model``; None where it names none."""
    if endpoint := environ.get(ENDPOINT):
        return Choice("sagemaker", {"endpoint": endpoint, "region": environ.get(REGION, ""), "model": model})
    if url := environ.get(SERVER):
        return Choice("http", {"url": url, "model": model})
    return None


def default_engine(environ: Mapping[str, str], recorded: str | None = None) -> Choice:
    """The best of this machine: the endpoint that its environment names (``remote_engine``), else ``local`` where it
    has a model (``local.folder.find_model``), else ``hashed``.

    A store that holds vectors of a model already, whose id is ``recorded``, stays with that model. Raises
    ModelMismatchError where no engine here is of it, and ModelFileError where a model's folder is not what it should
    be: in either case another engine's vectors would not compare.
    """
    from autoir.embed.local.folder import find_model

    found = find_model(environ)
    local = Choice("local", {"folder": str(found.folder)}) if found else None
    hashed = Choice("hashed", {})
    if recorded is None:
        return remote_engine(environ) or local or hashed
    if recorded == HASHED.id:
        return hashed
    has_it = found is not None and found.spec.id == recorded
    model = next((spec.model for spec in KNOWN.values() if spec.id == recorded), "")
    # An endpoint runs the default model unless a store was filled with another one from it.
    remote = remote_engine(environ, model) if model and (model == DEFAULT or not has_it) else None
    if choice := remote or (local if has_it else None):
        return choice
    raise ModelMismatchError(
        f"The store holds vectors of {recorded}, and this machine has no engine for that model.",
        "make model fetches all-MiniLM-L6-v2; AUTOIR_BGE_DIR names a folder of bge-small-en-v1.5, SAGEMAKER_ENDPOINT an"
        " endpoint of it. autoir embed reembed gives the store another model.",
    )
