"""From texts to vectors: one interface, its engines beside it.

A pattern is embedded once, after it is stored; a missing vector never delays, drops or fails an event. One model a
store: an engine that does not reproduce the store's canaries may neither write to it nor search it. Nothing heavy is
imported here, for whoever stores events needs only the recipe.

The one thing done here is to hold numpy's BLAS to one thread, which it reads once, when numpy is loaded. The matrices
are small: more threads wait for each other, and a machine's other cores belong to other processes. Whoever embeds or
searches passes here before numpy is loaded; a number that is set already stays.
"""

import os

from autoir.embed.engines import default_engine, open_embedder
from autoir.embed.fingerprint import claim_model, recorded_model, verify_model
from autoir.embed.interface import DIM, Embedder, EmbedderSpec, EmbedFailure, ModelMismatchError, Vector
from autoir.embed.pending import Filled, fill_pending
from autoir.embed.recipe import RECIPE, recipe_hash, views

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__all__ = [
    "DIM",
    "RECIPE",
    "EmbedFailure",
    "Embedder",
    "EmbedderSpec",
    "Filled",
    "ModelMismatchError",
    "Vector",
    "claim_model",
    "default_engine",
    "fill_pending",
    "open_embedder",
    "recipe_hash",
    "recorded_model",
    "verify_model",
    "views",
]
