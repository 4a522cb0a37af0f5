"""``autoir sweep``: judge the minutes that are over, tell what changed, forget what is too old.

What a scheduler does in production every minute, once, by hand. It may be run as often as one likes, and stopped: a
minute is judged once, a message sent until it arrives.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli import stores, tidb
from autoir.cli.failures import Interrupted
from autoir.cli.options import Command, asked, duration_ms, examples, moment_ms
from autoir.cli.output import Lines, Progress, local_time, print_json, show, zone_name
from autoir.clock import MINUTE_MS
from autoir.errors import UnreachableError, UsageError
from autoir.report.amounts import counted
from autoir.report.text import shown
from autoir.settings import Settings

if TYPE_CHECKING:
    from autoir.cli.stores import Opened
    from autoir.sweep import SweepReport


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(
        cls=Command,
        epilog=examples("autoir sweep", "autoir sweep --window 30m --json", "autoir sweep --now 2026-03-17T14:30Z"),
    )(sweep)


def sweep(
    ctx: typer.Context,
    now: Annotated[str, typer.Option(metavar="TIME", help="Judge as if it were then.  [default: the clock]")] = "",
    window: Annotated[
        str, typer.Option(metavar="DURATION", help="How long further trouble joins an open incident.  [default: 15m]")
    ] = "",
) -> int:
    """Look for incidents, once.

    Judges every minute that is over and was not judged before, opens and closes incidents, sends the messages about
    them, and once a day deletes what is older than its retention.
    """
    from autoir.cli import sending
    from autoir.retention import expire_daily

    settings = stores.loaded_settings(asked(ctx))
    if window:
        if duration_ms("--window", window) < MINUTE_MS:
            raise UsageError(f"--window {window!r} is below a minute.", "Example: --window 15m")
        settings = replace(settings, window_min=duration_ms("--window", window) // MINUTE_MS)
    with stores.to_read(asked(ctx)) as opened:
        now_ms = moment_ms("--now", now, opened.clock()) if now else opened.clock()
        if not opened.replay and now_ms > opened.clock():
            raise UsageError(
                f"--now {now!r} is still to come.",
                "What comes until then would go unjudged, and rows be deleted before their time. Nothing was changed.",
            )
        receivers = sending.notifiers(opened, settings, asked(ctx))
        tidb.note_days_left(opened)
        report = _judged(opened, now_ms, settings)
        told = sending.send_due(opened, receivers, now_ms)
        expired = expire_daily(opened.store, settings, now_ms)
        if asked(ctx).as_json:
            print_json(_document(report) | {"messages_sent": told.sent, "expired": expired})
        else:
            show(Lines(_summary(opened, report, told.sent, expired, stores.flag_for(asked(ctx)))))
        return UnreachableError.exit_code if told.reasons else 0


def _judged(opened: "Opened", now_ms: int, settings: Settings) -> "SweepReport":
    from autoir.sweep import sweep as judge

    progress = Progress()
    progress.update("judging the minutes since the last sweep")
    try:
        return judge(opened.store, now_ms, settings)
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped.", "The minutes judged so far are kept; the next sweep goes on from there."
        ) from None
    finally:
        progress.done()


def _document(report: "SweepReport") -> dict[str, object]:
    return {
        "minutes": report.minutes,
        "swept_to_ms": None if report.last_minute is None else (report.last_minute + 1) * MINUTE_MS,
        "candidates": report.candidates,
        "opened": list(report.opened),
        "closed": list(report.closed),
        "pages": report.pages,
    }


def _summary(opened: "Opened", report: "SweepReport", sent: int, expired: int, flag: str) -> list[str]:
    if report.last_minute is None:
        lines = ["Nothing new to judge: the last minute that is over was judged before."]
        if not opened.store.log_groups():
            lines = ["The store holds no line yet: autoir logs ingest app.log"]
    else:
        until = local_time((report.last_minute + 1) * MINUTE_MS)
        lines = [
            f"Judged {counted(report.minutes, 'minute')}, up to {until} {zone_name()}:"
            f" {counted(report.candidates, 'unusual thing')}."
        ]
    for incident_id in report.opened:
        incident = opened.store.incident(incident_id)
        if incident:
            paged = "paged" if incident.paged else "not paged"
            lines.append(
                f"  opened {incident.id}  {incident.severity.upper()}  {shown(incident.title, 120)}  ({paged})"
            )
    lines += [f"  closed {incident_id}" for incident_id in report.closed]
    if report.last_minute is not None and not report.opened:
        lines.append("No incident opened.")
    if sent:
        lines.append(f"Sent {counted(sent, 'message')}.")
    if expired:
        lines.append(f"Deleted {expired:,} rows older than their retention.")
    if report.opened:
        lines += ["", f"One of them whole: autoir{flag} incidents show {report.opened[0]}"]
    return lines
