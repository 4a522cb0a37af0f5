"""A stage in a local cloud, handled as its owner would: by its file, the commands of docs/deploy.md and boto3."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from autoir.stage import names
from tests.conftest import ROOT
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


@dataclass
class Deployment:
    """The stage: ``folder`` holds its file and its templates, ``server`` behind ``door`` its store."""

    cloud: Cloud
    folder: Path
    server: Server
    door: Gateway
    authority: Authority
    said: dict[str, str] = field(default_factory=dict)
    """What commands said, by the words a test knows them by."""

    @property
    def environment(self) -> dict[str, str]:
        """What a command is started with: a login to the local cloud, and nothing else of this machine's AWS."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        own = {
            "HOME": self.home, "SSL_CERT_FILE": self.authority.ca, "NO_COLOR": "1", "npm_config_offline": "true",
            "npm_config_update_notifier": "false",
            "AUTOIR_APP": self.app, "AUTOIR_STORE": self.door.url(DATABASE, "writer"),
        }  # fmt: skip
        return kept | self.cloud.environment | {name: str(value) for name, value in own.items()}

    @cached_property
    def home(self) -> Path:
        """The owner's home, with the three connections that the page asks for."""
        home = self.folder / "home"
        home.mkdir()
        connections = home / "autoir-connections"
        connections.write_text("".join(f"{self.door.url(DATABASE, user)}\n" for user in USERS))
        connections.chmod(0o600)
        return home

    @property
    def store_url(self) -> str:
        """The store as its writer, for this process, which trusts nobody by its environment."""
        return f"{self.door.url(DATABASE, 'writer')}?ca={self.authority.ca}"

    @cached_property
    def app(self) -> Path:
        """The folder that the owner works in: this checkout's app without its stages."""
        app = self.folder / "app"
        (app / "stages").mkdir(parents=True)
        for name in ("node_modules", ".venv"):
            (app / name).symlink_to(ROOT / name)
        (app / "app.py").write_text(_APP)
        settings = json.loads((ROOT / "cdk.json").read_text())
        settings["context"] |= {"stages": str(app / "stages")}
        settings |= {"app": f"{sys.executable} app.py", "notices": False, "progress": "events"}
        (app / "cdk.json").write_text(json.dumps(settings))
        return app

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


_APP = f'''\
"""The app of the checkout, run once for each content that the stage's file has: the same again would be the same."""

import hashlib, os, pathlib, runpy, shutil, sys

out = pathlib.Path(os.environ["CDK_OUTDIR"])
stage = pathlib.Path("stages/{STAGE}.toml").read_bytes()
kept = pathlib.Path("synthesized", hashlib.sha256(stage).hexdigest())
if kept.exists():
    shutil.copytree(kept, out, dirs_exist_ok=True)
else:
    sys.path.insert(0, {str(ROOT)!r})
    runpy.run_path({str(ROOT / "app.py")!r}, run_name="__main__")
    shutil.copytree(out, kept, ignore=lambda folder, names: [n for n in names if n.startswith("asset.")])
'''
