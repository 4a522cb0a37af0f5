"""Start and stop the local cloud, and say how to reach it.

It listens on 127.0.0.1 alone, keeps everything in memory and in one folder, and is started with an environment of its
own: functions inherit it, so that a variable which their template does not set is missing here as it would be in AWS.
Only what was started here is ever stopped.
"""

import os
import platform
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PYTHON = ROOT / "build" / "localcloud" / "venv" / "bin" / "python"
"""Interpreter of the emulator: ``make localcloud`` makes it."""

ACCOUNT = "000000000000"
REGION = "us-east-1"
LAMBDA_ARCH = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine().lower()]
LAMBDA_PYTHON = "{}.{}".format(*sys.version_info)
"""What ``lambda_arch`` and ``lambda_python`` of a stage have to be here: functions run as processes of this machine."""

_START_S = 60
_STOP_S = 10


class CloudError(Exception):
    """The local cloud cannot be started."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """A local cloud that runs: its process, its port, its folder."""

    pid: int
    port: int
    folder: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    """Of whoever started it; a later command knows its number alone."""

    @property
    def url(self) -> str:
        """Where every service answers."""
        return f"http://localhost:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead every AWS client, and the CDK's command line, to it and to nothing else.

        A key of twelve digits is an account's number. The CDK remembers accounts in a folder of its own.
        """
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_HOME": str(self.folder / "cdk"),
            "CDK_DOCKER": str(HERE / "docker"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
        }

    def answers(self) -> bool:
        """Whether it is up."""
        try:
            urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=5).close()
        except OSError:
            return False
        return True

    def tick(self, schedule: str) -> None:
        """Let a schedule fire now."""
        request = urllib.request.Request(f"{self.url}/_localcloud/tick/{schedule}", b"", method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def stop(self) -> None:
        """End it, its functions and its endpoints."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
            deadline = time.monotonic() + _STOP_S
            while time.monotonic() < deadline and self.lives():
                time.sleep(0.05)
            os.killpg(self.pid, signal.SIGKILL)
        if self.process:
            self.process.wait()

    def lives(self) -> bool:
        """Whether there is a process of its number."""
        if self.process:
            return self.process.poll() is None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True


def start(folder: Path, authority: Path | None = None) -> Cloud:
    """A local cloud that answers; its log is ``cloud.log`` in ``folder``. Raises CloudError.

    ``authority`` is a file of certificates, which its machines trust as those in AWS do the public ones.
    """
    if not PYTHON.exists():
        raise CloudError(f"{PYTHON} is not there: make localcloud")
    for name in ("home", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with _kept_port() as port:
        return _started(folder, port, authority)


def _started(folder: Path, port: int, authority: Path | None) -> Cloud:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        **({"SSL_CERT_FILE": str(authority)} if authority else {}),
    }
    with (folder / "cloud.log").open("w") as log:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "tools.localcloud.emulator"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    cloud = Cloud(process.pid, port, folder, process)
    deadline = time.monotonic() + _START_S
    while not cloud.answers():
        if process.poll() is not None or time.monotonic() > deadline:
            cloud.stop()
            raise CloudError(f"The local cloud did not start:\n{(folder / 'cloud.log').read_text()[-2000:]}")
        time.sleep(0.1)
    return cloud


def exports(environment: Mapping[str, str]) -> str:
    """``environment`` for a shell's eval."""
    return "".join(f"export {name}={value}\n" for name, value in environment.items())


@contextmanager
def _kept_port() -> Iterator[int]:
    """A free port of 127.0.0.1. Linux gives it to nobody within the block, and lets a server that names it listen."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port = int(keeper.getsockname()[1])
        if sys.platform != "linux":
            keeper.close()
        yield port
