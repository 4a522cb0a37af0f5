"""Search: which pattern answers, what is known of it, and what is said when something is missing."""

import pytest

from autoir.clock import MINUTE_MS
from autoir.embed import fill_pending
from autoir.embed.fingerprint import META_KEY
from autoir.errors import UsageError
from autoir.search import Results, Searcher
from autoir.store import Store, open_store
from tests.embed.scripted import ScriptedEmbedder
from tests.search.conftest import ERROR, INFO, NOON, SEEN, add, number


def templates(found: Results) -> list[str]:
    return [hit.template for hit in found.hits]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("connection pool limit reached", "QueuePool limit of size <*> reached"),
        ("QueuePool created", "QueuePool created with <*> connections"),
        ("upstream timeout", "upstream timed out while reading response from <*>"),
        ("nginx", "upstream timed out while reading response from <*>"),  # the component alone
        ("refused login", "login of user <*> refused"),
        ("disk: no space!", "could not extend file: No space left on device"),
        ("NO SPACE LEFT", "could not extend file: No space left on device"),
        ("space left " * 1_000, "could not extend file: No space left on device"),
        ("\x1b[31mupstream\x1b[0m \u202etimed\x00 out", "upstream timed out while reading response from <*>"),
    ],
)
def test_the_best_answer(store: Store, query: str, best: str) -> None:
    found = Searcher(store, ScriptedEmbedder()).search(query)
    assert templates(found)[0] == best
    assert (found.degraded, found.engine) == ("", "hashed-ngram-384/r1")
    assert len(found.query) <= 1_500


def test_the_same_message_in_two_groups_is_one_answer(store: Store) -> None:
    hit = Searcher(store, ScriptedEmbedder()).search("queue pool limit reached", limit=1).hits[0]
    assert (hit.count, hit.log_groups, hit.level) == (5, ("/shop/checkout", "/shop/orders"), ERROR)
    assert (hit.first_ms, hit.last_ms) == (NOON, NOON + 10 * MINUTE_MS)
    # the newest line stands for them, and its pattern is the one named
    assert hit.sample is not None
    assert (hit.sample.message, hit.sample.log_group) == ("QueuePool limit of size 9 reached", "/shop/checkout")
    assert hit.sample.pattern_id == hit.pattern_id


def test_another_level_is_another_answer(empty: Store) -> None:
    add(empty, [("/a", "x", level, "job <*> stopped", (0,)) for level in (INFO, ERROR)])
    fill_pending(empty, ScriptedEmbedder(), NOON)
    found = Searcher(empty, ScriptedEmbedder()).search("job stopped")
    assert sorted(hit.level for hit in found.hits) == [INFO, ERROR]


POOL = "QueuePool limit of size <*> reached"


@pytest.mark.parametrize(
    ("filters", "answers", "count"),
    [
        # what is held to, how many patterns answer, how often the pool was seen
        ({}, 6, 5),
        ({"group_glob": "/shop/*"}, 4, 5),
        ({"group_glob": "/SHOP/*"}, 1, 0),  # case counts
        ({"group_glob": "/shop/orders"}, 2, 1),
        ({"group_glob": "*/*o*s"}, 3, 1),  # orders and postgres
        ({"group_glob": "/shop/[aw]*"}, 2, 0),
        ({"group_glob": "/none/*"}, 0, 0),
        ({"level": ERROR}, 4, 5),
        ({"level": INFO}, 6, 5),
        ({"since_ms": NOON + 5 * MINUTE_MS}, 3, 2),  # both groups, once each
        ({"since_ms": NOON + 9 * MINUTE_MS + 59_000}, 2, 1),  # whole minutes
        ({"until_ms": NOON + MINUTE_MS}, 3, 1),  # excluded
        ({"since_ms": NOON + MINUTE_MS, "until_ms": NOON + 6 * MINUTE_MS}, 4, 3),
        ({"since_ms": NOON + 60 * MINUTE_MS}, 0, 0),
        ({"since_ms": NOON + 5 * MINUTE_MS, "group_glob": "/shop/o*"}, 1, 1),
        ({"since_ms": NOON + 6 * MINUTE_MS, "group_glob": "/shop/o*"}, 0, 0),
    ],
)
def test_filters(store: Store, filters: dict[str, object], answers: int, count: int) -> None:
    found = Searcher(store, ScriptedEmbedder()).search("queue pool limit reached", **filters)  # type: ignore[arg-type]
    assert len(found.hits) == answers
    assert sum(hit.count for hit in found.hits if hit.template == POOL) == count
    assert found.degraded == ""


