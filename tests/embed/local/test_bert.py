"""The forward pass against a padded, masked one in float64, and that a text's company changes nothing."""

import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from autoir.embed.local import bert
from autoir.embed.local.bert import Bert, gelu
from autoir.embed.local.weights import read_config, read_weights
from tests.embed.local.tiny import CONFIG, random_tensors, reference, write_model

TENSORS = random_tensors()
IDS = st.lists(st.integers(0, CONFIG["vocab_size"] - 1), min_size=1, max_size=CONFIG["max_position_embeddings"])


# Not read; and the bias of a key moves all scores of a token alike, which softmax takes out again.
UNSEEN = ("pooler.dense.weight", "pooler.dense.bias", "embeddings.position_ids")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bert:
    return loaded(write_model(tmp_path_factory.mktemp("tiny"), TENSORS))


def loaded(folder: Path) -> Bert:
    return Bert(read_weights(folder / "model.safetensors", read_config(folder / "config.json")))


def ragged(count: int, seed: int) -> list[list[int]]:
    """Texts of 1 to 64 tokens in no order."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, CONFIG["vocab_size"], rng.integers(1, 65)).tolist() for _ in range(count)]


def unit(rows: NDArray[Any]) -> NDArray[Any]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 17, 32])
def test_vectors_are_those_of_the_reference(model: Bert, count: int, pooling: Literal["cls", "mean"]) -> None:
    for seed in range(5):
        texts = ragged(count, 100 * count + seed)
        found = unit(model.vectors(texts, pooling))
        assert np.abs(found - reference(TENSORS, texts, pooling)).max() <= 1e-5


@pytest.mark.parametrize("spoiled", [n for n in TENSORS if n not in UNSEEN and not n.endswith("self.key.bias")])
def test_every_weight_shows(model: Bert, spoiled: str) -> None:
    """The reference with one tensor changed is no longer met: so the engine and the test do use it."""
    texts = ragged(4, 3)
    changed = TENSORS | {spoiled: TENSORS[spoiled] + np.float32(0.05) * TENSORS[spoiled][::-1]}
    assert np.abs(unit(model.vectors(texts, "mean")) - reference(changed, texts, "mean")).max() > 1e-4


def test_half_precision_weights_are_widened_not_computed_with(tmp_path: Path) -> None:
    half = {name: t if t.dtype.kind == "i" else t.astype(np.float16) for name, t in TENSORS.items()}
    texts = ragged(8, 11)
    found = unit(loaded(write_model(tmp_path, half)).vectors(texts, "mean"))
    assert np.abs(found - reference(half, texts, "mean")).max() <= 1e-5


@given(st.lists(IDS, min_size=1, max_size=32), st.randoms(use_true_random=False), st.sampled_from(["cls", "mean"]))
def test_neither_batch_nor_order_changes_a_vector(
    model: Bert, texts: list[list[int]], random: Any, pooling: Literal["cls", "mean"]
) -> None:
    alone = unit(np.concatenate([model.vectors([text], pooling) for text in texts]))
    order = list(range(len(texts)))
    random.shuffle(order)
    together = unit(model.vectors([texts[n] for n in order], pooling))
    assert np.abs(together - alone[order]).max() <= 1e-6


def test_matrices_stay_bounded_however_many_texts_come(model: Bert, monkeypatch: pytest.MonkeyPatch) -> None:
    heights: list[int] = []

    def noted(x: NDArray[np.float32]) -> None:
        heights.append(len(x))
        gelu(x)

    monkeypatch.setattr(bert, "gelu", noted)
    texts = ragged(200, 1)
    found = model.vectors(texts, "mean")
    assert len(found) == 200
    assert max(heights) <= bert.TOKENS_AT_ONCE < sum(map(len, texts))
    assert sum(heights) == CONFIG["num_hidden_layers"] * sum(map(len, texts))


def test_no_text_is_no_vector(model: Bert) -> None:
    assert model.vectors([], "mean").shape == (0, CONFIG["hidden_size"])


def test_gelu_is_the_exact_one() -> None:
    x = np.concatenate([np.linspace(-12, 12, 9_001), [-1e30, -1e-30, 0, 1e-30, 1e30]]).astype(np.float32)
    expected = np.array([v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x.tolist()])
    found = x.reshape(-1, 1).copy()
    gelu(found)
    error = np.abs(found[:, 0] - expected) / np.maximum(1, np.abs(x))
    assert error.max() < 3e-7  # the tanh form is off by 5e-4


def test_gelu_hands_on_what_is_not_finite() -> None:
    x = np.array([[np.nan, np.inf]], np.float32)
    gelu(x)
    assert np.isnan(x[0, 0])
    assert np.isposinf(x[0, 1])
