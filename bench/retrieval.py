"""How well search answers graded questions, over patterns that the product mined from raw lines by itself.

The logs are the demo's, of all scenarios, and those of OpenStack and of a train-ticket service in the folder of shared
data, of which nothing is kept here. Each source goes through ``autoir logs ingest`` into a store of its own, once
without a model and then, by ``autoir embed reembed``, with the one of ``make model``. The row "as shipped" is what
``autoir logs query --json`` answers; the library has to answer the same, in the same order, and so has the blend as it
is computed here, beside which all other rows stand: they take the same words and vectors apart and together again.

Questions and grades (retrieval_queries.txt) were committed before the first run; their hash is printed. A message is
one answer, in however many log groups it is said.

    python bench/retrieval.py [--data FOLDER] [--work FOLDER] [--misses]
"""

import argparse
import gzip
import hashlib
import json
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core; read when numpy is imported

import numpy as np
import typer

from autoir.cli.main import app
from autoir.demo import DEFAULT_SEED, SCENARIOS, generate, scenario
from autoir.embed import Embedder, EmbedFailure, default_engine, open_embedder, recorded_model
from autoir.embed.documents import embed_question
from autoir.embed.local.folder import MINILM, fetched_folder
from autoir.embed.recipe import query_text
from autoir.embed.words import terms
from autoir.search import Searcher
from autoir.search.catalog import Catalog, Document
from autoir.search.scoring import DENSE_WEIGHT, HASHED_WEIGHT, best_first, blended
from autoir.store import Store, open_store
from bench._graded import AT, Judged, Question, interval, judged, read_questions

HERE = Path(__file__).resolve().parent
QUESTIONS = HERE / "retrieval_queries.txt"
START_MS = 1_772_409_600_000
SHARED = {"openstack": ("openstack/cinder", "openstack/neutron"), "trainticket": ("trainticket",)}
DEMO = (*((name, DEFAULT_SEED) for name in SCENARIOS), ("bad-deploy", 1))
"""Scenarios and seeds: which orders a bad deploy breaks comes from the seed. Of each the live hour, of a healthy shop
the four before it too: all baselines say the same."""

SHARES = (0.3, 0.5, 0.7, 0.9)
SHIPPED, RAW = "as shipped (logs query)", "dense, raw first line"
KINDS = ("identifier", "words", "paraphrase", "where")

Column = np.ndarray
"""A score for every message."""

Results = dict[str, list[Judged]]
"""By the name of a method, in the order of the questions."""

REMOTE = ("SAGEMAKER_ENDPOINT", "AUTOIR_EMBED_URL", "AUTOIR_BGE_DIR")
autoir_command = typer.main.get_command(app)


def autoir(*arguments: str) -> str:
    """What a command prints to standard output. Raises SystemExit where it fails."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = autoir_command.main(list(arguments), standalone_mode=False)
    if code:
        raise SystemExit(f"autoir {' '.join(arguments)}: {err.getvalue()}")
    return out.getvalue()


def lines(source: str, data: Path) -> Iterator[tuple[str, str, int, str]]:
    """Log group, stream, time and text of every line of a source, file by file."""
    if source == "demo":
        for name, seed in DEMO:
            live_ms = scenario(name, seed).live_ms
            for event in generate(name, seed):
                if name == "healthy" or event.ts_ms >= live_ms:
                    yield event.log_group, f"{name} {seed} {event.log_stream}", event.ts_ms, event.message
        return
    for folder in SHARED[source]:
        for path in sorted((data / folder).rglob("*.jsonl.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as stream:
                for line in stream:
                    event = json.loads(line)
                    yield event["g"], event.get("s", path.stem), START_MS + event["t"], event["m"]


def home(folder: Path, model: Path | None) -> None:
    """Let ``folder`` be AutoIR's own, with that model or with none."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    link = folder / "models" / MINILM
    if model and not link.exists():
        link.symlink_to(model)
    os.environ["AUTOIR_HOME"] = str(folder)


def ingested(source: str, data: Path, work: Path) -> Path:
    """The store of a source, filled by ``autoir logs ingest`` unless it is there."""
    path = work / f"{source}-hashed.db"
    if path.exists():
        return path
    home(work / "home-hashed", None)
    jsonl, half = work / f"{source}.jsonl.gz", work / "ingesting.db"
    for left in work.glob(f"{half.name}*"):
        left.unlink()
    with gzip.open(jsonl, "wt", encoding="utf-8", compresslevel=1) as out:
        for number, (group, stream, ts_ms, message) in enumerate(lines(source, data)):
            event = {"logGroup": group, "logStream": stream, "timestamp": ts_ms, "eventId": str(number)}
            out.write(json.dumps(event | {"message": message}) + "\n")
    told = json.loads(autoir("--store", f"sqlite:///{half}", "logs", "ingest", "--keep-old", "--json", str(jsonl)))
    jsonl.unlink()
    assert told["stored"] == told["received"], told
    half.rename(path)
    return path