def test_counts_span_and_sample_are_those_of_the_time_asked_for(store: Store) -> None:
    searcher = Searcher(store, ScriptedEmbedder())
    span = {"since_ms": NOON + MINUTE_MS, "until_ms": NOON + 3 * MINUTE_MS}
    hit = searcher.search("user logged in", **span).hits[0]
    assert (hit.count, hit.first_ms, hit.last_ms) == (2, NOON + MINUTE_MS, NOON + 3 * MINUTE_MS)
    assert hit.sample is not None
    assert hit.sample.message == "user 2 logged in"


@pytest.mark.parametrize("limit, hits", [(1, 1), (2, 2), (100, 6)])
def test_no_more_answers_than_asked_for_best_first(store: Store, limit: int, hits: int) -> None:
    found = Searcher(store, ScriptedEmbedder()).search("user login", limit=limit).hits
    scores = [hit.score for hit in found]
    assert (len(found), scores) == (hits, sorted(scores, reverse=True))
    for hit in found:
        assert hit.score == pytest.approx(0.5 * hit.dense + 0.5 * hit.bm25)
        assert 0 <= min(hit.dense, hit.bm25) <= max(hit.dense, hit.bm25) <= 1


def test_a_model_weighs_more_than_words(store: Store) -> None:
    store.set_meta(META_KEY, "")
    store.db.execute("DELETE FROM autoir_meta WHERE k = %s", (META_KEY,))
    store.db.execute("UPDATE autoir_patterns SET embed_state = 'pending', embed_lease_ms = 0")
    model = ScriptedEmbedder(pooling="cls")
    fill_pending(store, model, NOON + 1)
    hit = Searcher(store, model).search("user login", limit=3).hits[2]
    assert hit.score == pytest.approx(0.7 * hit.dense + 0.3 * hit.bm25)


@pytest.mark.parametrize("query", ["", "   ", "?!", "the of and", "<*>", "\x00\x1b", "—" * 10_000])
def test_a_query_without_a_word_is_refused(store: Store, query: str) -> None:
    with pytest.raises(UsageError, match="no word to search for"):
        Searcher(store, ScriptedEmbedder()).search(query)


def test_a_limit_below_1_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="limit of 0"):
        Searcher(store, ScriptedEmbedder()).search("pool", limit=0)


def test_an_empty_store_answers_nothing_and_is_not_degraded(empty: Store) -> None:
    assert Searcher(empty, ScriptedEmbedder()).search("pool") == Results("pool", "hashed-ngram-384/r1", "", ())


def test_a_single_pattern_answers_though_no_score_can_be_stretched(empty: Store) -> None:
    add(empty, SEEN[:1])
    fill_pending(empty, ScriptedEmbedder(), NOON)
    assert templates(Searcher(empty, ScriptedEmbedder()).search("pool limit")) == [POOL]


def test_pending_patterns_are_found_by_words_and_it_is_said(store: Store) -> None:
    searcher = Searcher(store, ScriptedEmbedder())
    assert searcher.search("cart").degraded == ""
    add(store, [("/shop/cart", "cart.api", ERROR, "basket <*> vanished", (1,))])
    found = searcher.search("basket vanished")
    assert templates(found)[0] == "basket <*> vanished"
    assert found.hits[0].dense == 0
    assert found.degraded == "1 of 7 patterns have no vector yet and are found by words only"
    assert searcher.search("pool", group_glob="/shop/web").degraded == ""  # none of them is pending
    fill_pending(store, ScriptedEmbedder(), NOON + 1)
    found = searcher.search("basket vanished")
    assert (found.degraded, found.hits[0].dense) == ("", 1.0)


def test_a_vector_written_by_a_slower_clock_is_not_missed(store: Store) -> None:
    searcher = Searcher(store, ScriptedEmbedder())
    searcher.search("pool")
    add(store, [("/shop/cart", "cart.api", ERROR, "basket <*> vanished", (1,))])
    fill_pending(store, ScriptedEmbedder(), NOON - 10 * MINUTE_MS)
    assert searcher.search("basket vanished").hits[0].dense == 1.0


def test_refused_patterns_are_found_by_words_for_good(empty: Store) -> None:
    add(empty, SEEN)
    fill_pending(empty, ScriptedEmbedder(refuses=["space left"]), NOON)
    found = Searcher(empty, ScriptedEmbedder()).search("no space left")
    assert templates(found)[0] == "could not extend file: No space left on device"
    assert found.degraded == ""


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (
            ScriptedEmbedder(model="bge-small"),
            "words only: The store holds vectors of hashed-ngram-384/r1; this",
        ),
        (ScriptedEmbedder(queries=lambda n: n[::-1]), "embeds queries otherwise"),
        (ScriptedEmbedder(queries=lambda n: n * 0), "cannot embed AutoIR's own test texts"),
    ],
)
def test_a_refused_engine_leaves_words_and_it_is_said(store: Store, engine: ScriptedEmbedder, words: str) -> None:
    found = Searcher(store, engine).search("no space left")
    assert templates(found) == ["could not extend file: No space left on device"]  # nothing else shares a word
    assert found.hits[0].score == found.hits[0].bm25 == 1.0
    assert words in found.degraded


