"""Which engine a command embeds with: the store's, where it has one already, else the best of this machine."""

import os

from autoir.embed import Embedder, default_engine, open_embedder, recorded_model
from autoir.embed.engines import Choice
from autoir.store import Store


def engine_for(store: Store) -> Choice:
    """The engine for a store, not opened yet. Raises what ``default_engine`` raises."""
    return default_engine(os.environ, recorded_model(store))


def embedder_for(store: Store) -> Embedder:
    """The engine for a store, opened. Raises what ``default_engine`` raises."""
    return open_embedder(*engine_for(store))
