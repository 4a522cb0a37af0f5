"""``autoir incidents``: look at what was found, take it, close it, teach.

A change is saved with its messages in one transaction, and these are sent before the command ends; what cannot be sent
stays in the outbox for the next sweep.
"""

import getpass
from collections.abc import Callable
from difflib import get_close_matches
from typing import Annotated

import typer

from autoir.cli import stores
from autoir.cli.documents import stored_incident_document
from autoir.cli.options import Command, Group, ReadCommand, asked, duration_ms, examples
from autoir.cli.output import READER, Lines, Table, local_time, print_json, show, show_drawn, zone_name
from autoir.clock import minute_of
from autoir.errors import UsageError
from autoir.incidents import ACTIVE, Incident, Status
from autoir.report.sparkline import Series, suspects
from autoir.report.text import shown
from autoir.store import Store
from autoir.store.rows import StoredEvent

_LEAD_MIN = 60
_STATUSES: dict[str, tuple[Status, ...]] = {
    "active": ACTIVE,
    "open": ("open",),
    "ack": ("ack",),
    "resolved": ("resolved",),
    "dismissed": ("dismissed",),
    "all": (),
}

app = typer.Typer(
    name="incidents",
    cls=Group,
    no_args_is_help=True,
    help="Look at incidents, take, close, teach.",
    epilog=examples("autoir incidents list", "autoir incidents show inc-7f3k0a2b"),
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The incident, or the beginning of its id.")]
Note = Annotated[str, typer.Option(metavar="TEXT", help="A remark for the incident's history.")]
By = Annotated[str, typer.Option(metavar="NAME", help="Who does it.  [default: the user of this machine]")]


@app.command(
    "list",
    cls=ReadCommand,
    epilog=examples(
        "autoir incidents list", "autoir incidents list --status all --json", "autoir --store demo incidents list"
    ),
)
def list_incidents(
    ctx: typer.Context,
    status: Annotated[
        str, typer.Option(metavar="STATUS", help=f"{', '.join(_STATUSES)}; active is open or ack.", show_default=True)
    ] = "all",
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Incidents to show.", show_default=True)
    ] = 50,
) -> None:
    """Incidents, the newest first."""
    if status not in _STATUSES:
        raise UsageError(
            f"--status {status!r} is none of {', '.join(_STATUSES)}.", "Example: autoir incidents list --status active"
        )
    with stores.to_read(asked(ctx)) as opened:
        found = opened.store.incidents(_STATUSES[status], limit=limit)
        if asked(ctx).as_json:
            rows = [stored_incident_document(opened.store, i) for i in found]
            print_json({"incidents": rows})
            return
        flag = stores.flag_for(asked(ctx))
        if not found:
            what = "incident" if status == "all" else f"incident with status {status}"
            swept = opened.store.meta("swept_to")
            why = "" if swept else f" Nothing was looked at yet: autoir{flag} sweep"
            show(Lines((f"No {what}.{why}",)))
            return
        show(
            Table(
                ("ID", "SEVERITY", "STATUS", f"SINCE ({zone_name()})", "EVENTS", "WHAT"),
                [_row(incident) for incident in found],
                frozenset({4}),
            ),
            Lines(("", f"One of them whole: autoir{flag} incidents show {found[0].id}")),
        )


def _row(incident: Incident) -> tuple[str, ...]:
    return (
        incident.id,
        incident.severity.upper(),
        incident.status,
        local_time(incident.first_ts_ms)[:16],
        f"{incident.event_count:,}",
        shown(incident.title, 200),
    )


@app.command(
    "show", cls=ReadCommand, epilog=examples("autoir incidents show inc-7f3k0a2b", "autoir incidents show 7f3k --json")
)
def show_incident(ctx: typer.Context, id: Id) -> None:
    """One incident whole.

    What was seen, the lines that prove it, how it was judged, what to do first, what happened to it so far.
    """
    from autoir.report.screen import page

    with stores.to_read(asked(ctx)) as opened:
        incident = found_by(opened.store, id, stores.flag_for(asked(ctx)))
        if asked(ctx).as_json:
            print_json(stored_incident_document(opened.store, incident))
        else:
            events, series = proof_of(opened.store, incident)
            show_drawn(page(incident, events, series=series, zone=READER, store=stores.named(asked(ctx))))


