"""The engine on the real weights, held to what sentence-transformers makes of them (``tools/record_reference.py``)."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoir.embed.local.engine import LocalEmbedder
from autoir.embed.local.folder import MINILM, PINS, WEIGHTS, read_model
from autoir.embed.local.tokenizer import Tokenizer, read_vocabulary

HERE = Path(__file__).parent
TEXTS: list[str] = json.loads((HERE / "texts.json").read_text("utf-8"))
RECORDED: dict[str, Any] = json.loads((HERE / "all-MiniLM-L6-v2.json").read_text("utf-8"))
VECTORS = np.stack([np.frombuffer(base64.b64decode(vector), "<f4") for vector in RECORDED["vectors_base64"]])


@pytest.fixture(scope="module")
def engine(minilm: Path) -> LocalEmbedder:
    return LocalEmbedder(*read_model(minilm))


def test_the_recording_is_of_these_texts_and_of_the_pinned_weights() -> None:
    assert RECORDED["texts_sha256"] == hashlib.sha256((HERE / "texts.json").read_bytes()).hexdigest()
    assert RECORDED["weights_sha256"] == PINS[MINILM][WEIGHTS]
    assert "sentence-transformers" in RECORDED["made_by"]
    assert len(TEXTS) == len(RECORDED["token_ids"]) == 64
    assert VECTORS.shape == (64, 384)
    lengths = [len(ids) for ids in RECORDED["token_ids"]]
    assert (min(lengths), max(lengths)) == (2, RECORDED["max_tokens"])  # from no word to one that is cut


@pytest.mark.parametrize("name", ["vocab.txt", "tokenizer.json"])
def test_token_ids(minilm: Path, name: str) -> None:
    tokenizer = Tokenizer(read_vocabulary(minilm / name))
    assert [tokenizer.encode(text, RECORDED["max_tokens"]) for text in TEXTS] == RECORDED["token_ids"]


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_vectors(engine: LocalEmbedder, batch: int) -> None:
    found = [v for n in range(0, 64, batch) for v in engine.embed_documents(TEXTS[n : n + batch])]
    rows = np.stack([np.frombuffer(v, "<f4") for v in found if isinstance(v, bytes)])
    assert np.abs(rows - VECTORS).max() <= 1e-5


def test_a_query_has_no_prefix(engine: LocalEmbedder) -> None:
    assert np.abs(np.frombuffer(engine.embed_query(TEXTS[8]), "<f4") - VECTORS[8]).max() <= 1e-5
