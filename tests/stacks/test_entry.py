"""app.py as `cdk` calls it: a stage gives its templates and what is off; one that cannot be deployed, one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

SETTINGS = json.loads((ROOT / "cdk.json").read_text())["context"]
ALWAYS = 'account = "123456789012"\nregion = "eu-central-1"\nazs = ["eu-central-1a", "eu-central-1b"]\n'


def synthesized(folder: Path, stage: str) -> subprocess.CompletedProcess[str]:
    """What app.py does with ``<stage>.toml`` of ``folder``; its templates are in ``out``."""
    context = json.dumps(SETTINGS | {"stages": str(folder), "stage": stage, "aws:cdk:bundling-stacks": []})
    own = {"CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(folder / "out"), "CDK_VALIDATION": "false"}
    command = [sys.executable, str(ROOT / "app.py")]
    return subprocess.run(command, cwd=folder, env=os.environ | own, capture_output=True, text=True, check=False)


def test_a_stage_gives_its_templates_and_what_is_off(cdk: None, tmp_path: Path) -> None:
    (tmp_path / "try.toml").write_text(f'{ALWAYS}pages = ["oncall@example.com"]\n')
    done = synthesized(tmp_path, "try")
    assert done.returncode == 0, done.stderr
    assert "try: store is off" in done.stderr
    templates = sorted(path.name for path in (tmp_path / "out").glob("*.template.json"))
    assert templates == ["AutoIR-try-App.template.json", "AutoIR-try-Foundation.template.json"]


def test_a_stage_that_is_refused_gives_no_template(cdk: None, tmp_path: Path) -> None:
    (tmp_path / "prod.toml").write_text('[ingestion]\nlog_groups = ["/autoir/prod/tail"]')
    done = synthesized(tmp_path, "prod")
    assert done.returncode == 1, done.stderr
    assert "prod.toml: ingestion.log_groups: /autoir/prod/tail is AutoIR's own log group" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("*.template.json")) == []
