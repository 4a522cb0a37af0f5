"""Another model for a store: whole, by several at once, through kills, and in the end as if it had been there ever."""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from autoir.daemon import embedding
from autoir.embed import (
    Embedder,
    EmbedFailure,
    Filled,
    ModelMismatchError,
    Vector,
    claim_model,
    fill_pending,
    recipe_hash,
    recorded_model,
    switching,
    verify_model,
)
from autoir.embed.fingerprint import META_KEY
from autoir.embed.pending import LEASE_MS, fill_all
from autoir.embed.switching import Switch
from autoir.errors import AutoirError, UnreachableError
from autoir.search import Searcher
from autoir.store import Store, open_store
from autoir.store.rows import Batch, PatternRow
from tests.embed.scripted import Numbers, ScriptedEmbedder
from tests.store.rows import GROUP, NOON

TEMPLATES = (
    "QueuePool limit of size <*> reached", "upstream timed out while reading response", "user <*> logged in",
    "login of user <*> refused", "could not extend file: No space left on device", "cart <*> opened", "cache warmed",
)  # fmt: skip
REFUSED = "space left"


def turned(numbers: Numbers) -> Numbers:
    """Another model's vectors: they compare with the first one's, and mean nothing."""
    return np.asarray(numbers[::-1])


def old(**more: str) -> ScriptedEmbedder:
    return ScriptedEmbedder(refuses=[REFUSED], **more)


def new(name: str = "new") -> ScriptedEmbedder:
    return ScriptedEmbedder(documents=turned, queries=turned, model=name)


def add(store: Store, templates: tuple[str, ...] = TEMPLATES) -> None:
    rows = [
        PatternRow(n, n, "m1", GROUP, 1, 0, "db", text, 2, NOON + n, recipe_hash(text, "db"))
        for n, text in enumerate(templates, 1)
    ]
    store.write(Batch([], rows, [], []))


@pytest.fixture
def store(opener: Callable[[], Store]) -> Store:
    """Seven patterns with vectors of the old model, which refused one of them."""
    opened = opener()
    add(opened)
    assert fill_pending(opened, old(), NOON) == Filled(6, 1)
    return opened


def rows(store: Store) -> list[tuple[object, ...]]:
    """The patterns and the fingerprint, without what says when something was tried."""
    columns = "pattern_id, embed_state, embed_error, model, embedding, template, recipe_hash"
    meta = store.query("SELECT k, v FROM autoir_meta WHERE k = %s", (META_KEY,))
    return [*store.query(f"SELECT {columns} FROM autoir_patterns ORDER BY pattern_id"), *meta]


def fresh(path: Path, engine: Embedder) -> list[tuple[object, ...]]:
    """What a store that never had another model holds."""
    with closing(open_store(f"sqlite:///{path}/fresh.db")) as store:
        add(store)
        fill_pending(store, engine, NOON)
        return rows(store)


def vectors(found: list[tuple[object, ...]], store: Store) -> list[bytes]:
    return [store.db.decode_vector(row[4]) for row in found[:-1]]


def fill(store: Store, engine: Embedder, now_ms: int = NOON + 2 * LEASE_MS) -> Filled:
    def no_one_else() -> None:
        raise AssertionError("nobody else has anything in hand")

    return fill_all(store, engine, clock=lambda: now_ms, wait=no_one_else, told=lambda done, pending: None)


def degraded(store: Store, engine: Embedder) -> str:
    return Searcher(store, engine).search("pool limit").degraded


