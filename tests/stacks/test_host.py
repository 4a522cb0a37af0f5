"""The model's host, from its user data to a server that says it is ready, in a root of its own.

The scripts are the real ones under a real bash; what only an instance has (disks, Docker, AWS, its metadata) is
stood in for by small programs on PATH, each of which writes down how it was called.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from stacks import user_data

KEY = "correct-horse-battery-staple-0123456789abcdef"
PREFIX = "weights/Kimi/UD-TQ1_0/"
VALUES = {
    "REGION": "us-east-1",
    "GROUP": "autoir-test-llm-k2",
    "PARAMETERS": "/autoir/test/llm/k2/",
    "STORAGE": "instance",
    "WEIGHTS_BUCKET": "weights",
    "WEIGHTS_PREFIX": PREFIX,
    "KEY_SECRET": "arn:aws:secretsmanager:us-east-1:111111111111:secret:llm",
    "IMAGE": "ghcr.io/ggml-org/llama.cpp@sha256:00",
    "PORT": "8080",
    "EXPERTS": "--n-cpu-moe 41",
    "IDLE_STOP_MIN": "30",
}

# Each is sourced by bash with WORLD, the folder of what stands for the machine, and CALLS, what was called.
STAND_INS = {
    "aws": r"""
case "$1 $2" in
    "s3 cp")
        from=${*: -2:1} to=${*: -1}
        cp "$WORLD/bucket/${from#s3://weights/}" "$to" ;;
    "secretsmanager get-secret-value") cat "$WORLD/key" ;;
    "ssm put-parameter")
        while [ $# -gt 0 ]; do case $1 in --name) name=$2 ;; --value) value=$2 ;; esac; shift; done
        echo "${name##*/}=$value" >>"$WORLD/parameters" ;;
    "autoscaling set-desired-capacity" | "configure set") ;;
    *) echo "unexpected: aws $*" >&2; exit 1 ;;
esac
""",
    "curl": r"""
url=${*: -1}
case $url in
    */api/token) echo token ;;
    */meta-data/local-ipv4) echo 10.0.0.5 ;;
    */spot/instance-action) [ -e "$WORLD/interrupted" ] ;;
    */health)
        tries=$(cat "$WORLD/health" 2>/dev/null || echo 0)
        echo $((tries + 1)) >"$WORLD/health"
        [ "$tries" -ge 2 ] ;;
    */v1/chat/completions) grep -q "Bearer" "$AUTOIR_ROOT/run/autoir/header" ;;
    */metrics) cat "$WORLD/metrics" ;;
    *) echo "unexpected: curl $*" >&2; exit 1 ;;
esac
""",
    "sleep": "",
    "mountpoint": '[ -e "$WORLD/mounted/${*: -1}" ]',
    "findmnt": "echo /dev/nvme0n1p1",
    "lsblk": r"""
case "$*" in
    *PKNAME*) echo /dev/nvme0n1 ;;
    *) cat "$WORLD/disks" ;;
esac
""",
    "mdadm": "",
    "mkfs.xfs": "",
    "mount": "",
    "docker": "",
    "systemctl": "",
}


@dataclass(frozen=True)
class Host:
    """An instance before its first start: ``root`` is its file system, ``world`` all that is beside it."""

    root: Path
    world: Path

    def run(self, *command: str, expect: int = 0) -> str:
        """What a command of the host says, stderr included."""
        environment = {
            "PATH": f"{self.world / 'bin'}:{os.environ['PATH']}",
            "AUTOIR_ROOT": str(self.root),
            "WORLD": str(self.world),
            "CALLS": str(self.world / "calls"),
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    def part(self, name: str, *arguments: str, expect: int = 0) -> str:
        """Run one of the parts, where the user data put it."""
        return self.run(str(self.root / "opt/autoir" / name), *arguments, expect=expect)

    def unit(self, name: str) -> None:
        """Start a unit: its commands in systemd's order."""
        text = (self.root / "etc/systemd/system" / name).read_text()
        for kind in ("ExecStartPre", "ExecStart", "ExecStartPost"):
            for line in re.findall(rf"^{kind}=(.+)$", text, re.MULTILINE):
                path, *arguments = line.split()
                self.run(f"{self.root}{path}", *arguments)

    def calls(self, program: str) -> list[str]:
        """How a stand-in was called, one line a call."""
        path = self.world / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]

    def states(self) -> list[str]:
        """What the host said of itself, in order."""
        return re.findall(r"^state=(.+)$", (self.world / "parameters").read_text(), re.MULTILINE)

    def weights(self) -> dict[str, str]:
        """File to content in the place of the weights."""
        place = self.root / "var/lib/autoir/weights"
        return {path.name: path.read_text() for path in sorted(place.iterdir())} if place.exists() else {}


