"""How well search answers, and how fast.

Quality: graded questions over templates of an invented service landscape (search_corpus.txt, committed before its first
run; its hash is printed). Speed: one process over a store of many patterns, and the whole of a cold process.

    python bench/search.py [--engine local] [--sizes 1000,10000,100000] [--misses]
"""

import argparse
import hashlib
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core; read when numpy is imported

import numpy as np

from autoir.embed import Embedder, EmbedFailure, default_engine, fill_pending, open_embedder, recipe_hash
from autoir.embed.documents import embed_patterns, embed_question
from autoir.embed.recipe import component_text, query_text
from autoir.embed.words import terms
from autoir.events import stable_id, stable_number
from autoir.search import Searcher
from autoir.search.bm25 import WordIndex
from autoir.store import Store, open_store
from autoir.store.rows import Batch, EventRow, PatternRow, StreamRow

CORPUS = Path(__file__).with_name("search_corpus.txt")
LEVELS = {"INFO": 1, "WARN": 2, "ERROR": 3, "FATAL": 4}
NOW_MS = 1_770_000_000_000
AT = 10


class Template(NamedTuple):
    """A template of the corpus."""

    id: str
    log_group: str
    level: int
    component: str
    template: str


class Question(NamedTuple):
    """A question and the grades of what answers it."""

    kind: str
    text: str
    grades: dict[str, int]


Ranking = list[str]
Method = Callable[[str], Ranking]


def corpus() -> tuple[list[Template], list[Question]]:
    """Templates and questions of the corpus."""
    templates: list[Template] = []
    questions: list[Question] = []
    group = ""
    for line in CORPUS.read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("["):
            group = line.strip("[]")
        elif " ? " in line:
            kind, _, rest = line.partition(" ? ")
            text, _, answers = rest.rpartition(" => ")
            grades = (answer.split(":") for answer in answers.split())
            questions.append(Question(kind, text, {key: int(grade) for key, grade in grades}))
        else:
            key, level, component, template = line.split(" | ", 3)
            templates.append(Template(key, group, LEVELS[level], component, template))
    return templates, questions


def ndcg(ranking: Ranking, grades: dict[str, int]) -> float:
    """Normalised discounted cumulative gain of the first ten (gain 2^grade - 1)."""
    discounts = 1 / np.log2(np.arange(2, AT + 2))
    gains = [2.0 ** grades.get(key, 0) - 1 for key in ranking[:AT]]
    best = sorted((2.0**grade - 1 for grade in grades.values()), reverse=True)[:AT]
    return float(discounts[: len(gains)] @ gains) / float(discounts[: len(best)] @ best)


def stretched(scores: np.ndarray) -> np.ndarray:
    span = scores.max() - scores.min()
    return (scores - scores.min()) / span if span else scores * 0


def rrf(*columns: np.ndarray) -> np.ndarray:
    """Reciprocal rank fusion with the usual 60 (Cormack, Clarke and Büttcher, 2009)."""
    total = np.zeros(len(columns[0]))
    for scores in columns:
        ranks = np.empty(len(scores))
        ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
        total += 1 / (60 + ranks)
    return total


def methods(templates: Sequence[Template], searcher: Searcher, embedder: Embedder) -> dict[str, Method]:
    """Every way to rank, by the name of its row."""
    vectors = embed_patterns(embedder, [(t.template, t.component) for t in templates])
    matrix = np.stack([np.frombuffer(v, np.float32) for v in vectors if not isinstance(v, EmbedFailure)])
    index = WordIndex()
    for t in templates:
        index.add(component_text(t.template, t.component))

    def dense(text: str) -> np.ndarray:
        vector = embed_question(embedder, text)
        assert isinstance(vector, bytes)
        return matrix @ np.frombuffer(vector, np.float32)

    def bm25(text: str) -> np.ndarray:
        return index.scores(dict.fromkeys(terms(query_text(text)), 1.0))

    def by(score: Callable[[str], np.ndarray]) -> Method:
        return lambda text: [templates[i].id for i in np.argsort(-score(text), kind="stable")[:AT]]

    def blend(share: float) -> Method:
        return by(lambda text: share * stretched(dense(text)) + (1 - share) * stretched(bm25(text)))

    ids = {(t.template, t.component, t.level): t.id for t in templates}
    return {
        "dense": by(dense),
        "BM25": by(bm25),
        "RRF": by(lambda text: rrf(dense(text), bm25(text))),
        **{f"blend {share}": blend(share) for share in (0.3, 0.5, 0.7)},
        "as shipped": lambda text: [
            ids[h.template, h.component, h.level] for h in searcher.search(text, limit=AT).hits
        ],
    }


