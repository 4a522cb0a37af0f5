"""``autoir aws check``: what of a stage is not as it should be, and the command that mends it."""

from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli.options import StageCommand, asked, examples
from autoir.cli.output import Lines, Progress, Table, print_json, show
from autoir.clock import system_clock
from autoir.errors import AutoirError
from autoir.report.amounts import counted
from autoir.report.text import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autoir.aws.health import Row

_MARKS = {"ok": "ok", "note": "--", "broken": "!!", "unknown": "??"}


def register(app: typer.Typer) -> None:
    """Add the command to ``autoir aws``."""
    app.command(
        "check",
        cls=StageCommand,
        epilog=examples("autoir aws check --stage prod", "autoir aws check --stage prod --json"),
    )(check)


def check(
    ctx: typer.Context, stage: Annotated[str, typer.Option(metavar="NAME", help="The stage to look at.")] = "dev"
) -> int:
    """See whether a stage works.

    Login, quotas, stacks, secrets, schema, endpoint, log groups, who is paged, alarms: a row for each, with what was
    found and the command that mends it. Changes nothing. Exit code 1 when something is broken or could not be asked;
    what is off on purpose is not.
    """
    from autoir.aws import cdk
    from autoir.aws.health import Row, Seen, checked, is_sound
    from autoir.aws.health.checks import OFFLINE, ONLINE

    opened = cdk.Stage.opened(stage, asked(ctx).profile, asked(ctx).region)
    seen, progress = Seen(opened.config, opened.access, system_clock()), Progress()
    rows: list[Row] = []
    try:
        for row in checked(seen, ONLINE):
            rows.append(row)
            progress.update(row.name)
    finally:
        progress.done()
    rows += checked(seen, OFFLINE)
    sound = is_sound(rows)
    if asked(ctx).as_json:
        print_json({"stage": stage, "sound": sound, "checks": [row._asdict() for row in rows]})
    else:
        show(*_blocks(stage, rows))
    return 0 if sound else AutoirError.exit_code


def _blocks(stage: str, rows: "Sequence[Row]") -> list[Lines | Table]:
    cells = [(_MARKS[row.state], shown(row.name, 80), shown(row.found, 200), row.needed) for row in rows]
    mends = [f"  {shown(row.name, 80)}: {row.mend}" for row in rows if row.mend]
    wrong = [row for row in rows if row.state in ("broken", "unknown")]
    verdict = f"{counted(len(wrong), 'thing')} not as it should be." if wrong else f"stage {stage} is sound."
    blocks: list[Lines | Table] = [Table(("", "CHECK", "FOUND", "NEEDED"), cells)]
    if mends:
        blocks.append(Lines(["", "What to do:", *mends]))
    return [*blocks, Lines(["", verdict])]