@app.command(
    cls=Command, epilog=examples("autoir incidents ack inc-7f3k0a2b", 'autoir incidents ack 7f3k --note "on it"')
)
def ack(ctx: typer.Context, id: Id, note: Note = "", by: By = "") -> None:
    """Take an incident: it stays open, and repeats of it page nobody."""
    from autoir import lifecycle

    _change(ctx, id, lambda store, key, now: lifecycle.acknowledge(store, key, now, _who(by), note))


@app.command(
    cls=Command,
    epilog=examples(
        'autoir incidents resolve inc-7f3k0a2b --note "pool raised to 60"',
        "autoir incidents resolve 7f3k --known-failure",
    ),
)
def resolve(
    ctx: typer.Context,
    id: Id,
    note: Note = "",
    by: By = "",
    known_failure: Annotated[
        bool, typer.Option("--known-failure", help="Its errors are a failure: their return is news each time.")
    ] = False,
) -> None:
    """Close an incident that is over. What comes back opens a new one that names it."""
    from autoir import lifecycle

    _change(
        ctx,
        id,
        lambda store, key, now: lifecycle.resolve(store, key, now, _who(by), note, known_failure=known_failure),
    )


@app.command(
    cls=Command,
    epilog=examples(
        'autoir incidents dismiss inc-7f3k0a2b --note "planned restart"', "autoir incidents dismiss 7f3k --for 7d"
    ),
)
def dismiss(
    ctx: typer.Context,
    id: Id,
    note: Note = "",
    by: By = "",
    mute: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Only mute its patterns for so long, and learn nothing.")
    ] = "",
) -> None:
    """Say that it was no incident.

    From the next sweep its patterns are part of what is normal; with --for they are only mute for so long.
    """
    from autoir import lifecycle

    span_ms = duration_ms("--for", mute) if mute else None
    _change(
        ctx,
        id,
        lambda store, key, now: lifecycle.dismiss(
            store, key, now, _who(by), note, None if span_ms is None else now + span_ms
        ),
    )


def _change(ctx: typer.Context, id_: str, change: Callable[[Store, str, int], Incident]) -> None:
    from autoir.cli import sending

    settings = stores.loaded_settings(asked(ctx))
    with stores.to_read(asked(ctx)) as opened:
        receivers = sending.notifiers(opened, settings, asked(ctx))
        incident = change(opened.store, found_by(opened.store, id_, stores.flag_for(asked(ctx))).id, opened.clock())
        if asked(ctx).as_json:
            print_json(stored_incident_document(opened.store, incident))
        else:
            show(Lines((f"{incident.id} is {incident.status}: {shown(incident.title, 200)}",)))
        sending.send_due(opened, receivers, opened.clock())


def _who(by: str) -> str:
    if by:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def proof_of(store: Store, incident: Incident) -> tuple[list[StoredEvent], list[Series]]:
    """The stored lines that an incident cites, and its suspects' events a minute around it."""
    candidates = store.candidates(incident_id=incident.id)
    families = sorted({c.family_id for c in candidates if c.family_id})
    opened, last = minute_of(incident.opened_ms), minute_of(incident.last_ts_ms)
    counts = store.family_series(families, opened - _LEAD_MIN, max(opened, last))
    cited = [*incident.sample_ids, *(cite for claim in incident.claims for cite in claim.cites)]
    return store.events(list(dict.fromkeys(cited))), suspects(incident.log_groups, candidates, counts)


def found_by(store: Store, text: str, flag: str) -> Incident:
    """The one incident whose id begins with ``text``, with or without ``inc-``.

    Raises UsageError naming those that fit, or those that are near, and commands with ``flag``, which names the store.
    """
    prefix = text.strip().lower()
    prefix = prefix if prefix.startswith("inc-") else f"inc-{prefix}"
    fitting = store.incidents_like(prefix) if prefix != "inc-" else []
    if prefix in fitting or len(fitting) == 1:
        incident = store.incident(prefix if prefix in fitting else fitting[0])
        if incident:
            return incident
    if fitting:
        raise UsageError(f"{text!r} fits several incidents.", f"Give more of the id: {', '.join(fitting)}")
    newest = [incident.id for incident in store.incidents(limit=500)]
    if not newest:
        raise UsageError(f"no incident {text!r}: the store holds none.", f"Look for some: autoir{flag} sweep")
    near = get_close_matches(prefix, newest, 3, 0.5)
    hint = f"Near it: {', '.join(near)}" if near else f"The newest: {', '.join(newest[:3])}"
    raise UsageError(f"no incident {text!r}.", f"{hint} (all of them: autoir{flag} incidents list)")
