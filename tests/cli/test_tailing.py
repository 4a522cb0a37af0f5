"""Log groups of CloudWatch by commands: read once, shown live, filled in, and every failure with what mends it."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from autoir.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, system_clock
from autoir.events import LogEvent, identity
from autoir.store import open_store
from tests.cli.conftest import Call, document
from tests.cli.test_documents import schema
from tests.tail.cloudwatch_fake import ACCOUNT, REGION, FakeLogs, RealTime, Refusal, Wire, serving

API = "/shop/api"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


@pytest.fixture
def logs(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> FakeLogs:
    """The service as a user's machine finds it: by variables alone."""
    for name, value in wire.environment.items():
        monkeypatch.setenv(name, value)
    wire.logs = FakeLogs(RealTime())
    wire.logs.make(API, created_ms=system_clock() - DAY_MS)
    return wire.logs


def put(logs: FakeLogs, ago_ms: int, message: str, group: str = API) -> str:
    return logs.put(group, system_clock() - ago_ms, message)


def stored(tmp_path: Path) -> list[str]:
    store = open_store(f"sqlite:///{tmp_path}/autoir.db")
    try:
        return [str(row[0]) for row in store.query("SELECT message FROM autoir_events ORDER BY ts_ms")]
    finally:
        store.close()


def test_tail_stores_what_is_new_and_says_so(call: Call, logs: FakeLogs, tmp_path: Path) -> None:
    put(logs, 20 * MINUTE_MS, "too old")
    put(logs, MINUTE_MS, "GET /cart took 12 ms")
    put(logs, SECOND_MS, "password=hunter2 sent")
    first = call("logs", "tail", API, "--embed")
    assert first.exit_code == 0, first.output
    assert first.stdout.splitlines()[1:3] == ["read              2  from 1 log group", "stored            2"]
    assert stored(tmp_path) == ["GET /cart took 12 ms", "password=[REDACTED:secret] sent"]
    assert document(call("stats", "--json"))["lately"]["embedding"]["texts"] > 2
    put(logs, 0, "one more")
    second = document(call("logs", "tail", API, "--json"))
    jsonschema.Draft202012Validator(schema("logs-tail")).validate(second)
    assert set(second) == set(schema("logs-tail")["properties"])
    assert (second["read"], second["stored"]) == (3, 1)
    assert call("logs", "query", "cart").exit_code == 0


def test_a_group_that_is_missing_names_those_like_it(call: Call, logs: FakeLogs) -> None:
    result = call("logs", "tail", "/shop/apj")
    assert (result.exit_code, result.stderr) == (
        2, "autoir: there is no log group /shop/apj.\n        Did you mean /shop/api?\n",
    )  # fmt: skip


@pytest.mark.parametrize("glob", ["*", "/shop/*"])
def test_groups_that_may_not_be_listed(call: Call, logs: FakeLogs, glob: str) -> None:
    logs.refusal = Refusal("AccessDeniedException", "not authorized")
    result = call("logs", "tail", glob)
    assert (result.exit_code, result.stderr) == (
        1, "autoir: the list of log groups may not be read.\n        Give this role logs:DescribeLogGroups.\n",
    )  # fmt: skip


def test_one_group_that_fails_is_said_and_the_others_are_read(call: Call, logs: FakeLogs, tmp_path: Path) -> None:
    logs.make("/shop/secret", denied=True)
    put(logs, MINUTE_MS, "hello")
    result = call("logs", "tail", "/shop/*", "/shop/none")
    assert result.exit_code == 2
    assert "autoir: /shop/secret may not be read.\n        Give this role logs:FilterLogEvents." in result.stderr
    assert "there is no log group /shop/none" in result.stderr
    assert stored(tmp_path) == ["hello"]


