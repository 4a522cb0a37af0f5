"""``app.py`` on a stage's file, each content of it once, and ahead of its turn where it can be foreseen.

A stage goes through five contents of its file. A synthesis takes some five seconds, most of them to start, in which
nothing else happens; and what docs/deploy.md and its reader make of the file is no secret. So one process, on the
machine's other core, synthesizes them one after the other before they are asked for. A content that was not foreseen,
or not rightly, is made when it is asked for, as a user's is.
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
from io import StringIO
from pathlib import Path

from autoir.stage import StageConfig, read, save, written

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
        shutil.copytree(kept, out, copy_function=_put, dirs_exist_ok=True)
        sys.stderr.write((kept / "said").read_text())


@contextmanager
def ahead(stages: Iterable[StageConfig], app: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Contents of a stage's file are synthesized for the folder ``app``, in their order, until ``with`` ends."""
    for number, stage in enumerate(stages):
        folder = app / "ahead" / str(number)
        folder.mkdir(parents=True)
        save(folder, stage)
    with (app / "ahead.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.synthesis", str(app)],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _make(app: Path) -> None:
    import aws_cdk as cdk

    context = json.loads((app / "cdk.json").read_text())["context"] | _CLI
    main = runpy.run_path(str(ROOT / "app.py"))["main"]
    for folder in sorted((app / "ahead").iterdir()):
        ((path,), out) = folder.iterdir(), app / "cdk.ahead"
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
    shutil.copytree(out, kept, copy_function=_put)


def _put(source: str, target: str) -> None:
    """Copy a file; one of an asset is never written again, and one serves all."""
    if "/asset." not in source:
        shutil.copyfile(source, target)
    elif not os.path.exists(target):
        os.link(source, target)


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
