"""Failed deliveries go back by one command: out of whose bucket, into which store, and what is said of it."""

import io
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autoir.aws.session import Access
from autoir.clock import system_clock
from autoir.store import open_store
from tests.aws import checkout
from tests.aws.answers import Answers, stack
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check
from tests.payloads import GROUP, a_key, a_payload, a_record, an_event

REPLAY = ("aws", "replay-failed", "--stage", "prod")
STACKS = {
    "AutoIR-prod-Foundation": {"FailureBucketName": "failures"},
    "AutoIR-prod-App": {"FailurePrefix": "aws/lambda/async/embed/"},
}


@dataclass
class Account:
    """Stacks, and the objects of a bucket."""

    stacks: dict[str, dict[str, str]] = field(default_factory=lambda: dict(STACKS))
    objects: dict[str, bytes] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)

    def fail(self, n: int, log_group: str = GROUP) -> None:
        """Keep a delivery of two lines, of now."""
        events = [an_event(n * 10 + k, ts_ms=system_clock() - 60_000) for k in range(2)]
        self.objects[a_key(n)] = json.dumps(a_record(a_payload(events, logGroup=log_group))).encode()

    def describe(self, asked: dict[str, Any]) -> dict[str, Any] | str:
        found = self.stacks.get(asked["StackName"])
        return "ValidationError" if found is None else stack(**found)

    def list(self, asked: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {"Contents": [{"Key": k, "Size": len(body), "LastModified": now} for k, body in self.objects.items()]}

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[asked["Key"]])}

    def delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        del self.objects[asked["Key"]]
        return {}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Account:
    made = Account()
    monkeypatch.setenv("AUTOIR_STORE", f"sqlite:///{tmp_path}/autoir.db")
    made.answers.given |= {
        "cloudformation.DescribeStacks": made.describe, "s3.ListObjectsV2": made.list, "s3.GetObject": made.get,
        "s3.DeleteObject": made.delete,
    }  # fmt: skip
    made.answers.install(monkeypatch)
    return made


def stored(tmp_path: Path, log_group: str = GROUP) -> int:
    store = open_store(f"sqlite:///{tmp_path}/autoir.db")
    found = len(store.latest(log_group, 99))
    store.close()
    return found


def test_a_stage_s_failed_deliveries_are_stored_and_the_others_named(
    call: Call, account: Account, tmp_path: Path
) -> None:
    account.fail(0)
    account.objects[a_key(1)] = b"{}"
    account.fail(2)
    result = call(*REPLAY, "--json")
    found = document(result)
    check(found, "aws-replay-failed")
    [left] = found.pop("left")
    assert (left["key"], "no record" in left["reason"]) == (a_key(1), True)
    assert found == {
        "schema_version": 1, "bucket": "failures", "dry_run": False, "records": 3, "replayed": 2, "received": 4,
        "stored": 4, "duplicate": 0, "filtered": {}, "quarantined": {}, "patterns_new": 1,
    }  # fmt: skip
    assert (result.exit_code, stored(tmp_path), list(account.objects)) == (1, 4, [a_key(1)])
    [asked] = account.answers.calls("s3.ListObjectsV2")
    assert (asked["Bucket"], asked["Prefix"]) == ("failures", "aws/lambda/async/embed/")


def test_people_are_told_the_same(call: Call, account: Account) -> None:
    account.fail(0)
    result = call(*REPLAY)
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["failures: 1 of 1 record put back.", "  2 lines: 2 stored, 0 stored before, 0 filtered, 0 quarantined"],
    )
    account.objects["aws/lambda/async/x"] = b"?"
    result = call(*REPLAY)
    assert (result.exit_code, "  stays: aws/lambda/async/x: it is no JSON" in result.stdout) == (1, True)


def test_a_bucket_by_name_needs_no_stack(call: Call, account: Account, tmp_path: Path) -> None:
    account.stacks.clear()
    account.fail(0)
    result = call("aws", "replay-failed", "--bucket", "mine", "--since", "2026-03-01")
    assert (result.exit_code, stored(tmp_path)) == (0, 2), result.output
    [asked] = account.answers.calls("s3.ListObjectsV2")
    assert (asked["Bucket"], asked["Prefix"]) == ("mine", "aws/lambda/async/")


