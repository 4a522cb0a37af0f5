"""Commands with a model on the machine: which engine runs, that it says so, and that no store mixes two."""

import shutil
from pathlib import Path

import pytest

from autoir.embed import recorded_model
from autoir.embed.local.folder import BGE
from autoir.store import open_store
from tests.cli.conftest import Call, document
from tests.embed.local.pocket import write_pocket

HASHED_ID = "hashed-ngram-384/r1"
MINILM_ID = "all-MiniLM-L6-v2/mean/r1"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model as ``make model`` leaves it in AutoIR's folder, before any store is there."""
    return write_pocket(tmp_path / "models" / "all-MiniLM-L6-v2")


def model_of(stored: Path) -> str | None:
    store = open_store(f"sqlite:///{stored}")
    try:
        return recorded_model(store)
    finally:
        store.close()


def more(log: Path) -> Path:
    """Another log with a pattern that the first has not."""
    path = log.with_name("more.log")
    path.write_text(log.read_text().splitlines()[0].replace("api listening on port 8080", "disk full") + "\n")
    return path


def test_lines_are_embedded_and_found_with_the_model(call: Call, model: Path, stored: Path) -> None:
    assert model_of(stored) == MINILM_ID
    found = document(call("logs", "query", "connection refused", "--json"))
    assert (found["engine"], found["degraded"]) == (MINILM_ID, "")
    assert MINILM_ID in call("logs", "query", "connection refused").stdout


@pytest.mark.parametrize("present", [True, False])
def test_ingesting_says_which_engine_ran(call: Call, log: Path, present: bool, tmp_path: Path) -> None:
    if present:
        write_pocket(tmp_path / "models" / "all-MiniLM-L6-v2")
    engine = f"vectors of {MINILM_ID if present else HASHED_ID}"
    assert engine in call("logs", "ingest", str(log)).stdout
    assert engine not in call("logs", "ingest", str(log)).stdout  # nothing new, so none ran


def test_a_store_of_hashed_vectors_stays_one(call: Call, stored: Path, log: Path, tmp_path: Path) -> None:
    write_pocket(tmp_path / "models" / "all-MiniLM-L6-v2")
    assert HASHED_ID in call("logs", "ingest", str(more(log))).stdout
    found = document(call("logs", "query", "disk full", "--json"))
    assert (found["engine"], found["degraded"], model_of(stored)) == (HASHED_ID, "", HASHED_ID)


def test_without_the_stores_model_lines_are_stored_and_words_are_found(
    call: Call, model: Path, stored: Path, log: Path
) -> None:
    shutil.rmtree(model)
    result = call("logs", "ingest", "--json", str(more(log)))
    assert result.exit_code == 0
    assert document(result)["stored"] == 1
    assert f"wait for their vectors: The store holds vectors of {MINILM_ID}" in result.stderr
    found = document(call("logs", "query", "disk full", "--json"))
    assert f"words only: The store holds vectors of {MINILM_ID}" in str(found["degraded"])
    assert found["hits"]
    write_pocket(model)
    found = document(call("logs", "query", "disk full", "--json"))
    assert (found["engine"], found["degraded"], model_of(stored)) == (MINILM_ID, "", MINILM_ID)


def test_other_weights_under_the_same_name_are_found_out(call: Call, model: Path, stored: Path) -> None:
    write_pocket(model, seed=6)
    found = document(call("logs", "query", "connection refused", "--json"))
    assert "words only: The store holds vectors of all-MiniLM" in str(found["degraded"])


@pytest.mark.parametrize("command", [("logs", "ingest", "api.log"), ("logs", "query", "pool"), ("demo",)])
def test_a_folder_that_is_named_and_wrong_stops_a_command_before_it_starts(
    call: Call, stored: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(stored.parent)
    monkeypatch.setenv("AUTOIR_BGE_DIR", "nowhere")
    result = call(*command)
    assert result.exit_code == 2
    assert "nowhere: no such folder" in result.stderr


def test_the_named_model_comes_before_the_fetched_one(
    call: Call, model: Path, log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTOIR_BGE_DIR", str(write_pocket(tmp_path / "bge", BGE)))
    assert "vectors of bge-small-en-v1.5/cls/r1" in call("logs", "ingest", str(log)).stdout
