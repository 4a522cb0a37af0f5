"""A stage in a local cloud, handled as its owner would: by its file, the CDK's command line and boto3."""

import json
import os
import shutil
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
        return kept | self.cloud.environment | {"AUTOIR_HOME": str(self.folder / "autoir")}

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

    def write(self, **tables: Mapping[str, object]) -> None:
        """Write the stage's file; ``tables`` are its sections."""
        text = _SHAPE
        for table, settings in tables.items():
            text += f"\n[{table}]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
        stages = self.folder / "stages"
        stages.mkdir(exist_ok=True)
        (stages / f"{STAGE}.toml").write_text(text)

    def synthesize(self, name: str) -> None:
        """The templates of the stage's file into the folder ``name``, by ``cdk synth``; bundled code is made once."""
        out = self.folder / name
        out.mkdir()
        for other in self.folder.glob("*/asset.*"):
            if other.is_dir() and not (out / other.name).exists():
                shutil.copytree(other, out / other.name, copy_function=os.link)
        context = ("-c", f"stage={STAGE}", "-c", f"stages={self.folder / 'stages'}")
        app = f"{sys.executable} app.py"
        self.said[f"synth {name}"] = self.cdk("synth", "--quiet", "--app", app, "--output", str(out), *context)

    def deploy(self, name: str, *options: str, fails: bool = False) -> str:
        """Deploy all stacks of the templates in the folder ``name``; what the CDK said."""
        everything = ("--all", "--require-approval", "never", "--progress", "events")
        return self.cdk("deploy", *everything, "--app", str(self.folder / name), *options, fails=fails)

    def cdk(self, *words: str, fails: bool = False) -> str:
        """A command of the CDK's."""
        return self.run(str(CDK), *words, "--no-notices", "--no-color", fails=fails)

    def run(self, *command: str, fails: bool = False, **more: Any) -> str:
        """What a command said. It has to succeed, or to fail where ``fails`` says so."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more
        )
        said = done.stdout + done.stderr
        assert bool(done.returncode) == fails, f"{' '.join(command)}: {done.returncode}\n{said[-6000:]}"
        return said

    def outputs(self, part: str) -> dict[str, str]:
        """The outputs of a stack."""
        answer = self.client("cloudformation").describe_stacks(StackName=names.stack(STAGE, part))
        return {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0].get("Outputs", ())}

    def templates(self, name: str) -> dict[str, dict[str, Any]]:
        """The templates in the folder ``name`` by their stacks."""
        paths = (self.folder / name).glob("*.template.json")
        return {path.name.removesuffix(".template.json"): json.loads(path.read_text()) for path in paths}
