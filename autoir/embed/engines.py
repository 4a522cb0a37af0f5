"""The one place that chooses an engine, by its name."""

from collections.abc import Callable, Mapping

from autoir.embed.interface import Embedder
from autoir.errors import UsageError

Options = Mapping[str, str]
"""What an engine is told about its surroundings: an endpoint, a folder, a region."""


def _hashed(_options: Options) -> Embedder:
    from autoir.embed.hashed import HashedEmbedder

    return HashedEmbedder()


ENGINES: Mapping[str, Callable[[Options], Embedder]] = {"hashed": _hashed}
"""Engine names; each is imported when it is chosen."""


def open_embedder(name: str = "hashed", options: Options | None = None) -> Embedder:
    """The engine of that name. Raises UsageError for an unknown one."""
    if name not in ENGINES:
        raise UsageError(f"There is no embedding engine {name!r}.", f"One of {', '.join(ENGINES)}.")
    return ENGINES[name](options or {})
