"""A model from a hub into a bucket by one command, and the same command again."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from autoir.aws import outputs as aws_outputs
from autoir.embed import mirror
from autoir.embed.local import folder
from autoir.embed.local.folder import BGE
from autoir.stage import outputs
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check
from tests.embed.local.pocket import write_pocket

MIRROR = ("aws", "mirror-model", "--stage", "prod")


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, each file with the id that Git gives it."""

    def end_headers(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_file():
            content = path.read_bytes()
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
            self.send_header("ETag", f'"{blob}"')
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small folder that passes for the published model."""
    made = write_pocket(tmp_path / "made", BGE)
    pins = {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for name in ("model.safetensors", "vocab.txt")}
    monkeypatch.setitem(folder.PINS, BGE, pins)
    return made


@pytest.fixture
def hub(tmp_path: Path, model: Path) -> Iterator[str]:
    where = mirror.PUBLISHED[BGE]
    place = tmp_path / "hub" / where.repository / "resolve" / where.commit
    place.parent.mkdir(parents=True)
    model.rename(place)
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "hub")))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/"
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(aws_outputs, "outputs_of", lambda access, stage, part: {outputs.WEIGHTS_BUCKET: "weights"})
    with mock_aws():
        s3 = boto3.client("s3", "us-east-1")
        s3.create_bucket(Bucket="weights")
        yield s3


def keys(s3: Any) -> list[str]:
    listed = s3.list_objects_v2(Bucket="weights").get("Contents", [])
    return sorted(found["Key"].rpartition("/")[2] for found in listed)


def test_it_is_fetched_verified_and_sent_once(call: Call, hub: str, bucket: Any, tmp_path: Path) -> None:
    first = document(call(*MIRROR, "--hub", hub, "--json"))
    check(first, "aws-mirror-model")
    assert first["received_bytes"] == first["sent_bytes"] == sum(file["size_bytes"] for file in first["files"])  # type: ignore[attr-defined]
    assert keys(bucket) == ["config.json", "manifest.sha256", "model.safetensors", "vocab.txt"]
    again = document(call(*MIRROR, "--hub", "http://127.0.0.1:1", "--json"))
    assert (again["received_bytes"], again["sent_bytes"]) == (0, 0)
    said = call(*MIRROR)
    assert "is there already" in said.stdout
    assert "nothing was sent" in said.stdout


def test_what_arrived_before_it_broke_is_kept(call: Call, hub: str, bucket: Any, tmp_path: Path) -> None:
    where = mirror.PUBLISHED[BGE]
    weights = tmp_path / "hub" / where.repository / "resolve" / where.commit / "model.safetensors"
    weights.rename(weights.with_name("away"))
    broke = call(*MIRROR, "--hub", hub)
    assert (broke.exit_code, keys(bucket)) == (2, [])
    assert "404" in broke.stderr
    weights.with_name("away").rename(weights)
    done = document(call(*MIRROR, "--hub", hub, "--json"))
    config = (weights.parent / "config.json").stat().st_size
    assert done["received_bytes"] == config + weights.stat().st_size  # the vocabulary has a pin, and was there


def test_a_file_that_is_another_is_refused(call: Call, hub: str, bucket: Any, tmp_path: Path) -> None:
    where = mirror.PUBLISHED[BGE]
    path = tmp_path / "hub" / where.repository / "resolve" / where.commit / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    said = call(*MIRROR, "--hub", hub)
    assert (said.exit_code, keys(bucket)) == (1, [])
    assert folder.PINS[BGE]["model.safetensors"] in said.stderr


def test_a_folder_may_be_given_instead(call: Call, model: Path, bucket: Any) -> None:
    done = document(call(*MIRROR, "--from", str(model), "--json"))
    assert done["received_bytes"] == 0
    assert len(keys(bucket)) == 4


def test_a_dry_run_fetches_and_sends_nothing(call: Call, bucket: Any, tmp_path: Path) -> None:
    planned = document(call(*MIRROR, "--hub", "http://127.0.0.1:1", "--dry-run", "--json"))
    check(planned, "aws-mirror-model")
    assert "at commit 5c38ec7c405ec4b4" in str(planned["source"])
    assert (keys(bucket), (tmp_path / "models").exists()) == ([], False)
    assert "s3://weights/weights/bge-small-en-v1.5/" in call(*MIRROR, "--dry-run").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "bert-large"), "bge-small-en-v1.5"),
        (("--from", "/nowhere"), "no such folder"),
        (("--model", "all-MiniLM-L6-v2", "--from", "."), "vocab.txt"),
    ],
)
def test_wrong_input_names_what_is_right(call: Call, bucket: Any, arguments: tuple[str, ...], words: str) -> None:
    said = call(*MIRROR, *arguments)
    assert said.exit_code == 2
    assert words in said.stderr


def test_another_model_than_was_asked_for_is_not_sent(call: Call, model: Path, bucket: Any) -> None:
    said = call(*MIRROR, "--model", "all-MiniLM-L6-v2", "--from", str(model))
    assert (said.exit_code, keys(bucket)) == (2, [])
    assert "holds bge-small-en-v1.5/cls/r1, not all-MiniLM-L6-v2/mean/r1" in said.stderr