def with_model(hashed: Path, model: Path) -> Path:
    """A copy of a store with vectors of the model, by ``autoir embed reembed`` unless it is there."""
    path, half = hashed.with_name(hashed.name.replace("-hashed", "-model")), hashed.with_name("embedding.db")
    if not path.exists():
        home(hashed.parent / "home-model", model)
        shutil.copy(hashed, half)
        autoir("--store", f"sqlite:///{half}", "embed", "reembed", "--engine", "local", "--yes", "--json")
        half.rename(path)
    return path


class Source:
    """A store that is asked in every way."""

    def __init__(self, path: Path, embedder: Embedder, store: Store) -> None:
        self.url = f"sqlite:///{path}"
        self.store, self.embedder = store, embedder
        self.catalog = Catalog(store)
        self.catalog.read_patterns()
        self.catalog.read_vectors()
        matrix, embedded = self.catalog.matrix()
        assert embedded.all()
        self.matrix = matrix.copy()
        self.searcher = Searcher(store, embedder)

    @property
    def documents(self) -> list[Document]:
        """Every message of the store."""
        return self.catalog.documents

    def grades(self, question: Question) -> list[int]:
        """The grade of every message. Raises ValueError where none answers."""
        found = [question.grade([p.log_group for p in d.patterns], d.component, d.template) for d in self.documents]
        if not any(found):
            raise ValueError(f"{question.source}: nothing answers {question.text!r}")
        return found

    def dense(self, text: str) -> Column:
        """Cosines."""
        vector = embed_question(self.embedder, text)
        assert not isinstance(vector, EmbedFailure)
        return (self.matrix @ np.frombuffer(vector, np.float32)).astype(np.float64)

    def bm25(self, text: str) -> Column:
        """BM25, as search has it."""
        return self.catalog.words.scores(dict.fromkeys(terms(query_text(text)), 1.0))

    def raw_vectors(self) -> np.ndarray:
        """The vectors of the first line of an event of each message as it was logged, no recipe about it."""
        samples = [self.store.sample(d.patterns[0].pattern_id, 0, 1 << 62) for d in self.documents]
        texts = [sample.message[:1_500].split("\n")[0] if sample else "" for sample in samples]
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found = np.zeros_like(self.matrix)
        for start in range(0, len(order), 64):
            some = order[start : start + 64]
            for i, vector in zip(some, self.embedder.embed_documents([texts[i] for i in some]), strict=True):
                found[i] = 0 if isinstance(vector, EmbedFailure) else np.frombuffer(vector, np.float32)
        return found

    def ranked(self, scores: Column, able: Column | None = None) -> list[int]:
        """The ten best messages; equal ones as search orders them."""
        able = np.ones(len(scores), np.bool_) if able is None else able
        first = next(best_first(scores, self.catalog.first_ids(), able, AT))
        return [int(i) for i in first[:AT]]

    def blend(self, dense: Column, bm25: Column, share: float) -> list[int]:
        """The ten best by the blend of search with another share."""
        scores = blended([bm25], [dense], np.ones(len(dense), np.bool_), share)
        return self.ranked(scores.total, scores.answers)

    def shipped(self, text: str) -> tuple[list[int], list[int]]:
        """The ten best by the command, and by the library."""
        told = json.loads(autoir("--store", self.url, "logs", "query", text, "--limit", str(AT), "--json"))
        assert not told["degraded"], told["degraded"]
        assert told["engine"] == self.embedder.spec.id
        numbers = {p.pattern_id: n for n, d in enumerate(self.documents) for p in d.patterns}
        by_library = [hit.pattern_id for hit in self.searcher.search(text, limit=AT).hits]
        return [numbers[int(hit["pattern_id"])] for hit in told["hits"]], [numbers[i] for i in by_library]


def fused(*columns: Column) -> Column:
    """Reciprocal rank fusion with the usual 60 (Cormack, Clarke and Büttcher, 2009)."""
    total = np.zeros(len(columns[0]))
    for scores in columns:
        ranks = np.empty(len(scores))
        ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
        total += 1 / (60 + ranks)
    return total