def test_an_engine_that_is_down_leaves_words_until_it_is_back(store: Store) -> None:
    engine = ScriptedEmbedder()
    searcher = Searcher(store, engine)
    engine.down = True
    assert searcher.search("no space left").degraded == "words only: the endpoint does not answer"
    engine.down = False
    assert searcher.search("no space left").degraded == ""
    engine.down = True
    assert searcher.search("no space left").degraded == "words only: the endpoint does not answer"


def test_without_any_vector_words_answer(empty: Store) -> None:
    add(empty, SEEN)
    found = Searcher(empty, ScriptedEmbedder()).search("no space left")
    assert templates(found) == ["could not extend file: No space left on device"]
    assert found.degraded == "words only: no pattern has a vector yet"


def test_patterns_whose_counts_are_gone_do_not_answer(store: Store) -> None:
    gone = number("/infra/postgres", "postgres", ERROR, "could not extend file: No space left on device")
    store.db.execute("DELETE FROM autoir_counts WHERE pattern_id = %s", (gone,))
    assert len(Searcher(store, ScriptedEmbedder()).search("no space left").hits) == 5


def test_searching_writes_nothing(empty: Store) -> None:
    add(empty, SEEN)
    Searcher(empty, ScriptedEmbedder()).search("pool")
    assert empty.meta(META_KEY) is None
    assert empty.embed_progress()[:3] == (7, 0, 0)


def test_an_old_searcher_answers_as_a_new_one(empty: Store) -> None:
    old = Searcher(empty, ScriptedEmbedder())
    for at, row in enumerate(SEEN):
        add(empty, [row])
        fill_pending(empty, ScriptedEmbedder(), NOON + at)
        new = Searcher(empty, ScriptedEmbedder())
        for query in ("pool limit", "user login", "upstream"):
            ours, theirs = old.search(query).hits, new.search(query).hits
            assert [h.score for h in ours] == pytest.approx([h.score for h in theirs])
            assert {h.template for h in ours} == {h.template for h in theirs}


def test_what_came_since_is_in_the_time_asked_for(store: Store) -> None:
    searcher = Searcher(store, ScriptedEmbedder())
    span = {"since_ms": NOON + 20 * MINUTE_MS, "until_ms": NOON + 30 * MINUTE_MS}
    assert searcher.search("pool", **span).hits == ()
    add(store, [("/shop/cart", "", ERROR, "pool of carts dry", (25,))])  # by this connection
    assert templates(searcher.search("pool", **span)) == ["pool of carts dry"]
    other = open_store(f"sqlite:///{store.db.path}")  # type: ignore[attr-defined]
    add(other, [("/shop/cart", "", ERROR, "pool of mails dry", (26,))])
    other.close()
    assert len(searcher.search("pool", **span).hits) == 2
    store.db.execute("DELETE FROM autoir_counts WHERE minute >= %s", (NOON // MINUTE_MS + 20,))
    assert searcher.search("pool", **span).hits == ()


def test_what_is_asked_again_is_not_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    seen_between = store.seen_between

    def counted(since_min: int, until_min: int) -> list[int]:
        asked.append((since_min, until_min))
        return seen_between(since_min, until_min)

    monkeypatch.setattr(store, "seen_between", counted)
    searcher = Searcher(store, ScriptedEmbedder())
    for query, minute in (("pool", 0), ("pool limit", 0), ("pool limit", 1), ("pool", 1)):
        searcher.search(query, since_ms=NOON + minute * MINUTE_MS)
    assert len(asked) == 2


def test_what_is_prepared_is_not_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = Searcher(store, ScriptedEmbedder())
    searcher.prepare()
    monkeypatch.setattr(store, "patterns", None)
    monkeypatch.setattr(store, "vectors", None)
    assert templates(searcher.search("no space left"))[0].endswith("No space left on device")


def test_preparing_with_another_model_leaves_words(store: Store) -> None:
    searcher = Searcher(store, ScriptedEmbedder(model="bge-small"))
    searcher.prepare()
    found = searcher.search("no space left")
    assert (found.hits[0].why.cosine, "words only" in found.degraded) == (None, True)
