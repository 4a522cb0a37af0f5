"""The engine without a model."""

import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.embed import DIM, open_embedder
from autoir.embed.hashed import HashedEmbedder
from autoir.errors import UsageError

ENGINE = HashedEmbedder()


def vector(text: str) -> np.ndarray:
    return np.frombuffer(ENGINE.embed_query(text), "<f4")


def test_its_name() -> None:
    assert (ENGINE.spec.id, ENGINE.spec.dim) == ("hashed-ngram-384/r1", 384)


@given(st.text(max_size=200))
def test_any_text_has_a_vector_of_length_1(text: str) -> None:
    found = vector(text)
    assert found.shape == (DIM,)
    assert abs(float(np.linalg.norm(found)) - 1) < 1e-5


@pytest.mark.parametrize("text", ["", "?!", "the of", "\x00", "磁", "a" * 10_000])
def test_texts_without_a_word_have_vectors_of_their_own(text: str) -> None:
    assert float(vector(text) @ vector(text + " pool")) < 0.99


@pytest.mark.parametrize(
    ("text", "nearer", "farther"),
    [
        ("connection timeouts", "connection timeout", "certificate expired"),
        ("HikariPool", "hikari pool exhausted", "disk full"),
        ("deadlocks detected", "deadlock", "login"),
        ("unauthorised", "unauthorized", "checkpoint"),  # pieces of words
        ("pool of connections", "connections of pool", "worker of queues"),
    ],
)
def test_what_shares_words_or_pieces_lies_closer(text: str, nearer: str, farther: str) -> None:
    assert float(vector(text) @ vector(nearer)) > float(vector(text) @ vector(farther)) + 0.2


def test_documents_and_queries_are_treated_alike() -> None:
    texts = ["pool closed", "login failed", "pool closed"]
    assert ENGINE.embed_documents(texts) == [ENGINE.embed_query(text) for text in texts]


def test_another_process_gives_the_same_vector() -> None:
    text = "QueuePool limit reached 503 über"
    code = (
        "from hashlib import sha256; from autoir.embed.hashed import HashedEmbedder;"
        f"print(sha256(HashedEmbedder().embed_query({text!r})).hexdigest())"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert found == [sha256(ENGINE.embed_query(text)).hexdigest()] * 2


def test_engines_are_chosen_by_name() -> None:
    assert open_embedder().spec == open_embedder("hashed").spec == ENGINE.spec
    with pytest.raises(UsageError, match=r"'mini'"):
        open_embedder("mini")
