"""The weights bucket of a stage: the only way by which a model gets into an account.

An object is what its ``sha256`` says, which stands in its metadata, so that the same file is never sent twice. Large
ones go up in parts, each with its checksum; parts that are there already are found again, so an upload that broke goes
on in the next run. Nothing is ever deleted: the bucket is versioned, and what an endpoint was made of stays.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from autoir.aws.session import Access, RefusedError
from autoir.embed.local.folder import FoundModel
from autoir.embed.mirror import FILES, PUBLISHED
from autoir.errors import UnreachableError
from autoir.stage import names

PART_BYTES: Final = 16_000_000
"""S3 takes parts from 5 MiB; 10,000 of them are the most of one object."""
TRIES: Final = 6
READ_S: Final = 60.0

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_AGAIN = frozenset({"SlowDown", "RequestTimeout", "BadDigest"})

T = TypeVar("T")


MANIFEST: Final = "manifest.sha256"
"""Names each file of a mirrored model with its hash, as ``sha256sum`` does; written last, so it is there when all are.
"""


class Mirrored(NamedTuple):
    """One file of a model in the bucket: its key, its size, its hash, and how much of it was sent."""

    key: str
    size_bytes: int
    sha256: str
    sent_bytes: int


def prefix_of(model: str) -> str:
    """Under which a published model lies in the bucket."""
    return names.weights_prefix(*PUBLISHED[model])


class Part(NamedTuple):
    """A part of a file: its number from 1, its place, its bytes."""

    number: int
    offset: int
    content: bytes


class WeightsBucket:
    """Puts files into ``bucket``. ``pause`` waits for seconds."""

    def __init__(self, bucket: str, access: Access, pause: Callable[[float], None] = time.sleep) -> None:
        self.bucket = bucket
        self._access = access
        self._pause = pause
        self._client: Any = None

    def holds(self, key: str, sha256: str) -> bool:
        """Whether the object ``key`` is the file with that hash. Raises NotAllowedError and UnreachableError."""
        s3 = self._s3()
        try:
            head = self._asked("s3:GetObject and s3:ListBucket", lambda: s3.head_object(Bucket=self.bucket, Key=key))
        except RefusedError as error:
            if error.code in _ABSENT:
                return False
            raise
        return bool(head["Metadata"].get("sha256") == sha256)

    def put(self, path: Path, key: str, sha256: str, progress: Callable[[int], None] = lambda done: None) -> int:
        """Bring the file with that hash to ``key``, unless it is there; the bytes that were sent.

        ``progress`` is told how many bytes are there. Raises NotAllowedError, RefusedError and UnreachableError.
        """
        if self.holds(key, sha256):
            return 0
        if path.stat().st_size > PART_BYTES:
            return self._put_parts(path, key, sha256, progress)
        self.write(key, path.read_bytes(), sha256)
        progress(path.stat().st_size)
        return path.stat().st_size

    def write(self, key: str, content: bytes, sha256: str = "") -> None:
        """Put ``content`` at ``key``."""
        s3, sha256 = self._s3(), sha256 or hashlib.sha256(content).hexdigest()
        checksum = _checksum(content)
        self._asked(
            "s3:PutObject",
            lambda: s3.put_object(
                Bucket=self.bucket, Key=key, Body=content, ChecksumSHA256=checksum, Metadata={"sha256": sha256}
            ),
        )

    def _put_parts(self, path: Path, key: str, sha256: str, progress: Callable[[int], None]) -> int:
        s3 = self._s3()
        upload, there = self._begun(key, sha256)
        where = {"Bucket": self.bucket, "Key": key, "UploadId": upload}
        sent, done = 0, []
        for part in _parts(path):
            etag = f'"{hashlib.md5(part.content, usedforsecurity=False).hexdigest()}"'
            if there.get(part.number) != etag:
                etag = self._sent(s3, where, part)
                sent += len(part.content)
            done.append({"ETag": etag, "PartNumber": part.number, "ChecksumSHA256": _checksum(part.content)})
            progress(part.offset + len(part.content))
        self._asked("s3:PutObject", lambda: s3.complete_multipart_upload(**where, MultipartUpload={"Parts": done}))
        return sent

    def _sent(self, s3: Any, where: dict[str, str], part: Part) -> str:
        answer = self._asked(
            "s3:PutObject",
            lambda: s3.upload_part(
                **where, PartNumber=part.number, Body=part.content, ChecksumSHA256=_checksum(part.content)
            ),
        )
        return str(answer["ETag"])

    def _begun(self, key: str, sha256: str) -> tuple[str, dict[int, str]]:
        """The upload of ``key`` that broke, with the ETags of its parts by number; a new one where there is none.

        A part's ETag is its MD5 as long as the bucket's keys are S3's own, which Foundation sees to; with others no
        part is found again and all are sent.
        """
        s3, bucket = self._s3(), self.bucket
        listed = self._asked(
            "s3:ListBucketMultipartUploads", lambda: s3.list_multipart_uploads(Bucket=bucket, Prefix=key)
        )
        broken = [str(found["UploadId"]) for found in listed.get("Uploads", ()) if found["Key"] == key]
        if broken:
            parts = self._asked(
                "s3:ListMultipartUploadParts", lambda: s3.list_parts(Bucket=bucket, Key=key, UploadId=broken[-1])
            )
            return broken[-1], {int(part["PartNumber"]): str(part["ETag"]) for part in parts.get("Parts", ())}
        made = self._asked(
            "s3:PutObject",
            lambda: s3.create_multipart_upload(
                Bucket=bucket, Key=key, ChecksumAlgorithm="SHA256", Metadata={"sha256": sha256}
            ),
        )
        return str(made["UploadId"]), {}

    def _asked(self, right: str, ask: Callable[[], T]) -> T:
        """What AWS answers; a request that got none is sent again."""
        tries = 0
        while True:
            try:
                return self._access.asked(right, ask)
            except (UnreachableError, RefusedError) as error:
                tries += 1
                again = type(error) is UnreachableError or (isinstance(error, RefusedError) and error.code in _AGAIN)
                if not again or tries >= TRIES:
                    raise
            self._pause(2.0**tries / 2)

    def _s3(self) -> Any:
        self._client = self._client or self._access.client("s3", READ_S)
        return self._client


def mirror(
    found: FoundModel, bucket: WeightsBucket, progress: Callable[[str, int, int], None] = lambda name, size, done: None
) -> list[Mirrored]:
    """Bring the files of a verified model to ``bucket``. Raises as ``WeightsBucket.put`` does.

    ``progress`` is told which file, its size, and how many bytes of it are there.
    """
    prefix, done = prefix_of(found.spec.model), []
    for name in FILES:
        path = found.folder / name
        size = path.stat().st_size
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        sent = bucket.put(path, prefix + name, digest, partial(progress, name, size))
        done.append(Mirrored(prefix + name, size, digest, sent))
    text = "".join(f"{file.sha256}  {file.key.removeprefix(prefix)}\n" for file in done).encode()
    if not bucket.holds(prefix + MANIFEST, hashlib.sha256(text).hexdigest()):
        bucket.write(prefix + MANIFEST, text)
    return done


def _checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _parts(path: Path) -> Iterator[Part]:
    with path.open("rb") as stream:
        number, offset = 1, 0
        while content := stream.read(PART_BYTES):
            yield Part(number, offset, content)
            number, offset = number + 1, offset + len(content)
