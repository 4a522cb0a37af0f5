"""The engine as its callers see it, on a tiny model and on the real one."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoir.embed import Embedder, EmbedFailure
from autoir.embed.local import ModelFileError
from autoir.embed.local.engine import LocalEmbedder
from autoir.embed.local.tokenizer import Tokenizer, read_vocabulary
from autoir.errors import UsageError
from tests.embed.local.tiny import CONFIG, SPEC, VOCABULARY, Tensors, random_tensors, reference, write_model

TENSORS = random_tensors()
TEXTS = ["connection pool timeout", "deadlocked", "", "disk full: 磁盘", "x" * 500, "unable to connect to [db]", "é"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_model(tmp_path / "tiny", TENSORS)


def rows(found: list[bytes | EmbedFailure]) -> np.ndarray:
    return np.stack([np.frombuffer(vector, "<f4") for vector in found if isinstance(vector, bytes)])


def ids(folder: Path, texts: list[str]) -> list[list[int]]:
    tokenizer = Tokenizer(read_vocabulary(folder / "vocab.txt"))
    return [tokenizer.encode(text, SPEC.max_tokens) for text in texts]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_texts_become_vectors_in_their_order(folder: Path, pooling: Any) -> None:
    engine: Embedder = LocalEmbedder(folder, replace(SPEC, pooling=pooling))
    found = rows(engine.embed_documents(TEXTS))
    assert np.abs(found - reference(TENSORS, ids(folder, TEXTS), pooling)).max() <= 1e-5
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert engine.embed_documents([]) == []
    engine.close()


def test_only_a_query_gets_the_prefix(folder: Path) -> None:
    engine = LocalEmbedder(folder, replace(SPEC, query_prefix="find: "))
    query = np.frombuffer(engine.embed_query("pool"), "<f4")
    assert np.abs(query - rows(engine.embed_documents(["find: pool"]))[0]).max() <= 1e-6
    assert np.abs(query - rows(engine.embed_documents(["pool"]))[0]).max() > 0.01


def test_a_text_is_cut_at_the_tokens_of_the_spec(folder: Path) -> None:
    engine = LocalEmbedder(folder, SPEC)
    kept = " ".join(["pool"] * (SPEC.max_tokens - 2))
    one, same, other = rows(engine.embed_documents([kept, f"{kept} disk full", kept[:-5]]))
    assert np.abs(one - same).max() <= 1e-6
    assert np.abs(one - other).max() > 1e-4


def test_the_vocabulary_may_come_from_tokenizer_json(folder: Path) -> None:
    before = LocalEmbedder(folder, SPEC).embed_documents(TEXTS)
    vocabulary = {token: number for number, token in enumerate(VOCABULARY)}
    document = {"padding": {"strategy": {"Fixed": 16}}, "truncation": {"max_length": 8}, "model": {"vocab": vocabulary}}
    (folder / "vocab.txt").unlink()
    (folder / "tokenizer.json").write_text(json.dumps(document), "utf-8")
    assert LocalEmbedder(folder, SPEC).embed_documents(TEXTS) == before


def test_numbers_that_are_none_fail_their_text_alone(tmp_path: Path, folder: Path) -> None:
    tensors: Tensors = TENSORS | {
        "embeddings.word_embeddings.weight": TENSORS["embeddings.word_embeddings.weight"].copy()
    }
    tensors["embeddings.word_embeddings.weight"][VOCABULARY.index("disk")] = np.nan
    engine = LocalEmbedder(write_model(tmp_path / "spoiled", tensors), SPEC)
    good, bad, also_good = engine.embed_documents(["pool", "disk full", "pool"])
    assert np.abs(rows([good, also_good]) - rows(LocalEmbedder(folder, SPEC).embed_documents(["pool"]))).max() <= 1e-6
    assert isinstance(bad, EmbedFailure)
    assert "not finite" in bad.reason
    with pytest.raises(UsageError, match="cannot embed this question"):
        engine.embed_query("disk")


@pytest.mark.parametrize(
    ("spec", "config", "words"),
    [
        (replace(SPEC, dim=384), {}, "vectors of 24 numbers; 384 are needed"),
        (replace(SPEC, pooling="none"), {}, "says nothing of pooling"),
        (replace(SPEC, max_tokens=65), {}, "texts of up to 64 tokens; tiny/mean/r1 is cut at 65"),
        (replace(SPEC, max_tokens=2), {}, "is cut at 2"),
        (SPEC, {"vocab_size": 9}, r"has 132 tokens; config\.json says 9"),
        (SPEC, {"model_type": "mpnet"}, "model_type is 'mpnet'"),
    ],
)
def test_a_folder_that_the_spec_cannot_be_of(folder: Path, spec: Any, config: dict[str, Any], words: str) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | config), "utf-8")
    with pytest.raises(ModelFileError, match=words.replace("132", str(len(VOCABULARY)))):
        LocalEmbedder(folder, spec)


@pytest.mark.parametrize(("given", "expected"), [({}, "1"), ({"OPENBLAS_NUM_THREADS": "4"}, "4")])
def test_one_thread_before_numpy_is_loaded(given: dict[str, str], expected: str) -> None:
    code = "import os, sys, autoir.embed; assert 'numpy' not in sys.modules; print(os.environ['OPENBLAS_NUM_THREADS'])"
    environ = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"} | given
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environ)
    assert done.stdout.strip() == expected