def half_cleared(store: Store, engine: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the switch after its first batch of two."""
    monkeypatch.setattr(switching, "BATCH", 2)

    def stop(cleared: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Switch(store, engine).run(stop)


def test_it_ends_as_a_fresh_store_of_the_new_model(store: Store, tmp_path: Path) -> None:
    before = store.vectors()
    assert Switch(store, new()).run() == 7
    assert fill(store, new()) == Filled(7, 0)
    found, expected = rows(store), fresh(tmp_path, new())
    with closing(open_store(f"sqlite:///{tmp_path}/fresh.db")) as other:
        assert vectors(found, store) == vectors(expected, other)
    assert [row[:4] for row in found] == [row[:4] for row in expected]
    assert not {vector for _, vector in before} & {vector for _, vector in store.vectors()}
    assert verify_model(store, new())
    assert degraded(store, new()) == ""
    with pytest.raises(ModelMismatchError, match="holds vectors of new/r1; this engine is hashed"):
        verify_model(store, old())


@pytest.mark.parametrize(
    ("engine", "stand", "cleared"),
    [
        # what is the engine's already is left alone
        (old, "same", 0),
        (new, "other", 7),
        # the same name, and other vectors
        (lambda: ScriptedEmbedder(documents=turned, queries=turned), "other", 7),
        (lambda: ScriptedEmbedder(queries=turned), "other", 7),
        (lambda: ScriptedEmbedder(recipe="r2"), "other", 7),
    ],
    ids=["the same", "another", "documents otherwise", "queries otherwise", "recipe"],
)
def test_how_a_store_stands_towards_an_engine(
    store: Store, engine: Callable[[], Embedder], stand: str, cleared: int
) -> None:
    switch = Switch(store, engine())
    assert switch.stand() == stand
    assert switch.run() == cleared
    assert Switch(store, engine()).stand() == "same"
    assert Switch(store, engine()).run() == 0
    assert fill(store, engine()).done == cleared


def test_a_store_without_a_model_takes_it(opener: Callable[[], Store]) -> None:
    store = opener()
    add(store)
    switch = Switch(store, new())
    assert (switch.stand(), switch.run(), switch.stand()) == ("none", 0, "same")
    assert fill(store, new()) == Filled(7, 0)


def test_on_the_way_nobody_writes_and_words_alone_are_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, (*TEMPLATES, "basket <*> vanished"))  # waits
    half_cleared(store, new(), monkeypatch)
    assert recorded_model(store) == "new/r1"
    assert Switch(store, new()).stand() == "clearing"
    state = rows(store)
    for engine, said in ((old(), "this engine is hashed"), (new(), "on its way from hashed-ngram-384/r1 to new/r1")):
        for begin in (verify_model, claim_model, lambda store, engine: fill_pending(store, engine, NOON + 1)):
            with pytest.raises(ModelMismatchError, match=said):
                begin(store, engine)
        assert said in degraded(store, engine)
    assert rows(store) == state
    assert Switch(store, new()).run() == 5
    assert fill(store, new()) == Filled(8, 0)
    assert degraded(store, new()) == ""


def test_half_filled_what_waits_is_found_by_words_and_it_is_said(store: Store) -> None:
    Switch(store, new()).run()
    assert "7 of 7 patterns have no vector yet" in degraded(store, new())
    fill_pending(store, new(), NOON, 3)
    assert "4 of 7 patterns have no vector yet" in degraded(store, new())
    assert "words only: The store holds vectors of new/r1" in degraded(store, old())


class Meanwhile(ScriptedEmbedder):
    """An engine that takes its time: something happens while it embeds patterns."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__(refuses=[REFUSED])
        self._happens = happens

    def embed_documents(self, texts):  # type: ignore[no-untyped-def]
        if any("basket" in text for text in texts):
            self._happens()
        return super().embed_documents(texts)

    def embed_query(self, text: str) -> bytes:
        if "limit" in text:
            self._happens()
        return super().embed_query(text)


def test_a_writer_of_the_old_model_that_comes_late_stores_nothing(store: Store, opener: Callable[[], Store]) -> None:
    """It had verified its model and taken patterns in hand before the switch."""
    other = opener()
    add(store, (*TEMPLATES, "basket <*> vanished", f"basket full: no {REFUSED}"))
    late = Meanwhile(Switch(other, new()).run)
    with pytest.raises(ModelMismatchError, match="given over to new/r1 while hashed-ngram-384/r1 embedded"):
        fill_pending(store, late, NOON + 1)
    assert store.embed_progress()[:3] == (9, 0, 0)
    assert fill(store, new()) == Filled(9, 0)


def test_a_search_that_was_under_way_compares_with_no_vector_of_the_new_model(
    store: Store, opener: Callable[[], Store]
) -> None:
    other = opener()
    searcher = Searcher(store, Meanwhile(lambda: (Switch(other, new()).run(), fill(other, new()))))
    found = searcher.search("pool limit")
    assert "words only: The store holds vectors of new/r1" in found.degraded
    assert not any(hit.dense for hit in found.hits)


def test_an_old_searcher_with_the_new_engine_sees_each_vector_as_it_comes(store: Store) -> None:
    searcher = Searcher(store, new())
    assert "words only" in searcher.search("pool limit").degraded
    Switch(store, new()).run()
    for left in range(6, 0, -1):
        fill_pending(store, new(), NOON + 10 - left, 1)
        assert f"{left} of 7 patterns" in searcher.search("pool limit").degraded
    fill(store, new())
    assert searcher.search("pool limit").degraded == ""


def test_two_at_once_share_the_work(
    store: Store, opener: Callable[[], Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The second joins after the first batch, and ends the clearing; the first finds nothing more to clear."""
    monkeypatch.setattr(switching, "BATCH", 2)
    other, engine = opener(), new()
    counted: list[int] = []

    def overtake(cleared: int) -> None:
        counted.append(Switch(other, engine).run())
        assert fill_pending(other, engine, NOON, 3) == Filled(3, 0)

    assert Switch(store, new()).run(overtake) == 2
    assert counted == [5]
    assert store.embed_progress()[:3] == (4, 3, 0), "what has its new vector keeps it"
    claimed = other.claim_pending(NOON, LEASE_MS, 2)
    waited: list[int] = []

    def wait() -> None:  # for what the other one has in hand
        waited.append(1)
        other.db.execute("UPDATE autoir_patterns SET embed_lease_ms = 0")

    done = fill_all(store, new(), clock=lambda: NOON, wait=wait, told=lambda done, pending: None)
    assert (len(claimed), done, waited) == (2, Filled(4, 0), [1])
    assert [row[:4] for row in rows(store)] == [row[:4] for row in fresh(tmp_path, new())]


def test_the_last_of_two_targets_has_it_and_the_other_one_is_told(
    store: Store, opener: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switching, "BATCH", 2)
    other = opener()
    with pytest.raises(ModelMismatchError, match="to another model than new/r1"):
        Switch(store, new()).run(lambda cleared: Switch(other, new("newer")).run() and None)
    assert (recorded_model(store), store.embed_progress()[:3]) == ("newer/r1", (7, 0, 0))
    assert fill(store, new("newer")) == Filled(7, 0)


def test_back_again_is_another_switch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(store)
    half_cleared(store, new(), monkeypatch)
    assert Switch(store, old()).stand() == "other"
    assert Switch(store, old()).run() == 5
    assert fill(store, old()) == Filled(6, 1)
    assert rows(store) == before


@pytest.mark.parametrize(
    "engine", [ScriptedEmbedder(queries=lambda n: n * 0, model="broken"), ScriptedEmbedder(model="down")]
)
def test_an_engine_that_embeds_nothing_changes_nothing(store: Store, engine: ScriptedEmbedder) -> None:
    before = rows(store)
    engine.down = engine.spec.model == "down"
    with pytest.raises(UnreachableError if engine.down else AutoirError):
        Switch(store, engine)
    assert rows(store) == before


def test_a_limit_is_kept(store: Store) -> None:
    Switch(store, new()).run()
    told: list[tuple[Filled, int]] = []

    def never() -> None:
        raise AssertionError("nobody else has anything in hand")

    done = fill_all(
        store, new(), clock=lambda: NOON, wait=never, told=lambda done, left: told.append((done, left)), limit=5
    )
    assert (done, told) == (Filled(5, 0), [(Filled(5, 0), 2)])


def test_a_daemon_goes_on_with_the_new_model_after_it_was_refused(store: Store) -> None:
    job = embedding(lambda store: new() if recorded_model(store) == "new/r1" else old())
    add(store, (*TEMPLATES, "basket <*> vanished"))
    job.run(store, NOON)
    Switch(store, new()).run()
    with pytest.raises(ModelMismatchError, match="this engine is hashed"):
        job.run(store, NOON + 1)
    job.run(store, NOON + 2)
    assert store.embed_progress()[:3] == (0, 8, 0)


def test_who_takes_long_keeps_what_is_in_hand(
    store: Store, opener: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch has its lease from when it is taken, 40 s after the one before, not from the start."""
    monkeypatch.setattr("autoir.embed.pending.BATCH", 4)
    other, engine, seconds = opener(), new(), iter((0.0, 40.0, 80.0, 120.0))
    Switch(store, engine).run()
    claim_model(store, engine)
    in_hand: list[int] = []
    embed, looks = engine.embed_documents, iter((80_000, 120_000))

    def looked_at(texts: Sequence[str]) -> list[Vector | EmbedFailure]:
        in_hand.append(other.waiting(NOON + next(looks)).leased)
        return embed(texts)

    monkeypatch.setattr(engine, "embed_documents", looked_at)
    assert fill_pending(store, engine, NOON, seconds=lambda: next(seconds)) == Filled(7, 0)
    assert in_hand == [4, 3]