def fill(world: Path, files: dict[str, str], manifest: str | None = None) -> None:
    """The bucket: ``files`` and their manifest."""
    folder = world / "bucket" / PREFIX
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)
    sums = [f"{hashlib.sha256(content.encode()).hexdigest()}  {name}" for name, content in files.items()]
    (folder / "manifest.sha256").write_text("\n".join(sums) + "\n" if manifest is None else manifest)


SHARDS = {"k2-00001-of-00002.gguf": "first", "k2-00002-of-00002.gguf": "second", "chat_template.jinja": "{{ x }}"}


@pytest.fixture
def machine(tmp_path: Path) -> Host:
    """A machine that has not started yet: two disks of an instance store, weights in the bucket."""
    root, world = tmp_path / "root", tmp_path / "world"
    for folder in (root / "etc/systemd/system", root / "run/autoir", world / "bin"):
        folder.mkdir(parents=True)
    for name, body in STAND_INS.items():
        path = world / "bin" / name
        path.write_text(f'#!/usr/bin/env bash\nset -eu\necho "{name} $*" >>"$CALLS"\n{body}')
        path.chmod(0o755)
    (world / "key").write_text(KEY)
    (world / "disks").write_text(
        "/dev/nvme0n1 Amazon Elastic Block Store\n"
        "/dev/nvme1n1 Amazon EC2 NVMe Instance Storage\n/dev/nvme2n1 Amazon EC2 NVMe Instance Storage\n"
    )
    fill(world, SHARDS)
    return Host(root, world)


def boot(machine: Host, values: dict[str, str] | None = None, *, spot: bool = False, idle_stop: bool = True) -> Host:
    """The user data, run as cloud-init runs it."""
    path = machine.world / "user-data"
    path.write_text(user_data.script(VALUES | (values or {}), spot=spot, idle_stop=idle_stop))
    machine.run("bash", str(path))
    return machine


@pytest.fixture
def host(machine: Host) -> Host:
    """A machine whose user data has run; systemd has started nothing yet."""
    return boot(machine)


