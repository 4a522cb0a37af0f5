"""``autoir tidb``: connections by name, and the schema of a database.

A connection is tried before it is saved, so that what a command says later is about its own work. The schema is changed
here alone, deliberately and by the database's owner; every other command leaves it as it is. A password is asked for
without showing it, kept in one file, and printed by nothing.
"""

import dataclasses
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoir import locations, profiles
from autoir.cli import stores, tidb_stage
from autoir.cli.failures import Interrupted
from autoir.cli.options import Asked, Command, Group, ReadCommand, StageCommand, asked, examples
from autoir.cli.output import Lines, Table, note, print_json, show
from autoir.clock import system_clock
from autoir.errors import AutoirError, UsageError
from autoir.report.amounts import counted

if TYPE_CHECKING:
    from autoir.cli.stores import Opened
    from autoir.store.tidb import Dsn, TidbDatabase
    from autoir.store.tidb.probe import Step
    from autoir.store.tidb.schema import Retention

app = typer.Typer(
    name="tidb",
    cls=Group,
    no_args_is_help=True,
    help="Save connections to TiDB, make the schema there.",
    epilog=examples("autoir tidb dsn", "autoir tidb migrate --dry-run"),
)

_FEWEST_DAYS = 7
_MARKS = {"ok": "ok", "note": "--", "failed": "!!"}


@app.command(
    cls=StageCommand,
    epilog=examples(
        "autoir tidb dsn",
        "autoir tidb dsn --name prod --ca /etc/ssl/tidb-ca.pem",
        "autoir tidb dsn --dsn -",
        "autoir tidb dsn --show",
        "autoir tidb dsn --stage prod",
    ),
)
def dsn(
    ctx: typer.Context,
    name_shown: Annotated[str, typer.Argument(metavar="[NAME]", help="With --show: this one alone.")] = "",
    dsn: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="mysql://USER:PASSWORD@HOST:4000/DB. A password written here stays in the shell's history; - reads the"
            " URL from standard input, and without --dsn you are asked.",
        ),
    ] = "",
    name: Annotated[str, typer.Option(metavar="NAME", help="Save it as NAME.", show_default=True)] = profiles.DEFAULT,
    ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Trust the certificates in this PEM file, not the system's.")
    ] = None,
    show_saved: Annotated[bool, typer.Option("--show", help="Print what is saved, without passwords.")] = False,
    save_anyway: Annotated[
        bool, typer.Option("--save-anyway", help="Save it even if a step fails: this machine may not be let in.")
    ] = False,
    stage: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Give this stage in AWS its store, instead: three connections (--dsn - reads owner's, writer's and"
            " reader's, a line each) into its secrets, and the schema.",
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="With --stage: show what would change in the stage's file.")
    ] = False,
) -> int:
    """Save a connection under a name, once it works.

    Asks for host, port, user, password and database, unless --dsn tells them; TIDB_DSN or TIDB_HOST and those beside it
    answer beforehand. Then tries them step by step, and saves nothing if a step fails. Every command takes the name as
    --store NAME; the one named default holds where no store is named.

    With --stage it looks whether the watched log groups can be subscribed to, deploys what the store of a stage needs,
    writes its secrets, says which addresses the database has to let in, waits for that, makes the schema from inside,
    and sets store.ready in the stage's file.
    """
    if stage:
        unused = {"--show": show_saved, "--name": name != profiles.DEFAULT, "--ca": ca, "--save-anyway": save_anyway}
        if wrong := next((option for option, used in unused.items() if used), name_shown):
            raise UsageError(f"{wrong} does not go with --stage.", f"Leave it out: autoir tidb dsn --stage {stage}")
        try:
            tidb_stage.prepare(ctx, stage, dsn, lambda: _answered("", ask_ca=False), dry_run=dry_run)
        except KeyboardInterrupt:
            raise Interrupted(
                "stopped.", "What is deployed and in the secrets stays: the same command goes on."
            ) from None
        return 0
    if dry_run or asked(ctx).region or asked(ctx).profile:
        raise UsageError(
            "--dry-run, --region and --profile go with --stage alone.", "Name it: autoir tidb dsn --stage dev"
        )
    if show_saved:
        _show_saved(name_shown, asked(ctx))
        return 0
    if name_shown:
        raise UsageError(f"{name_shown!r} is one word too many.", f"To save it so: autoir tidb dsn --name {name_shown}")
    path = locations.profiles_file()
    saved = profiles.load(path).get(profiles.checked_name(name), "")
    found = _given(dsn) if dsn else _answered(saved, ask_ca=ca is None)
    if file := ca or found.ca:
        found = dataclasses.replace(found, ca=file.expanduser().absolute())
    steps = []
    for step in _tried(found):
        steps.append(step)
        if not asked(ctx).as_json:
            told = "failed" if step.failure and not save_anyway else step.told  # its own words come with the error
            show(Lines((f"  {_MARKS[step.state]}  {step.name:<8}  {told}",)))
    failure = steps[-1].failure
    keep = failure is None or save_anyway
    if keep:
        profiles.save(path, name, found.url)
    if asked(ctx).as_json:
        print_json({"name": name, "store": found.shown, "saved": keep, "steps": [_document(step) for step in steps]})
    elif keep:
        show(Lines(("", f"Saved as {name}: autoir --store {name} stats")))
    if failure and not keep:
        raise failure
    return 0


