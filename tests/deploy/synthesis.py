"""``app.py`` on a stage's file, each content of it once, and ahead of its turn where it can be foreseen.

A stage goes through four contents of its file. A synthesis takes some five seconds, most of them to start, in which
nothing else happens; and what docs/deploy.md and its reader make of the file is no secret. So one process, on the
machine's other core, bundles the functions while the database and the cloud start, and synthesizes the contents one
after the other before they are asked for. A content that was not foreseen, or not rightly, is made when it is asked
for, as a user's is.
"""

import fcntl
import hashlib
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import IO

from autoir.stage import StageConfig, read, save, written
from tools.localcloud.cloud import LAMBDA_ARCH, LAMBDA_PYTHON

ROOT = Path(__file__).resolve().parents[2]
APP = f"""\
import sys

sys.path.insert(0, {str(ROOT)!r})
from tests.deploy.synthesis import synthesize

synthesize()
"""
"""``app.py`` of the folder in which the stage is deployed."""

_CLI = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
"""What the CDK's command line tells an app beside what stands in cdk.json."""


def synthesize() -> None:
    """Be the app that the CDK's command line asks, in the folder in which the stage is deployed."""
    context, out = json.loads(os.environ["CDK_CONTEXT_JSON"]), Path(os.environ["CDK_OUTDIR"])
    with _kept(Path(), read(Path(context["stages"]), context["stage"])) as kept:
        if not kept.exists():
            done = subprocess.run([sys.executable, str(ROOT / "app.py")], stderr=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(done.stderr)
            _keep(out, kept, done.stderr)
        _copy(kept, out)
        sys.stderr.write((kept / "said").read_text())


@dataclass(frozen=True)
class Ahead:
    """The process that synthesizes for the checkout ``app``."""

    app: Path
    _told: IO[bytes]

    def tell(self, stages: Iterable[StageConfig]) -> None:
        """Say once what the stage's file will be, one content after the other."""
        for number, stage in enumerate(stages):
            folder = self.app / "ahead" / str(number)
            folder.mkdir(parents=True)
            save(folder, stage)
        self._told.close()


@contextmanager
def ahead(app: Path, environment: Mapping[str, str]) -> Iterator[Ahead]:
    """It runs until ``with`` ends."""
    with (app / "ahead.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.synthesis", str(app)],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        assert process.stdin
        try:
            yield Ahead(app, process.stdin)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _make(app: Path) -> None:
    import aws_cdk as cdk

    from stacks.function import code

    context, out = json.loads((app / "cdk.json").read_text())["context"] | _CLI, app / "cdk.ahead"
    main = runpy.run_path(str(ROOT / "app.py"))["main"]
    here = replace(read(ROOT / "stages", "dev"), lambda_arch=LAMBDA_ARCH, lambda_python=LAMBDA_PYTHON)
    code(here).bind(cdk.Stack(cdk.App(context=context, outdir=str(out)), "Bundle"))
    sys.stdin.read()
    for folder in sorted((app / "ahead").iterdir()):
        (path,) = folder.iterdir()
        stage = read(folder, path.stem)
        with _kept(app, stage) as kept, redirect_stderr(StringIO()) as said:
            if not kept.exists():
                own = context | {"stages": str(folder), "stage": stage.name}
                main(cdk.App(context=own, outdir=str(out), analytics_reporting=False))
                _keep(out, kept, said.getvalue())


@contextmanager
def _kept(app: Path, stage: StageConfig) -> Iterator[Path]:
    """Where the assembly of ``stage`` is kept once it is made; nobody else makes it meanwhile."""
    folder = app / "synthesized"
    folder.mkdir(exist_ok=True)
    kept = folder / hashlib.sha256(written(stage).encode()).hexdigest()
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield kept


def _keep(out: Path, kept: Path, said: str) -> None:
    (out / "said").write_text(said)
    _copy(out, kept)


def _copy(assembly: Path, target: Path) -> None:
    """Copy an assembly; an asset of it is never written again, and one serves all."""
    target.mkdir(exist_ok=True)
    for path in assembly.iterdir():
        if not path.name.startswith("asset."):
            shutil.copyfile(path, target / path.name)
        elif not (target / path.name).exists():
            (target / path.name).symlink_to(path.resolve())


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
