"""Remote engines by name and options: what is made, and what is refused before anything is sent."""

import subprocess
import sys

import pytest

from autoir.embed import open_embedder
from autoir.errors import UsageError

SAGEMAKER = {"endpoint": "autoir-embed-prod"}
HTTP = {"url": "http://127.0.0.1:8080"}
OUTSIDE = {"url": "https://tei.example.com", "allow_outside": "yes"}


@pytest.mark.parametrize(
    ("name", "options", "spec_id"),
    [
        ("sagemaker", SAGEMAKER, "bge-small-en-v1.5/cls/r1"),
        ("sagemaker", {**SAGEMAKER, "region": "eu-west-1", "patience_s": "15"}, "bge-small-en-v1.5/cls/r1"),
        ("sagemaker", {**SAGEMAKER, "model": "all-MiniLM-L6-v2"}, "all-MiniLM-L6-v2/mean/r1"),
        ("http", HTTP, "bge-small-en-v1.5/cls/r1"),
        ("http", {"url": "http://[::1]:8080/tei/", "query_patience_s": "2.5"}, "bge-small-en-v1.5/cls/r1"),
        ("http", {"url": "https://localhost"}, "bge-small-en-v1.5/cls/r1"),
        ("http", OUTSIDE, "bge-small-en-v1.5/cls/r1"),
        ("http", {**OUTSIDE, "token_env": "HOLDS_A_TOKEN"}, "bge-small-en-v1.5/cls/r1"),
        ("http", {**HTTP, "token_env": "HOLDS_A_TOKEN"}, "bge-small-en-v1.5/cls/r1"),
    ],
)
def test_an_engine_is_made_without_a_word_to_its_endpoint(
    monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, str], spec_id: str
) -> None:
    monkeypatch.setenv("HOLDS_A_TOKEN", "s3cr3t")
    engine = open_embedder(name, options)
    assert engine.spec.id == spec_id
    engine.close()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("sagemaker", {}, "'' is no name of a SageMaker endpoint"),
        ("sagemaker", {"endpoint": "a/b"}, "'a/b' is no name"),
        ("sagemaker", {"endpoint": "x" * 64}, "is no name"),
        ("sagemaker", {**SAGEMAKER, "enpoint": "x"}, "no option 'enpoint'"),
        ("sagemaker", {**SAGEMAKER, "url": "http://127.0.0.1"}, "no option 'url'"),
        ("sagemaker", {**SAGEMAKER, "model": "bge-large"}, "no embedding model 'bge-large'"),
        ("sagemaker", {**SAGEMAKER, "patience_s": "soon"}, "patience_s = 'soon'"),
        ("sagemaker", {**SAGEMAKER, "patience_s": "0"}, "patience_s = '0'"),
        ("sagemaker", {**SAGEMAKER, "query_patience_s": "nan"}, "query_patience_s = 'nan'"),
        ("http", {}, "does not begin with http"),
        ("http", {"url": "127.0.0.1:8080"}, "does not begin with http"),
        ("http", {"url": "ftp://127.0.0.1"}, "does not begin with http"),
        ("http", {"url": "http://127.0.0.1:x"}, "is no address"),
        ("http", {"url": "http://me:s3cr3t/7@127.0.0.1"}, "is no address"),
        ("http", {"url": "http://127.0.0.1?key=s3cr3t"}, "more than an address"),
        ("http", {"url": "http://me:s3cr3t@127.0.0.1"}, "more than an address"),
        ("http", {**HTTP, "allow_outside": "true"}, "allow_outside = 'true'"),
        ("http", {**HTTP, "token_env": "NOT_SET"}, "NOT_SET holds no token"),
        ("http", {**HTTP, "token_env": "TWO_LINES"}, "TWO_LINES holds no token"),
        (
            "http",
            {"url": "http://tei.example.com", "allow_outside": "yes", "token_env": "HOLDS_A_TOKEN"},
            "HOLDS_A_TOKEN would go unencrypted",
        ),
        # log text stays here
        ("http", {"url": "https://tei.example.com"}, "tei.example.com is another machine: the text of your logs"),
        ("http", {"url": "https://tei.example.com", "allow_outside": "no"}, "is another machine"),
        ("http", {"url": "http://10.0.0.7:8080"}, "is another machine"),
        ("http", {"url": "http://localhost.example.com"}, "is another machine"),
        ("http", {"url": "http://127.0.0.1.example.com"}, "is another machine"),
        ("http", {"url": "http://0.0.0.0:8080"}, "is another machine"),
    ],
)
def test_what_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, str], words: str
) -> None:
    monkeypatch.setenv("HOLDS_A_TOKEN", "s3cr3t")
    monkeypatch.setenv("TWO_LINES", "s3cr3t\nX-Other: 1")
    with pytest.raises(UsageError, match=words) as refused:
        open_embedder(name, options)
    assert refused.value.hint
    assert "s3cr3t" not in f"{refused.value} {refused.value.hint}"


def test_the_refusal_of_another_machine_says_how_to_allow_it() -> None:
    with pytest.raises(UsageError) as refused:
        open_embedder("http", {"url": "https://tei.example.com"})
    assert 'allow_outside = "yes"' in refused.value.hint


def test_an_engine_of_sagemaker_loads_no_boto3_until_it_is_asked() -> None:
    code = (
        "import sys; from autoir.embed import open_embedder; open_embedder('sagemaker', {'endpoint': 'a'});"
        "assert not {'boto3', 'botocore', 'httpx', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
