"""The stages as CDK synthesizes them: once for all tests, in a process without a network, and once more to compare.

Starting CDK costs more CPU than all stages together, so every test reads the templates of the same two runs, shared by
the workers of a run through a folder and a lock.
"""

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from autoir.stage import StageConfig, parse
from tests.conftest import ROOT

NETWORK = "/proc/self/ns/net"
"""Names the network that a process of Linux is in."""
FILES = [*sorted((ROOT / "stages").glob("*.toml")), *sorted((ROOT / "tests/stacks/stages").glob("*.toml"))]


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    stack: str
    id: str
    type: str
    body: dict[str, Any] = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.body.get("Properties", {}).get(name)


@dataclass(frozen=True)
class Stage:
    """A stage: its settings and its templates by part, as Foundation or Llm-k2."""

    config: StageConfig
    folder: Path
    templates: dict[str, dict[str, Any]]

    def all(self, *kinds: str) -> list[Resource]:
        """Every resource of ``kinds``, as AWS::S3::Bucket, or every one."""
        return [
            Resource(part, name, body["Type"], body)
            for part, template in self.templates.items()
            for name, body in template["Resources"].items()
            if not kinds or body["Type"] in kinds
        ]

    def one(self, kind: str, containing: str = "") -> Resource:
        """The one resource of ``kind`` whose logical id has ``containing`` in it."""
        (found,) = [resource for resource in self.all(kind) if containing in resource.id]
        return found


@dataclass(frozen=True)
class Synthesis:
    """Both runs: the folders of their templates and what the first said on stderr."""

    first: Path
    second: Path
    said: str
    offline: bool
    """Whether both ran in a network of their own, in which nobody else is."""

    def stage(self, name: str) -> Stage:
        """The stage of that name, as the first run made it."""
        (file,) = [file for file in FILES if file.stem == name]
        paths = sorted((self.first / name).glob("*.template.json"))
        parts = {path.name.split(".")[0].removeprefix(f"AutoIR-{name}-"): path for path in paths}
        templates = {part: json.loads(path.read_text()) for part, path in parts.items()}
        return Stage(parse(file, file.read_text()), self.first / name, templates)


def _run(out: Path, *options: str, seed: str, isolated: list[str]) -> subprocess.Popen[str]:
    synthesis = [sys.executable, "-m", "stacks.synthesis", *options, str(out), *map(str, FILES)]
    command = [*isolated, "sh", "-c", f'readlink {NETWORK} >"$0"; exec "$@"', str(out.with_suffix(".net")), *synthesis]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_"))}
    environment = kept | {"PYTHONHASHSEED": seed, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _synthesize(folder: Path) -> None:
    may = shutil.which("unshare") and not subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode
    isolated = ["unshare", "-rn"] if may else []
    runs = [
        _run(folder / "first", seed="1", isolated=isolated),
        _run(folder / "second", "--unchecked", seed="2", isolated=isolated),
    ]
    said = []
    for run in runs:
        out, err = run.communicate()
        assert run.returncode == 0, out + err
        said.append(err)
    networks = {(folder / name).read_text().strip() for name in ("first.net", "second.net")}
    offline = not networks & {"", os.readlink(NETWORK) if Path(NETWORK).exists() else ""}
    assert offline or not isolated, f"there was to be no network: {networks}"
    (folder / "said.json").write_text(json.dumps({"said": said[0], "offline": offline}))


def not_here(what: str) -> None:
    """Skip a test for want of ``what``; CI has everything, so there it fails."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"not here: {what}")


@pytest.fixture(scope="session")
def cdk() -> None:
    """What synthesizes: CDK's library, and the node that runs it."""
    missing = [name for name in ("aws_cdk", "cdk_nag") if not importlib.util.find_spec(name)]
    missing += [] if shutil.which("node") else ["node"]
    if missing:
        not_here(f"{', '.join(missing)}; run make test")


@pytest.fixture(scope="session")
def synthesis(cdk: None, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Synthesis:
    """The templates of every stage in stages/ and tests/stacks/stages/."""
    base = tmp_path_factory.getbasetemp()
    folder = Path(os.environ.get("AUTOIR_TEST_SYN") or (base if worker_id == "master" else base.parent) / "synthesis")
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "said.json").exists():
            _synthesize(folder)
    told = json.loads((folder / "said.json").read_text())
    return Synthesis(folder / "first", folder / "second", told["said"], told["offline"])


@pytest.fixture(scope="session")
def dev(synthesis: Synthesis) -> Stage:
    """A stage with every gate closed."""
    return synthesis.stage("dev")


@pytest.fixture(scope="session")
def prod(synthesis: Synthesis) -> Stage:
    """A stage that keeps its data."""
    return synthesis.stage("prod")


@pytest.fixture(scope="session")
def full(synthesis: Synthesis) -> Stage:
    """A stage with every part on."""
    return synthesis.stage("full")


@pytest.fixture(scope="session")
def borrowed(synthesis: Synthesis) -> Stage:
    """A stage in networks that exist already."""
    return synthesis.stage("borrowed")


def shown(value: Any) -> str:
    """A value of a template for a table: what it refers to, in a word; ``Foundation.X`` of another stack."""
    match value:
        case {"Fn::GetStackOutput": {"OutputName": output}}:
            return "Foundation." + output.removeprefix("PublishOutput").removeprefix("Ref").removeprefix("FnGetAtt")
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return str(name)
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(shown, parts))
        case _:
            return str(value)


def listed(value: Any) -> list[Any]:
    """A value that may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [value]


def statements(role: Resource) -> list[dict[str, Any]]:
    """Every statement of a role's own policies."""
    return [statement for policy in role["Policies"] or [] for statement in policy["PolicyDocument"]["Statement"]]
