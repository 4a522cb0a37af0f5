"""Several wordings of one need, why a hit was found, and the lines behind it."""

import pytest

from autoir.clock import MINUTE_MS
from autoir.embed import fill_pending
from autoir.errors import UsageError
from autoir.search import Hit, Results, Searcher
from autoir.store import Store
from tests.embed.scripted import ScriptedEmbedder
from tests.search.conftest import ERROR, NOON, SEEN, add

POOL = "QueuePool limit of size <*> reached"
DISK = "could not extend file: No space left on device"
MODEL, HASHED = "cls", "none"


def searcher(store: Store, pooling: str = HASHED, **script: object) -> Searcher:
    """Search over ``store`` with every pattern embedded by that kind of engine."""
    engine = ScriptedEmbedder(pooling=pooling, **script)  # type: ignore[arg-type]
    fill_pending(store, engine, NOON)
    return Searcher(store, engine)


def hit_of(found: Results, template: str) -> Hit:
    return next(hit for hit in found.hits if hit.template == template)


@pytest.fixture
def filled(empty: Store) -> Store:
    """Patterns that wait for their vectors."""
    add(empty, SEEN)
    return empty


@pytest.mark.parametrize("pooling", [HASHED, MODEL])
def test_a_score_is_the_mean_of_those_of_its_wordings(filled: Store, pooling: str) -> None:
    search = searcher(filled, pooling).search
    wordings = ("no connection left in the pool", "queue pool limit", "disk space")
    together = search(wordings[0], also=wordings[1:], limit=100)
    alone = [search(wording, limit=100) for wording in wordings]
    assert (together.query, together.also) == (wordings[0], wordings[1:])
    for hit in together.hits:
        parts = [hit_of(found, hit.template) for found in alone]
        for name in ("score", "dense", "bm25"):
            assert getattr(hit, name) == pytest.approx(sum(getattr(part, name) for part in parts) / 3)
        cosines = [part.why.cosine for part in parts]
        assert hit.why.cosine == pytest.approx(sum(c for c in cosines if c is not None) / 3)
        assert hit.why.raw_bm25 == pytest.approx(sum(part.why.raw_bm25 for part in parts) / 3)


def test_what_answers_both_wordings_comes_before_what_answers_one(empty: Store) -> None:
    both = "disk full after backup"
    add(
        empty, [("/a", "", ERROR, text, (0,)) for text in ("disk full", "backup late", both, "user gone", "cache miss")]
    )
    found = searcher(empty).search("disk full", also=["after backup"])
    assert found.hits[0].template == both
    assert searcher(empty).search("disk full").hits[0].template == "disk full"


@pytest.mark.parametrize(
    ("also", "kept"),
    [
        ([], ()),
        (["no space"], ("no space",)),
        (["no space", "disk  full", "no space "], ("no space", "disk  full")),  # the same twice is asked once
        (["pool"], ()),
        ([f"pool {n}" for n in range(7)], tuple(f"pool {n}" for n in range(7))),
    ],
)
def test_each_wording_is_asked_once(filled: Store, also: list[str], kept: tuple[str, ...]) -> None:
    assert searcher(filled).search("pool", also=also).also == kept