def _given(text: str) -> "Dsn":
    from autoir.store.tidb import parse_dsn

    if text != "-":
        return parse_dsn(text)
    if sys.stdin.isatty():
        return parse_dsn(typer.prompt("Connection string", hide_input=True, err=True))
    return parse_dsn(sys.stdin.readline().strip())


def _answered(saved: str, *, ask_ca: bool) -> "Dsn":
    """The connection as a person tells it, or the variables where there is nobody to ask."""
    from autoir.store.tidb import Dsn, parse_dsn
    from autoir.store.tidb.dsn import PORT, is_loopback

    if not sys.stdin.isatty():
        if told := stores.dsn_of_variables():
            return told
        raise UsageError(
            "there is nobody to ask: standard input is no terminal.",
            "Pipe the connection string in (autoir tidb dsn --dsn -), or set TIDB_HOST and those beside it.",
        )
    known = _known(saved)
    host = _ask("Host", known["host"])
    port = _ask("Port", known["port"] or str(PORT))
    user = _ask("User", known["user"])
    kept = known["password"]
    password = typer.prompt(
        "Password (Enter keeps the known one)" if kept else "Password",
        default=kept, show_default=False, hide_input=True, err=True,
    )  # fmt: skip
    database = _ask("Database", known["database"])
    ca = _ask("CA file (Enter: the system's certificates)", known["ca"], needed=False) if ask_ca else ""
    tls = not is_loopback(host) or typer.confirm("It is on this machine. With TLS?", default=True, err=True)
    port_number = int(port) if port.isascii() and port.isdigit() else -1
    return parse_dsn(Dsn(host, port_number, user, password, database, Path(ca) if ca else None, tls).url)


def _ask(what: str, known: str, *, needed: bool = True) -> str:
    return str(typer.prompt(what, default=known if known or not needed else None, show_default=bool(known), err=True))


def _known(saved: str) -> dict[str, str]:
    """What the variables answer beforehand, or else the connection that is ``saved`` under the name."""
    from autoir.store.tidb import parse_dsn

    whole = os.environ.get("TIDB_DSN") or ("" if os.environ.get("TIDB_HOST") else saved)
    if not whole:
        parts = ("host", "port", "user", "password", "database", "ca")
        return {part: os.environ.get(f"TIDB_{part.upper()}", "") for part in parts}
    dsn = parse_dsn(whole)
    return {
        "host": dsn.host, "port": str(dsn.port), "user": dsn.user, "password": dsn.password,
        "database": dsn.database, "ca": str(dsn.ca or ""),
    }  # fmt: skip


def _tried(dsn: "Dsn") -> "Iterator[Step]":
    from autoir.store.tidb.probe import probe

    return probe(dsn)


def _document(step: "Step") -> dict[str, object]:
    hint = step.failure.hint if step.failure else ""
    return {"step": step.name, "state": step.state, "told": step.told, **({"hint": hint} if hint else {})}


def _show_saved(name: str, asked_for: Asked) -> None:
    saved = profiles.load(locations.profiles_file())
    if name and name not in saved:
        names = f"Saved: {', '.join(sorted(saved))}." if saved else "None is saved yet: autoir tidb dsn"
        raise UsageError(f"no profile is saved as {name!r}.", names)
    rows = [(key, stores.shown_url(url)) for key, url in sorted(saved.items()) if name in ("", key)]
    if asked_for.as_json:
        print_json({"profiles": [{"name": key, "store": url} for key, url in rows]})
    elif rows:
        show(Table(("NAME", "STORE"), rows))
    else:
        show(Lines(("None is saved yet: autoir tidb dsn",)))