def quality(embedder: Embedder, show_misses: bool) -> None:
    """Print nDCG@10, recall@10 and P@1 of every method, and nDCG@10 by kind of question."""
    templates, questions = corpus()
    digest = hashlib.sha256(CORPUS.read_bytes()).hexdigest()[:16]
    print(f"{len(questions)} questions over {len(templates)} templates, search_corpus.txt sha256 {digest}")
    print(f"vectors: {embedder.spec.id}\n")
    with tempfile.TemporaryDirectory() as folder:
        store = filled(Path(folder), [(t.log_group, t.level, t.component, t.template) for t in templates], 1, embedder)
        searcher = Searcher(store, embedder)
        kinds = list(dict.fromkeys(q.kind for q in questions))
        print(f"{'method':<16}{'nDCG@10':>8}{'rec@10':>8}{'P@1':>6}  " + "".join(f"{k:>11}" for k in kinds))
        for name, method in methods(templates, searcher, embedder).items():
            found: defaultdict[str, list[float]] = defaultdict(list)
            recall, first = [], []
            for question in questions:
                ranking = method(question.text)
                found[question.kind].append(ndcg(ranking, question.grades))
                recall.append(len(set(ranking[:AT]) & set(question.grades)) / min(AT, len(question.grades)))
                first.append(bool(ranking) and ranking[0] in question.grades)
                if show_misses and name == "as shipped" and found[question.kind][-1] < 0.4:
                    print(f"    {found[question.kind][-1]:.2f}  {question.text}: {' '.join(ranking[:5])}")
            every = [value for values in found.values() for value in values]
            row = "".join(f"{np.mean(found[kind]):>11.3f}" for kind in kinds)
            print(f"{name:<16}{np.mean(every):>8.3f}{np.mean(recall):>8.3f}{np.mean(first):>6.2f}  {row}")
        store.close()


def filled(folder: Path, patterns: Sequence[tuple[str, int, str, str]], minutes: int, embedder: Embedder) -> Store:
    """A store with those patterns (group, level, component, template), each seen once in each of ``minutes``."""
    store = open_store(f"sqlite:///{folder / 'search.db'}")
    now_min = NOW_MS // 60_000
    for start in range(0, len(patterns), 1000):
        rows: list[PatternRow] = []
        events: list[EventRow] = []
        for group, level, component, template in patterns[start : start + 1000]:
            number = stable_number(group, str(level), component, template)
            seen = [now_min - back for back in range(minutes)]
            rows.append(
                PatternRow(number, number, "m1", group, level, 0, component, template, 0, NOW_MS,
                           recipe_hash(template, component))
            )  # fmt: skip
            events += [
                EventRow(stable_id(str(number), str(m)), m * 60_000, group, 1, level, number, template) for m in seen
            ]
        store.write(Batch(events, rows, [StreamRow(1, "bench", "bench")], []))
    fill_pending(store, embedder, NOW_MS)
    return store


def many(count: int) -> list[tuple[str, int, str, str]]:
    """That many templates over 40 groups: those of the corpus with their words changed for others of it."""
    rng = random.Random(count)
    templates, _ = corpus()
    words = sorted({word for t in templates for word in t.template.split()})
    made: dict[tuple[str, int, str, str], None] = {}
    while len(made) < count:
        t = rng.choice(templates)
        text = " ".join(word if rng.random() < 0.5 else rng.choice(words) for word in t.template.split())
        made[f"{t.log_group}-{rng.randrange(3)}", t.level, t.component, f"{text} {rng.choice(words)}"] = None
    return list(made)


def speed(size: int) -> None:
    """Print the latency of searches in one process, with and without filters, and of a cold process."""
    _, questions = corpus()
    with tempfile.TemporaryDirectory() as folder:
        minutes = 10 if size <= 10_000 else 1
        embedder = open_embedder("hashed")
        store = filled(Path(folder), many(size), minutes, embedder)
        started = time.process_time()
        searcher = Searcher(store, embedder)
        searcher.search("warm up")
        loaded = time.process_time() - started
        cells = [f"{size:>9,}{size * minutes:>11,}{loaded * 1000:>9.0f}"]
        for filters in ({}, {"group_glob": "/shop/*"}, {"since_ms": NOW_MS - 300_000}):
            spans = []
            for question in (*questions, *questions):
                begun = time.process_time()
                searcher.search(question.text, **filters)  # type: ignore[arg-type]
                spans.append((time.process_time() - begun) * 1000)
            cells.append(f"{np.percentile(spans, 50):>8.1f}{np.percentile(spans, 95):>7.1f}")
        store.close()
        code = (
            "from autoir.embed import open_embedder; from autoir.search import Searcher; from autoir.store import"
            f" open_store; s = Searcher(open_store('sqlite:///{folder}/search.db'), open_embedder('hashed'));"
            " assert s.search('connection pool exhausted').hits"
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=CORPUS.parent.parent)
        wall = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print("".join(cells) + f"{cpu * 1000:>9.0f}{wall * 1000:>7.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000", help="patterns of the stores to time, empty for none")
    parser.add_argument("--engine", choices=("hashed", "local"), default="hashed", help="whose vectors to judge")
    parser.add_argument("--misses", action="store_true", help="show the questions that are answered badly")
    arguments = parser.parse_args()
    choice = default_engine(os.environ) if arguments.engine == "local" else ("hashed", {})
    if choice[0] != arguments.engine:
        sys.exit("no model on this machine: make model")
    quality(open_embedder(*choice), arguments.misses)
    print("\nCPU milliseconds, p50 and p95, of a search in process; load: the first one; cold: a whole process")
    print("(hashed vectors)\n")
    print(f"{'patterns':>9}{'counts':>11}{'load':>9}{'all':>15}{'by group':>15}{'by time':>15}{'cold':>9}{'wall':>7}")
    for size in (int(text) for text in arguments.sizes.split(",") if text):
        speed(size)


if __name__ == "__main__":
    main()