def shellcheck(*paths: Path) -> str:
    program = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if not program:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("shellcheck is not there; run make test")
    done = subprocess.run(
        [program, "--external-sources", "--source-path", str(user_data.HOST), *map(str, paths)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout


def test_no_script_has_a_finding(machine: Host) -> None:
    boot(machine, spot=True)
    assert shellcheck(*sorted(user_data.HOST.glob("*.sh")), machine.world / "user-data") == ""


def test_a_finding_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "x.sh"
    path.write_text('#!/bin/bash\nrm -rf "$1"/*\necho $2\n')
    assert "SC2086" in shellcheck(path)


@pytest.mark.parametrize(
    ("spot", "idle_stop", "started"),
    [
        (False, True, "autoir-server.service autoir-idle.timer"),
        (True, False, "autoir-server.service autoir-spot.service"),
    ],
)
def test_user_data_puts_everything_in_place_and_starts_it(
    machine: Host, spot: bool, idle_stop: bool, started: str
) -> None:
    boot(machine, spot=spot, idle_stop=idle_stop)
    for path in user_data.HOST.rglob("*"):
        if path.is_file():
            folder = "opt/autoir" if path.suffix == ".sh" else "etc/systemd/system"
            there = machine.root / folder / path.name
            assert there.read_text() == path.read_text()
            assert os.access(there, os.X_OK) == (path.suffix == ".sh")
    assert (machine.root / "etc/autoir/host.env").read_text().splitlines()[0] == "REGION='us-east-1'"
    assert machine.calls("systemctl") == ["daemon-reload", f"enable --now --no-block {started}"]


def test_every_command_of_a_unit_is_there(host: Host) -> None:
    for path in (user_data.HOST / "units").iterdir():
        commands = re.findall(r"^Exec\w+=(\S+)", path.read_text(), re.MULTILINE)
        own = [command for command in commands if command.startswith("/opt/autoir/")]
        assert [command for command in own if not (host.root / command[1:]).exists()] == []
        assert set(commands) - set(own) <= {"/usr/bin/docker"}


def test_a_start_fills_verifies_serves_and_says_so(host: Host) -> None:
    for unit in ("autoir-disks.service", "autoir-weights.service", "autoir-server.service"):
        host.unit(unit)
    assert host.weights() == SHARDS
    assert host.states() == ["filling", "loading", "ready"]
    assert "url=http://10.0.0.5:8080" in (host.world / "parameters").read_text()
    (served,) = [call for call in host.calls("docker") if call.startswith("run")]
    for words in (
        "--model /weights/k2-00001-of-00002.gguf",
        "--host 10.0.0.5 --port 8080 --api-key-file /run/key",
        "--n-cpu-moe 41",
        "--chat-template-file /weights/chat_template.jinja",
        VALUES["IMAGE"],
    ):
        assert words in served
    assert len([call for call in host.calls("curl") if call.endswith("/health")]) == 3


def test_a_server_that_outlived_its_client_makes_way(host: Host) -> None:
    """While it loads it heeds no signal; systemd then kills the client alone, and its name stays taken."""
    for unit in ("autoir-disks.service", "autoir-weights.service", "autoir-server.service"):
        host.unit(unit)
    assert [call.split(" --name")[0] for call in host.calls("docker")] == ["rm --force autoir-llm", "run --rm"]


def test_the_key_is_in_a_file_of_root_and_in_no_argument(host: Host) -> None:
    for unit in ("autoir-disks.service", "autoir-weights.service", "autoir-server.service"):
        host.unit(unit)
    key = host.root / "run/autoir/key"
    assert key.read_text() == f"{KEY}\n"
    assert key.stat().st_mode & 0o777 == 0o600
    assert f"{key}:/run/key:ro" in " ".join(host.calls("docker"))
    assert KEY not in (host.world / "calls").read_text()


def test_an_empty_key_starts_no_server(host: Host) -> None:
    (host.world / "key").write_text("")
    assert "the API key is empty" in host.part("key.sh", expect=1)


def test_a_corrupt_shard_is_refused(host: Host) -> None:
    host.part("disks.sh")
    (host.world / "bucket" / PREFIX / "k2-00002-of-00002.gguf").write_text("secxnd")
    said = host.part("weights.sh", expect=123)  # xargs: one of its commands failed
    assert "k2-00002-of-00002.gguf: its SHA-256 is not that of the manifest" in said
    assert "k2-00002-of-00002.gguf" not in host.weights()
    assert [name for name in host.weights() if name.endswith(".part")] == []


def test_a_second_start_takes_only_what_is_missing(host: Host) -> None:
    host.part("disks.sh")
    host.part("weights.sh")
    (host.root / "var/lib/autoir/weights/k2-00002-of-00002.gguf").unlink()
    (host.world / "calls").unlink()
    host.part("weights.sh")
    fetched = [call for call in host.calls("aws") if call.startswith("s3 cp") and "gguf" in call]
    assert len(fetched) == 1
    assert host.weights() == SHARDS


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "not a manifest\n",
        f"{'0' * 64}  ../../etc/passwd\n",
        f"{'0' * 64}  /etc/passwd.gguf\n",
        f"{'0' * 64}  a.gguf b.gguf\n",
        f"{'0' * 64}  x.sh\n",
        f"{'0' * 63}  x.gguf\n",
        f"{'0' * 64}  $(touch x).gguf\n",
        f"{'0' * 64}  -x.gguf\n",
    ],
)
def test_a_manifest_that_is_none_fetches_nothing(host: Host, manifest: str) -> None:
    host.part("disks.sh")
    fill(host.world, SHARDS, manifest)
    assert "not a list of SHA-256 sums and names" in host.part("weights.sh", expect=1)
    assert [name for name in host.weights() if name.endswith(".gguf")] == []


