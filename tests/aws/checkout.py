"""A checkout to deploy from: app.py, one stage, and a ``cdk`` that only writes down how it was called."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ACCOUNT = "222222222222"
_CDK = f"""\
#!{sys.executable}
import json, os, sys
from pathlib import Path
here = Path(__file__).resolve().parents[2]
stage = [word.partition("=")[2] for word in sys.argv if word.startswith("stage=")][0]
call = {{
    "arguments": sys.argv[1:], "cwd": os.getcwd(), "file": (here / "stages" / f"{{stage}}.toml").read_text(),
    "environment": {{name: os.environ.get(name, "") for name in ("AWS_REGION", "AWS_PROFILE")}},
}}
with (here / "calls").open("a") as calls:
    print(json.dumps(call), file=calls)
print("what cdk says")
sys.exit(int((here / "fails").read_text()) if (here / "fails").exists() else 0)
"""


@dataclass(frozen=True)
class Checkout:
    """The folder that AUTOIR_APP names."""

    folder: Path

    def write(self, text: str, stage: str = "prod") -> Path:
        """The stage's file: its account and Region, and ``text``."""
        path = self.folder / "stages" / f"{stage}.toml"
        place = f'account = "{ACCOUNT}"\nregion = "eu-west-1"\nazs = ["eu-west-1a", "eu-west-1b"]\n'
        path.write_text(place + text)
        return path

    def calls(self) -> list[dict[str, Any]]:
        """Each call of ``cdk``: its arguments, its folder, its login, and the stage's file at that time."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def fail(self, code: int = 1) -> None:
        """From now on ``cdk`` fails."""
        (self.folder / "fails").write_text(str(code))


def make(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout in ``folder``."""
    (folder / "stages").mkdir(parents=True)
    (folder / "app.py").touch()
    program = folder / "node_modules" / ".bin" / "cdk"
    program.parent.mkdir(parents=True)
    program.write_text(_CDK)
    program.chmod(0o755)
    monkeypatch.setenv("AUTOIR_APP", str(folder))
    return Checkout(folder)
