"""Only a BERT is read, and only one whose weights are those that its configuration describes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoir.embed.local import ModelFileError
from autoir.embed.local.weights import BertConfig, read_config, read_weights
from tests.embed.local.tiny import CONFIG, random_tensors, write_model, write_safetensors

TENSORS = random_tensors()


def config_of(folder: Path, **changes: Any) -> BertConfig:
    path = folder / "config.json"
    path.write_text(json.dumps({k: v for k, v in (CONFIG | changes).items() if v != "absent"}), "utf-8")
    return read_config(path)


def test_a_configuration_is_read(tmp_path: Path) -> None:
    assert config_of(tmp_path, unknown_key=1) == BertConfig(24, 2, 3, 40, CONFIG["vocab_size"], 64, 2, 1e-3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        # another architecture
        ({"model_type": "distilbert"}, "model_type is 'distilbert', not 'bert'"),
        ({"model_type": "roberta"}, "model_type is 'roberta'"),
        ({"model_type": "absent"}, "model_type is None, not 'bert'"),
        ({"hidden_act": "gelu_new"}, "hidden_act is 'gelu_new', not 'gelu'"),
        ({"hidden_act": "absent"}, "hidden_act is None"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is 'relative_key'"),
        ({"is_decoder": True}, "is_decoder is True"),
        ({"add_cross_attention": True}, "add_cross_attention is True"),
        # sizes that are none
        ({"hidden_size": "absent"}, "hidden_size is None"),
        ({"hidden_size": 0}, "hidden_size is 0"),
        ({"num_hidden_layers": -1}, "num_hidden_layers is -1"),
        ({"vocab_size": 2**40}, "vocab_size is 1099511627776"),
        ({"intermediate_size": 40.0}, "intermediate_size is 40.0"),
        ({"num_attention_heads": True}, "num_attention_heads is True"),
        ({"num_attention_heads": 5}, "24 hidden numbers cannot be shared by 5 heads"),
        ({"layer_norm_eps": "absent"}, "layer_norm_eps is None"),
        ({"layer_norm_eps": 0.0}, "layer_norm_eps is 0.0"),
        ({"layer_norm_eps": 1}, "layer_norm_eps is 1"),
    ],
)
def test_another_architecture_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelFileError, match=words) as refused:
        config_of(tmp_path, **changes)
    assert "Only BERT models run here" in refused.value.hint


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_configuration(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"config\.json: (cannot be read|no JSON object)"):
        read_config(tmp_path / "config.json")


@pytest.mark.parametrize("name", sorted(TENSORS))
def test_a_tensor_that_is_missing_or_of_another_shape_or_type(tmp_path: Path, name: str) -> None:
    config = config_of(write_model(tmp_path, TENSORS))
    path = tmp_path / "model.safetensors"
    needed = not name.startswith(("pooler", "embeddings.position_ids"))
    for tensors in (
        {n: t for n, t in TENSORS.items() if n != name},
        TENSORS | {name: np.concatenate([TENSORS[name], TENSORS[name]])},
        TENSORS | {name: TENSORS[name].astype(np.float64)},
    ):
        write_safetensors(path, tensors)
        if needed:
            with pytest.raises(ModelFileError, match=name):
                read_weights(path, config)
        else:
            read_weights(path, config)


@pytest.mark.parametrize("changes", [{"num_hidden_layers": 3}, {"hidden_size": 48}, {"vocab_size": 9}])
def test_a_configuration_of_another_model(tmp_path: Path, changes: dict[str, int]) -> None:
    write_model(tmp_path, TENSORS)
    with pytest.raises(ModelFileError, match=r"no tensor|has shape"):
        read_weights(tmp_path / "model.safetensors", config_of(tmp_path, **changes))


@pytest.mark.parametrize("name", ["encoder.layer.2.output.dense.weight", "cls.predictions.bias", "lora.a"])
def test_a_tensor_that_would_be_left_out(tmp_path: Path, name: str) -> None:
    config = config_of(write_model(tmp_path, TENSORS | {name: np.zeros(3, np.float32)}))
    with pytest.raises(ModelFileError, match=f"{name} is no tensor of a BERT with 2 layers"):
        read_weights(tmp_path / "model.safetensors", config)