def test_without_weights_no_server_starts(host: Host) -> None:
    host.part("disks.sh")
    assert "no weights in" in host.part("server.sh", expect=1)
    assert host.calls("docker") == []


@pytest.mark.parametrize(
    ("storage", "disks", "made", "expected"),
    [
        # all disks of the instance store, striped
        ("instance", "a Instance Storage\nb Instance Storage\nroot Elastic Block Store\n", False,
         ["mdadm --create /dev/md/autoir --run --level 0 --raid-devices 2 a b", "mkfs.xfs -q -f /dev/md/autoir"]),
        # one disk is enough
        ("instance", "a Instance Storage\n", False, ["mkfs.xfs -q -f a"]),
        # a volume, and never the system's
        ("volume", "/dev/nvme0n1 Amazon Elastic Block Store\nv Amazon Elastic Block Store\n", False,
         ["mkfs.xfs -q -f v"]),
        # AWS's image has made a volume of the instance store already
        ("instance", "a Instance Storage\n", True, ["mount --bind {root}/opt/dlami/nvme/weights"]),
    ],
)  # fmt: skip
def test_the_place_of_the_weights(machine: Host, storage: str, disks: str, made: bool, expected: list[str]) -> None:
    (machine.world / "disks").write_text(disks)
    place = machine.root / "opt/dlami/nvme"
    if made:
        place.mkdir(parents=True)
        marker = machine.world / f"mounted/{place}"
        marker.parent.mkdir(parents=True)
        marker.touch()
    boot(machine, {"STORAGE": storage})
    machine.part("disks.sh")
    calls = (machine.world / "calls").read_text()
    assert [line for line in expected if line.format(root=machine.root) not in calls] == []
    assert "mkfs.xfs -q -f /dev/nvme0n1\n" not in calls


def test_a_machine_without_a_disk_for_them_fails(host: Host) -> None:
    (host.world / "disks").write_text("/dev/nvme0n1 Amazon Elastic Block Store\n")
    assert "no disk of model 'Instance Storage'" in host.part("disks.sh", expect=1)


IDLE = "llamacpp:requests_processing 0\nllamacpp:requests_deferred 0\nllamacpp:tokens_predicted_total 7\n"


@pytest.mark.parametrize(
    ("metrics", "stops"),
    [
        (IDLE, True),
        (IDLE.replace("processing 0", "processing 1"), False),
        (IDLE.replace("deferred 0", "deferred 2"), False),
        # a token since the last look
        (IDLE.replace("total 7", "total 8"), False),
        # a server that does not answer costs the same
        ("", False),
    ],
)
def test_an_idle_host_stops_itself(host: Host, metrics: str, stops: bool) -> None:
    run = host.root / "run/autoir"
    (run / "busy").write_text("0\n")
    (run / "tokens").write_text("7\n")
    (host.world / "metrics").write_text(metrics)
    host.part("idle.sh")
    capacity = [call for call in host.calls("aws") if call.startswith("autoscaling set-desired-capacity")]
    assert bool(capacity) is stops
    if stops:
        assert host.states() == ["stopped"]
        assert capacity[0].endswith(f"--auto-scaling-group-name {VALUES['GROUP']} --desired-capacity 0")


def test_a_new_host_is_given_an_hour_to_load(host: Host) -> None:
    (host.world / "metrics").write_text(IDLE)
    host.part("idle.sh")
    assert host.calls("aws") == []
    assert int((host.root / "run/autoir/busy").read_text()) > 3600


def test_a_notice_of_interruption_is_said(host: Host) -> None:
    (host.world / "interrupted").touch()
    host.part("spot.sh")
    assert host.states() == ["down"]