def test_what_failed_never_lands_in_a_file_that_nobody_named(
    call: Call, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.fail(0)
    monkeypatch.delenv("AUTOIR_STORE")
    result = call(*REPLAY)
    assert (result.exit_code, "--store NAME" in result.stderr) == (2, True), result.output
    assert (list(account.objects), (tmp_path / "autoir.db").exists()) == ([a_key(0)], False)
    assert call(*REPLAY, "--dry-run").exit_code == 0
    assert call(*REPLAY, "--store", f"sqlite:///{tmp_path}/autoir.db").exit_code == 0
    assert (account.objects, stored(tmp_path)) == ({}, 2)


def test_a_stage_is_looked_for_where_its_file_says(
    call: Call, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout.make(tmp_path / "app", monkeypatch).write("")
    asked_in: list[str] = []
    account.answers["s3.ListObjectsV2"] = lambda asked: {"Contents": []}
    monkeypatch.setattr(Access, "client", _noting(asked_in, Access.client))
    assert call(*REPLAY, "--dry-run").exit_code == 0
    assert call(*REPLAY, "--dry-run", "--region", "us-west-2").exit_code == 0
    assert [region for region, _ in itertools.groupby(asked_in)] == ["eu-west-1", "us-west-2"]


def _noting(regions: list[str], client: Callable[..., Any]) -> Callable[..., Any]:
    def noted(access: Access, *arguments: Any) -> Any:
        regions.append(access.region)
        return client(access, *arguments)

    return noted


def test_a_time_leaves_older_ones_where_they_are(call: Call, account: Account) -> None:
    account.fail(0)
    result = call(*REPLAY, "--since", "1h")
    assert (result.exit_code, result.stdout) == (0, "failures: no failed delivery.\n")
    assert list(account.objects) == [a_key(0)]


def test_a_dry_run_makes_no_store(call: Call, account: Account, tmp_path: Path) -> None:
    account.fail(0)
    result = call(*REPLAY, "--dry-run", "--json")
    found = document(result)
    check(found, "aws-replay-failed")
    assert (found["dry_run"], found["received"], found["stored"], found["replayed"]) == (True, 2, 0, 0)
    assert (list(account.objects), (tmp_path / "autoir.db").exists()) == ([a_key(0)], False)


@pytest.mark.parametrize(("deployed", "name"), [("chosen", "chosen"), (None, "autoir-prod-embedding")])
def test_lines_of_the_stage_s_own_endpoint_are_not_stored(
    deployed: str | None, name: str, call: Call, account: Account, tmp_path: Path
) -> None:
    if deployed:
        account.stacks["AutoIR-prod-Embedding"] = {"EndpointName": deployed}
    group = f"/aws/sagemaker/Endpoints/{name}"
    account.fail(0, group)
    found = document(call(*REPLAY, "--json"))
    assert (found["received"], found["stored"], found["filtered"]) == (2, 0, {"AutoIR's own": 2})
    assert (stored(tmp_path, group), account.objects) == (0, {})


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        (KeyboardInterrupt(), 130, ["stopped: 1 record put back.", "The same command goes on with the others"]),
        ("SlowDown", 3, ["1 record put back before that.", "S3 gave no answer about failures: SlowDown"]),
    ],
)
def test_what_was_done_before_it_ended_is_told(
    failure: BaseException | str, code: int, words: list[str], call: Call, account: Account
) -> None:
    def read(asked: dict[str, Any]) -> dict[str, Any] | str:
        if asked["Key"] == a_key(0):
            return account.get(asked)
        if isinstance(failure, BaseException):
            raise failure
        return failure

    account.fail(0)
    account.fail(1)
    account.answers["s3.GetObject"] = read
    result = call(*REPLAY)
    assert result.exit_code == code, result.output
    assert [word in result.stderr for word in words] == [True, True], result.stderr
    assert list(account.objects) == [a_key(1)]
