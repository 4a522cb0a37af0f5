"""Weights on their way into the bucket: sent once, in parts where they are large, and on from where it broke."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from autoir.aws import weights
from autoir.aws.session import Access, NotAllowedError, RefusedError
from autoir.aws.weights import TRIES, WeightsBucket, mirror, prefix_of
from autoir.embed.local.folder import BGE, read_model
from autoir.errors import UnreachableError
from tests.aws.answers import Answers
from tests.embed.local.pocket import write_pocket

BUCKET = "weights"
PART = 5 * 1024 * 1024
CONTENT = bytes(range(256)) * (2 * PART // 256) + b"the rest"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setattr(weights, "PART_BYTES", PART)
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(CONTENT)
    return path


def content(s3: Any, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def test_a_large_file_goes_up_in_parts_and_once(s3: Any, file: Path) -> None:
    bucket, seen = WeightsBucket(BUCKET, Access()), []
    assert bucket.put(file, "m", SHA256, seen.append) == len(CONTENT)
    assert seen == [PART, 2 * PART, len(CONTENT)]
    assert content(s3, "m") == CONTENT
    assert bucket.put(file, "m", SHA256, seen.append) == 0
    assert bucket.holds("m", SHA256)
    assert not bucket.holds("m", "0" * 64)
    assert not bucket.holds("other", SHA256)


def test_an_upload_that_broke_goes_on(s3: Any, file: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="m", Body=b"an older one")
    upload = s3.create_multipart_upload(
        Bucket=BUCKET, Key="m", ChecksumAlgorithm="SHA256", Metadata={"sha256": SHA256}
    )["UploadId"]
    for number, body in ((1, CONTENT[:PART]), (2, b"damaged")):
        s3.upload_part(Bucket=BUCKET, Key="m", UploadId=upload, PartNumber=number, Body=body)
    assert WeightsBucket(BUCKET, Access()).put(file, "m", SHA256) == len(CONTENT) - PART
    assert content(s3, "m") == CONTENT
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_a_model_is_mirrored_once_with_the_list_of_its_files(s3: Any, tmp_path: Path) -> None:
    found = read_model(write_pocket(tmp_path / "bge", BGE))
    bucket, seen = WeightsBucket(BUCKET, Access()), []
    first = mirror(found, bucket, lambda name, size, done: seen.append((name, size, done)))
    prefix = "weights/bge-small-en-v1.5/5c38ec7c405ec4b44b94cc5a9bb96e735b38267a/"
    assert prefix_of(BGE) == prefix
    assert [file.key for file in first] == [prefix + name for name in ("config.json", "vocab.txt", "model.safetensors")]
    assert [(name, size) for name, size, done in seen if size == done] == [
        (file.key.removeprefix(prefix), file.sent_bytes) for file in first
    ]
    listed = dict(line.split("  ")[::-1] for line in content(s3, prefix + "manifest.sha256").decode().splitlines())
    assert listed == {name: hashlib.sha256((found.folder / name).read_bytes()).hexdigest() for name in listed}
    assert len(listed) == 3
    versions = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [file.sent_bytes for file in mirror(found, bucket)] == [0, 0, 0]
    assert s3.list_objects_v2(Bucket=BUCKET)["Contents"] == versions


def test_a_busy_bucket_is_asked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers, pauses = Answers(), []
    answers.install(monkeypatch)

    answers["s3.HeadObject"] = "404"
    answers["s3.PutObject"] = "SlowDown"
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(RefusedError, match="SlowDown"):
        WeightsBucket(BUCKET, Access(), pauses.append).put(tmp_path / "f", "k", SHA256)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert len(answers.calls("s3.PutObject")) == TRIES


@pytest.mark.parametrize(
    ("code", "kind", "tries"),
    [("403", NotAllowedError, 1), ("ServiceUnavailable", UnreachableError, TRIES)],
)
def test_a_bucket_that_may_not_be_asked_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, kind: type[Exception], tries: int
) -> None:
    answers = Answers({"s3.HeadObject": code})
    answers.install(monkeypatch)
    (tmp_path / "f").write_bytes(b"x")
    with pytest.raises(kind, match="s3:GetObject"):
        WeightsBucket(BUCKET, Access(), lambda s: None).put(tmp_path / "f", "k", SHA256)
    assert len(answers.asked) == tries
