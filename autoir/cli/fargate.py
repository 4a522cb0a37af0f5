"""``autoir aws autoir-fargate``: the task that tails log groups which have no subscription filter free.

The stage's file is the truth and the stack follows it: whether the task is there, what it reads, how large it is and
whether it runs. So each command that changes something changes that file, shows the difference, and deploys.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli import fargate_status
from autoir.cli.failures import Interrupted
from autoir.cli.fargate_status import Stage
from autoir.cli.options import Group, StageCommand, asked, examples
from autoir.cli.output import Lines, note, print_json, show
from autoir.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from autoir.aws import cdk
    from autoir.stage import StageConfig

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change in the stage's file, and stop.")]

app = typer.Typer(
    name="autoir-fargate",
    cls=Group,
    no_args_is_help=True,
    help="Tail log groups in AWS, by a task of its own.",
    epilog=examples(
        "autoir aws autoir-fargate deploy --groups '/aws/rds/*' --dry-run",
        "autoir aws autoir-fargate status --stage prod",
    ),
)


def register(parent: typer.Typer) -> None:
    """Add the commands to ``autoir aws``."""
    parent.add_typer(app)


@app.command(
    cls=StageCommand,
    epilog=examples(
        "autoir aws autoir-fargate deploy --groups '/aws/rds/*,/vendor/*'",
        "autoir aws autoir-fargate deploy --cpu 1024 --memory 2048 --dry-run",
    ),
)
def deploy(
    ctx: typer.Context,
    stage: Stage = "dev",
    groups: Annotated[
        list[str] | None,
        typer.Option(
            "--groups", "--daemon-log-groups", metavar="GLOB,...", help="Log groups to read, instead of the file's."
        ),
    ] = None,
    cpu: Annotated[int | None, typer.Option(metavar="UNITS", help="CPU: 256, 512, 1024, 2048 or 4096.")] = None,
    memory: Annotated[int | None, typer.Option(metavar="MB", help="Memory: 2 to 8 times the CPU units.")] = None,
    desired_count: Annotated[int | None, typer.Option(metavar="0|1", help="1 runs it, 0 only deploys it.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Deploy the task, or change it.

    What is not given stays as the stage's file has it. Docker builds the image.
    """
    from autoir.stage import tailing

    named = [group.strip() for given in groups or () for group in given.split(",") if group.strip()]
    _change(
        ctx, stage, dry_run=dry_run, done="deployed", builds=True,
        change=lambda config: tailing.deployed(
            config, named, cpu=cpu, memory_mb=memory, desired=desired_count
        ),
    )  # fmt: skip


@app.command(cls=StageCommand, epilog=examples("autoir aws autoir-fargate start --stage prod"))
def start(ctx: typer.Context, stage: Stage = "dev", dry_run: DryRun = False) -> None:
    """Let the task run again.

    It goes on where it stopped.
    """
    from autoir.stage import tailing

    _change(ctx, stage, tailing.started, dry_run=dry_run, done="started")


@app.command(cls=StageCommand, epilog=examples("autoir aws autoir-fargate stop --stage prod"))
def stop(ctx: typer.Context, stage: Stage = "dev", dry_run: DryRun = False) -> None:
    """Let the task rest.

    It stays deployed and costs nothing but its alarms; what is logged meanwhile is read when it starts, as far as
    CloudWatch keeps it.
    """
    from autoir.stage import tailing

    _change(ctx, stage, tailing.stopped, dry_run=dry_run, done="stopped")


@app.command(cls=StageCommand, epilog=examples("autoir aws autoir-fargate destroy --stage dev --confirm"))
def destroy(
    ctx: typer.Context,
    stage: Stage = "dev",
    confirm: Annotated[bool, typer.Option("--confirm", help="Do not ask.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Remove the task with its stack.

    Its log goes with it; what it stored, and what its settings were, stays.
    """
    from autoir.aws import cdk
    from autoir.stage import tailing

    opened = cdk.Stage.opened(stage, asked(ctx).profile, asked(ctx).region)
    tailing.stopped(opened.config)  # it has to be there
    changed = tailing.removed(opened.config)
    difference = opened.difference(changed)
    if not dry_run:
        if opened.config.protect:
            unprotect = f"Set protect = false in stages/{stage}.toml, deploy, and call this again."
            raise UsageError(f"stage {stage} is protected against removal.", unprotect)
        _confirmed(f"Remove the tailing task of stage {stage}?", confirm=confirm)
        opened.known()
        with _interruptible():
            opened.destroy("Tailer")
        opened.saved(changed)
    _show_change(ctx, stage, difference, dry_run=dry_run, done="removed")


def _change(
    ctx: typer.Context,
    stage: str,
    change: "Callable[[StageConfig], StageConfig]",
    *,
    dry_run: bool,
    done: str,
    builds: bool = False,
) -> None:
    """Write the changed stage and deploy the task's stack; it is deployed too where nothing changed."""
    from autoir.aws import cdk

    opened = cdk.Stage.opened(stage, asked(ctx).profile, asked(ctx).region)
    changed = change(opened.config)
    difference = opened.difference(changed)
    if not dry_run:
        if builds:
            _require_docker(os.environ)
        _require_store(opened)
        for line in difference:
            note(line)
        with _interruptible():
            opened.saved(changed).deploy("Tailer")
    _show_change(ctx, stage, difference, dry_run=dry_run, done=done)


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        again = "CloudFormation ends what it has begun; then the same command goes on."
        raise Interrupted("stopped.", again) from None


def _require_docker(environ: Mapping[str, str]) -> None:
    program = environ.get("CDK_DOCKER", "docker")
    if not shutil.which(program, path=environ.get("PATH")):
        raise UsageError(
            f"{program} is not there, and builds the task's image.",
            "Install Docker, or name what is like it: CDK_DOCKER=podman",
        )
    if program == "docker":
        asked_it = subprocess.run([program, "info"], capture_output=True, env=dict(environ), check=False)
        if asked_it.returncode:
            raise UnreachableError("Docker does not answer, and builds the task's image.", "Start it: docker info")


def _require_store(opened: "cdk.Stage") -> None:
    from autoir.aws.outputs import NotDeployedError, outputs_of

    stage = opened.config.name
    hint = f"Do this first: autoir tidb dsn --stage {stage}"
    if not opened.config.store.ready:
        raise UsageError(f"stage {stage} has no store yet: the task could not store what it reads.", hint)
    opened.known()
    try:
        outputs_of(opened.access, stage, "Foundation")
    except NotDeployedError as error:
        raise UsageError(str(error), hint) from None


def _confirmed(question: str, *, confirm: bool) -> None:
    if confirm:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask.", "Say --confirm to do it without a question.")
    typer.confirm(question, abort=True, err=True)


def _show_change(ctx: typer.Context, stage: str, difference: list[str], *, dry_run: bool, done: str) -> None:
    if asked(ctx).as_json:
        print_json({"stage": stage, "dry_run": dry_run, "difference": difference})
        return
    file = f"stages/{stage}.toml"
    if dry_run:
        show(Lines(difference or [f"{file} stays as it is."]))
        return
    show(Lines([f"{done}: {file} {'is changed' if difference else 'stays as it was'}."]))


fargate_status.register(app)
