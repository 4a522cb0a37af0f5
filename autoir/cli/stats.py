"""``autoir stats``: what a store holds, and what it could not hold."""

from collections import Counter

import typer

from autoir.cli import stores, tidb
from autoir.cli.options import ReadCommand, asked, examples
from autoir.cli.output import Heading, Lines, Table, local_time, print_json, show, size, zone_name
from autoir.report.text import shown

_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(cls=ReadCommand, epilog=examples("autoir stats", "autoir --store demo stats --json"))(stats)


def stats(ctx: typer.Context) -> None:
    """What the store holds, and what it could not hold.

    Lines, patterns, log groups, open incidents, messages not yet sent, and what was quarantined and why.
    """
    with stores.to_read(asked(ctx)) as opened:
        store = opened.store
        held, flag = store.stats(), stores.flag_for(asked(ctx))
        groups = store.log_groups()
        quarantined = store.quarantined(1000)
        tidb.note_days_left(opened)
        swept = store.meta("swept_to")
        reasons = Counter(row.reason for row in quarantined)
        if asked(ctx).as_json:
            print_json(
                {
                    "store": opened.shown,
                    **held._asdict(),
                    "swept_to_ms": (int(swept) + 1) * 60_000 if swept else None,
                    "log_groups": groups,
                    "quarantine_reasons": dict(reasons),
                }
            )
            return
        per_event = f"{held.stored_bytes / held.events:,.0f} bytes a line" if held.events else ""
        rows = [
            (
                "lines",
                f"{held.events:,}",
                f"{local_time(held.oldest_ms)} to {local_time(held.newest_ms)} {zone_name()}",
            ),
            ("log groups", f"{held.groups:,}", ""),
            ("patterns", f"{held.patterns:,}", _waiting(held.patterns_pending)),
            (
                "open incidents",
                f"{held.incidents_active:,}",
                f"autoir{flag} incidents list" if held.incidents_active else "",
            ),
            (
                "messages to send",
                f"{held.outbox_unsent:,}",
                "a sweep sends them, where a receiver is configured" if held.outbox_unsent else "",
            ),
            ("quarantined", f"{held.quarantined:,}", ", ".join(f"{r} {n:,}" for r, n in reasons.most_common())),
            ("on disk", size(held.stored_bytes), per_event),
        ]
        show(
            Heading(f"Store {opened.shown}"),
            Table(("", "", ""), rows, frozenset({1})),
            Lines((_swept(swept, flag), "")),
            Heading("Log groups"),
            Lines([f"  {shown(group, 200)}" for group in groups] or ["  none yet: autoir logs ingest app.log"]),
        )
        if quarantined:
            newest = [
                (r.reason, shown(r.log_group, 60), f"{r.bytes:,}", r.detail, shown(r.body or "", 80))
                for r in quarantined[:_SHOWN]
            ]
            show(
                Lines(("",)),
                Heading("Quarantined last"),
                Table(
                    ("REASON", "LOG GROUP", "BYTES", "DETAIL", "BEGINS"),
                    newest,
                    frozenset({2}),
                ),
            )


def _waiting(pending: int) -> str:
    return f"{pending:,} wait for their vector: until then they are found by words alone" if pending else ""


def _swept(minute: str | None, flag: str) -> str:
    if minute is None:
        return f"Not looked at for incidents yet: autoir{flag} sweep"
    return f"Looked at for incidents up to {local_time((int(minute) + 1) * 60_000)}."
