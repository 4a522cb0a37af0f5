"""A BERT encoder's forward pass over texts of any lengths at once, float32.

The tokens of all texts stand in one matrix for the linear layers, and attention runs a text at a time. So there is no
padding: nothing is computed for it, and there is no mask to forget (mean pooling over padded rows has cosine 0.81 to
the right vector). A text's vector does not depend on which others came with it, up to the last bits of a product.
"""

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np

from autoir.embed.local.weights import Layer, Linear, Norm, Weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

TOKENS_AT_ONCE = 512
"""Tokens in one matrix: more makes nothing faster (bench/embed.py), and memory stays what this needs."""

_ROWS = 32
"""Rows of the widest layer that are activated at a time: they and their scratch space stay in the L2 cache."""


def _erf_polynomials() -> tuple[list[np.float32], list[np.float32], np.float32]:
    """``0.5 * erf(x / sqrt(2))`` as ``x * P(x * x) / Q(x * x)`` up to ``|x| = limit``, behind which it is one half.

    The rational minimax fit of Eigen (MathFunctionsImpl.h, ``generic_fast_erf_float``), exact to the last bits of a
    float32, with the constants of GELU put into its coefficients.
    """
    p = (-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05,
         -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02)  # fmt: skip
    q = (-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03,
         -1.42647390514189e-02)  # fmt: skip
    above = [np.float32(c * 0.5 ** (len(p) - n) / sqrt(2)) for n, c in enumerate(p)]
    below = [np.float32(c * 0.5 ** (len(q) - 1 - n)) for n, c in enumerate(q)]
    return above, below, np.float32(4 * sqrt(2))


_ABOVE, _BELOW, _LIMIT = _erf_polynomials()


def gelu(x: "Numbers") -> None:
    """``x * Phi(x)`` in place, Phi being the normal distribution: the exact form by erf, not the tanh one."""
    scratch = np.empty((4, min(_ROWS, len(x)), x.shape[1]), np.float32)
    for start in range(0, len(x), _ROWS):
        rows = x[start : start + _ROWS]
        near, square, above, below = scratch[:, : len(rows)]
        np.clip(rows, -_LIMIT, _LIMIT, out=near)
        np.multiply(near, near, out=square)
        for out, polynomial in ((above, _ABOVE), (below, _BELOW)):
            np.multiply(square, polynomial[0], out=out)
            for coefficient in polynomial[1:-1]:
                out += coefficient
                out *= square
            out += polynomial[-1]
        above *= near
        above /= below
        above += np.float32(0.5)
        rows *= above


def _normalise(x: "Numbers", norm: Norm, epsilon: float) -> None:
    """Layer normalisation of each row, in place."""
    x -= x @ np.full((x.shape[1], 1), 1 / x.shape[1], np.float32)
    variance = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
    x *= (1 / np.sqrt(variance + np.float32(epsilon)))[:, None]
    x *= norm.scale
    x += norm.shift


def _linear(x: "Numbers", layer: Linear) -> "Numbers":
    found = x @ layer.weight
    found += layer.bias
    return found


def _attention(qkv: "Numbers", lengths: Sequence[int], heads: int) -> "Numbers":
    """What each token takes from the tokens of its own text: (tokens, hidden) from (tokens, 3 * hidden)."""
    hidden = qkv.shape[1] // 3
    found = np.empty((len(qkv), hidden), np.float32)
    start = 0
    for length in lengths:
        part = qkv[start : start + length].reshape(length, 3, heads, -1)
        shares = part[:, 0].transpose(1, 0, 2) @ part[:, 1].transpose(1, 2, 0)
        shares -= shares.max(axis=2, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(axis=2, keepdims=True)
        out = found[start : start + length].reshape(length, heads, -1).transpose(1, 0, 2)
        np.matmul(shares, part[:, 2].transpose(1, 0, 2), out=out)
        start += length
    return found


class Bert:
    """An encoder with its weights. Holds nothing of a text, so threads may share it."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def vectors(self, texts: Sequence[Sequence[int]], pooling: Literal["cls", "mean"]) -> "Numbers":
        """A row for each text's token ids, (texts, hidden), not normalised: its first token's, or the mean of all.

        Texts have 1 to ``max_position_embeddings`` tokens with ids below ``vocab_size``. Memory is bounded by
        ``TOKENS_AT_ONCE`` or the longest text, however many there are.
        """
        found = np.empty((len(texts), self._weights.config.hidden_size), np.float32)
        for group in _groups(texts):
            lengths = [len(texts[n]) for n in group]
            states = self._states([token for n in group for token in texts[n]], lengths)
            starts = np.cumsum([0, *lengths[:-1]])
            if pooling == "cls":
                found[group] = states[starts]
            else:
                found[group] = np.add.reduceat(states, starts, axis=0) / np.array(lengths, np.float32)[:, None]
        return found

    def _states(self, tokens: Sequence[int], lengths: Sequence[int]) -> "Numbers":
        """The last layer's state of every token, (tokens, hidden)."""
        weights, config = self._weights, self._weights.config
        x = weights.words[tokens].astype(np.float32)
        x += weights.positions[np.concatenate([np.arange(length) for length in lengths])]
        _normalise(x, weights.norm, config.layer_norm_eps)
        for layer in weights.layers:
            x = self._layer(x, layer, lengths)
        return x

    def _layer(self, x: "Numbers", layer: Layer, lengths: Sequence[int]) -> "Numbers":
        epsilon = self._weights.config.layer_norm_eps
        attended = _linear(
            _attention(_linear(x, layer.qkv), lengths, self._weights.config.num_attention_heads), layer.out
        )
        attended += x
        _normalise(attended, layer.out_norm, epsilon)
        inner = _linear(attended, layer.up)
        gelu(inner)
        found = _linear(inner, layer.down)
        found += attended
        _normalise(found, layer.down_norm, epsilon)
        return found


def _groups(texts: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Numbers of texts whose tokens fit into one matrix, in their order."""
    group: list[int] = []
    tokens = 0
    for number, text in enumerate(texts):
        if group and tokens + len(text) > TOKENS_AT_ONCE:
            yield group
            group, tokens = [], 0
        group.append(number)
        tokens += len(text)
    if group:
        yield group
