"""A BERT's safetensors as an ONNX graph, padded and masked, so that onnxruntime can be timed on the same weights.

Built of the operators that an export from torch is made of; onnxruntime fuses them (layer normalisation, GELU) itself.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from autoir.embed.local.safetensors import Tensors


class _Graph:
    """Nodes and constants as they come; every method returns the name of its result."""

    def __init__(self, tensors: Tensors, config: dict[str, Any]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._tensors, self._config = tensors, config

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(np.asarray(value, dtype)), name))
        return name

    def weight(self, name: str, *shape: int) -> np.ndarray:
        return np.asarray(self._tensors.get(name, shape), np.float32)

    def norm(self, x: str, name: str) -> str:
        size = self._config["hidden_size"]
        scale, shift = (self.constant(self.weight(f"{name}.{part}", size)) for part in ("weight", "bias"))
        return self.op("LayerNormalization", x, scale, shift, axis=-1, epsilon=self._config["layer_norm_eps"])

    def linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        product = self.op("MatMul", x, self.constant(self.weight(f"{name}.weight", outputs, inputs).T))
        return self.op("Add", product, self.constant(self.weight(f"{name}.bias", outputs)))

    def layer(self, x: str, mask: str, name: str) -> str:
        hidden, inner = self._config["hidden_size"], self._config["intermediate_size"]
        heads = self._config["num_attention_heads"]
        apart = self.constant([0, 0, heads, hidden // heads], np.int64)
        parts = {}
        for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
            states = self.linear(x, f"{name}.attention.self.{part}", hidden, hidden)
            parts[part] = self.op("Transpose", self.op("Reshape", states, apart), perm=order)
        scores = self.op("MatMul", parts["query"], parts["key"])
        scores = self.op("Div", scores, self.constant(math.sqrt(hidden // heads)))
        shares = self.op("Softmax", self.op("Add", scores, mask), axis=-1)
        context = self.op("Transpose", self.op("MatMul", shares, parts["value"]), perm=[0, 2, 1, 3])
        context = self.op("Reshape", context, self.constant([0, 0, hidden], np.int64))
        out = self.linear(context, f"{name}.attention.output.dense", hidden, hidden)
        x = self.norm(self.op("Add", out, x), f"{name}.attention.output.LayerNorm")
        up = self.op("Gelu", self.linear(x, f"{name}.intermediate.dense", hidden, inner))
        down = self.linear(up, f"{name}.output.dense", inner, hidden)
        return self.norm(self.op("Add", down, x), f"{name}.output.LayerNorm")


def mean_pooled(folder: Path) -> bytes:
    """A model from ``ids`` and ``mask``, int64 (texts, tokens), to ``vectors``, (texts, hidden), of length 1."""
    config = json.loads((folder / "config.json").read_text("utf-8"))
    tensors = Tensors(folder / "model.safetensors")
    g = _Graph(tensors, config)
    hidden = config["hidden_size"]
    words = g.constant(g.weight("embeddings.word_embeddings.weight", config["vocab_size"], hidden))
    positions = g.weight("embeddings.position_embeddings.weight", config["max_position_embeddings"], hidden)
    types = g.weight("embeddings.token_type_embeddings.weight", config["type_vocab_size"], hidden)
    zero, one = g.constant([0], np.int64), g.constant([1], np.int64)
    length = g.op("Slice", g.op("Shape", "ids"), one, g.constant([2], np.int64))
    table = g.op("Slice", g.constant(positions + types[0]), zero, length, zero)
    x = g.norm(g.op("Add", g.op("Gather", words, "ids"), table), "embeddings.LayerNorm")
    present = g.op("Cast", "mask", to=TensorProto.FLOAT)
    absent = g.op("Sub", g.constant(1.0), g.op("Unsqueeze", present, g.constant([1, 2], np.int64)))
    added = g.op("Mul", absent, g.constant(-1e9))
    for number in range(config["num_hidden_layers"]):
        x = g.layer(x, added, f"encoder.layer.{number}")
    weights = g.op("Unsqueeze", present, g.constant([2], np.int64))
    total = g.op("ReduceSum", g.op("Mul", x, weights), one, keepdims=0)
    found = g.op("Div", total, g.op("ReduceSum", weights, one, keepdims=0))
    g.nodes.append(helper.make_node("LpNormalization", [found], ["vectors"], axis=-1, p=2))
    sizes = ["texts", "tokens"]
    graph = helper.make_graph(
        g.nodes,
        "bert",
        [helper.make_tensor_value_info(name, TensorProto.INT64, sizes) for name in ("ids", "mask")],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", hidden])],
        g.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return model.SerializeToString()
