"""How fast texts become vectors in process, beside onnxruntime on the same weights, one core each.

Texts are put together from the words of the demo's templates, 29 tokens on average. CPU seconds are those of the
process, so threads that only wait for each other count. Goals on all-MiniLM-L6-v2: 60 texts a CPU second, 0.5 CPU
seconds to the first vector of a cold process, 250 MB. Each engine runs in processes of its own, turn about; the best
of the rounds counts, for what else runs on the machine can only make a round worse.

    python bench/embed.py [--model FOLDER] [--rounds 5]    # make model; uv sync --group reference
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is imported

from autoir.embed.local.folder import FoundModel, find_model, read_model, vocabulary_of
from autoir.embed.local.tokenizer import Tokenizer, read_vocabulary

ROOT = Path(__file__).resolve().parents[1]
BATCHES = (1, 8, 32)
TEXTS = 256
ENGINES = {"numpy, ragged (ours)": "local", "onnxruntime fp32": "onnx"}
GRAPH, SAMPLE = "AUTOIR_BENCH_ONNX", "AUTOIR_BENCH_TEXTS"
Embed = Callable[[Sequence[str]], object]


def composed(tokenizer: Tokenizer, templates: Sequence[str]) -> list[str]:
    """Texts of 10 to 70 tokens, 29 on average, marks included, of the words of templates."""
    words = [word for template in templates for word in template.replace("<*>", " ").split()]
    rng = random.Random(29)
    found = []
    while len(found) < TEXTS:
        start, text = rng.randrange(len(words)), ""
        wanted = rng.choice((10, 16, 22, 27, 27, 33, 58))
        for word in words[start:] + words:
            if len(tokenizer.encode(text, 512)) >= wanted:
                break
            text = f"{text} {word}".strip()
        found.append(text)
    return found


def texts() -> list[str]:
    """The same, in a process that is measured and should hold nothing else."""
    return list(json.loads(Path(os.environ[SAMPLE]).read_text("utf-8")))


def local(folder: Path) -> Embed:
    from autoir.embed.local.engine import LocalEmbedder

    return LocalEmbedder(*read_model(folder)).embed_documents


def onnx(folder: Path) -> Embed:
    """Sorted by length in each batch's own padding, as a careful user of it would."""
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(os.environ[GRAPH], options, ["CPUExecutionProvider"])
    tokenizer = Tokenizer(read_vocabulary(vocabulary_of(folder)))

    def embed(batch: Sequence[str]) -> object:
        tokens = [tokenizer.encode(text, 128) for text in batch]
        longest = max(map(len, tokens))
        ids = np.array([[*row, *[0] * (longest - len(row))] for row in tokens], np.int64)
        mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in tokens], np.int64)
        return session.run(["vectors"], {"ids": ids, "mask": mask})[0]

    return embed


def measure(engine: str, folder: Path) -> dict[str, float]:
    """One round in this process: seconds to the first vector, texts a CPU second by batch size, peak memory."""
    embed = {"local": local, "onnx": onnx}[engine](folder)
    embed(["connection pool exhausted"])
    cold_s = time.process_time()
    found = {"cold_s": cold_s}
    # By length, which costs a ragged engine nothing and spares a padding one a third of its work.
    sample = sorted(texts(), key=len)
    for batch in BATCHES:
        embed(sample[:batch])
        begun = time.process_time()
        for start in range(0, TEXTS, batch):
            embed(sample[start : start + batch])
        found[f"b{batch}"] = TEXTS / (time.process_time() - begun)
    found["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def difference(folder: Path) -> float:
    """The largest difference between a number of ours and onnxruntime's."""
    import numpy as np

    sample = texts()[:64]
    ours = np.stack([np.frombuffer(vector, "<f4") for vector in local(folder)(sample)])  # type: ignore[attr-defined]
    return float(np.abs(ours - np.asarray(onnx(folder)(sample))).max())


def in_a_process(mode: str, folder: Path, scratch: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--model", str(folder), "--run", mode]
    environ = os.environ | {
        "PYTHONPATH": str(ROOT), GRAPH: str(scratch / "model.onnx"), SAMPLE: str(scratch / "texts.json")
    }  # fmt: skip
    return dict(json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout))


def compare(found: FoundModel, rounds: int, scratch: Path) -> None:
    """Print the table; ``scratch`` is where onnxruntime's copy of the model and the texts may lie."""
    from bench._templates import mined

    tokenizer = Tokenizer(read_vocabulary(vocabulary_of(found.folder)))
    sample = composed(tokenizer, [row.template for row in mined()])
    (scratch / "texts.json").write_text(json.dumps(sample), "utf-8")
    engines = dict(ENGINES)
    missing = [name for name in ("onnx", "onnxruntime") if not find_spec(name)]
    if not missing:
        in_a_process("export", found.folder, scratch)
    else:
        engines.pop("onnxruntime fp32")
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            rows[name].append(in_a_process(engine, found.folder, scratch))
    mean = sum(len(tokenizer.encode(text, 512)) for text in sample) / TEXTS
    print(f"{found.spec.id}, {TEXTS} texts of {mean:.1f} tokens on average, best of {rounds} rounds\n")
    print(f"{'engine':<24}" + "".join(f"{f'batch {b}':>10}" for b in BATCHES) + f"{'cold CPU s':>12}{'RSS MB':>8}")
    for name, runs in rows.items():
        speeds = "".join(f"{max(run[f'b{b}'] for run in runs):>10.0f}" for b in BATCHES)
        cold, rss = (min(run[key] for run in runs) for key in ("cold_s", "rss_mb"))
        print(f"{name:<24}{speeds}{cold:>12.2f}{rss:>8.0f}")
    if missing:
        print(f"{'onnxruntime fp32':<24}  not installed: uv sync --group reference")
    else:
        print(f"\nlargest difference between the two: {in_a_process('difference', found.folder, scratch)['most']:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="the model's folder, instead of the one that AutoIR finds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--run", choices=("local", "onnx", "export", "difference"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    found = read_model(arguments.model) if arguments.model else find_model(os.environ)
    if not found:
        print("no model on this machine: make model")
        return
    match arguments.run:
        case "export":
            from bench._bert_onnx import mean_pooled

            Path(os.environ[GRAPH]).write_bytes(mean_pooled(found.folder))
            print("{}")
        case "difference":
            print(json.dumps({"most": difference(found.folder)}))
        case str(engine):
            print(json.dumps(measure(engine, found.folder)))
        case None:
            with tempfile.TemporaryDirectory() as folder:
                compare(found, arguments.rounds, Path(folder))


if __name__ == "__main__":
    main()
