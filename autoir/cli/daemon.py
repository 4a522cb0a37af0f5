"""``autoir daemon``: everything that a deployment does, in one process on one machine.

Log groups are tailed and new patterns embedded; with ``--alerts-enabled`` minutes are judged and incidents told. In AWS
the last of these is a function of its own, so there the container runs without.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli import stores, tailing
from autoir.cli.failures import report
from autoir.cli.options import AwsCommand, asked, duration_ms, examples
from autoir.cli.output import note
from autoir.errors import UsageError
from autoir.settings import Settings, validated

if TYPE_CHECKING:
    from autoir.notify import Notifier
    from autoir.store import Store

_GROUPS = "LOG_GROUPS"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(
        cls=AwsCommand,
        epilog=examples(
            "autoir daemon --groups '/shop/*'",
            "autoir daemon --groups /shop/api,/shop/web --alerts-enabled",
            "autoir daemon --groups /shop/api --alerts-enabled --sns-arn ARN",
        ),
    )(daemon)


def daemon(
    ctx: typer.Context,
    groups: Annotated[
        list[str] | None,
        typer.Option(metavar="GROUP", help="Log groups or globs to read, joined by commas.  [default: $LOG_GROUPS]"),
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Log groups to leave out.")] = None,
    start_time: Annotated[
        str, typer.Option(metavar="DURATION", help="How far back a group begins that was never read.")
    ] = "15m",
    alerts_enabled: Annotated[
        bool, typer.Option("--alerts-enabled", envvar="ALERTS_ENABLED", help="Look for incidents and tell of them.")
    ] = False,
    alerts_interval_sec: Annotated[
        int, typer.Option(metavar="N", min=5, max=3600, envvar="ALERTS_INTERVAL_SEC", help="Seconds between two looks.")
    ] = 60,
    alerts_window_min: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Minutes in which further trouble joins an open incident.")
    ] = None,
    alerts_min_confidence: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=100, help="Least confidence, 0 to 100, that pages people.")
    ] = None,
    alerts_min_severity: Annotated[
        str, typer.Option(metavar="LEVEL", help="Least severity that pages people: low, medium, high, critical.")
    ] = "",
    sns_topic_arn: Annotated[
        str, typer.Option("--sns-topic-arn", "--sns-arn", metavar="ARN", help="SNS topic that pages people.")
    ] = "",
    alerts_channels: Annotated[
        str,
        typer.Option(
            metavar="NAME,…",
            envvar="ALERTS_CHANNELS",
            help="Who is told: stdout, webhook, sns.  [default: all that are set up]",
        ),
    ] = "",
) -> int:
    """Read log groups, and look for incidents, until it is stopped.

    SIGTERM and Ctrl-C store what is in hand and end it; the next start goes on there. Only one process reads a group at
    a time, and any number may be started. Once a day it deletes what is older than its retention.
    """
    from autoir.cli import tail_run
    from autoir.cli.embedding import embedder_for
    from autoir.daemon import alerting, embedding, expiring, stopped_by_signals
    from autoir.tail.cloudwatch_groups import Selection

    wanted = _names(groups or [os.environ.get(_GROUPS, "")])
    if not wanted:
        raise UsageError("no log group is named.", "Example: autoir daemon --groups '/shop/*' (or set LOG_GROUPS)")
    settings = _laid_over(
        stores.loaded_settings(asked(ctx)),
        window_min=alerts_window_min,
        min_confidence=alerts_min_confidence,
        min_severity=alerts_min_severity or None,
        sns_topic_arn=sns_topic_arn or None,
    )
    selection = Selection(wanted, exclude or ())
    jobs = [embedding(embedder_for), expiring(settings)]
    if alerts_enabled:
        receivers = _receivers(settings, _names([alerts_channels]), as_json=asked(ctx).as_json)
        jobs.append(alerting(settings, _publishing(receivers), alerts_interval_sec))
    elif idle := _given_for_alerts(ctx):
        do = "do" if len(idle) > 1 else "does"
        note(f"Without --alerts-enabled nobody looks for incidents: {', '.join(idle)} {do} nothing.")
    tail_run.checked_store(asked(ctx))
    with stopped_by_signals() as stop:
        run = tail_run.Run(asked(ctx), settings, stop, selection)
        try:
            run.follow(jobs, back_ms=duration_ms("--start-time", start_time))
        finally:
            run.close()
    tailing.ended(ctx, run, cut_short=stop.interrupted, again="The next start goes on where it stopped.")
    return 0


def _given_for_alerts(ctx: typer.Context) -> list[str]:
    """Flags of the call that only alerts go by."""
    names = {p.name: p.opts[0] for p in ctx.command.params if p.name and p.name.startswith(("alerts_", "sns_"))}
    sources = {flag: ctx.get_parameter_source(name) for name, flag in names.items()}
    return [flag for flag, source in sources.items() if source and source.name == "COMMANDLINE"]


def _names(texts: Sequence[str]) -> list[str]:
    return [name for text in texts for name in text.replace(",", " ").split()]


def _laid_over(settings: Settings, **flags: object) -> Settings:
    """``settings`` with those of ``flags`` that were given."""
    given: Mapping[str, object] = {name: value for name, value in flags.items() if value is not None}
    return validated(Path("command line"), replace(settings, **given))  # type: ignore[arg-type]


def _receivers(settings: Settings, names: Sequence[str], *, as_json: bool) -> "list[Notifier]":
    import sys

    from autoir.cli.output import READER
    from autoir.notify import notifiers_for

    return notifiers_for(settings, sys.stderr if as_json else sys.stdout, names=names, zone=READER)


def _publishing(receivers: "list[Notifier]") -> "Callable[[Store, int], None]":
    from autoir.notify import publish_due

    jitter = Random()

    def publish(store: "Store", now_ms: int) -> None:
        done = publish_due(store, receivers, now_ms, jitter=jitter)
        for name, reason in done.reasons.items():
            report(f"{name}: {reason}", "The message waits in the outbox and is sent later.")

    return publish
