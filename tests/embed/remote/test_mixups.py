"""Endpoints that run another model than the store's, or the same one otherwise: refused at the start, all of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoir.embed import EmbedderSpec, ModelMismatchError, claim_model, fill_pending, verify_model
from autoir.embed.models import KNOWN
from autoir.embed.remote.embedder import RemoteEmbedder
from autoir.embed.remote.endpoint import Endpoint
from autoir.embed.remote.http import Http
from autoir.store import Store, open_store
from autoir.store.rows import Batch, PatternRow
from tests.embed.remote.server import Rows, Script, answer, cls, compact, mean, pooled, serving, token_level, tokens

SPEC = KNOWN["bge-small-en-v1.5"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of cls-pooled vectors, and a pattern that waits."""
    opened = open_store(f"sqlite:///{tmp_path}/store.db")
    with engine_over(pooled) as engine:
        claim_model(opened, engine)
    opened.write(
        Batch([], [PatternRow(1, 1, "m1", "/shop/api", 3, 0, "db", "pool closed", 2, 1_000, "r" * 24)], [], [])
    )
    yield opened
    opened.close()


@contextmanager
def engine_over(script: Script, spec: EmbedderSpec = SPEC) -> Iterator[RemoteEmbedder]:
    """An engine that believes in ``spec``, over a server that does as ``script`` says."""
    with serving(script) as server:
        engine = RemoteEmbedder(Endpoint(Http(server.url), spec), spec)
        yield engine
        engine.close()


def bent(bend: Callable[[Rows], Rows], vector: Callable[[str], Rows] = cls) -> Script:
    return lambda texts: pooled(texts, lambda text: bend(vector(text)))


def int8(rows: Rows) -> Rows:
    """As far off as weights rounded to 8 bits: cosine 0.99."""
    noise = np.random.default_rng(abs(int(rows[0] * 1e6))).normal(size=rows.shape)
    return rows + 0.14 * noise * np.linalg.norm(rows) / np.linalg.norm(noise)


def padded(text: str) -> Rows:
    """Mean over the rows of padding too."""
    return np.concatenate([tokens(text), np.full((6, 384), 0.4)]).mean(axis=0)


def other(rows: Rows) -> Rows:
    return np.asarray(rows[::-1])


MIX_UPS: dict[str, tuple[Script, EmbedderSpec, str]] = {
    "pooling, by the server": (bent(lambda rows: rows, mean), SPEC, "embeds documents otherwise"),
    "pooling, by the reader": (token_level, replace(SPEC, pooling="mean"), "this engine is bge-small-en-v1.5/mean/r1"),
    "prefix": (pooled, replace(SPEC, query_prefix=""), "embeds queries otherwise"),
    "recipe": (pooled, replace(SPEC, recipe="r2"), "this engine is bge-small-en-v1.5/cls/r2"),
    "dimension": (lambda texts: answer([[0.1] * 768 for _ in texts]), SPEC, "768 numbers"),
    "int8": (bent(int8), SPEC, "embeds documents otherwise"),
    "padding": (bent(lambda rows: rows, padded), SPEC, "embeds documents otherwise"),
    "other model, unnamed": (bent(other), SPEC, "embeds documents otherwise"),
    "other model, named": (lambda texts: compact(texts, "all-MiniLM-L6-v2/mean/r1"), SPEC, "all-MiniLM-L6-v2"),
}


@pytest.mark.parametrize("mix_up", MIX_UPS)
def test_a_mix_up_is_refused_and_nothing_is_written(store: Store, mix_up: str) -> None:
    script, spec, words = MIX_UPS[mix_up]
    for start in (verify_model, claim_model, lambda store, engine: fill_pending(store, engine, 2_000)):
        with engine_over(script, spec) as engine, pytest.raises(ModelMismatchError, match=words):
            start(store, engine)
    assert store.embed_progress()[:3] == (1, 0, 0)


def half(rows: Rows) -> Rows:
    return rows.astype(np.float16).astype(np.float64)


SAME: dict[str, Script] = {
    "pooled": pooled,
    "a vector a token": token_level,
    "float32": lambda texts: compact(texts, SPEC.id),
    "float16": bent(half),
    "of length 1": bent(lambda rows: rows / np.linalg.norm(rows)),
    "of another length": bent(lambda rows: 20 * rows),
    # Rounding of weights to float16 turns vectors by no more than this: cosine 0.999999.
    "float16 weights": bent(lambda rows: rows + 0.001 * np.linalg.norm(rows) / np.sqrt(rows.size)),
}


@pytest.mark.parametrize("same", SAME)
def test_the_same_model_run_otherwise_is_not_refused(store: Store, same: str) -> None:
    with engine_over(SAME[same]) as engine:
        assert verify_model(store, engine)
        assert fill_pending(store, engine, 2_000) == (1, 0)
