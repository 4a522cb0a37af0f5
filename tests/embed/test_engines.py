"""Which engine embeds: what this machine has, unless the store has a model already."""

from pathlib import Path

import pytest

from autoir.embed import ModelMismatchError, default_engine, open_embedder
from autoir.embed.local import ModelFileError
from autoir.embed.local.folder import BGE, MINILM, fetched_folder
from autoir.errors import UsageError
from tests.embed.local.pocket import write_pocket

HASHED_ID = "hashed-ngram-384/r1"
MINILM_ID = "all-MiniLM-L6-v2/mean/r1"
BGE_ID = "bge-small-en-v1.5/cls/r1"


@pytest.mark.parametrize(
    ("here", "recorded", "expected"),
    [
        # an empty store takes the best there is
        ("", None, HASHED_ID),
        ("minilm", None, MINILM_ID),
        ("bge", None, BGE_ID),
        ("minilm bge", None, BGE_ID),
        # another stays as it is
        ("minilm", HASHED_ID, HASHED_ID),
        ("bge", HASHED_ID, HASHED_ID),
        ("minilm", MINILM_ID, MINILM_ID),
        ("bge", BGE_ID, BGE_ID),
        # and is never given another's vectors
        ("", MINILM_ID, None),
        ("", BGE_ID, None),
        ("minilm", BGE_ID, None),
        ("bge", MINILM_ID, None),
        ("minilm", "all-MiniLM-L6-v2/mean/r0", None),
    ],
)
def test_the_default(tmp_path: Path, here: str, recorded: str | None, expected: str | None) -> None:
    environ = {"AUTOIR_HOME": str(tmp_path / "home")}
    if "minilm" in here:
        write_pocket(fetched_folder(environ))
    if "bge" in here:
        environ["AUTOIR_BGE_DIR"] = str(write_pocket(tmp_path / "bge", BGE))
    if expected:
        assert open_embedder(*default_engine(environ, recorded)).spec.id == expected
        return
    with pytest.raises(
        ModelMismatchError, match=f"holds vectors of {recorded}, and this machine has no engine"
    ) as said:
        default_engine(environ, recorded)
    assert "make model" in said.value.hint


SAGEMAKER = {"SAGEMAKER_ENDPOINT": "autoir-embed", "SAGEMAKER_REGION": "eu-west-1"}
SERVER = {"AUTOIR_EMBED_URL": "http://127.0.0.1:8080"}


@pytest.mark.parametrize(
    ("environ", "here", "recorded", "name", "model"),
    [
        # what the environment names comes first
        (SAGEMAKER, "minilm", None, "sagemaker", BGE),
        (SERVER, "minilm", None, "http", BGE),
        (SAGEMAKER | SERVER, "", None, "sagemaker", BGE),
        # for the model that it is taken to run
        (SAGEMAKER, "", BGE_ID, "sagemaker", BGE),
        (SERVER, "minilm", BGE_ID, "http", BGE),
        (SAGEMAKER, "minilm", MINILM_ID, "local", ""),
        (SAGEMAKER, "", HASHED_ID, "hashed", ""),
        # or for the one that it filled the store with
        (SAGEMAKER, "", MINILM_ID, "sagemaker", MINILM),
        (SAGEMAKER, "", "all-MiniLM-L6-v2/mean/r0", "", ""),
    ],
)
def test_an_endpoint_or_a_server(
    tmp_path: Path, environ: dict[str, str], here: str, recorded: str | None, name: str, model: str
) -> None:
    environ = {"AUTOIR_HOME": str(tmp_path / "home"), **environ}
    if here:
        write_pocket(fetched_folder(environ))
    if not name:
        with pytest.raises(ModelMismatchError, match="no engine for that model"):
            default_engine(environ, recorded)
        return
    found = default_engine(environ, recorded)
    assert (found.name, found.options.get("model", "")) == (name, model)
    if name == "sagemaker":
        assert found.options == {"endpoint": "autoir-embed", "region": "eu-west-1", "model": model}


@pytest.mark.parametrize("recorded", [None, HASHED_ID, MINILM_ID])
def test_a_folder_that_is_named_and_wrong_is_an_error_whatever_the_store_holds(
    tmp_path: Path, recorded: str | None
) -> None:
    environ = {"AUTOIR_HOME": str(tmp_path / "home"), "AUTOIR_BGE_DIR": str(tmp_path / "nowhere")}
    write_pocket(fetched_folder(environ))
    with pytest.raises(ModelFileError, match="nowhere: no such folder"):
        default_engine(environ, recorded)


def test_local_is_told_its_folder_and_nothing_else(tmp_path: Path) -> None:
    engine = open_embedder("local", {"folder": str(write_pocket(tmp_path))})
    assert engine.spec.id == MINILM_ID
    assert engine.spec.model == MINILM
    for options in ({}, {"model": MINILM}, {"folder": str(tmp_path), "model": MINILM}):
        with pytest.raises(UsageError, match="local takes a folder"):
            open_embedder("local", options)
    with pytest.raises(ModelFileError, match="no such folder"):
        open_embedder("local", {"folder": str(tmp_path / "nowhere")})
