"""A model of the size of a store's vectors that loads in no time: one layer, random weights, a real model's name."""

import hashlib
from pathlib import Path

from autoir.embed.local.folder import MINILM, Manifest
from autoir.embed.models import KNOWN
from tests.embed.local.tiny import CONFIG, random_tensors, write_model

POCKET = CONFIG | {
    "hidden_size": 384,
    "num_attention_heads": 12,
    "num_hidden_layers": 1,
    "intermediate_size": 64,
    "max_position_embeddings": 128,
}


def write_pocket(folder: Path, model: str = MINILM, seed: int = 5) -> Path:
    """A whole, verifiable folder of ``model``."""
    write_model(folder, random_tensors(POCKET, seed), POCKET)
    names = ("config.json", "model.safetensors", "vocab.txt")
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    (folder / "spec.json").write_text(Manifest(KNOWN[model], "float32", hashes).text(), "utf-8")
    return folder
