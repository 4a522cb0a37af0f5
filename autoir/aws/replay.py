"""What Lambda could not get stored, put back through the pipeline.

A delivery that failed three times, or waited six hours, lies in the failure bucket as a record with the whole request
in it, under ``aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>``
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html). Records are taken oldest first, and
each is deleted when all of it is committed, and no sooner: a replay that is stopped anywhere goes on where it was, and
what it repeats is stored once. A record that cannot be put back is named and left where it is.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from autoir.aws.session import Access, code_of, region_of
from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.metrics import Tally
from autoir.subscription import Delivery, PayloadError, decode

PREFIX = "aws/lambda/async/"
"""Under which Lambda writes in every bucket."""
MOST_COUNTED = 10_000
"""Beyond this a count says no more than that there are many, and each thousand costs a request."""
MOST_BYTES = 16_000_000
"""A record is read up to here: the largest request and the largest answer are 6 MB each."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d)-")
_DENIED = frozenset({"AccessDenied", "AllAccessDisabled", "403"})


class Record(NamedTuple):
    """A record in the bucket: its key, and when it was written in epoch milliseconds."""

    key: str
    written_ms: int
    size: int


class FailureBucket:
    """The records under ``prefix`` of a bucket. ``access`` says as whom it is asked."""

    def __init__(self, bucket: str, prefix: str = PREFIX, access: Access | None = None) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self._access = access
        self._made: Any = None

    def records(self, region: str = "") -> Iterator[Record]:
        """Every record, by key, which is by function and then by time. Raises UsageError and UnreachableError."""
        asked = {"Bucket": self.bucket, "Prefix": self.prefix}
        while True:
            page = self._asked("listed", lambda s3: s3.list_objects_v2(**asked), region)
            for found in page.get("Contents", ()):
                yield Record(str(found["Key"]), _written_ms(found), int(found["Size"]))
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = str(page["NextContinuationToken"])

    def count(self, region: str = "") -> int:
        """How many records there are, at most ``MOST_COUNTED``."""
        return sum(1 for _, _ in zip(self.records(region), range(MOST_COUNTED), strict=False))

    def content(self, record: Record) -> bytes:
        """What a record holds. Raises UsageError and UnreachableError."""
        body = self._asked("read", lambda s3: s3.get_object(Bucket=self.bucket, Key=record.key)["Body"].read())
        return bytes(body)

    def delete(self, record: Record) -> None:
        """Remove a record; one that is gone already is no error."""
        self._asked("deleted from", lambda s3: s3.delete_object(Bucket=self.bucket, Key=record.key))

    def _asked(self, what: str, ask: Callable[[Any], Any], region: str = "") -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        access = self._access or Access(region=region)
        try:
            if self._made is None:
                self._made = access.client("s3")
            return ask(self._made)
        except (BotoCoreError, ClientError) as error:
            raise access.explained(error) or self._explained(what, error) from error

    def _explained(self, what: str, error: Exception) -> AutoirError:
        code = code_of(error)
        if code == "NoSuchBucket":
            return UsageError(
                f"There is no bucket {self.bucket}.", "Name the stage (--stage) or the bucket (--bucket)."
            )
        if code in _DENIED:
            return UsageError(
                f"The bucket {self.bucket} may not be {what}: {code}.",
                "It takes s3:ListBucket on it, s3:GetObject and s3:DeleteObject on what is in it.",
            )
        return UnreachableError(f"S3 gave no answer about {self.bucket}: {code or type(error).__name__}.")


class NoRecordError(AutoirError):
    """An object in the bucket that is no record of a delivery."""


class Unreplayed(NamedTuple):
    """A record that stays in the bucket, and why."""

    key: str
    reason: str


class Replay:
    """What a replay has done so far: records taken, those of them put back and deleted, those that stay."""

    def __init__(self) -> None:
        self.records = 0
        self.replayed = 0
        self.left: list[Unreplayed] = []
        self.tally = Tally()


Progress = Callable[[Replay], None]
"""Told after every record."""


def replay(
    bucket: FailureBucket,
    put: Callable[[Delivery], Tally],
    *,
    now_ms: int,
    since_ms: int = 0,
    dry_run: bool = False,
    done: Replay | None = None,
    progress: Progress = lambda _: None,
) -> Replay:
    """Put the records written from ``since_ms`` on back by ``put``, which commits a delivery or raises.

    ``done`` is filled as it goes, for whoever has to tell of a replay that was stopped. With ``dry_run`` records are
    read and nothing is stored or deleted; what would be received is counted. Raises UnreachableError when the store or
    S3 is gone.
    """
    done = done or Replay()
    for record in bucket.records():
        if record.written_ms < since_ms:
            continue
        done.records += 1
        try:
            delivery = _delivery(record, bucket, now_ms)
        except NoRecordError as refused:
            done.left.append(Unreplayed(record.key, str(refused)))
        except PayloadError as refused:
            done.left.append(Unreplayed(record.key, refused.reason))
        else:
            if dry_run:
                done.tally.received += len(delivery.events)
            else:
                _add(done.tally, put(delivery) if delivery.events else Tally())
                bucket.delete(record)
                done.replayed += 1
        progress(done)
    return done


def _delivery(record: Record, bucket: FailureBucket, now_ms: int) -> Delivery:
    """The delivery in a record. Raises NoRecordError and PayloadError where there is none."""
    if record.size > MOST_BYTES:
        raise NoRecordError(f"it has {record.size} bytes, more than a record can have")
    try:
        document: object = json.loads(bucket.content(record))
    except (ValueError, RecursionError):
        raise NoRecordError("it is no JSON") from None
    match document:
        case {"requestContext": {"functionArn": str(arn)}, "requestPayload": payload} if region_of(arn):
            return decode(payload, region_of(arn), now_ms)
        case _:
            raise NoRecordError("it is no record of an invocation: it has no functionArn or no requestPayload")


def _add(total: Tally, tally: Tally) -> None:
    total.received += tally.received
    total.stored += tally.stored
    total.duplicate += tally.duplicate
    total.patterns_new += tally.patterns_new
    total.filtered.update(tally.filtered)
    total.quarantined.update(tally.quarantined)


def _written_ms(found: dict[str, Any]) -> int:
    """When a record was written: as its key says, for a copy has a younger date; else as S3 says."""
    named = _TIME.search(str(found["Key"]))
    if named:
        try:
            moment = datetime.strptime(named[1], "%Y-%m-%dT%H.%M.%S").replace(tzinfo=UTC)
        except ValueError:
            pass
        else:
            return round(moment.timestamp() * 1000)
    return int(found["LastModified"].timestamp() * 1000)
