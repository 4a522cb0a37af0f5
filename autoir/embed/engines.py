"""The one place that chooses an engine, by its name."""

from collections.abc import Callable, Mapping

from autoir.embed.interface import Embedder
from autoir.errors import UsageError

Options = Mapping[str, str]
"""What an engine is told about its surroundings: an endpoint, a folder, a region."""


def _hashed(_options: Options) -> Embedder:
    from autoir.embed.hashed import HashedEmbedder

    return HashedEmbedder()


def _sagemaker(options: Options) -> Embedder:
    from autoir.embed.remote.options import sagemaker

    return sagemaker(options)


def _http(options: Options) -> Embedder:
    from autoir.embed.remote.options import http

    return http(options)


ENGINES: Mapping[str, Callable[[Options], Embedder]] = {"hashed": _hashed, "sagemaker": _sagemaker, "http": _http}
"""Engine names; each is imported when it is chosen."""


def open_embedder(name: str = "hashed", options: Options | None = None) -> Embedder:
    """The engine of that name. Raises UsageError for an unknown one."""
    if name not in ENGINES:
        raise UsageError(f"There is no embedding engine {name!r}.", f"One of {', '.join(ENGINES)}.")
    return ENGINES[name](options or {})
