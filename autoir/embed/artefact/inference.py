"""What a SageMaker container runs: ``model_fn`` once, ``transform_fn`` for every request.

The names and arguments are those of aws/sagemaker-huggingface-inference-toolkit (``handler_service.py``), which puts
this file's folder at the head of the import path and answers 400 to whatever is raised here. One text that cannot be
embedded fails alone, in ``errors``; only a request that is none is refused.
"""

import base64
import json
from pathlib import Path

from autoir.embed.interface import EmbedFailure
from autoir.embed.local.engine import LocalEmbedder
from autoir.embed.local.folder import read_model


def model_fn(model_dir: str) -> LocalEmbedder:
    """The engine over the archive's files, once they are what ``spec.json`` says."""
    found = read_model(Path(model_dir))
    return LocalEmbedder(found.folder, found.spec)


def transform_fn(model: LocalEmbedder, input_data: str | bytes, content_type: str, accept: str) -> str:
    """Vectors of ``{"inputs": text or [texts]}``, each text cut at the model's tokens.

    ``{"spec": id, "dim": 384, "n": texts, "vectors": base64, "errors": {"3": reason}}``: ``vectors`` are n x dim
    float32, little endian, of length 1, and zeros where there is an error. Raises ValueError for anything else.
    """
    texts = _inputs(input_data)
    spec = model.spec
    vectors, errors = [], {}
    for n, vector in enumerate(model.embed_documents(texts)):
        if isinstance(vector, EmbedFailure):
            errors[str(n)] = vector.reason
            vector = bytes(4 * spec.dim)
        vectors.append(vector)
    floats = base64.b64encode(b"".join(vectors)).decode("ascii")
    return json.dumps({"spec": spec.id, "dim": spec.dim, "n": len(texts), "vectors": floats, "errors": errors})


def _inputs(input_data: str | bytes) -> list[str]:
    document: object = json.loads(input_data)
    inputs = document.get("inputs") if isinstance(document, dict) else None
    texts = [inputs] if isinstance(inputs, str) else inputs
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError('A request is JSON: {"inputs": "text"} or {"inputs": ["text", ...]}.')
    return texts
