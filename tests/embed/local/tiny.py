"""A BERT of two layers with random weights, a writer of its files, and what its vectors must be.

The reference is written the other way round on purpose: padded to one length, masked, in float64, each head by itself,
and with the erf of Python's own math module. It shares no line with the engine.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoir.embed import EmbedderSpec

Tensors = dict[str, NDArray[Any]]

CONFIG: dict[str, Any] = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 40,
    "vocab_size": 0,  # by the vocabulary
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-3,  # large, so that another one shows
}

MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
WORDS = ["connection", "pool", "time", "##out", "##ed", "dead", "##lock", "disk", "full", "un", "##able", "ß", "ı"]
VOCABULARY = [*MARKS, *LETTERS, *(f"##{c}" for c in LETTERS), *"!$-./:<=>[]_{}", *WORDS, "磁", "盘", "ο", "##σ"]
CONFIG["vocab_size"] = len(VOCABULARY)
SPEC = EmbedderSpec("tiny", "1", dim=CONFIG["hidden_size"], pooling="mean", max_tokens=32)

_NAMES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64}


def random_tensors(config: Mapping[str, Any] = CONFIG, seed: int = 5) -> Tensors:
    """Weights large enough that every part of the model shows in the result."""
    rng = np.random.default_rng(seed)
    hidden, inner = config["hidden_size"], config["intermediate_size"]

    def normal(*shape: int) -> NDArray[np.float32]:
        return (rng.normal(size=shape) * 0.2).astype(np.float32)

    tensors: Tensors = {
        "embeddings.position_ids": np.arange(config["max_position_embeddings"], dtype=np.int64)[None],
        "embeddings.word_embeddings.weight": normal(config["vocab_size"], hidden),
        "embeddings.position_embeddings.weight": normal(config["max_position_embeddings"], hidden),
        "embeddings.token_type_embeddings.weight": normal(config["type_vocab_size"], hidden),
        "pooler.dense.weight": normal(hidden, hidden),
        "pooler.dense.bias": normal(hidden),
    }
    norms = ["embeddings.LayerNorm"]
    for n in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{n}"
        sizes = {f"attention.self.{part}": (hidden, hidden) for part in ("query", "key", "value")} | {
            "attention.output.dense": (hidden, hidden),
            "intermediate.dense": (inner, hidden),
            "output.dense": (hidden, inner),
        }
        for name, shape in sizes.items():
            tensors[f"{layer}.{name}.weight"] = normal(*shape)
            tensors[f"{layer}.{name}.bias"] = normal(shape[0])
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name in norms:
        tensors[f"{name}.weight"] = 1 + normal(hidden)
        tensors[f"{name}.bias"] = normal(hidden)
    return tensors


def header_of(tensors: Tensors) -> dict[str, Any]:
    """The header of a safetensors file, laid out in order."""
    types = {np.dtype(kind): name for name, kind in _NAMES.items()}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": types[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + tensor.nbytes],
        }
        at += tensor.nbytes
    return header


def write_safetensors(
    path: Path, tensors: Tensors, header: Mapping[str, Any] | bytes | None = None, fill: int = 0
) -> None:
    """A file of ``tensors``, under another ``header`` if one is given, which ``fill`` blanks follow."""
    if header is None:
        header = header_of(tensors)
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    raw += b" " * fill
    body = b"".join(np.ascontiguousarray(tensor).tobytes() for tensor in tensors.values())
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + body)


def write_model(folder: Path, tensors: Tensors, config: Mapping[str, Any] = CONFIG) -> Path:
    """A folder with a model's three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", "utf-8")
    write_safetensors(folder / "model.safetensors", tensors)
    return folder


_erf = np.vectorize(math.erf)


def reference(
    tensors: Tensors, texts: Sequence[Sequence[int]], pooling: str, config: Mapping[str, Any] = CONFIG
) -> NDArray[np.float64]:
    """The normalised vectors of token ids, (texts, hidden): padded, masked, float64."""
    w = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    hidden, heads, longest = config["hidden_size"], config["num_attention_heads"], max(map(len, texts))
    ids = np.array([[*text, *[0] * (longest - len(text))] for text in texts])
    mask = np.array([[1.0] * len(text) + [0.0] * (longest - len(text)) for text in texts])

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) / np.sqrt(variance + config["layer_norm_eps"]) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + w["embeddings.position_embeddings.weight"][:longest], "embeddings.LayerNorm")
    for n in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{n}"
        q, k, v = (linear(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
        context = np.zeros_like(x)
        for head in range(heads):
            part = slice(head * hidden // heads, (head + 1) * hidden // heads)
            scores = np.einsum("bid,bjd->bij", q[..., part], k[..., part]) / math.sqrt(hidden // heads)
            scores = np.where(mask[:, None, :] > 0, scores, -1e30)
            shares = np.exp(scores - scores.max(-1, keepdims=True))
            context[..., part] = np.einsum("bij,bjd->bid", shares / shares.sum(-1, keepdims=True), v[..., part])
        x = norm(x + linear(context, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
        inner = linear(x, f"{layer}.intermediate.dense")
        inner = inner * 0.5 * (1 + _erf(inner / math.sqrt(2)))
        x = norm(x + linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    found = x[:, 0] if pooling == "cls" else (x * mask[..., None]).sum(1) / mask.sum(1)[:, None]
    return found / np.linalg.norm(found, axis=1, keepdims=True)
