"""app.py as `cdk` calls it: a stage that cannot be deployed ends it, with a line that says why and no template."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_a_stage_that_is_refused_gives_no_template(cdk: None, tmp_path: Path) -> None:
    (tmp_path / "prod.toml").write_text('[ingestion]\nlog_groups = ["/autoir/prod/tail"]')
    context = json.dumps({"stages": str(tmp_path), "stage": "prod"})
    environment = os.environ | {"CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(tmp_path / "out")}
    command = [sys.executable, str(ROOT / "app.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "prod.toml: ingestion.log_groups: /autoir/prod/tail is AutoIR's own log group" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("*.template.json")) == []
