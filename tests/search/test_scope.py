"""Every filter, whichever short cut it is answered by, against a search that takes none.

The reference below goes through all patterns one by one in plain Python; only the words' index and the engine are the
product's own, and those have tests of themselves.
"""

import random
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest

from autoir.clock import MINUTE_MS
from autoir.embed import fill_pending
from autoir.embed.documents import embed_question
from autoir.embed.recipe import component_text, query_text
from autoir.embed.words import terms
from autoir.search import Results, Searcher
from autoir.search.bm25 import WordIndex
from autoir.store import Store, open_store
from tests.embed.scripted import ScriptedEmbedder
from tests.search.conftest import NOON, add

_WORDS = "pool limit database disk queue timeout user login payment refused restart node token cache mail"
WORDS = _WORDS.split()
GROUPS = [f"/{team}/{name}" for team in ("shop", "infra", "data") for name in ("api", "web", "db", "jobs")]
REFUSED = "xylophone"

Key = tuple[str, str, int]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 90 messages in twelve groups, a few of them refused by the model and a few without a vector yet."""
    rng = random.Random(7)
    rows = []
    for n in range(150):
        words = [*rng.sample(WORDS, 3), "" if n % 11 else REFUSED, "" if n % 3 else f"case{n % 30}"]
        minutes = tuple(rng.sample(range(12), rng.randint(1, 3)))
        rows.append((GROUPS[n % 12], rng.choice(("", "core.io")), rng.randrange(5), " ".join(words), minutes))
    path = tmp_path_factory.mktemp("scope") / "store.db"
    store = open_store(f"sqlite:///{path}")
    add(store, rows[:140])
    fill_pending(store, ScriptedEmbedder(refuses=[REFUSED]), NOON)
    add(store, rows[140:])
    store.close()
    return path


def reference(store: Store, query: str, filters: dict[str, object]) -> dict[Key, tuple[float, int]]:
    """Score and count of every message that answers."""
    glob, level = str(filters.get("group_glob", "")), int(str(filters.get("level", 0)))
    since, until = filters.get("since_ms"), filters.get("until_ms")
    first = -(10**9) if since is None else int(str(since)) // MINUTE_MS
    last = 10**9 if until is None else (int(str(until)) - 1) // MINUTE_MS
    messages: defaultdict[Key, list[int]] = defaultdict(list)
    groups = {}
    for pattern in store.patterns():
        messages[pattern.template, pattern.component, pattern.level].append(pattern.pattern_id)
        groups[pattern.pattern_id] = pattern.log_group
    index = WordIndex()
    for template, component, _ in messages:
        index.add(terms(component_text(template, component)))
    raw = dict(zip(messages, index.scores(dict.fromkeys(terms(query_text(query)), 1.0)).tolist(), strict=True))
    asked = embed_question(ScriptedEmbedder(), query)
    assert isinstance(asked, bytes)
    vectors = {n: float(np.frombuffer(v, "<f4") @ np.frombuffer(asked, "<f4")) for n, v in store.vectors()}
    counts: defaultdict[int, int] = defaultdict(int)
    for pattern_id, minute, n in store.query("SELECT pattern_id, minute, n FROM autoir_counts"):
        if first <= minute <= last and (not glob or fnmatchcase(groups[pattern_id], glob)):
            counts[pattern_id] += n
    timed = since is not None or until is not None
    inside = []
    for key, ids in messages.items():
        in_group = any(not glob or fnmatchcase(groups[i], glob) for i in ids)
        if (any(counts[i] for i in ids) if timed else in_group) and key[2] >= level:
            inside.append(key)
    words = stretched({key: raw[key] for key in inside})
    dense = stretched({key: vectors[ids[0]] for key in inside if (ids := [i for i in messages[key] if i in vectors])})
    found = {}
    for key in inside:
        count = sum(counts[i] for i in messages[key])
        if count and (key in dense or raw[key]):
            score = 0.5 * dense[key] + 0.5 * words[key] if key in dense else words[key]
            found[key] = (score, count)
    return found


def stretched(values: dict[Key, float]) -> dict[Key, float]:
    low, high = min(values.values(), default=0), max(values.values(), default=0)
    return {key: (value - low) / (high - low) if high > low else 0.0 for key, value in values.items()}


def told(found: Results) -> dict[Key, tuple[float, int]]:
    return {(hit.template, hit.component, hit.level): (hit.score, hit.count) for hit in found.hits}


FILTERS: list[dict[str, object]] = [
    {},
    {"group_glob": "/shop/*"},
    {"group_glob": "/shop/db"},  # few enough that their vectors are picked out
    {"group_glob": "/none"},
    {"level": 2},
    {"level": 4},
    {"since_ms": NOON + 6 * MINUTE_MS},
    {"since_ms": NOON + 11 * MINUTE_MS},
    {"until_ms": NOON + 2 * MINUTE_MS},
    {"since_ms": NOON + 3 * MINUTE_MS, "until_ms": NOON + 5 * MINUTE_MS},
    {"since_ms": NOON + 5 * MINUTE_MS, "group_glob": "*/[aw]*", "level": 3},
    {"since_ms": NOON + 60 * MINUTE_MS},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_every_filter_answers_as_a_search_without_short_cuts(large: Path, filters: dict[str, object]) -> None:
    store = open_store(f"sqlite:///{large}")
    searcher = Searcher(store, ScriptedEmbedder())
    for query in ("database pool limit", "case3", REFUSED, "mail token refused login"):
        expected = reference(store, query, filters)
        found = searcher.search(query, limit=1000, **filters)  # type: ignore[arg-type]
        assert told(found).keys() == expected.keys()
        for key, (score, count) in told(found).items():
            assert (score, count) == (pytest.approx(expected[key][0], abs=1e-5), expected[key][1])
        few = searcher.search(query, limit=3, **filters)  # type: ignore[arg-type]
        assert few.hits == found.hits[:3]
    store.close()


def test_the_filters_tell_apart(large: Path) -> None:
    store = open_store(f"sqlite:///{large}")
    sizes = [len(reference(store, "database pool limit", filters)) for filters in FILTERS]
    store.close()
    assert sizes[0] > 80
    assert sizes.count(0) == 2
    assert all(0 < size < sizes[0] for at, size in enumerate(sizes[1:], 1) if at not in (3, 11))
