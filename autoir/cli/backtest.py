"""``autoir backtest``: which incidents would these logs have opened?"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli import stores
from autoir.cli.failures import Interrupted
from autoir.cli.options import Asked, ReplayCommand, asked, duration_ms, examples, time_zone
from autoir.cli.output import Block, Heading, Lines, Progress, Table, local_time, note, print_json, show, zone_name
from autoir.clock import MINUTE_MS
from autoir.errors import UsageError
from autoir.incidents import Incident
from autoir.report.amounts import counted, lasting
from autoir.report.document import incident_document
from autoir.report.text import shown

if TYPE_CHECKING:
    from autoir.backtest import Score
    from autoir.cli.stores import Opened
    from autoir.metrics import Tally


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(
        cls=ReplayCommand,
        epilog=examples(
            "autoir backtest app.log.gz",
            "autoir backtest logs/*.jsonl.gz --baseline 1d --json",
            "autoir backtest week.jsonl.gz --truth faults.json",
            "autoir backtest week.jsonl.gz --store sqlite:///week.db",
        ),
    )(backtest)


def backtest(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Log files, each in its order of time.")],
    sweep_every: Annotated[
        str, typer.Option(metavar="DURATION", help="Time between two rounds of detection.", show_default=True)
    ] = "60s",
    baseline: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the beginning is only learned from.  [default: 4h]")
    ] = "",
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Faults with their times: scores what was found.")
    ] = None,
    timezone: Annotated[str, typer.Option(metavar="ZONE", help="Zone of times that name none.")] = "UTC",
) -> None:
    """Which incidents would these logs have opened?

    Replays the files as if they came in now, under a virtual clock, in a store that is gone afterwards, or stays where
    --store names an empty one. With --json, an incident a line. A truth file is a JSON list of {"start_ms", "end_ms",
    "log_group"}; then recall, false pages and delay are said.
    """
    from autoir.backtest import backtest as replayed
    from autoir.backtest import load_truth, score

    every_ms = duration_ms("--sweep-every", sweep_every)
    baseline_ms = duration_ms("--baseline", baseline) if baseline else None
    zone = time_zone("--timezone", timezone)
    settings = stores.loaded_settings(asked(ctx))
    faults = load_truth(truth) if truth else []
    progress, read = Progress(), None

    def watch(tally: "Tally", now_ms: int) -> None:
        nonlocal read
        read = tally
        rate = tally.received / max(progress.elapsed_s, 0.001)
        progress.update(f"{local_time(now_ms)}  {tally.received:,} lines, {rate:,.0f} lines/s")

    try:
        with _store(asked(ctx)) as opened:
            found = replayed(
                paths, settings, sweep_every_ms=every_ms, baseline_ms=baseline_ms, zone=zone,
                store=opened.store if opened else None, progress=watch,
            )  # fmt: skip
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped.", "A backtest goes on from nowhere: run it again, on fewer files perhaps."
        ) from None
    finally:
        progress.done()
    if read is None:
        raise UsageError(
            f"there is no line to replay in {', '.join(map(str, paths))}.", "Name logs that hold lines with a time."
        )
    if asked(ctx).as_json:
        for incident in found:
            print_json(incident_document(incident, ()))
        if truth:
            note(_score_line(score(faults, found)))
        return
    show(*_blocks(found, read, baseline or lasting(settings.warmup_min * MINUTE_MS)))
    if truth:
        show(Lines(("", _score_line(score(faults, found)))))


def _store(asked_for: Asked) -> AbstractContextManager["Opened | None"]:
    """The store that --store names. No variable or profile does: what is in use is not to be filled with a replay."""
    return stores.to_fill(asked_for) if asked_for.store else nullcontext()


def _blocks(found: Sequence[Incident], read: "Tally", baseline: str) -> Iterator[Block]:
    lines = counted(read.received, "line")
    left = [f"Not replayed: {counted(n, 'line')}, {reason}." for reason, n in read.quarantined.most_common()]
    if not found:
        learned = f"The first {baseline} were only learned from: --baseline sets another span."
        yield Lines((f"No incident in {lines}. {learned}", *left))
        return
    paged = sum(incident.paged for incident in found)
    yield Heading(f"{counted(len(found), 'incident')}, {paged:,} with a page, in {lines}")
    yield Lines(left)
    rows = [
        (
            local_time(i.opened_ms),
            i.severity.upper(),
            "yes" if i.paged else "no",
            f"{i.detection_confidence}",
            f"{i.event_count:,}",
            shown(i.title, 200),
        )
        for i in found
    ]
    yield Table((f"OPENED ({zone_name()})", "SEVERITY", "PAGE", "CONF", "EVENTS", "WHAT"), rows, frozenset({3, 4}))


def _score_line(score: "Score") -> str:
    delay = "no delay to say"
    if score.delay_p50_min is not None and score.delay_p90_min is not None:
        delay = f"delay p50 {score.delay_p50_min:.1f} min, p90 {score.delay_p90_min:.1f} min"
    return (
        f"recall {score.found} of {score.faults}, guilty group first in {score.guilty_first}, {delay},"
        f" {score.duplicates} duplicate and {score.false_pages} false pages"
    )
