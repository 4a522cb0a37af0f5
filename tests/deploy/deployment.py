"""A stage in a local cloud, handled as its owner would: by its file, the CDK's command line and boto3."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from autoir.stage import names
from tests.conftest import ROOT
from tools.localcloud.cloud import ACCOUNT, LAMBDA_ARCH, LAMBDA_PYTHON, REGION, Cloud

STAGE = "local"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
PAGES, EVENTS = (f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}" for name in ("pages", "events"))

_SHAPE = f"""\
account = "{ACCOUNT}"
region = "{REGION}"
azs = ["{REGION}a", "{REGION}b"]
removal = "retain"
lambda_arch = "{LAMBDA_ARCH}"
lambda_python = "{LAMBDA_PYTHON}"
pages = ["{PAGES}"]
events = ["{EVENTS}"]
"""


@dataclass
class Deployment:
    """The stage: ``folder`` holds its file, its templates and its store."""

    cloud: Cloud
    folder: Path
    said: dict[str, str] = field(default_factory=dict)
    """What commands said, by the words a test knows them by."""

    @property
    def environment(self) -> dict[str, str]:
        """What a command is started with: a login to the local cloud, and nothing else of this machine's AWS."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "AUTOIR_"))}
        own = {"HOME": self.folder / "autoir", "APP": self.app, "STORE": self.store_url}
        return kept | self.cloud.environment | {f"AUTOIR_{name}": str(value) for name, value in own.items()}

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

    @property
    def store_url(self) -> str:
        """The connection string that the secrets hold."""
        return f"sqlite:///{self.folder / 'store.db'}"

    @cached_property
    def app(self) -> Path:
        """The folder that the owner works in: this checkout's app with the stage's file and nobody else's."""
        app = self.folder / "app"
        (app / "stages").mkdir(parents=True)
        for name in ("app.py", "node_modules"):
            (app / name).symlink_to(ROOT / name)
        settings = json.loads((ROOT / "cdk.json").read_text())
        settings["context"] |= {"stage": STAGE, "stages": str(app / "stages")}
        (app / "cdk.json").write_text(json.dumps(settings | {"app": f"{sys.executable} app.py"}))
        return app

    def write(self, tables: Mapping[str, Mapping[str, object]]) -> None:
        """Write the stage's file; ``tables`` are its sections."""
        text = _SHAPE
        for table, settings in tables.items():
            text += f"\n[{table}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        (self.app / "stages" / f"{STAGE}.toml").write_text(text)

    def autoir(self, *words: str) -> str:
        """What a command of AutoIR's said on its output."""
        return self.run(sys.executable, "-m", "autoir.cli.main", *words)

    def cdk(self, *words: str, fails: bool = False) -> str:
        """What a command of the CDK's said."""
        return self.run(str(CDK), *words, "--no-notices", "--no-color", fails=fails, cwd=self.app)

    def deploy_again(self, *, fails: bool = False) -> str:
        """Deploy all stacks as they were synthesized last; what the CDK said."""
        options = ("--require-approval", "never", "--progress", "events")
        return self.cdk("deploy", "--all", "--app", "cdk.out", *options, fails=fails)

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
