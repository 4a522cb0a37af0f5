"""``autoir logs``: lines into the store, and answers out of it.

Ingesting is safe to repeat and to stop: what is stored stays, the same command goes on behind it. Several inputs are
independent of each other, so one that cannot be read does not stop the rest, but is not forgotten in the exit code.
"""

import sys
import time
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from autoir.cli import stores, tailing
from autoir.cli.documents import event_document, live_document
from autoir.cli.failures import Interrupted, report_error
from autoir.cli.options import (
    AwsCommand,
    Command,
    Group,
    ReadCommand,
    ScreenCommand,
    asked,
    examples,
    moment_ms,
    time_zone,
)
from autoir.cli.output import Heading, Lines, body, local_time, note, print_json, show, zone_name
from autoir.clock import system_clock
from autoir.errors import UsageError
from autoir.report.text import shown

if TYPE_CHECKING:
    from autoir.cli.ingesting import Run
    from autoir.tail.files import LogFile

PIPE = "-"
_FOLLOW_S = 1.0
_MOST_LINES = 30
_LONGEST = 1_000

app = typer.Typer(
    name="logs",
    cls=Group,
    no_args_is_help=True,
    help="Store log lines, search them, read the newest.",
    epilog=examples("autoir logs ingest app.log", 'autoir logs query "connection refused"'),
)


@app.command(
    cls=Command,
    epilog=examples(
        "autoir logs ingest app.log",
        "autoir logs ingest --group /shop/api /var/log/shop/*.log.gz",
        "autoir logs ingest --follow app.log",
        "kubectl logs -f deploy/api | autoir logs ingest --group /shop/api -",
    ),
)
def ingest(
    ctx: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, or - for standard input.")],
    group: Annotated[
        str, typer.Option(metavar="NAME", help="Log group of the lines.  [default: /local/ and the file's name]")
    ] = "",
    stream: Annotated[
        str, typer.Option(metavar="NAME", help="Log stream of the lines.  [default: the file's name]")
    ] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Go on with what is appended, until Ctrl-C.")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Read from the start, also where an earlier run came further.")
    ] = False,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Zone of times that name none.")] = "UTC",
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="Keep lines older than the retention, in this store from now on.")
    ] = False,
) -> int:
    """Store the lines of files or of a pipe.

    Plain logs, gzip, JSON Lines of CloudWatch events and the output of `aws logs tail` are told apart by their
    content. Secrets are removed before anything is stored. A file that was read before goes on where it ended, and no
    line is stored twice.
    """
    from autoir.cli import ingesting

    if follow and (len(paths) > 1 or paths[0] == PIPE):
        raise UsageError(
            "--follow takes one file; a pipe is read until it ends anyway.",
            "Follow each file in a process of its own: they may share the store.",
        )
    zone = time_zone("--timezone", timezone)
    settings = stores.loaded_settings(asked(ctx))
    sources, failed = _readable(paths, debug=asked(ctx).debug)
    if not sources:
        return failed
    with stores.to_write(asked(ctx)) as opened:
        if keep_old:
            opened.store.set_meta("keep_old", "yes")
        run = ingesting.Run(opened, settings, zone, group=group, stream=stream, restart=restart)
        try:
            for source in sources:
                if source is None:
                    run.read_pipe(_standard_input())
                elif follow:
                    run.follow(source, _pause)
                else:
                    try:
                        run.read(source)
                    except UsageError as error:
                        failed = report_error(error, debug=asked(ctx).debug)
            run.finish()
        except KeyboardInterrupt:
            run.stop()
            _summary(run, ctx)
            raise Interrupted(
                f"stopped. {run.tally.stored:,} lines of this run are kept.",
                "What the pipe had not handed over yet is not among them."
                if None in sources
                else "The same command goes on where it stopped.",
            ) from None
        finally:
            run.close()
        _summary(run, ctx)
        return failed


def _readable(paths: Sequence[str], *, debug: bool) -> tuple[list["LogFile | None"], int]:
    """The inputs that can be read, None for standard input, and the exit code that the others call for."""
    from autoir.tail.files import LogFile

    sources: list[LogFile | None] = []
    failed = 0
    for path in paths:
        try:
            sources.append(None if path == PIPE else LogFile(Path(path)))
        except UsageError as error:
            failed = report_error(error, debug=debug)
    return sources, failed


def _standard_input() -> BinaryIO:
    if sys.stdin.isatty():
        note("Reading lines from the terminal; Ctrl-D ends them.")
    return sys.stdin.buffer


def _pause() -> bool:
    time.sleep(_FOLLOW_S)
    return True


def _summary(run: "Run", ctx: typer.Context) -> None:
    if asked(ctx).as_json:
        print_json(run.document())
    else:
        show(*run.summary(stores.flag_for(asked(ctx))))


