"""``autoir logs tail`` and ``autoir logs backfill``: log groups of CloudWatch into the store.

Both are safe to repeat and to stop, and several may run at once: a lease says which of them reads a group, and what was
stored is never stored twice. A group that cannot be read does not stop the others, but is not forgotten in the exit
code.
"""

import shlex
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli import stores
from autoir.cli.failures import Interrupted
from autoir.cli.options import AwsCommand, asked, duration_ms, examples, moment_ms
from autoir.cli.output import print_json, show
from autoir.clock import system_clock
from autoir.errors import UsageError

if TYPE_CHECKING:
    from autoir.cli.tail_run import Run

Groups = Annotated[list[str], typer.Argument(metavar="GROUP...", help="Log groups, or globs in quotes: '/shop/*'")]
Excluded = Annotated[list[str] | None, typer.Option("--exclude", metavar="GLOB", help="Log groups to leave out.")]
Embed = Annotated[bool, typer.Option("--embed", help="Give new patterns their vectors at once, not with a search.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``autoir logs``."""
    app.command(
        cls=AwsCommand,
        epilog=examples(
            "autoir logs tail /aws/lambda/checkout",
            "autoir logs tail '/shop/*' --exclude '*/debug' --follow --embed",
            "autoir logs tail /shop/api --start-time 2h --profile prod --region eu-west-1",
        ),
    )(tail)
    app.command(
        cls=AwsCommand,
        epilog=examples(
            "autoir logs backfill /shop/api --from 2026-03-17T14:00Z --to 2h",
            "autoir logs backfill '/shop/*' --from 3d",
        ),
    )(backfill)


def tail(
    ctx: typer.Context,
    groups: Groups,
    embed: Embed = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what comes, until Ctrl-C.")] = False,
    start_time: Annotated[
        str, typer.Option(metavar="DURATION", help="How far back a group begins that was never read.")
    ] = "15m",
    exclude: Excluded = None,
) -> int:
    """Store the lines of CloudWatch log groups.

    Reads what is new since the last time and ends; with --follow it goes on. What comes late, up to 14 days, is looked
    for again and again: no line is missed and none is stored twice. Secrets are removed before anything is stored.
    """
    from autoir.cli import tail_run
    from autoir.cli.embedding import embedder_for
    from autoir.daemon import embedding, stopped_by_signals
    from autoir.tail.cloudwatch_groups import Selection

    back_ms = duration_ms("--start-time", start_time)
    settings = stores.loaded_settings(asked(ctx))
    selection = Selection(groups, exclude or ())
    tail_run.checked_store(asked(ctx))
    with stopped_by_signals() as stop:
        run = tail_run.Run(asked(ctx), settings, stop, selection)
        try:
            if follow:
                run.follow([embedding(embedder_for)] if embed else [], back_ms=back_ms)
            else:
                run.once(back_ms=back_ms, embed=embed)
        finally:
            run.close()
        cut_short = stop.interrupted or (stop.is_set and not follow)  # whoever follows is done when told so
        return ended(ctx, run, cut_short=cut_short, again="The same command goes on where it stopped.")


def backfill(
    ctx: typer.Context,
    groups: Groups,
    begin: Annotated[str, typer.Option("--from", metavar="TIME", help="From then on: 3d ago, or an ISO time.")],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Up to then.  [default: now]")] = "",
    embed: Embed = False,
    exclude: Excluded = None,
) -> int:
    """Store the lines of a span of time.

    For what was never delivered, or is older than what tail begins with. The same command goes on where it was stopped,
    and reads nothing that it has read to its end. What is stored already stays as it is.
    """
    from autoir.cli import tail_run
    from autoir.daemon import stopped_by_signals
    from autoir.tail.cloudwatch_groups import Selection

    now_ms = system_clock()
    from_ms = max(0, moment_ms("--from", begin, now_ms))
    until_ms = min(moment_ms("--to", end, now_ms), now_ms) if end else now_ms  # what is to come is read when it came
    if from_ms >= now_ms:
        raise UsageError(f"--from {begin!r} lies in the future.", "Example: --from 3d --to 1d")
    if from_ms >= until_ms:
        raise UsageError("--from is not before --to.", "Example: --from 3d --to 1d")
    settings = stores.loaded_settings(asked(ctx))
    selection = Selection(groups, exclude or ())
    tail_run.checked_store(asked(ctx))
    with stopped_by_signals() as stop:
        run = tail_run.Run(asked(ctx), settings, stop, selection)
        try:
            run.once(back_ms=0, embed=embed, between=(from_ms, until_ms))
        finally:
            run.close()
        words = [*groups, *(word for glob in exclude or () for word in ("--exclude", glob))]
        span = f"--from {_iso(from_ms)} --to {_iso(until_ms)}"  # a span that is said by the clock is another one later
        again = f"To go on: autoir{stores.flag_for(asked(ctx))} logs backfill {shlex.join(words)} {span}"
        return ended(ctx, run, cut_short=stop.is_set, again=again)


def _iso(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ended(ctx: typer.Context, run: "Run", *, cut_short: bool, again: str) -> int:
    """Show what ``run`` did; its exit code. Raises Interrupted when it was cut short, and says how to go on."""
    if asked(ctx).as_json:
        print_json(run.document())
    else:
        show(*run.summary(stores.flag_for(asked(ctx))))
    if cut_short:
        raise Interrupted(f"stopped. {run.stored:,} lines of this run are kept.", again)
    return run.exit_code
