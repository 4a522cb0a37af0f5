"""Failed deliveries go back oldest first; a record leaves the bucket when it is stored, not before, and others stay."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from autoir.aws import replay as replaying
from autoir.aws.replay import FailureBucket, Replay, replay
from autoir.aws.session import Access
from autoir.delivery import Deliveries
from autoir.errors import UnreachableError, UsageError
from autoir.metrics import Tally
from autoir.settings import Settings
from autoir.store import Store, open_store
from autoir.subscription import Delivery
from tests.aws.answers import Answers
from tests.payloads import CONTROL, GROUP, NOW_MS, REGION, a_key, a_payload, a_record, an_event, wrapped

BUCKET = "failures"


class Bucket:
    """moto's S3 with one bucket in it."""

    def __init__(self) -> None:
        self._s3 = boto3.client("s3", REGION)
        self._s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.read = FailureBucket(BUCKET, access=Access(region=REGION))
        self.read.count()  # which makes its client, while there are credentials

    def put(self, key: str, body: bytes) -> None:
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def fail(self, n: int) -> str:
        """The record of the ``n``-th delivery, with one event in it; its key."""
        self.put(a_key(n), json.dumps(a_record(a_payload([an_event(n)]))).encode())
        return a_key(n)

    def clear(self) -> None:
        for key in self.keys():
            self._s3.delete_object(Bucket=BUCKET, Key=key)

    def keys(self) -> list[str]:
        return [found["Key"] for found in self._s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.fixture(scope="module")
def account() -> Iterator[Bucket]:
    """One for all tests: to make its clients takes longer than to use them."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        yield Bucket()


@pytest.fixture
def bucket(account: Bucket) -> Bucket:
    account.clear()
    return account


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


def into(store: Store) -> Callable[[Delivery], Tally]:
    deliveries = Deliveries(store, Settings(), lambda: NOW_MS)
    return lambda delivery: deliveries.put(delivery, lambda: 900.0)


def stored(store: Store) -> list[str]:
    return [row.message for row in store.latest(GROUP, 99)]


def put_back(bucket: Bucket, store: Store, **more: Any) -> Replay:
    return replay(bucket.read, into(store), now_ms=NOW_MS, **more)


def test_the_oldest_goes_back_first_and_is_there_until_it_is_stored(bucket: Bucket, store: Store) -> None:
    keys = [bucket.fail(n) for n in (2, 0, 1)]
    seen: list[tuple[str, list[str]]] = []
    put = into(store)

    def watch(delivery: Delivery) -> Tally:
        seen.append((delivery.events[0].message, bucket.keys()))
        return put(delivery)

    done = replay(bucket.read, watch, now_ms=NOW_MS)
    first, second, third = sorted(keys)
    assert seen == [
        ("INFO order 0 placed", [first, second, third]),
        ("INFO order 1 placed", [second, third]),
        ("INFO order 2 placed", [third]),
    ]
    assert (done.records, done.replayed, done.left, bucket.keys()) == (3, 3, [], [])
    assert (done.tally.received, done.tally.stored, len(stored(store))) == (3, 3, 3)


def test_where_the_store_is_gone_the_rest_stays_and_is_told(bucket: Bucket, store: Store) -> None:
    keys = [bucket.fail(n) for n in range(3)]
    put, done = into(store), Replay()

    def put_one(delivery: Delivery) -> Tally:
        if done.replayed:
            raise UnreachableError("the store does not answer.")
        return put(delivery)

    with pytest.raises(UnreachableError):
        replay(bucket.read, put_one, now_ms=NOW_MS, done=done)
    assert bucket.keys() == keys[1:]
    assert (done.replayed, stored(store)) == (1, ["INFO order 0 placed"])
    assert put_back(bucket, store).replayed == 2
    assert (bucket.keys(), len(stored(store))) == ([], 3)


def test_what_was_stored_and_not_deleted_is_stored_once(bucket: Bucket, store: Store) -> None:
    bucket.fail(0)
    put_back(bucket, store)
    bucket.fail(0)
    done = put_back(bucket, store)
    assert (done.replayed, done.tally.stored, done.tally.duplicate) == (1, 0, 1)
    assert (len(stored(store)), bucket.keys()) == (1, [])


EVENTS = a_payload([an_event(9)])
NO_RECORD = "it is no record of an invocation: it has no functionArn or no requestPayload"
STAYS = {
    "no JSON": (b"\x00\xff", "it is no JSON"),
    "too deep": (b"[" * 4_000, "it is no JSON"),
    "somebody else's file": (b'{"name": "x"}', NO_RECORD),
    "no object": (b"[1]", NO_RECORD),
    "a function without a Region": (json.dumps(a_record(EVENTS, arn="my-function")).encode(), NO_RECORD),
    "too large": (b" " * 4_097, "it has 4097 bytes, more than a record can have"),
    "a payload of another source": (json.dumps(a_record({"Records": []})).encode(), "it has no awslogs.data"),
    "a payload that is refused": (json.dumps(a_record(wrapped("?"))).encode(), "it is no base64"),
}


def test_what_is_no_record_is_named_and_stays_and_stops_nothing(
    bucket: Bucket, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "MOST_BYTES", 4_096)
    for n, (body, _) in enumerate(STAYS.values()):
        bucket.put(a_key(n), body)
    bucket.fail(len(STAYS))
    done = put_back(bucket, store)
    reasons = {left.key: left.reason for left in done.left}
    assert {name: reasons.get(a_key(n)) for n, name in enumerate(STAYS)} == {
        name: reason for name, (_, reason) in STAYS.items()
    }
    assert (done.records, done.replayed) == (len(STAYS) + 1, 1)
    assert bucket.keys() == [a_key(n) for n in range(len(STAYS))]
    assert stored(store) == [f"INFO order {len(STAYS)} placed"]


def test_only_what_lies_under_the_prefix_is_looked_at(bucket: Bucket, store: Store) -> None:
    bucket.put("notes.txt", b"mine")
    bucket.fail(0)
    assert (put_back(bucket, store).records, bucket.keys()) == (1, ["notes.txt"])


@pytest.mark.parametrize(("since", "taken"), [("12:00:11", 3), ("12:01:11", 2), ("12:01:12", 1)])
def test_since_goes_by_the_time_in_the_key(bucket: Bucket, store: Store, since: str, taken: int) -> None:
    keys = [bucket.fail(n) for n in range(3)]
    since_ms = round(datetime.fromisoformat(f"2026-03-02T{since}").replace(tzinfo=UTC).timestamp() * 1000)
    done = put_back(bucket, store, since_ms=since_ms)
    assert (done.records, done.replayed, bucket.keys()) == (taken, taken, keys[: 3 - taken])


@pytest.mark.parametrize("name", ["copy", "2026-13-99T12.00.11-x"])
def test_a_key_without_a_time_counts_by_the_time_of_s3(bucket: Bucket, store: Store, name: str) -> None:
    before_ms = round(datetime.now(UTC).timestamp() * 1000) - 60_000
    bucket.put(f"aws/lambda/async/{name}", json.dumps(a_record(EVENTS)).encode())
    assert put_back(bucket, store, since_ms=before_ms + 3_600_000).records == 0
    assert put_back(bucket, store, since_ms=before_ms).replayed == 1


def test_a_dry_run_counts_and_changes_nothing(bucket: Bucket, store: Store) -> None:
    keys = [bucket.fail(n) for n in range(2)]
    bucket.put(a_key(2), b"?")
    done = put_back(bucket, store, dry_run=True)
    assert (done.records, done.replayed, done.tally.received, len(done.left)) == (3, 0, 2, 1)
    assert (bucket.keys(), stored(store)) == ([*keys, a_key(2)], [])


def test_a_test_of_the_destination_is_no_delivery_and_goes(bucket: Bucket) -> None:
    bucket.put(a_key(0), json.dumps(a_record(CONTROL)).encode())

    def put(delivery: Delivery) -> Tally:
        raise AssertionError(delivery)

    done = replay(bucket.read, put, now_ms=NOW_MS)
    assert (done.replayed, done.tally.received, bucket.keys()) == (1, 0, [])


def test_every_page_of_the_bucket_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def page(asked: dict[str, Any]) -> dict[str, Any]:
        n = int(asked.get("ContinuationToken", 0))
        found = {"Key": a_key(n), "Size": 1, "LastModified": datetime.now(UTC)}
        more = {"IsTruncated": True, "NextContinuationToken": str(n + 1)} if n < 2 else {}
        return {"Contents": [found], **more}

    Answers({"s3.ListObjectsV2": page}).install(monkeypatch)
    bucket = FailureBucket(BUCKET, access=Access())
    assert [record.key for record in bucket.records()] == [a_key(n) for n in range(3)]
    assert bucket.count() == 3


@pytest.mark.parametrize(
    ("operation", "code", "error", "words"),
    [
        ("ListObjectsV2", "NoSuchBucket", UsageError, "There is no bucket failures."),
        ("ListObjectsV2", "AccessDenied", UsageError, "may not be listed: AccessDenied"),
        ("GetObject", "AccessDenied", UsageError, "may not be read: AccessDenied"),
        ("DeleteObject", "AccessDenied", UsageError, "may not be deleted from: AccessDenied"),
        ("GetObject", "SlowDown", UnreachableError, "S3 gave no answer about failures: SlowDown"),
    ],
)
def test_what_s3_refuses_is_said(
    monkeypatch: pytest.MonkeyPatch, operation: str, code: str, error: type[Exception], words: str
) -> None:
    Answers({f"s3.{operation}": code}).install(monkeypatch)
    bucket = FailureBucket(BUCKET, access=Access())
    record = replaying.Record(a_key(0), NOW_MS, 1)
    ask = {
        "ListObjectsV2": bucket.count,
        "GetObject": lambda: bucket.content(record),
        "DeleteObject": lambda: bucket.delete(record),
    }[operation]
    with pytest.raises(error) as refused:
        ask()
    assert words in str(refused.value)
