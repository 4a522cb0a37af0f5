"""Every form in which servers answer, as vectors of the spec."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoir.embed import EmbedderSpec, EmbedFailure, ModelMismatchError
from autoir.embed.models import KNOWN
from autoir.embed.remote.replies import Reply, read_reply
from autoir.embed.remote.transport import RequestRefusedError
from tests.embed.remote.server import Rows, cls, mean, tokens

CLS, MEAN = KNOWN["bge-small-en-v1.5"], KNOWN["all-MiniLM-L6-v2"]
TEXTS = ["pool closed", "a", "certificate has expired or is not yet valid"]
GOOD = cls("pool closed").tolist()


def read(document: object, count: int, spec: EmbedderSpec = CLS) -> Reply:
    return read_reply(json.dumps(document).encode(), count, spec)


def base64_of(rows: Rows) -> str:
    return base64.b64encode(rows.astype("<f4").tobytes()).decode()


POOLED = [cls(text).tolist() for text in TEXTS]
FLOATS = base64_of(np.array(POOLED))
TOKENS = [tokens(text).tolist() for text in TEXTS]


@pytest.mark.parametrize(
    ("document", "count", "pooled"),
    [
        (POOLED, 3, True),  # [N][384]: TEI
        (POOLED[0], 1, True),  # [384]
        (POOLED[:1], 1, True),  # [1][384]
        ([[row] for row in TOKENS], 3, False),  # [N][1][T][384]: feature extraction, T differs
        (TOKENS[:1], 1, False),  # [1][T][384]
        (TOKENS, 3, False),  # [N][T][384]
        ({"vectors": FLOATS, "dim": 384, "n": 3, "spec": CLS.id, "errors": {}}, 3, True),
        ({"vectors": FLOATS}, 3, True),
        ({"vectors": POOLED}, 3, True),
        ({"vectors": POOLED[0]}, 1, True),
        ({"vectors": [[row] for row in TOKENS]}, 3, False),
    ],
)
def test_a_reply_is_read_by_its_nesting(document: object, count: int, pooled: bool) -> None:
    reply = read(document, count)
    assert (len(reply.vectors), reply.pooled, reply.width) == (count, pooled, 384)
    for text, vector in zip(TEXTS, reply.vectors, strict=False):
        assert isinstance(vector, bytes)
        expected = cls(text) / np.linalg.norm(cls(text))
        assert np.allclose(np.frombuffer(vector, "<f4"), expected, atol=1e-6)


def test_token_vectors_are_pooled_as_the_spec_says() -> None:
    for spec, pool in ((CLS, cls), (MEAN, mean)):
        for text, vector in zip(TEXTS, read([[row] for row in TOKENS], 3, spec).vectors, strict=True):
            assert isinstance(vector, bytes)
            assert np.allclose(np.frombuffer(vector, "<f4"), pool(text) / np.linalg.norm(pool(text)), atol=1e-6)


def test_no_request_has_no_vectors() -> None:
    assert read([], 0).vectors == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([*GOOD[:-1], float("nan")], "not finite"),
        ([*GOOD[:-1], float("inf")], "not finite"),
        ([*GOOD[:-1], None], "not finite"),  # how Rust writes NaN
        ([1e200] * 384, "not finite"),
        ([10**400] * 384, "no vector"),
        ([0.0] * 384, "zeros"),
        (GOOD[:-1], "383 numbers instead of 384"),
        (GOOD * 2, "768 numbers instead of 384"),
        ([], "0 numbers"),
        ([[]], "1x0 numbers"),
        ([[GOOD[:-1]] * 3], "383 numbers"),
        ([[[[GOOD]]]], "numbers instead of 384"),
        ([[float("inf")] * 384, [float("-inf")] * 384], "not finite"),
        ([GOOD, GOOD[:-1]], "no vector"),
        (["x"] * 384, "no vector"),
        ({"embedding": GOOD}, "no vector"),
        ("gone", "no vector"),
        (None, "numbers instead of 384"),
        (7, "numbers instead of 384"),
    ],
)
@pytest.mark.parametrize("spec", [CLS, MEAN])
def test_what_is_no_vector_fails_its_text_alone(spec: EmbedderSpec, row: object, reason: str) -> None:
    before, bad, after = read([GOOD, row, GOOD], 3, spec).vectors
    assert isinstance(before, bytes)
    assert before == after
    assert isinstance(bad, EmbedFailure)
    assert reason in bad.reason


def test_errors_of_single_texts_are_theirs() -> None:
    vectors = read({"vectors": FLOATS, "errors": {"1": "too \x1b[31m\nstrange" + "x" * 999, "9": "?"}}, 3).vectors
    assert [isinstance(v, bytes) for v in vectors] == [True, False, True]
    assert isinstance(vectors[1], EmbedFailure)
    assert vectors[1].reason.startswith("too  [31m strange")
    assert len(vectors[1].reason) <= 200


def test_the_width_of_another_model_is_told() -> None:
    assert read([[1.0] * 768] * 2, 2).width == 768
    assert read({"vectors": base64_of(np.ones((2, 768))), "dim": 768}, 2).width == 768
    assert read([None, GOOD], 2).width == 0


@pytest.mark.parametrize("named", ["all-MiniLM-L6-v2/mean/r1", "bge-small-en-v1.5/cls/r2", "", 7])
def test_a_reply_of_another_model_is_not_read(named: object) -> None:
    with pytest.raises(ModelMismatchError, match=r"bge-small-en-v1.5/cls/r1 was expected"):
        read({"spec": named, "vectors": FLOATS}, 3)


@pytest.mark.parametrize(
    ("body", "count", "words"),
    [
        (json.dumps(POOLED[:2]), 3, "2 vectors for 3 texts"),
        (json.dumps(POOLED), 2, "3 vectors for 2 texts"),
        (json.dumps(POOLED[0]), 3, "1 vectors for 3 texts"),
        (json.dumps({"vectors": FLOATS}), 4, "3 vectors for 4 texts"),
        (json.dumps({"vectors": FLOATS[:-8]}), 3, "no vectors"),  # no whole rows
        (json.dumps({"vectors": FLOATS + "!"}), 3, "no vectors"),
        (json.dumps({"vectors": FLOATS, "dim": 0}), 3, "no vectors"),
        (json.dumps({"vectors": FLOATS, "dim": "384"}), 3, "no vectors"),
        (json.dumps({"error": "out of memory"}), 3, "no vectors"),
        (json.dumps("ok"), 1, "no vectors"),
        ("null", 1, "no vectors"),
        ("[]", 1, "0 vectors for 1 texts"),
        ("<html>", 1, "no JSON"),
        ("", 1, "no JSON"),
        ("\xff", 1, "no JSON"),
        ("[" * 100_000, 1, "no JSON"),
    ],
)
def test_what_is_no_reply_to_the_request_fails_as_a_whole(body: str, count: int, words: str) -> None:
    with pytest.raises(RequestRefusedError, match=words):
        read_reply(body.encode("latin-1"), count, CLS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["vectors", "dim", "errors"]), inner),
    max_leaves=30,
)


@given(JSON, st.integers(0, 4), st.sampled_from([2, 384]))
def test_no_reply_breaks_more_than_its_request(document: object, count: int, dim: int) -> None:
    try:
        reply = read(document, count, replace(MEAN, dim=dim))
    except RequestRefusedError:
        return
    assert len(reply.vectors) == count
    for vector in reply.vectors:
        if isinstance(vector, bytes):
            assert abs(float(np.linalg.norm(np.frombuffer(vector, "<f4"))) - 1) < 1e-5
