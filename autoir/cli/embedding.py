"""Which engine a command embeds with: the store's, where it has one already, else the best of this machine.

Every engine that is opened here counts what it is asked for, into the figures of this process.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from autoir.cli import figures
from autoir.embed import Embedder, default_engine, open_embedder, recorded_model
from autoir.embed.engines import ENDPOINT, ENGINES, SERVER, Choice, remote_engine
from autoir.embed.models import DEFAULT, HASHED, KNOWN, known_spec
from autoir.errors import UsageError
from autoir.store import Store

if TYPE_CHECKING:
    from autoir.embed.measured import MeasuredEmbedder

NAMES = ", ".join(ENGINES)


def engine_for(store: Store) -> Choice:
    """The engine for a store, not opened yet. Raises what ``default_engine`` raises."""
    return default_engine(os.environ, recorded_model(store))


def embedder_for(store: Store) -> Embedder:
    """The engine for a store, opened. Raises what ``default_engine`` raises."""
    return open_engine(engine_for(store))


def impatient(choice: Choice, patience_s: float) -> Choice:
    """The same engine, asked for so long at most where it is not of this machine: a person waits."""
    if choice.name in ("local", "hashed"):
        return choice
    return choice._replace(options={**choice.options, "patience_s": f"{patience_s:g}"})


def open_engine(choice: Choice) -> "MeasuredEmbedder":
    """An engine, opened. Raises what ``open_embedder`` raises."""
    from autoir.embed.measured import MeasuredEmbedder

    return MeasuredEmbedder(open_embedder(*choice), figures.of_this_process.embedding)


def named_engine(engine: str, model: str, environ: Mapping[str, str] = os.environ) -> Choice:
    """The engine of that name with that model; where either is empty, the best of this machine that fits the other.

    Raises UsageError for a name that is none, and where this machine has no such engine.
    """
    if engine and engine not in ENGINES:
        raise UsageError(f"--engine {engine!r} is none of {NAMES}.", "Example: --engine local")
    if model and model not in KNOWN and model != HASHED.model:
        raise UsageError(
            f"--model {model!r} is none of {', '.join((*KNOWN, HASHED.model))}.", "Example: --model bge-small-en-v1.5"
        )
    if (model == HASHED.model) != (engine == "hashed") and model and engine:
        raise UsageError(f"--engine {engine} does not run {model}.", "Leave one of them out.")
    if engine == "hashed" or model == HASHED.model:
        return Choice("hashed", {})
    if engine == "local":
        return _local(model, environ)
    remote = remote_engine(environ, known_spec(model or DEFAULT).model)
    if engine:
        if remote is None or remote.name != engine:
            variable = ENDPOINT if engine == "sagemaker" else SERVER
            raise UsageError(f"--engine {engine} needs to know where.", f"Set {variable} to its name or URL.")
        return remote
    if model:
        return remote or _local(model, environ)
    return default_engine(environ)


def _local(model: str, environ: Mapping[str, str]) -> Choice:
    from autoir.embed.local.folder import BGE_VARIABLE, MINILM, fetched_folder, find_model, read_model

    if model == MINILM and fetched_folder(environ).exists():
        return Choice("local", {"folder": str(read_model(fetched_folder(environ)).folder)})
    found = find_model(environ)
    if found is None or model not in ("", found.spec.model):
        raise UsageError(
            f"There is no {model or 'language model'} on this machine.",
            f"make model fetches {MINILM}; {BGE_VARIABLE} names a folder of {DEFAULT}.",
        )
    return Choice("local", {"folder": str(found.folder)})