@pytest.mark.parametrize(
    ("also", "what"),
    [
        (["?!"], "'\\?!' holds no word"),
        ([""], "'' holds no word"),
        ([f"pool {n}" for n in range(8)], "9 wordings are too many"),
    ],
)
def test_a_wording_that_asks_nothing_and_too_many_are_refused(filled: Store, also: list[str], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        searcher(filled).search("pool", also=also)


@pytest.mark.parametrize("pooling", [HASHED, MODEL])
@pytest.mark.parametrize("also", [(), ("disk space", "user login")])
@pytest.mark.parametrize("filters", [{}, {"group_glob": "/shop/*"}, {"level": ERROR}])
def test_the_reasons_add_up_to_the_score(
    filled: Store, pooling: str, also: tuple[str, ...], filters: dict[str, object]
) -> None:
    # one pattern that the model refuses, so that its words alone judge it
    search = searcher(filled, pooling, refuses=["timed out while"]).search
    hits = search("upstream pool limit", also=also, limit=100, **filters).hits  # type: ignore[arg-type]
    assert len(hits) >= 4
    for hit in hits:
        assert hit.score == hit.why.dense_share * hit.dense + (1 - hit.why.dense_share) * hit.bm25
        refused = hit.component == "nginx"
        share = 0.0 if refused else {HASHED: 0.5, MODEL: 0.7}[pooling]
        assert (hit.why.dense_share, hit.why.cosine is None) == (share, refused)


def test_the_stretched_scores_are_those_of_the_raw_ones(filled: Store) -> None:
    hits = searcher(filled).search("queue pool limit", limit=100).hits
    for stretched, raw in (
        ([hit.dense for hit in hits], [hit.why.cosine for hit in hits]),
        ([hit.bm25 for hit in hits], [hit.why.raw_bm25 for hit in hits]),
    ):
        low, high = min(r for r in raw if r is not None), max(r for r in raw if r is not None)
        assert stretched == pytest.approx([(r - low) / (high - low) for r in raw if r is not None])


@pytest.mark.parametrize(
    ("query", "also", "template", "words"),
    [
        ("pool limits were reached", [], POOL, ("pool", "limit", "reached")),  # in the order of the line
        ("reached pool", ["the limits"], POOL, ("pool", "limit", "reached")),
        ("db", [], POOL, ("db",)),  # of the component
        ("space space left", [], DISK, ("space", "left")),
        ("ERRNO: extending files", [], DISK, ("extend", "file")),  # as they stand in the line, without its marks
        ("pool", [], DISK, ()),
    ],
)
def test_the_words_that_match_are_named(
    filled: Store, query: str, also: list[str], template: str, words: tuple[str, ...]
) -> None:
    assert hit_of(searcher(filled).search(query, also=also, limit=100), template).why.words == words


def test_without_vectors_the_words_alone_are_the_reason(filled: Store) -> None:
    (hit,) = Searcher(filled, ScriptedEmbedder()).search("no space left").hits
    assert (hit.score, hit.bm25, hit.dense) == (1.0, 1.0, 0.0)
    assert (hit.why.cosine, hit.why.dense_share, hit.why.words) == (None, 0.0, ("no", "space", "left"))
    assert hit.why.raw_bm25 > 0


def lines(store: Store, template: str, limit: int = 20, **filters: object) -> list[tuple[str, int]]:
    """Log group and minute, from noon, of the lines behind the hit of that template."""
    search = searcher(store)
    hit = hit_of(search.search("queue pool limit reached", limit=100, **filters), template)  # type: ignore[arg-type]
    return [(event.log_group, (event.ts_ms - NOON) // MINUTE_MS) for event in search.lines(hit, limit)]


CHECKOUT, ORDERS = "/shop/checkout", "/shop/orders"


@pytest.mark.parametrize(
    ("filters", "limit", "found"),
    [
        ({}, 20, [(CHECKOUT, 9), (ORDERS, 5), (CHECKOUT, 1), (CHECKOUT, 1), (CHECKOUT, 0)]),  # over all its groups
        ({}, 2, [(CHECKOUT, 9), (ORDERS, 5)]),
        ({"group_glob": "*/orders"}, 20, [(ORDERS, 5)]),
        ({"since_ms": NOON + 5 * MINUTE_MS}, 20, [(CHECKOUT, 9), (ORDERS, 5)]),
        ({"until_ms": NOON + 2 * MINUTE_MS}, 1, [(CHECKOUT, 1)]),
    ],
)
def test_the_lines_of_a_hit_are_its_newest(
    filled: Store, filters: dict[str, object], limit: int, found: list[tuple[str, int]]
) -> None:
    assert lines(filled, POOL, limit, **filters) == found


def test_lines_counted_in_a_later_minute_are_found_all_the_same(filled: Store) -> None:
    filled.db.execute("UPDATE autoir_counts SET minute = minute + 60")
    assert lines(filled, POOL, 1) == [(CHECKOUT, 9)]


def test_lines_that_are_gone_are_none(filled: Store) -> None:
    filled.db.execute("DELETE FROM autoir_events")
    assert lines(filled, POOL) == []
