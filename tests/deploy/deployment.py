"""A stage in a local cloud, handled as its owner would: by its file, the commands of docs/deploy.md and boto3."""

import json
import os
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from autoir.embed.models import DEFAULT
from autoir.stage import names
from tests.conftest import ROOT
from tests.deploy import synthesis
from tests.embed.local.pocket import write_pocket
from tests.mysql_peer.certificates import Authority
from tests.mysql_peer.gateway import Gateway
from tests.mysql_peer.server import USERS, Server
from tools.localcloud.cloud import ACCOUNT, REGION, Cloud

STAGE = "local"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
DATABASE = "autoir_deployed"
LEFT_OUT = ("AWS_", "CDK_", "AUTOIR_", "PYTHON")
"""Of this machine's environment: whatever would lead a command elsewhere."""
PAGES, EVENTS = (f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for name in ("pages", "events"))


def machine() -> dict[str, str]:
    """What of this machine's environment a command is started with.

    What was fetched and unpacked before is used again. Templates are validated where all stages are, in tests/stacks;
    here each time would take six seconds.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    own = {
        "XDG_CACHE_HOME": str(cache), "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(cache / "aws" / "jsii" / "package-cache"),
        "CDK_VALIDATION": "false",
    }  # fmt: skip
    return {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)} | own


def checkout(folder: Path) -> Path:
    """``folder`` made what the owner works in: this checkout's app without its stages."""
    (folder / "stages").mkdir(parents=True)
    for name in ("node_modules", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "app.py").write_text(synthesis.APP)
    settings = json.loads((ROOT / "cdk.json").read_text())
    settings["context"] |= {"stages": str(folder / "stages")}
    settings |= {"app": f"{sys.executable} app.py", "notices": False, "progress": "events"}
    (folder / "cdk.json").write_text(json.dumps(settings))
    return folder


@dataclass
class Deployment:
    """The stage: ``ahead`` synthesizes it in the checkout that deploys it, ``server`` behind ``door`` is its store."""

    cloud: Cloud
    folder: Path
    ahead: synthesis.Ahead
    server: Server
    door: Gateway
    authority: Authority
    tailing: Future[None] = field(default_factory=Future)
    """Done when the tailing task is deployed, after all else."""
    said: dict[str, str] = field(default_factory=dict)
    """What commands said, by the words a test knows them by."""

    @property
    def environment(self) -> dict[str, str]:
        """What a command is started with: a login to the local cloud, and nothing else of this machine's AWS."""
        own = {
            "HOME": self.home, "SSL_CERT_FILE": self.authority.ca, "NO_COLOR": "1",
            "AUTOIR_APP": self.app, "AUTOIR_STORE": self.door.url(DATABASE, "writer"),
        }  # fmt: skip
        return machine() | self.cloud.environment | {name: str(value) for name, value in own.items()}

    @property
    def app(self) -> Path:
        """The checkout that the owner works in."""
        return self.ahead.app

    @cached_property
    def home(self) -> Path:
        """The owner's home, with the three connections that the page asks for."""
        home = self.folder / "home"
        home.mkdir()
        connections = home / "autoir-connections"
        connections.write_text("".join(f"{self.door.url(DATABASE, user)}\n" for user in USERS))
        connections.chmod(0o600)
        return home

    @cached_property
    def model(self) -> Path:
        """A folder with a small model, of which the owner says that it is bge-small."""
        return write_pocket(self.folder / "pocket", DEFAULT)

    @property
    def store_url(self) -> str:
        """The store as its writer, for this process, which trusts nobody by its environment."""
        return f"{self.door.url(DATABASE, 'writer')}?ca={self.authority.ca}"

    @property
    def file(self) -> Path:
        """The stage's."""
        return self.app / "stages" / f"{STAGE}.toml"

    def add(self, table: str) -> None:
        """Add to the stage's file as its owner does in an editor."""
        self.file.write_text(f"{self.file.read_text()}\n{table}")

    def client(self, service: str) -> Any:
        """A client of the local cloud's."""
        return self._clients.setdefault(
            service,
            self._session.client(service, endpoint_url=self.cloud.url, config=Config(retries={"max_attempts": 1})),
        )

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(aws_access_key_id=ACCOUNT, aws_secret_access_key="local", region_name=REGION)

    def autoir(self, *words: str, fails: bool = False) -> str:
        """What a command of AutoIR's said."""
        return self.run(sys.executable, "-m", "autoir.cli.main", *words, fails=fails)

    def deploy(self) -> str:
        """What the CDK said when it deployed everything."""
        return self.run(
            str(CDK), "deploy", "--all", "--require-approval", "never", "-c", f"stage={STAGE}", cwd=self.app
        )

    def run(self, *command: str, fails: bool = False, cwd: Path = ROOT) -> str:
        """What a command said. It has to succeed, or to fail where ``fails`` says so."""
        done = subprocess.run(
            command, cwd=cwd, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert bool(done.returncode) == fails, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def outputs(self, part: str) -> dict[str, str]:
        """The outputs of a stack."""
        answer = self.client("cloudformation").describe_stacks(StackName=names.stack(STAGE, part))
        return {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0].get("Outputs", ())}

    def templates(self) -> dict[str, dict[str, Any]]:
        """The templates of the last synthesis by their stacks."""
        paths = (self.app / "cdk.out").glob("*.template.json")
        return {path.name.removesuffix(".template.json"): json.loads(path.read_text()) for path in paths}
