"""What every test stands on: a home of its own, an environment without this machine's settings, and no network.

A test that passes only where its author's credentials or configuration are found proves nothing, so both are taken
away from all tests, asked for or not.
"""

import ipaddress
import os
import signal
import socket
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent
pytest_plugins = ["tests.mysql_peer.plugin"]

# Everything the program or its libraries would read from the environment. AUTOIR_TEST_* speaks to the tests
# themselves (a live database to run on, say) and stays.
CLEARED = ("AUTOIR_", "AWS_", "TIDB_", "SAGEMAKER_", "KIMI_", "OPENAI_", "ALERTS_", "LOG_GROUPS", "SNS_TOPIC_ARN")
KEPT = ("AUTOIR_TEST_",)
# What bends the look of terminal output.
TERMINAL = (
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "PY_COLORS",
    "COLUMNS",
    "LINES",
    "DEBUG",
    "LOG_LEVEL",
)

# Read when numpy is loaded, which some tests do before autoir.embed sets it: workers share the cores already.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Slow machines are no bug, and neither is what only one run in a hundred draws: every run draws the same examples.
# Others are drawn where AUTOIR_TEST_SEEDS is set.
hypothesis.settings.register_profile(
    "same", derandomize=True, database=None, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("drawn", hypothesis.settings.get_profile("same"), derandomize=False)
hypothesis.settings.load_profile("drawn" if os.environ.get("AUTOIR_TEST_SEEDS") else "same")


LONGEST = "tests/demo/test_seeds.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests that take minutes come first, half of them for each of two workers: at the end one would wait."""
    long = [item for item in items if item.nodeid.startswith(LONGEST)]
    others = [item for item in items if not item.nodeid.startswith(LONGEST)]
    middle = (len(long) + 1) // 2
    items[:] = [*long[:middle], *others[: len(others) // 2], *long[middle:], *others[len(others) // 2 :]]


class NetworkBlocked(pytest.fail.Exception):
    """A test reached for a host other than this one. No Exception, so that no code which retries those can hide it."""


@pytest.fixture(autouse=True)
def own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """AUTOIR_HOME is the test's tmp_path; settings of AutoIR, AWS and TiDB from outside are gone."""
    for name in list(os.environ):
        if (name.startswith(CLEARED) and not name.startswith(KEPT)) or name in TERMINAL:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AUTOIR_HOME", str(tmp_path))
    # No credentials of the person who runs the tests, and no question to a metadata service.
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True, scope="session")
def heeds_ctrl_c() -> None:
    """A run in the background of a shell ignores Ctrl-C, and so would every process that a test starts and stops."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Loopback and Unix sockets only, in this process, for the whole run; and the live cluster that was asked for."""
    live = urlsplit(os.environ.get("AUTOIR_TEST_TIDB_DSN", "")).hostname
    asked_for = {live} if live else set()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name), asked_for))
        resolve = socket.getaddrinfo

        def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
            _refuse_outside(host, asked_for)
            found = resolve(host, *args, **kwargs)
            if host in asked_for:
                asked_for.update(str(address[4][0]) for address in found)
            return found

        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of public log sets that lies beside a checkout; the test is skipped where there is none."""
    folder = ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("no folder 'shared' with the public log sets beside this checkout")
    return folder


def _guarded(connect: Any, asked_for: Collection[str]) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_outside(address[0], asked_for)
        return connect(self, address)

    return guarded


def _refuse_outside(host: str | bytes | None, asked_for: Collection[str]) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost") or name in asked_for:
        return
    try:
        inside = ipaddress.ip_address(name).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise NetworkBlocked(f"a test tried to reach {name!r}")
