"""One model a store: what is recorded, what is refused, and how pending patterns get their vectors."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from autoir.embed import (
    DIM,
    EmbedFailure,
    Filled,
    ModelMismatchError,
    claim_model,
    fill_pending,
    recorded_model,
    verify_model,
)
from autoir.embed.documents import embed_patterns, embed_question
from autoir.embed.fingerprint import CANARIES, META_KEY
from autoir.embed.pending import LEASE_MS
from autoir.errors import AutoirError, UnreachableError
from autoir.store import Store, open_store
from autoir.store.rows import Batch, PatternRow
from tests.embed.scripted import Bend, Numbers, ScriptedEmbedder, unbent

NOW = 1_772_452_800_000
OTHER_AXIS = np.random.default_rng(7).normal(size=DIM)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


def add(store: Store, *templates: str, component: str = "db") -> None:
    rows = [
        PatternRow(n, n, "m1", "/shop/api", 3, 0, component, template, 2, NOW + n, "r" * 24)
        for n, template in enumerate(templates, 1)
    ]
    store.write(Batch([], rows, [], []))


def half(numbers: Numbers) -> Numbers:
    return numbers.astype(np.float16).astype(np.float64)


def coarse(numbers: Numbers) -> Numbers:
    """Quantised to a few steps."""
    return np.round(numbers * 12) / 12


def tilted(numbers: Numbers) -> Numbers:
    """What padding, or another pooling, does: a common part is mixed in."""
    return numbers + 0.03 * OTHER_AXIS


def backwards(numbers: Numbers) -> Numbers:
    """Another model under the same name."""
    return numbers[::-1]


def longer(numbers: Numbers) -> Numbers:
    return 7 * numbers


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (ScriptedEmbedder(model="bge-small"), "this engine is bge-small/r1"),
        (ScriptedEmbedder(pooling="mean"), "this engine is hashed-ngram-384/mean/r1"),
        (ScriptedEmbedder(recipe="r2"), "this engine is hashed-ngram-384/r2"),
        (ScriptedEmbedder(dim=768), "384 numbers, this engine's 768"),
        (ScriptedEmbedder(documents=coarse), "embeds documents otherwise"),
        (ScriptedEmbedder(documents=tilted), "embeds documents otherwise"),
        (ScriptedEmbedder(documents=backwards, queries=backwards), "embeds documents otherwise"),
        (ScriptedEmbedder(queries=tilted), "embeds queries otherwise"),  # a prefix forgotten or changed
    ],
)
def test_a_mix_up_is_refused_and_named_and_nothing_is_written(
    store: Store, other: ScriptedEmbedder, words: str
) -> None:
    claim_model(store, ScriptedEmbedder())
    kept = store.meta(META_KEY)
    add(store, "pool closed")
    for attempt in (
        lambda: verify_model(store, other),
        lambda: claim_model(store, other),
        lambda: fill_pending(store, other, NOW),
    ):
        with pytest.raises(ModelMismatchError, match=words) as refused:
            attempt()
        assert "hashed-ngram-384/r1" in str(refused.value)
    assert store.meta(META_KEY) == kept
    assert store.embed_progress()[:3] == (1, 0, 0)


@pytest.mark.parametrize("bend", [unbent, half, longer])
def test_the_same_model_run_otherwise_is_not_refused(store: Store, bend: Bend) -> None:
    claim_model(store, ScriptedEmbedder())
    assert verify_model(store, ScriptedEmbedder(documents=bend, queries=bend))


def test_an_empty_store_takes_the_first_that_writes_not_the_first_that_reads(store: Store) -> None:
    assert (verify_model(store, ScriptedEmbedder()), recorded_model(store)) == (False, None)
    claim_model(store, ScriptedEmbedder())
    assert recorded_model(store) == "hashed-ngram-384/r1"


def test_an_engine_is_asked_for_the_canaries_once_a_store(store: Store) -> None:
    engine = ScriptedEmbedder()
    claim_model(store, engine)
    asked = len(engine.asked)
    for _ in range(3):
        verify_model(store, engine)
    assert 0 < len(engine.asked) <= 2 * asked


def test_an_engine_that_refuses_a_canary_gets_no_store(store: Store) -> None:
    with pytest.raises(AutoirError, match="no such word"):
        claim_model(store, ScriptedEmbedder(refuses=["connection"]))
    assert recorded_model(store) is None


def test_canaries_cover_what_a_model_could_do_wrong() -> None:
    lengths = sorted(len(template.split()) for template, _ in CANARIES)
    assert (len(CANARIES), lengths[0], lengths[-1] >= 60) == (8, 2, True)
    assert {bool(component) for _, component in CANARIES} == {True, False}


def zeros(numbers: Numbers) -> Numbers:
    return numbers * 0


def nans(numbers: Numbers) -> Numbers:
    return numbers * np.nan


def short(numbers: Numbers) -> Numbers:
    return numbers[:383]


@pytest.mark.parametrize(
    ("bend", "reason"),
    [(zeros, "zeros"), (nans, "not finite"), (short, "383 numbers instead of 384")],
)
def test_what_is_no_vector_is_a_failure(bend: Bend, reason: str) -> None:
    engine = ScriptedEmbedder(documents=bend, queries=bend)
    for found in (*embed_patterns(engine, [("pool closed", "db")]), embed_question(engine, "pool")):
        assert isinstance(found, EmbedFailure)
        assert reason in found.reason


def test_a_pattern_is_the_sum_of_its_views_and_equal_texts_are_sent_once() -> None:
    engine = ScriptedEmbedder()
    one, two, plain = embed_patterns(engine, [("pool closed", "db"), ("pool closed", "db"), ("pool closed", "")])
    assert engine.asked == ["pool closed", "db : pool closed"]
    assert one == two != plain
    parts = [np.frombuffer(v, "<f4") for v in engine.embed_documents(engine.asked[:2]) if isinstance(v, bytes)]
    assert isinstance(one, bytes)
    total = parts[0] + parts[1]
    assert np.allclose(np.frombuffer(one, "<f4"), total / np.linalg.norm(total), atol=1e-6)


def test_pending_patterns_get_vectors_and_refused_ones_a_reason(store: Store) -> None:
    add(store, "pool closed", "poison", "login failed")
    assert fill_pending(store, ScriptedEmbedder(refuses=["poison"]), NOW) == Filled(2, 1)
    states = {p.template: p.embed_state for p in store.patterns()}
    assert states == {"pool closed": "done", "poison": "failed", "login failed": "done"}
    assert store.query("SELECT embed_error FROM autoir_patterns WHERE pattern_id = 2") == [("no such word",)]
    assert {len(vector) for _, vector in store.vectors()} == {DIM * 4}
    assert fill_pending(store, ScriptedEmbedder(), NOW + LEASE_MS) == Filled(0, 0)


@pytest.mark.parametrize("limit, done", [(0, 0), (1, 1), (2, 2), (300, 300), (999, 600)])
def test_no_more_are_done_than_asked_for(store: Store, limit: int, done: int) -> None:
    add(store, *(f"pattern {n}" for n in range(600)))
    assert fill_pending(store, ScriptedEmbedder(), NOW, limit=limit) == Filled(done, 0)
    assert store.embed_progress()[:3] == (600 - done, done, 0)


def test_nothing_is_judged_while_the_engine_is_down_and_all_is_filled_after(store: Store) -> None:
    engine = ScriptedEmbedder()
    claim_model(store, engine)
    add(store, "pool closed", "login failed")
    engine.down = True
    with pytest.raises(UnreachableError):
        fill_pending(store, engine, NOW)
    assert store.embed_progress()[:3] == (2, 0, 0)
    engine.down = False
    assert fill_pending(store, engine, NOW + 1) == Filled(0, 0)  # the lease of the failed try
    assert fill_pending(store, engine, NOW + 60_000) == Filled(2, 0)
    assert LEASE_MS < 60_000


def test_an_empty_store_is_not_claimed_for_nothing(store: Store) -> None:
    assert fill_pending(store, ScriptedEmbedder(), NOW) == Filled(0, 0)
    assert recorded_model(store) is None
