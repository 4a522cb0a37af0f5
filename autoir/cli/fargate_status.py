"""``autoir aws autoir-fargate status`` and ``logs``: how the tailing task does, and what it says."""

from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli.options import StageCommand, asked, examples, moment_ms
from autoir.cli.output import Lines, Table, local_time, print_json, show
from autoir.clock import system_clock
from autoir.errors import AutoirError, UsageError
from autoir.report.amounts import lasting
from autoir.report.text import shown

if TYPE_CHECKING:
    from autoir.aws.task_log import Line
    from autoir.aws.task_service import Service

Stage = Annotated[str, typer.Option(metavar="NAME", help="Whose task.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``autoir aws autoir-fargate``."""
    app.command(
        cls=StageCommand,
        epilog=examples("autoir aws autoir-fargate status --stage prod", "autoir aws autoir-fargate status --json"),
    )(status)
    app.command(
        cls=StageCommand,
        epilog=examples(
            "autoir aws autoir-fargate logs --stage prod --since 2h", "autoir aws autoir-fargate logs --follow"
        ),
    )(logs)


def status(ctx: typer.Context, stage: Stage = "dev") -> int:
    """Show whether the task runs and keeps up.

    The service, its tasks, the newest heartbeat and how far it is behind. Exit code 1 when something is wrong; a task
    that is stopped on purpose is not.
    """
    from autoir.aws.cdk import access_to
    from autoir.aws.outputs import NotDeployedError
    from autoir.aws.task_service import TaskService

    now_ms = system_clock()
    try:
        found = TaskService(access_to(stage, asked(ctx).profile, asked(ctx).region), stage).seen(now_ms)
    except NotDeployedError as error:
        deploy = f"Deploy it: autoir aws autoir-fargate deploy --stage {stage} --groups '/aws/lambda/*'"
        raise UsageError(str(error), deploy) from None
    troubles = found.troubles(now_ms)
    if asked(ctx).as_json:
        print_json(_document(stage, found, troubles))
    else:
        show(*_blocks(found, troubles, now_ms))
    return AutoirError.exit_code if troubles else 0


def logs(
    ctx: typer.Context,
    stage: Stage = "dev",
    since: Annotated[str, typer.Option(metavar="TIME", help="From then on: 15m, 2h ago, or an ISO time.")] = "15m",
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")] = False,
) -> None:
    """Show what the task says.

    With --json one line is one JSON document.
    """
    from autoir.aws import task_log
    from autoir.aws.cdk import access_to
    from autoir.cli.tail_run import cloudwatch_for
    from autoir.daemon import stopped_by_signals
    from autoir.settings import Settings
    from autoir.stage import names

    since_ms = moment_ms("--since", since, system_clock())
    asked(ctx).region = access_to(stage, asked(ctx).profile, asked(ctx).region).region
    with stopped_by_signals() as stop:
        cloudwatch = cloudwatch_for(asked(ctx), Settings(), stop)
        group = names.log_group(stage, names.TAIL_LOG)
        for line in task_log.lines(cloudwatch, group, since_ms, clock=system_clock, pause=stop.pause, follow=follow):
            _print(line, as_json=asked(ctx).as_json)


def _print(line: "Line", *, as_json: bool) -> None:
    if as_json:
        print_json(line._asdict())
    else:
        show(Lines([f"{local_time(line.ts_ms)}  {line.level:7}  {shown(line.message, 2000)}"]))


def _document(stage: str, found: "Service", troubles: list[str]) -> dict[str, object]:
    return {
        "stage": stage,
        "cluster": found.cluster,
        "service": found.service,
        "desired": found.desired,
        "running": found.running,
        "pending": found.pending,
        "rollout": found.rollout,
        "tasks": [
            {
                "id": task.id,
                "status": task.status,
                "health": task.health,
                "started_ms": task.started_ms,
                "stopped_reason": task.stopped_reason,
            }
            for task in found.tasks
        ],
        "heartbeat_ms": found.heartbeat_ms,
        "lag_s": found.lag_s,
        "events": list(found.events),
        "troubles": troubles,
    }


def _blocks(found: "Service", troubles: list[str], now_ms: int) -> list[Lines | Table]:
    beat = "none in the last hour"
    if found.heartbeat_ms is not None:
        beat = f"{lasting(now_ms - found.heartbeat_ms)} ago, {local_time(found.heartbeat_ms)}"
    rows = [
        ("service", f"{found.service} in {found.cluster}"),
        ("tasks", f"{found.running} of {found.desired} run, {found.pending} to come"),
        ("heartbeat", beat),
        ("behind", "unknown" if found.lag_s is None else lasting(round(found.lag_s * 1000))),
    ]
    for task in found.tasks:
        since = f" since {local_time(task.started_ms)}" if task.started_ms else ""
        reason = f": {shown(task.stopped_reason, 200)}" if task.stopped_reason else ""
        rows.append(("task", f"{task.id} {task.status.lower()}, {task.health.lower()}{since}{reason}"))
    rows += [("event", shown(event, 300)) for event in found.events] if troubles else []
    said = troubles or (["stopped on purpose"] if not found.desired else ["all is well"])
    return [Table(("", ""), rows), Lines(["", *said])]
