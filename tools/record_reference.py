"""What the reference implementation makes of tests/embed/local/texts.json: token ids and vectors, as JSON.

The local engine is held to this recording, so nothing of AutoIR is imported here: sentence-transformers on torch, in an
environment of its own, which need not outlive the run:

    uv venv /tmp/reference && uv pip install --python /tmp/reference/bin/python sentence-transformers torch
    /tmp/reference/bin/python tools/record_reference.py ~/.autoir/models/all-MiniLM-L6-v2 mean \
        > tests/embed/local/all-MiniLM-L6-v2.json
"""

import argparse
import base64
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

TEXTS = Path(__file__).resolve().parents[1] / "tests" / "embed" / "local" / "texts.json"
MAX_TOKENS = 128
PACKAGES = ("sentence-transformers", "transformers", "tokenizers", "torch", "numpy")


def main() -> None:
    """Print the recording."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="config.json, model.safetensors and tokenizer.json")
    parser.add_argument("pooling", choices=("cls", "mean"))
    arguments = parser.parse_args()
    texts = json.loads(TEXTS.read_text("utf-8"))
    encoder = Transformer(str(arguments.folder), max_seq_length=MAX_TOKENS)
    pooling = Pooling(384, pooling_mode=arguments.pooling)
    model = SentenceTransformer(modules=[encoder, pooling, Normalize()], device="cpu")
    vectors = model.encode(texts, batch_size=16, convert_to_numpy=True).astype("<f4")
    tokens = model.tokenizer(texts, truncation=True, max_length=MAX_TOKENS, padding=False)["input_ids"]
    recording = {
        "made_by": f"tools/record_reference.py, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "weights_sha256": hashlib.sha256((arguments.folder / "model.safetensors").read_bytes()).hexdigest(),
        "texts_sha256": hashlib.sha256(TEXTS.read_bytes()).hexdigest(),
        "pooling": arguments.pooling,
        "max_tokens": MAX_TOKENS,
        "token_ids": tokens,
        "vectors_base64": [base64.b64encode(vector.tobytes()).decode() for vector in vectors],
    }
    print(_text(recording))


def _text(recording: dict[str, object]) -> str:
    """JSON with an entry a line, so that a recording can be compared with the one before it."""
    lines = []
    for key, value in recording.items():
        rows = ",\n  ".join(json.dumps(row) for row in value) if isinstance(value, list) else ""
        lines.append(f" {json.dumps(key)}: " + (f"[\n  {rows}]" if rows else json.dumps(value)))
    return "{\n" + ",\n".join(lines) + "\n}"


if __name__ == "__main__":
    main()