@app.command(
    cls=Command,
    epilog=examples(
        "autoir tidb migrate --dry-run",
        "autoir tidb migrate --store owner --writer ingest --reader agent",
        "autoir tidb migrate --store owner --json",
    ),
)
def migrate(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements and run none.")] = False,
    ttl: Annotated[
        bool,
        typer.Option("--ttl", help="A new schema lets the server delete old rows, instead of dropping days whole."),
    ] = False,
    writer: Annotated[str, typer.Option(metavar="USER", help="Let this user store and read.")] = "",
    reader: Annotated[str, typer.Option(metavar="USER", help="Let this user ask, through views alone.")] = "",
) -> None:
    """Make or update the schema, and the days to come.

    Run it as the database's owner: once, after an update of AutoIR, and daily, since it drops the days that are past
    their retention and makes partitions for the coming ones. What is done already is left out. Users exist already.
    """
    from autoir.store.tidb import TidbDatabase, parse_dsn
    from autoir.store.tidb.schema import Retention

    settings = stores.loaded_settings(asked(ctx))
    url = _tidb_url(asked(ctx), "the embedded store needs no migration: it brings itself up to date.")
    retention = Retention(settings.retention_days_events, settings.retention_days_counts, ttl=ttl)
    db = TidbDatabase(parse_dsn(url))
    try:
        needed = _needed(db, retention, writer=writer, reader=reader)
        if not dry_run:
            _run(db, needed)
    finally:
        db.close()
    _told(asked(ctx), db.dsn, needed, applied=not dry_run)


@app.command(
    cls=ReadCommand,
    epilog=examples("autoir tidb index --store owner --dry-run", "autoir tidb index --store owner"),
)
def index(
    ctx: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements and run none.")] = False,
) -> None:
    """Make the vector index, which is rarely needed.

    AutoIR's own search compares in memory and never uses it. It serves SQL of yours that orders the patterns by
    VEC_COSINE_DISTANCE, from some 50,000 of them on. Run it as the database's owner. It needs TiFlash: a copy of the
    patterns there, and minutes for many of them.
    """
    from autoir.store.tidb import TidbDatabase, parse_dsn, vector_index
    from autoir.store.tidb.probe import require_vectors

    url = _tidb_url(asked(ctx), "the embedded store has no vector index and needs none: it compares in memory.")
    db = TidbDatabase(parse_dsn(url))
    try:
        db.migrate()
        require_vectors(db)
        needed = vector_index.needed(db)
    finally:
        db.close()
    if not dry_run:
        vector_index.create(db.dsn, needed)
    _told(asked(ctx), db.dsn, needed, applied=not dry_run)


def _tidb_url(asked_for: Asked, otherwise: str) -> str:
    """The URL of the TiDB store that was asked for. Raises UsageError, beginning with ``otherwise``, for another."""
    url = stores.chosen_url(asked_for)
    if not url.startswith("mysql:"):
        raise UsageError(otherwise, "Name a TiDB store (--store NAME), or save one: autoir tidb dsn")
    return url


def _told(asked_for: Asked, dsn: "Dsn", needed: Sequence[str], *, applied: bool) -> None:
    """What was run, or would be."""
    if asked_for.as_json:
        print_json({"store": dsn.shown, "applied": applied, "statements": needed})
    elif not applied:
        show(Lines([f"{statement};" for statement in needed] or ["-- nothing to do"]))
    else:
        done = f"ran {counted(len(needed), 'statement')}" if needed else "nothing to do"
        show(Lines([*(f"  {s.splitlines()[0].rstrip(' (')}" for s in needed), f"{dsn.shown}: {done}."]))


def _needed(db: "TidbDatabase", retention: "Retention", *, writer: str, reader: str) -> list[str]:
    from autoir.store.tidb.schema import grants, maintenance, partition_bounds, statements

    found, now_ms = db.schema_version(), system_clock()
    if retention.ttl and partition_bounds(db, "autoir_events"):
        raise UsageError(
            f"database {db.dsn.database!r} on {db.dsn.place} keeps its days in partitions: --ttl is for a new schema.",
            "Leave --ttl out, or migrate an empty database with it.",
        )
    return [
        *statements(found, now_ms, retention),
        *maintenance(db, now_ms, retention),
        *grants(db.dsn.database, writer=writer, reader=reader),
    ]


def _run(db: "TidbDatabase", needed: Sequence[str]) -> None:
    """All of ``needed``, and how far that went where one fails: each commits by itself."""
    from autoir.store.tidb.schema import apply

    for done, statement in enumerate(needed):
        try:
            apply(db, [statement])
        except AutoirError:
            if done:
                note(f"{done} of {len(needed)} statements are done; the same command goes on with the others.")
            raise


def note_days_left(opened: "Opened") -> None:
    """Say on standard error when the day partitions of a store are about to end: from then on nothing can be stored."""
    if opened.store.db.name != "tidb":
        return
    from autoir.store.tidb import TidbDatabase
    from autoir.store.tidb.schema import days_ahead

    assert isinstance(opened.store.db, TidbDatabase)
    days = days_ahead(opened.store.db, opened.clock())
    if days is not None and days < _FEWEST_DAYS:
        left = f"{counted(days, 'day')} from now" if days > 0 else "today or before"
        note(f"autoir: the partitions of {opened.shown} end {left}; then nothing can be stored.\n"
             "        Have its owner run, and daily from then on: autoir tidb migrate")  # fmt: skip
