"""The daemon: what each flag and variable does, and one of them from log groups to a page, as a process."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from autoir import locations
from autoir.cli.tail_run import Run
from autoir.clock import DAY_MS, MINUTE_MS, system_clock
from autoir.daemon import Job
from autoir.settings import Settings
from autoir.store import open_store
from tests.cli.conftest import Call, document
from tests.conftest import ROOT
from tests.tail.cloudwatch_fake import REGION, FakeLogs, RealTime, Wire, serving

LEDGER = "/bank/ledger"
ARN = "arn:aws:sns:eu-west-1:123456789012:pages"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as server:
        yield server


class Followed:
    """What the daemon would have followed."""

    settings: Settings
    jobs: dict[str, Job]
    wanted: Sequence[str]
    excluded: Sequence[str]
    back_ms: int


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> type[Followed]:
    """The daemon is set up and not run."""

    def follow(self: Any, jobs: Sequence[Job], *, back_ms: int) -> None:
        Followed.settings, Followed.back_ms = self._settings, back_ms
        Followed.jobs = {job.name: job for job in jobs}
        Followed.wanted, Followed.excluded = self._selection.wanted, self._selection.excluded

    monkeypatch.setattr(Run, "follow", follow)
    return Followed


@pytest.mark.parametrize(
    ("flags", "variables", "expected"),
    [
        (["--alerts-window-min", "7"], {}, ("window_min", 7)),
        ([], {"ALERTS_WINDOW_MIN": "8"}, ("window_min", 8)),
        (["--alerts-window-min", "7"], {"ALERTS_WINDOW_MIN": "8"}, ("window_min", 7)),
        (["--alerts-min-confidence", "0"], {}, ("min_confidence", 0)),
        ([], {"ALERTS_MIN_CONFIDENCE": "55"}, ("min_confidence", 55)),
        (["--alerts-min-severity", "high"], {}, ("min_severity", "high")),
        ([], {"ALERTS_MIN_SEVERITY": "critical"}, ("min_severity", "critical")),
        (["--sns-topic-arn", ARN], {}, ("sns_topic_arn", ARN)),
        (["--sns-arn", ARN], {}, ("sns_topic_arn", ARN)),
        ([], {"SNS_TOPIC_ARN": ARN}, ("sns_topic_arn", ARN)),
    ],
)
def test_a_flag_comes_before_its_variable(
    call: Call, followed: type[Followed], monkeypatch: pytest.MonkeyPatch, flags: list[str], variables: dict[str, str],
    expected: tuple[str, object],
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert call("daemon", "--groups", LEDGER, *flags).exit_code == 0
    assert getattr(followed.settings, expected[0]) == expected[1]


@pytest.mark.parametrize(
    ("flags", "variables", "every_s"),
    [
        ([], {}, 60),
        ([], {"ALERTS_INTERVAL_SEC": "30"}, 30),
        (["--alerts-interval-sec", "20"], {"ALERTS_INTERVAL_SEC": "30"}, 20),
        # a channel that there is not, which the flag overrules
        (["--alerts-channels", "stdout"], {"ALERTS_CHANNELS": "fax"}, 60),
    ],
)
def test_how_often_it_looks_and_whom_it_tells(
    call: Call, followed: type[Followed], monkeypatch: pytest.MonkeyPatch, flags: list[str], variables: dict[str, str],
    every_s: float,
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = call("daemon", "--groups", LEDGER, "--alerts-enabled", *flags)
    assert said.exit_code == 0, said.stderr
    assert followed.jobs["alerts"].every_s == every_s


@pytest.mark.parametrize(
    ("flags", "variables", "said"),
    [
        (["--sns-arn", ARN], {}, "Without --alerts-enabled nobody looks for incidents: --sns-topic-arn does nothing."),
        (["--alerts-interval-sec", "60", "--alerts-channels", "sns"], {},
         "Without --alerts-enabled nobody looks for incidents: --alerts-interval-sec, --alerts-channels do nothing."),
        ([], {"SNS_TOPIC_ARN": ARN, "ALERTS_CHANNELS": "sns"}, ""),  # may be set for other commands
        (["--alerts-enabled", "--sns-arn", ARN], {}, ""),
        (["--sns-arn", ARN], {"ALERTS_ENABLED": "1"}, ""),
    ],
)  # fmt: skip
def test_flags_of_alerts_that_are_off_are_named(
    call: Call, followed: type[Followed], monkeypatch: pytest.MonkeyPatch, flags: list[str], variables: dict[str, str],
    said: str,
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = call("daemon", "--groups", LEDGER, *flags)
    assert (result.exit_code, result.stderr.strip()) == (0, said)


def test_groups_and_jobs(call: Call, followed: type[Followed], monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        call("daemon", "--groups", "/a,/b", "--groups", "/c", "--exclude", "*/x", "--start-time", "2h").exit_code == 0
    )
    assert (followed.wanted, followed.excluded, followed.back_ms) == (["/a", "/b", "/c"], ["*/x"], 120 * MINUTE_MS)
    assert set(followed.jobs) == {"embed", "retention"}
    monkeypatch.setenv("LOG_GROUPS", "/d,/e")
    monkeypatch.setenv("ALERTS_ENABLED", "1")
    assert call("daemon").exit_code == 0
    assert followed.wanted == ["/d", "/e"]
    assert set(followed.jobs) == {"embed", "retention", "alerts"}


def test_the_job_that_embeds(call: Call, followed: type[Followed], stored: Path) -> None:
    assert call("daemon", "--groups", "/a").exit_code == 0
    store = open_store(f"sqlite:///{stored}")
    store.db.execute("UPDATE autoir_patterns SET embed_state = 'pending', embedding = NULL, embed_lease_ms = 0")
    followed.jobs["embed"].run(store, system_clock())
    assert store.stats().patterns_pending == 0
    store.close()


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ((), {}, "no log group is named"),
        (("--groups", "/autoir/prod/tail"), {}, "AutoIR's own log group"),
        (("--groups", "/a", "--alerts-min-severity", "severe"), {}, "min_severity = 'severe'"),
        (("--groups", "/a", "--alerts-enabled", "--alerts-channels", "fax"), {}, "there is no notifier 'fax'"),
        (("--groups", "/a", "--alerts-enabled"), {"ALERTS_CHANNELS": "stdout,fax"}, "there is no notifier 'fax'"),
        (("--groups", "/a", "--alerts-enabled", "--alerts-channels", "sns"), {}, "notifier sns needs the setting"),
        (("--groups", "/a", "--alerts-interval-sec", "1"), {}, "--alerts-interval-sec"),
        (("--groups", "/a"), {"ALERTS_INTERVAL_SEC": "1"}, "--alerts-interval-sec"),
    ],
)
def test_what_is_wrong_is_said_before_it_starts(
    call: Call, followed: type[Followed], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
    variables: dict[str, str], said: str,
) -> None:  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = call("daemon", *arguments)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_from_a_log_group_to_a_page(wire: Wire, tmp_path: Path, call: Call) -> None:
    logs = wire.logs = FakeLogs(RealTime())
    logs.make(LEDGER, created_ms=system_clock() - DAY_MS)
    end = system_clock() // MINUTE_MS * MINUTE_MS
    for ago in range(300, 0, -1):
        logs.put(LEDGER, end - ago * MINUTE_MS, f"INFO request {ago} served")
    for n in range(45):
        logs.put(LEDGER, end - (6 - n % 5) * MINUTE_MS + n, "ERROR ledger is corrupt, refusing writes")
    locations.config_file().write_text("warmup_min = 120\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "autoir.cli.main", "daemon", "--groups", "/bank/*", "--start-time", "6h", "--json",
         "--alerts-enabled", "--alerts-interval-sec", "5", "--alerts-channels", "stdout"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "AWS_ENDPOINT_URL": wire.url, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "testing",
             "AWS_SECRET_ACCESS_KEY": "testing"},
    )  # fmt: skip
    assert process.stderr
    too_late = threading.Timer(240, process.kill)
    too_late.start()
    page = next((line for line in process.stderr if line.startswith("Subject:")), "no page came")
    too_late.cancel()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    assert "ledger is corrupt" in page
    assert process.returncode == 0
    answer = json.loads(output)
    assert (answer["stored"], [group["log_group"] for group in answer["log_groups"]]) == (345, [LEDGER])
    listed = document(call("incidents", "list", "--json"))
    assert len(listed["incidents"]) == 1  # type: ignore[arg-type]
