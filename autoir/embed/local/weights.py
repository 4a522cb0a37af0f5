"""A BERT's configuration and weights, every shape checked against the other.

Whatever is not exactly this architecture is refused. A model that almost fits gives vectors that look like any others
and rank at random.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autoir.embed.local import ModelFileError
from autoir.embed.local.safetensors import Tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]

_MOST = 1 << 24
_FIXED = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "position_embedding_type": "absolute",
    "is_decoder": False,
    "add_cross_attention": False,
}
"""What must be so, where config.json says it; ``model_type`` and ``hidden_act`` it must say."""

_UNUSED = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")


@dataclass(frozen=True, slots=True)
class BertConfig:
    """Sizes of a BERT, by the names of config.json."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    type_vocab_size: int
    layer_norm_eps: float


class Norm(NamedTuple):
    """Scale and shift of a layer normalisation, (hidden,) each."""

    scale: "Numbers"
    shift: "Numbers"


class Linear(NamedTuple):
    """``x @ weight + bias``; ``weight`` is (in, out)."""

    weight: "Numbers"
    bias: "Numbers"


class Layer(NamedTuple):
    """One encoder layer. ``qkv`` gives queries, keys and values side by side, queries already scaled."""

    qkv: Linear
    out: Linear
    out_norm: Norm
    up: Linear
    down: Linear
    down_norm: Norm


class Weights(NamedTuple):
    """All of a BERT. ``words`` stays in the type it is stored in, for few of its rows are ever read."""

    config: BertConfig
    words: "NDArray[np.float32] | NDArray[np.float16]"
    positions: "Numbers"
    norm: Norm
    layers: tuple[Layer, ...]


def read_config(path: Path) -> BertConfig:
    """The sizes in a ``config.json``. Raises ModelFileError where it is none, or that of another architecture."""
    hint = "Only BERT models run here: bge-small-en-v1.5, all-MiniLM-L6-v2 and their like."
    try:
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: cannot be read: {error}.", hint) from None
    if not isinstance(document, dict):
        raise ModelFileError(f"{path}: no JSON object.", hint)
    for key, value in _FIXED.items():
        if document.get(key, None if key in ("model_type", "hidden_act") else value) != value:
            raise ModelFileError(f"{path}: {key} is {document.get(key)!r}, not {value!r}.", hint)
    sizes: dict[str, Any] = {name: document.get(name) for name in BertConfig.__slots__ if name != "layer_norm_eps"}
    for name, size in sizes.items():
        if type(size) is not int or not 1 <= size <= _MOST:
            raise ModelFileError(f"{path}: {name} is {size!r}, not a number from 1 to {_MOST:,}.", hint)
    epsilon = document.get("layer_norm_eps")
    if not isinstance(epsilon, float) or not 0 < epsilon < 1:
        raise ModelFileError(f"{path}: layer_norm_eps is {epsilon!r}, not a number between 0 and 1.", hint)
    config = BertConfig(**sizes, layer_norm_eps=epsilon)
    if config.hidden_size % config.num_attention_heads:
        raise ModelFileError(
            f"{path}: {config.hidden_size} hidden numbers cannot be shared by {config.num_attention_heads} heads.", hint
        )
    return config


def read_weights(path: Path, config: BertConfig) -> Weights:
    """The weights in a ``model.safetensors``.

    Matrices are copied the way round in which they are multiplied, which makes short texts a tenth faster; the word
    table, half of a small model, stays mapped. Raises ModelFileError where a tensor is missing, of another
    shape or type, or not of a BERT.
    """
    tensors = Tensors(path)
    reader = _Reader(tensors, config)
    hidden = config.hidden_size
    weights = Weights(
        config,
        tensors.get("embeddings.word_embeddings.weight", (config.vocab_size, hidden)),
        # Every token is of type 0 in a text of one part.
        reader.read("embeddings.position_embeddings.weight", config.max_position_embeddings, hidden)
        + reader.read("embeddings.token_type_embeddings.weight", config.type_vocab_size, hidden)[0],
        reader.norm("embeddings.LayerNorm"),
        tuple(reader.layer(f"encoder.layer.{n}") for n in range(config.num_hidden_layers)),
    )
    known = {*reader.names, *_UNUSED, "embeddings.word_embeddings.weight"}
    if strange := next((name for name in tensors.names() if name not in known), None):
        raise ModelFileError(
            f"{path}: {strange} is no tensor of a BERT with {config.num_hidden_layers} layers.",
            "Only plain BERT models run here: no adapter, no head.",
        )
    tensors.let_go()
    return weights


class _Reader:
    """Reads the parts of a BERT, and keeps in mind which tensors it has read."""

    def __init__(self, tensors: Tensors, config: BertConfig) -> None:
        self._tensors = tensors
        self._config = config
        self.names: set[str] = set()

    def read(self, name: str, *shape: int) -> "Numbers":
        self.names.add(name)
        return self._tensors.get(name, shape).astype(np.float32)

    def norm(self, name: str) -> Norm:
        size = self._config.hidden_size
        return Norm(self.read(f"{name}.weight", size), self.read(f"{name}.bias", size))

    def linear(self, name: str, inputs: int, outputs: int) -> Linear:
        self.names.add(f"{name}.weight")
        stored = self._tensors.get(f"{name}.weight", (outputs, inputs))
        return Linear(stored.T.astype(np.float32, order="C"), self.read(f"{name}.bias", outputs))

    def layer(self, name: str) -> Layer:
        hidden, inner = self._config.hidden_size, self._config.intermediate_size
        parts = [self.linear(f"{name}.attention.self.{part}", hidden, hidden) for part in ("query", "key", "value")]
        scale = np.float32((hidden // self._config.num_attention_heads) ** -0.5)
        parts[0] = Linear(parts[0].weight * scale, parts[0].bias * scale)
        return Layer(
            Linear(np.concatenate([p.weight for p in parts], axis=1), np.concatenate([p.bias for p in parts])),
            self.linear(f"{name}.attention.output.dense", hidden, hidden),
            self.norm(f"{name}.attention.output.LayerNorm"),
            self.linear(f"{name}.intermediate.dense", hidden, inner),
            self.linear(f"{name}.output.dense", inner, hidden),
            self.norm(f"{name}.output.LayerNorm"),
        )