@pytest.mark.parametrize(
    "arguments", [("logs", "tail", API), ("logs", "latest", "--live", API), ("logs", "backfill", API, "--from", "1h"),
                  ("daemon", "--groups", API)],
)  # fmt: skip
def test_a_login_that_has_expired_says_which_command_renews_it(
    call: Call, logs: FakeLogs, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "aws").write_text(f"[profile prod]\nregion={REGION}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    monkeypatch.setenv("AWS_PROFILE", "prod")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    (tmp_path / "credentials").write_text("[prod]\naws_access_key_id=testing\naws_secret_access_key=testing\n")
    logs.refusal = Refusal("ExpiredTokenException", "The security token included in the request is expired")
    result = call(*arguments)
    assert (result.exit_code, result.stderr) == (
        3, "autoir: the AWS login has expired.\n        Log in: aws sso login --profile prod\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("unset", "arguments", "code", "said"),
    [
        ("AWS_ACCESS_KEY_ID", (), 3, "there are no AWS credentials"),
        ("AWS_REGION", (), 2, "the AWS Region is not known"),
        ("", ("--profile", "nobody"), 2, "there is no AWS profile 'nobody'"),
    ],
)
def test_what_aws_needs_is_named(
    call: Call, logs: FakeLogs, monkeypatch: pytest.MonkeyPatch, unset: str, arguments: tuple[str, ...], code: int,
    said: str,
) -> None:  # fmt: skip
    if unset:
        monkeypatch.delenv(unset)
    result = call("logs", "tail", API, *arguments)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr


def test_live_shows_the_newest_redacted_and_stores_nothing(call: Call, logs: FakeLogs, tmp_path: Path) -> None:
    logs.faults.page_events = 2
    ids = [put(logs, (9 - n) * MINUTE_MS, f"line {n}") for n in range(8)]
    put(logs, SECOND_MS, "login with password=hunter2")
    result = call("logs", "latest", "--live", API, "--limit", "4")
    assert result.exit_code == 0, result.output
    shown = [line.split("  ", 1)[1] for line in result.stdout.splitlines()[1:]]
    assert shown == ["line 5", "line 6", "line 7", "login with password=[REDACTED:secret]"]
    assert not (tmp_path / "autoir.db").exists()
    answer = document(call("logs", "latest", "--live", API, "--since", "150s", "--json"))
    jsonschema.Draft202012Validator(schema("logs-latest")).validate(answer)
    event = LogEvent(API, "s-1", 0, "", ids[7], 0, ACCOUNT, REGION)
    assert next(row["id"] for row in answer["events"]) == identity(event)  # type: ignore[attr-defined]
    assert "No line of" in call("logs", "latest", "--live", API, "--since", "1s").stdout


def test_backfill_reads_a_span_once(call: Call, logs: FakeLogs, tmp_path: Path) -> None:
    for hours in (5, 3, 1):
        put(logs, hours * HOUR_MS, f"{hours} hours ago")
    span = ("--from", str(system_clock() - 4 * HOUR_MS), "--to", str(system_clock() - 2 * HOUR_MS))
    for read in (1, 0):
        assert document(call("logs", "backfill", API, *span, "--json"))["read"] == read
    assert stored(tmp_path) == ["3 hours ago"]
    assert call("logs", "backfill", API, "--from", "1h", "--to", "2h").exit_code == 2


@pytest.mark.parametrize("begin", ["5000w", "999999w", "1960-01-01"])
def test_there_is_no_time_before_1970(call: Call, logs: FakeLogs, tmp_path: Path, begin: str) -> None:
    put(logs, HOUR_MS, "hello")
    assert call("logs", "backfill", API, "--from", begin).exit_code == 0
    assert stored(tmp_path) == ["hello"]
    assert "hello" in call("logs", "latest", "--live", API, "--since", begin).stdout


def test_a_span_that_is_not_over_is_read_again(call: Call, logs: FakeLogs, tmp_path: Path) -> None:
    span = ("--from", str(system_clock() - HOUR_MS), "--to", "9999999999999999")
    for message in ("first", "second"):
        put(logs, 0, message)
        assert call("logs", "backfill", API, *span).exit_code == 0
    assert stored(tmp_path) == ["first", "second"]
    for end in ((), span[2:]):
        future = call("logs", "backfill", API, "--from", "2222-01-01", *end)
        assert (future.exit_code, "--from '2222-01-01' lies in the future" in future.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "number", "code"),
    [
        (("logs", "tail", API), signal.SIGINT, 130),
        (("logs", "tail", API), signal.SIGTERM, 130),
        (("logs", "backfill", API, "--from", "2h"), signal.SIGINT, 130),
        (("logs", "backfill", API, "--from", "2h"), signal.SIGTERM, 130),
        # what has no end of its own is done when it is told so
        (("logs", "tail", API, "--follow"), signal.SIGTERM, 0),
        (("logs", "tail", API, "--follow"), signal.SIGINT, 130),
        (("daemon", "--groups", API), signal.SIGTERM, 0),
        (("daemon", "--groups", API), signal.SIGINT, 130),
    ],
)
def test_what_was_stopped_before_its_end_is_not_done(
    call: Call, logs: FakeLogs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...],
    number: signal.Signals, code: int,
) -> None:  # fmt: skip
    logs.faults.page_events = 2
    for n in range(40):
        put(logs, MINUTE_MS - n, f"line {n}")
    answer = logs.answer

    def stopping(operation: str, body: dict[str, object]) -> dict[str, object] | None:
        if logs.calls["FilterLogEvents"] == 3:
            os.kill(os.getpid(), number)
        return answer(operation, body)

    monkeypatch.setattr(logs, "answer", stopping)
    result = call(*arguments)
    assert result.exit_code == code, result.stderr
    assert ("stopped." in result.stderr) == (code == 130)
    assert 0 < len(stored(tmp_path)) < 40


def test_no_line_of_autoir_comes_in_by_a_detour(call: Call, logs: FakeLogs, tmp_path: Path) -> None:
    put(logs, MINUTE_MS, json.dumps({"level": "INFO", "message": "read a page", "autoir_own": "prod"}))
    put(logs, MINUTE_MS, "theirs: autoir_own")
    result = call("logs", "tail", API)
    assert stored(tmp_path) == ["theirs: autoir_own"]
    assert "left out          1  lines of AutoIR's own" in result.stdout
    assert call("logs", "tail", "/autoir/prod/tail").exit_code == 2


def test_the_store_of_a_replay_takes_no_live_logs(call: Call, logs: FakeLogs) -> None:
    assert os.environ["AUTOIR_HOME"]
    result = call("logs", "tail", API, "--store", "demo")
    assert result.exit_code == 2
    assert logs.calls.total() == 0
