"""``autoir stats``: what a store holds, and what it could not hold."""

from collections import Counter

import typer

from autoir.cli import figures, stores, tidb
from autoir.cli.figures import Figures
from autoir.cli.options import ReadCommand, asked, examples
from autoir.cli.output import Heading, Lines, Table, local_time, print_json, show, size, zone_name
from autoir.clock import SECOND_MS, system_clock
from autoir.report.text import shown

_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(cls=ReadCommand, epilog=examples("autoir stats", "autoir --store demo stats --json"))(stats)


def stats(ctx: typer.Context) -> None:
    """What the store holds, and what it could not hold.

    Lines, patterns, log groups, open incidents, messages not yet sent, what was quarantined and why; and how embedding
    and search did on this machine in the last seven days.
    """
    with stores.to_read(asked(ctx)) as opened:
        store = opened.store
        held, flag = store.stats(), stores.flag_for(asked(ctx))
        groups = store.log_groups()
        quarantined = store.quarantined(1000)
        tidb.note_days_left(opened)
        swept = store.meta("swept_to")
        reasons = Counter(row.reason for row in quarantined)
        lately = figures.lately(opened.shown, system_clock())
        if asked(ctx).as_json:
            print_json(
                {
                    "store": opened.shown,
                    **held._asdict(),
                    "swept_to_ms": (int(swept) + 1) * 60_000 if swept else None,
                    "log_groups": groups,
                    "quarantine_reasons": dict(reasons),
                    "lately": _lately_document(lately),
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
            *_lately(lately),
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


def _lately(lately: Figures) -> list[tuple[str, str, str]]:
    """What was done on this machine in the last days; nothing of what was not done."""
    rows, embedding, search = [], lately.embedding, lately.search
    when = f"here in {figures.DAYS} days"
    if embedding.requests:
        told = (
            f"{when}: {embedding.requests:,} requests, {_ms(embedding.mean_s)} each, {_ms(embedding.slowest_s)} at most"
        )
        told += f", {embedding.failures:,} failed" if embedding.failures else ""
        told += f"; {embedding.refused:,} texts refused" if embedding.refused else ""
        rows.append(("texts embedded", f"{embedding.texts:,}", told))
    if search.searches:
        told = f"{when}: {_ms(search.mean_s)} each, {_ms(search.slowest_s)} at most"
        told += f"; {search.results / search.searches:,.1f} results each, mean score {search.mean_score:.2f}"
        told += f"; {search.degraded:,} degraded" if search.degraded else ""
        rows.append(("searches", f"{search.searches:,}", told))
    return rows


def _ms(seconds: float) -> str:
    return f"{seconds * SECOND_MS:,.0f} ms"


def _lately_document(lately: Figures) -> dict[str, object]:
    embedding, search = lately.embedding, lately.search
    return {
        "days": figures.DAYS,
        "embedding": {
            "requests": embedding.requests,
            "failures": embedding.failures,
            "texts": embedding.texts,
            "refused": embedding.refused,
            "mean_ms": round(embedding.mean_s * SECOND_MS, 1),
            "slowest_ms": round(embedding.slowest_s * SECOND_MS, 1),
        },
        "search": {
            "searches": search.searches,
            "degraded": search.degraded,
            "results": search.results,
            "mean_score": round(search.mean_score, 4),
            "mean_ms": round(search.mean_s * SECOND_MS, 1),
            "slowest_ms": round(search.slowest_s * SECOND_MS, 1),
        },
    }