@app.command(
    cls=ReadCommand,
    epilog=examples(
        'autoir logs query "timeout contacting the database"',
        'autoir logs query "payment declined" --group "/shop/*" --since 2h --limit 5',
        'autoir logs query "no connection left" --also "pool exhausted" --explain',
        'autoir logs query --query "out of memory" --json',
    ),
)
def query(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for, in any words.")] = "",
    query: Annotated[str, typer.Option("--query", metavar="TEXT", help="The same as TEXT.")] = "",
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=200, help="Patterns to show.")] = 10,
    group: Annotated[str, typer.Option(metavar="GLOB", help="Only log groups like this: /shop/*")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="From then on: 15m, 2h, 3d ago, or an ISO time.")] = "",
    until: Annotated[str, typer.Option(metavar="TIME", help="Up to then.")] = "",
    level: Annotated[str, typer.Option(metavar="LEVEL", help="Only from this level: warn, error or fatal.")] = "",
    also: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="The same in other words; as often as you like.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say where each score comes from.")] = False,
) -> None:
    """Search by meaning and by words.

    An answer is a pattern: how often it came, where and when, and one of its lines as a sample. What answers several
    wordings of one need comes before what answers one of them.
    """
    from autoir.cli import searching

    if bool(text) == bool(query):
        raise UsageError(
            "Give one text to look for." if not text else "TEXT and --query say the same twice: give one of them.",
            'Example: autoir logs query "timeout contacting the database"',
        )
    least = searching.level_of(level)
    with stores.to_read(asked(ctx)) as opened:
        now = opened.clock()
        since_ms = moment_ms("--since", since, now) if since else None
        until_ms = moment_ms("--until", until, now) if until else None
        if since_ms is not None and until_ms is not None and since_ms >= until_ms:
            raise UsageError("--since is not before --until.", "Example: --since 3h --until 1h")
        held_to = searching.HeldTo(group, since_ms, until_ms, least)
        found = searching.search(opened, text or query, also or (), limit, held_to)
        if asked(ctx).as_json:
            print_json(searching.document(found, explain=explain))
        else:
            show(*searching.blocks(opened, found, held_to, explain=explain))


@app.command(
    cls=ScreenCommand,
    epilog=examples(
        "autoir logs search",
        'autoir logs search "payment declined" --since 2h --level error',
    ),
)
def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="What to look for first.")] = "",
    group: Annotated[str, typer.Option(metavar="GLOB", help="Only log groups like this: /shop/*")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="From then on: 15m, 2h, 3d ago, or an ISO time.")] = "",
    level: Annotated[str, typer.Option(metavar="LEVEL", help="Only from this level: warn, error or fatal.")] = "",
) -> None:
    """Search as you type, on a screen.

    It finds what logs query finds, and a key shows the stored lines behind it. F1 tells the keys.
    """
    from autoir.cli import search_screen

    search_screen.require_terminal(asked(ctx), text)
    search_screen.open_screen(asked(ctx), text, group, since, level)


@app.command(
    cls=AwsCommand,
    epilog=examples(
        "autoir logs latest /shop/checkout",
        "autoir logs latest /local/app --limit 200 --since 15m",
        "autoir logs latest --live /aws/lambda/checkout --since 5m",
    ),
)
def latest(
    ctx: typer.Context,
    group: Annotated[str, typer.Argument(metavar="GROUP", help="The log group.")],
    limit: Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="Lines to show.")] = 20,
    since: Annotated[str, typer.Option(metavar="TIME", help="From then on: 15m, 2h, 3d ago, or an ISO time.")] = "",
    live: Annotated[
        bool, typer.Option("--live", help="Ask CloudWatch, of the last day, and store nothing; secrets stay hidden.")
    ] = False,
) -> None:
    """The newest lines of a log group, the last one below.

    Of the store, or with --live of CloudWatch itself.
    """
    if live:
        _latest_live(ctx, group, limit, since)
        return
    with stores.to_read(asked(ctx)) as opened:
        since_ms = moment_ms("--since", since, opened.clock()) if since else 0
        known = opened.store.log_groups()
        if group not in known:
            raise _unknown_group(group, known)
        events = opened.store.latest(group, limit, since_ms)
        if asked(ctx).as_json:
            print_json({"log_group": group, "events": [event_document(event) for event in events]})
            return
        newest = events or opened.store.latest(group, 1)
        last = f" The newest is of {local_time(newest[-1].ts_ms)}." if newest else ""
        _show_lines(group, [(event.ts_ms, event.message) for event in events], since_ms, last)


def _latest_live(ctx: typer.Context, group: str, limit: int, since: str) -> None:
    from autoir.cli import tail_run

    now_ms = system_clock()
    since_ms = moment_ms("--since", since, now_ms) if since else now_ms - tail_run.LIVE_BACK_MS
    events = tail_run.latest_live(asked(ctx), stores.loaded_settings(asked(ctx)), group, limit, since_ms)
    if asked(ctx).as_json:
        print_json({"log_group": group, "events": [live_document(event) for event in events]})
    else:
        _show_lines(group, [(event.ts_ms, event.message) for event in events], since_ms, "")


def _show_lines(group: str, events: Sequence[tuple[int, str]], since_ms: int, last: str) -> None:
    """``events`` by time and message; where there are none, since when, and what ``last`` says of those before."""
    if not events:
        show(Lines([f"No line of {group} since {local_time(since_ms)}.{last}"]))
        return
    lines = []
    for ts_ms, message in events:
        first, *rest = body(message, _MOST_LINES, _LONGEST)
        lines += [f"{local_time(ts_ms)}  {first}", *(f"{' ' * 21}{line}" for line in rest)]
    show(Heading(f"{shown(group, 200)}, times in {zone_name()}"), Lines(lines))


def _unknown_group(group: str, known: Sequence[str]) -> UsageError:
    if not known:
        return UsageError("the store holds no line yet.", "Ingest something first: autoir logs ingest app.log")
    close = get_close_matches(group, known, 3, 0.4) or known[:3]
    return UsageError(f"no log group {group}.", f"There {'is' if len(close) == 1 else 'are'} {', '.join(close)}")


tailing.register(app)
