"""The one place that chooses an engine, by its name."""

from collections.abc import Callable

from autoir.embed.interface import Embedder
from autoir.errors import UsageError


def _hashed() -> Embedder:
    from autoir.embed.hashed import HashedEmbedder

    return HashedEmbedder()


ENGINES: dict[str, Callable[[], Embedder]] = {"hashed": _hashed}
"""Engine names; each is imported when it is chosen."""


def open_embedder(name: str = "hashed") -> Embedder:
    """The engine of that name. Raises UsageError for an unknown one."""
    if name not in ENGINES:
        raise UsageError(f"There is no embedding engine {name!r}.", f"One of {', '.join(ENGINES)}.")
    return ENGINES[name]()