def asked(source: Source, questions: Sequence[Question], misses: bool) -> Results:
    """Every question, in every way."""
    raw = source.raw_vectors()
    hashed = source.embedder.spec.pooling == "none"
    found: Results = defaultdict(list)
    for question in questions:
        grades = source.grades(question)
        dense, bm25 = source.dense(question.text), source.bm25(question.text)
        own = np.frombuffer(source.embedder.embed_query(question.text), np.float32)
        command, library = source.shipped(question.text)
        computed = source.blend(dense, bm25, HASHED_WEIGHT if hashed else DENSE_WEIGHT)
        if not command == library == computed:
            raise SystemExit(f"{question.text!r}: {command} by the command, {library} by the library, {computed} here")
        rankings = {
            RAW: source.ranked((raw @ own).astype(np.float64)),
            "dense": source.ranked(dense),
            "BM25": source.ranked(bm25, bm25 > 0),
            "RRF(60)": source.ranked(fused(dense, bm25)),
            **{f"blend {share}": source.blend(dense, bm25, share) for share in SHARES},
            SHIPPED: command,
        }
        for name, ranking in rankings.items():
            found[name].append(judged([grades[i] for i in ranking], grades))
        if misses and found[SHIPPED][-1].ndcg < 0.4:
            print(f"\n{found[SHIPPED][-1].ndcg:.2f}  [{question.source}] {question.kind}: {question.text}")
            for i in [*command[:3], *(i for i, grade in enumerate(grades) if grade == 2)][:6]:
                d = source.documents[i]
                print(f"      {grades[i]} {d.patterns[0].log_group}: {d.component} : {d.template[:120]!r}")
    return found


def table(questions: Sequence[Question], found: Mapping[str, Sequence[Judged]]) -> None:
    """Print a row a method: over all questions, nDCG@10 by kind and by source, and the difference to what is used."""
    sources = list(dict.fromkeys(q.source for q in questions))
    parts: dict[str, Callable[[Question], bool]] = {
        **{kind: lambda q, kind=kind: q.kind == kind for kind in KINDS},  # type: ignore[misc]
        **{source: lambda q, source=source: q.source == source for source in sources},  # type: ignore[misc]
    }
    print(f"| method | nDCG@10 | recall@10 | P@1 | {' | '.join(parts)} | as shipped is better by (95 %) |")
    print("|---|" + "---|" * (len(parts) + 4))
    for name, rows in found.items():
        means = " | ".join(f"{np.mean(column):.3f}" for column in zip(*rows, strict=True))
        cells = " | ".join(
            f"{np.mean([row.ndcg for q, row in zip(questions, rows, strict=True) if belongs(q)]):.3f}"
            for belongs in parts.values()
        )
        mean, low, high = interval([row.ndcg for row in found[SHIPPED]], [row.ndcg for row in rows])
        print(f"| {name} | {means} | {cells} | " + (f"{mean:+.3f} ({low:+.3f} to {high:+.3f}) |" if mean else "|"))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--work", type=Path, default=HERE.parent / "build" / "retrieval", help="stores stay here")
    parser.add_argument("--misses", action="store_true", help="show the questions that are answered badly")
    arguments = parser.parse_args()
    model = fetched_folder(os.environ).resolve()
    for name in REMOTE:
        os.environ.pop(name, None)
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    questions = read_questions(QUESTIONS)
    print(f"{QUESTIONS.name}: {len(questions)} questions, sha256 {hashlib.sha256(QUESTIONS.read_bytes()).hexdigest()}")
    if not arguments.data.is_dir():
        print(f"The shared logs are not at {arguments.data}, so the demo's alone are asked: --data names their folder.")
        questions = [q for q in questions if q.source == "demo"]
    stores = {source: ingested(source, arguments.data, work) for source in dict.fromkeys(q.source for q in questions)}
    if not model.is_dir():
        print(f"No model on this machine, so hashed vectors alone are judged: make model fetches {MINILM}.")
    for engine in ("hashed", "model") if model.is_dir() else ("hashed",):
        found: Results = defaultdict(list)
        counts = []
        for source, hashed in stores.items():
            path = with_model(hashed, model) if engine == "model" else hashed
            home(work / f"home-{engine}", model if engine == "model" else None)
            store = open_store(f"sqlite:///{path}")
            embedder = open_embedder(*default_engine(os.environ, recorded_model(store)))
            opened = Source(path, embedder, store)
            own = [q for q in questions if q.source == source]
            for name, rows in asked(opened, own, arguments.misses).items():
                found[name] += rows
            counts.append(f"{source} {len(own)} over {len(opened.documents):,} messages")
            store.close()
        print(f"\n{embedder.spec.id}: {', '.join(counts)}\n")
        table(questions, found)
    print("\nThe command, the library and the blend computed here gave the same order for every question.")


if __name__ == "__main__":
    sys.exit(main())
