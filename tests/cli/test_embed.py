"""``autoir embed``: what it says of a store's vectors, what it fills in, and how it changes the model."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from autoir import locations
from autoir.cli import embed_status, figures
from autoir.clock import DAY_MS, HOUR_MS, system_clock
from autoir.embed import fill_pending, open_embedder, recorded_model, switching
from autoir.embed.local.folder import BGE
from autoir.embed.switching import Switch
from autoir.errors import UnreachableError
from autoir.store import Store, open_store
from autoir.store.sqlite import SqliteDatabase
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check
from tests.embed.local.pocket import write_pocket
from tests.embed.remote.server import HANG, serving
from tests.embed.scripted import ScriptedEmbedder
from tests.store.rows import NOON
from tests.store.test_switching import add

HASHED = "hashed-ngram-384/r1"
MINILM = "all-MiniLM-L6-v2/mean/r1"


@pytest.fixture
def model(tmp_path: Path, stored: Path) -> Path:
    """A model that came to the machine after the store was filled without one."""
    return write_pocket(tmp_path / "models" / "all-MiniLM-L6-v2")


def change(path: Path, what: Callable[[Store], object]) -> None:
    with closing(open_store(f"sqlite:///{path}")) as store:
        what(store)


def wait_again(store: Store, ago_ms: int = 0, lease_ms: int = 0) -> None:
    """Let every pattern wait, the oldest one for so long."""
    store.clear_vectors(1_000)
    store.db.execute(
        "UPDATE autoir_patterns SET first_ms = %s, embed_lease_ms = %s",
        (system_clock() - ago_ms, system_clock() + lease_ms if lease_ms else 0),
    )


def refuse(store: Store, patterns: int) -> None:
    for pattern_id in store.pattern_ids()[:patterns]:
        store.embed_failed(pattern_id, "a NaN")


def half_way(store: Store) -> None:
    """Leave the store on its way to MiniLM."""

    def stop(cleared: int) -> None:
        raise InterruptedError

    folder = locations.models_folder() / "all-MiniLM-L6-v2"
    with pytest.raises(InterruptedError):
        Switch(store, open_embedder("local", {"folder": str(folder)})).run(stop)


@pytest.mark.parametrize(
    ("made", "code", "said"),
    [
        # well
        (lambda store: None, 0, ("hashed-ngram-384/r1, which gives the same vectors", "embedded     3 of 3 patterns")),
        (wait_again, 0, ("0 of 3 patterns", "waiting      3, the oldest first logged ", "embed backfill")),
        (lambda store: refuse(store, 1), 0, ("2 of 3 patterns", "refused      1: a NaN")),
        (lambda store: wait_again(store, 5 * HOUR_MS, HOUR_MS), 0, ("5 h ago; 3 of them in somebody's hands",)),
        # not well
        (lambda store: wait_again(store, 5 * HOUR_MS), 1, ("3 patterns wait, for up to 5 h: autoir embed backfill",)),
        (lambda store: wait_again(store, 9 * DAY_MS), 1, ("wait, for up to 9 days",)),
        (lambda store: refuse(store, 2), 1, ("More patterns were refused than embedded", "--retry-failed")),
        (half_way, 1, ("is on its way from hashed-ngram-384/r1 to all-MiniLM-L6-v2/mean/r1: autoir embed reembed",)),
    ],
    ids=["fresh", "waiting", "refused", "in hand", "waiting long", "waiting days", "most refused", "half way"],
)
def test_how_the_vectors_stand(
    call: Call, model: Path, stored: Path, made: Callable[[Store], object], code: int, said: tuple[str, ...]
) -> None:
    change(stored, made)
    told, found = call("embed", "status"), call("embed", "status", "--json")
    assert (told.exit_code, found.exit_code) == (code, code), told.output
    assert [words for words in said if words not in told.stdout] == [], told.stdout
    check(document(found), "embed-status")
    assert document(found)["healthy"] == (code == 0)


def test_an_empty_store_has_no_model_and_is_well(call: Call, tmp_path: Path) -> None:
    open_store(f"sqlite:///{locations.default_database()}").close()
    told = call("embed", "status")
    assert (told.exit_code, "none yet" in told.stdout, "not compared" in told.stdout) == (0, True, True)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (shutil.rmtree, "this machine has no engine for that model"),
        (lambda folder: write_pocket(folder, seed=6), "embeds documents otherwise: test text"),
    ],
    ids=["gone", "other weights"],
)
def test_an_engine_that_is_not_the_stores_is_not_well(
    call: Call, model: Path, break_it: Callable[[Path], object], said: str
) -> None:
    assert call("embed", "reembed", "--yes").exit_code == 0
    break_it(model)
    told, found = call("embed", "status"), call("embed", "status", "--json")
    assert (told.exit_code, found.exit_code) == (1, 1)
    assert said in told.stdout
    engine = document(found)["engine"]
    assert isinstance(engine, dict)
    assert (engine["matches"], said in engine["mismatch"]) == (False, True)


def endpoint(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    for name, value in {
        "SAGEMAKER_ENDPOINT": "autoir-embed", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": url,
        "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("engine", ["sagemaker", "http"])
def test_an_endpoint_is_asked_and_what_it_is_like_is_said(
    call: Call, stored: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        if engine == "http":
            monkeypatch.setenv("AUTOIR_EMBED_URL", server.url)
        else:
            endpoint(monkeypatch, server.url)
        assert call("embed", "reembed", "--engine", engine, "--yes").exit_code == 0
        told, found = call("embed", "status"), document(call("embed", "status", "--json"))
        check(found, "embed-status")
        assert (told.exit_code, found["model"]) == (0, "bge-small-en-v1.5/cls/r1")
        assert "ms each, breaker closed" in told.stdout
        found = found["engine"]
        assert (found["name"], found["matches"], found["breaker"], found["requests"] > 8) == (
            engine,
            True,
            "closed",
            True,
        )
        server.script = lambda texts: HANG
        monkeypatch.setattr(embed_status, "PATIENCE_S", 0.3)
        down = call("embed", "status", "--json")
    assert (down.exit_code, "gave no answer in 0.3 s" in down.stderr) == (3, True)
    check(document(down), "embed-status")
    assert document(down)["patterns"]["done"] == 3
    assert (document(down)["engine"]["matches"], document(down)["healthy"]) == (None, False)


# Filling in.


@pytest.mark.parametrize(
    ("arguments", "made", "filled", "retried", "pending"),
    [
        ("", wait_again, 3, 0, 0),
        ("--limit 2", wait_again, 2, 0, 1),
        ("", lambda store: None, 0, 0, 0),
        ("", lambda store: refuse(store, 2), 0, 0, 0),
        ("--retry-failed", lambda store: refuse(store, 2), 2, 2, 0),
    ],
    ids=["all", "some", "none", "refused", "refused, once more"],
)
def test_what_waits_is_filled_in(
    call: Call, stored: Path, arguments: str, made: Callable[[Store], object], filled: int, retried: int, pending: int
) -> None:
    change(stored, made)
    result = call("embed", "backfill", "--json", *arguments.split())
    check(document(result), "embed-backfill")
    assert (result.exit_code, document(result)) == (
        0, {"schema_version": 1, "filled": filled, "failed": 0, "retried": retried, "pending": pending},
    )  # fmt: skip
    assert call("embed", "backfill").exit_code == 0


def test_what_somebody_has_in_hand_is_waited_for(call: Call, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change(stored, lambda store: wait_again(store, lease_ms=HOUR_MS))

    def done_by_the_other_one(seconds: float) -> None:
        change(stored, lambda store: fill_pending(store, ScriptedEmbedder(), system_clock() + 2 * HOUR_MS))

    monkeypatch.setattr("autoir.cli.embed._pause", done_by_the_other_one)
    assert call("embed", "backfill").stdout == "0 patterns got a vector; 0 wait.\n"


@pytest.mark.parametrize("command", [("backfill",), ("reembed", "--engine", "local", "--yes")])
def test_ctrl_c_keeps_what_is_done(call: Call, model: Path, stored: Path, command: tuple[str, ...]) -> None:
    change(stored, wait_again)
    code = (
        "import os, signal, autoir.embed.pending as p; p.STEP = 2; fill = p.fill_pending\n"
        "def filled(*a): done = fill(*a); os.kill(os.getpid(), signal.SIGINT); return done\n"
        "p.fill_pending = filled\nfrom autoir.cli.main import main; main()"
    )
    stopped = subprocess.run(
        [sys.executable, "-c", code, "embed", *command], capture_output=True, text=True, env=os.environ, timeout=300
    )
    assert stopped.returncode == 130, stopped.stderr
    assert "stopped: " in stopped.stderr
    assert "The same command goes on" in stopped.stderr
    with closing(open_store(f"sqlite:///{stored}")) as store:
        assert store.embed_progress()[:2] == (1, 2)
    assert call("embed", "backfill").stdout == "1 pattern got a vector; 0 wait.\n"


# Another model.


def test_a_store_is_given_another_model(call: Call, model: Path, stored: Path) -> None:
    dry = document(call("embed", "reembed", "--dry-run", "--json"))
    check(dry, "embed-reembed")
    assert (dry["from"], dry["to"], dry["stand"], dry["to_embed"], dry["filled"]) == (HASHED, MINILM, "other", 3, 0)
    assert "would get vectors of all-MiniLM-L6-v2/mean/r1 in place of" in call("embed", "reembed", "--dry-run").stdout
    refused = call("embed", "reembed")
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    with closing(open_store(f"sqlite:///{stored}")) as store:
        assert (recorded_model(store), store.embed_progress()[:3]) == (HASHED, (0, 3, 0))
    told = document(call("embed", "reembed", "--yes", "--json"))
    check(told, "embed-reembed")
    assert (told["cleared"], told["filled"], told["pending"]) == (3, 3, 0)
    again = call("embed", "reembed")
    assert again.stdout == f"Every pattern has its vector of {MINILM} already: nothing to do.\n"
    found = document(call("logs", "query", "connection refused", "--json"))
    assert (found["engine"], found["degraded"]) == (MINILM, "")
    assert (
        call("embed", "reembed", "--engine", "hashed", "--yes").stdout
        == f"3 patterns got a vector of {HASHED}; 0 wait.\n"
    )


def test_what_was_stopped_half_way_is_gone_on_with_without_asking(call: Call, model: Path, stored: Path) -> None:
    switching_batch, switching.BATCH = switching.BATCH, 1
    try:
        change(stored, half_way)
    finally:
        switching.BATCH = switching_batch
    found = document(call("logs", "query", "connection refused", "--json"))
    assert f"words only: The store is on its way from {HASHED} to {MINILM}" in found["degraded"]
    assert found["hits"]
    refused = call("embed", "backfill")
    assert (refused.exit_code, "embed reembed goes on" in refused.stderr) == (2, True)
    told = document(call("embed", "reembed", "--json"))
    assert (told["stand"], told["cleared"], told["filled"]) == ("clearing", 2, 3)


def test_a_recorded_name_says_nothing_of_the_weights(call: Call, model: Path) -> None:
    assert call("embed", "reembed", "--yes").exit_code == 0
    write_pocket(model, seed=6)
    assert document(call("embed", "reembed", "--yes", "--json"))["filled"] == 3
    assert call("embed", "status").exit_code == 0


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("reembed --engine locl", 2, "--engine 'locl' is none of hashed, local, sagemaker, http."),
        ("reembed --model bge", 2, "--model 'bge' is none of bge-small-en-v1.5, all-MiniLM-L6-v2, hashed-ngram-384."),
        ("reembed --engine hashed --model bge-small-en-v1.5", 2, "--engine hashed does not run bge-small-en-v1.5."),
        ("reembed --engine local --model hashed-ngram-384", 2, "--engine local does not run hashed-ngram-384."),
        ("reembed --engine sagemaker", 2, "Set SAGEMAKER_ENDPOINT"),
        ("reembed --engine http", 2, "Set AUTOIR_EMBED_URL"),
        ("reembed --engine local --model bge-small-en-v1.5", 2, "There is no bge-small-en-v1.5 on this machine."),
        ("reembed --model bge-small-en-v1.5", 2, "AUTOIR_BGE_DIR names a folder"),
        ("backfill --limit 0", 2, "'--limit': 0 is not in the range"),
        ("status --store demo", 2, "no demo has run yet"),
        ("reembed --config x", 2, "no such option --config"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_changed(
    call: Call, model: Path, stored: Path, line: str, code: int, words: str
) -> None:
    result = call("embed", *shlex.split(line))
    assert (result.exit_code, words in result.stderr, result.stdout) == (code, True, ""), result.output
    with closing(open_store(f"sqlite:///{stored}")) as store:
        assert (recorded_model(store), store.embed_progress()[:3]) == (HASHED, (0, 3, 0))


def test_a_model_is_taken_by_its_name_where_there_are_several(
    call: Call, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTOIR_BGE_DIR", str(write_pocket(tmp_path / "bge", BGE)))
    for arguments, expected in (
        ("", "bge-small-en-v1.5/cls/r1"),
        ("--engine local", "bge-small-en-v1.5/cls/r1"),
        ("--model all-MiniLM-L6-v2", MINILM),
        ("--engine local --model all-MiniLM-L6-v2", MINILM),
        ("--model hashed-ngram-384", HASHED),
        ("--engine hashed", HASHED),
    ):
        assert document(call("embed", "reembed", "--dry-run", "--json", *arguments.split()))["to"] == expected


def test_on_a_server_it_is_the_same(call: Call, model: Path, peer_url: str) -> None:
    with closing(open_store(peer_url)) as store:
        add(store)
        fill_pending(store, ScriptedEmbedder(), NOON)
    assert document(call("--store", peer_url, "embed", "status", "--json"))["model"] == HASHED
    told = document(call("--store", peer_url, "embed", "reembed", "--yes", "--json"))
    assert (told["cleared"], told["filled"], told["pending"]) == (7, 7, 0)
    status = call("--store", peer_url, "embed", "status")
    assert (status.exit_code, "gives the same vectors" in status.stdout) == (0, True)


# What is remembered of it.


def test_what_was_done_is_remembered_for_a_week(call: Call, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("connection refused", "payment"):
        assert call("logs", "query", text).exit_code == 0
    lately = document(call("stats", "--json"))["lately"]
    embedding, search = lately["embedding"], lately["search"]
    assert (search["searches"], search["degraded"], embedding["failures"]) == (2, 0, 0)
    assert search["results"] >= 2
    assert 0 < search["mean_score"] <= 1
    assert embedding["texts"] >= 3 + 2
    assert 0 < search["mean_ms"] <= search["slowest_ms"]
    told = call("stats").stdout
    assert "searches" in told
    assert "texts embedded" in told
    week = 7 * DAY_MS
    monkeypatch.setattr("autoir.cli.stats.system_clock", lambda: system_clock() + week)
    assert document(call("stats", "--json"))["lately"]["search"]["searches"] == 0


def test_each_store_has_its_own_and_old_days_are_forgotten(stored: Path) -> None:
    for store, days in (("a", 0), ("a", 1), ("b", 3), ("a", 8)):
        figures.of_this_process.search.searches = 1
        figures.remember(store, days * DAY_MS)
    assert [figures.lately(store, 8 * DAY_MS).search.searches for store in ("a", "b", "c")] == [1, 1, 0]
    figures.remember("a", 8 * DAY_MS)
    assert figures.lately("a", 8 * DAY_MS).search.searches == 1


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "3", '{"x": 1}', '{"x": {"1": {}}}', '{"x": {"a": {"embedding": {}, "search": {}}}}',
     '{"x": {"1": {"embedding": {"texts": "many"}, "search": {}}}}', "[" * 100_000],
    ids=range(9),
)  # fmt: skip
def test_figures_that_cannot_be_read_are_begun_anew(content: str) -> None:
    locations.figures_file().write_text(content)
    assert figures.lately("x", DAY_MS) == figures.Figures()
    figures.of_this_process.search.searches = 1
    figures.remember("x", DAY_MS)
    assert figures.lately("x", DAY_MS).search.searches == 1


def test_who_may_only_read_searches_all_the_same(
    call: Call, stored: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    change(stored, wait_again)
    change(stored, lambda store: fill_pending(store, ScriptedEmbedder(), system_clock(), 1))
    locations.figures_file().unlink()
    locations.figures_file().mkdir()  # in the way

    def refused(self: SqliteDatabase, sql: str, args: object = ()) -> int:
        raise UnreachableError(f"attempt to write a readonly database: {sql}")

    monkeypatch.setattr(SqliteDatabase, "execute", refused)
    result = call("logs", "query", "connection refused", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert document(result)["hits"]
    assert document(result)["degraded"] == "2 of 3 patterns have no vector yet and are found by words only"


def test_an_endpoint_that_is_down_leaves_words(call: Call, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoir.cli.searching._PATIENCE_S", 0.2)
    with serving() as server:
        monkeypatch.setenv("AUTOIR_EMBED_URL", server.url)
        assert call("embed", "reembed", "--engine", "http", "--yes").exit_code == 0
        change(stored, wait_again)
        server.script = lambda texts: HANG
        found = call("logs", "query", "connection refused", "--json")
    assert found.exit_code == 0
    assert "words only: The embedding server" in str(document(found)["degraded"])
    assert document(found)["hits"]
