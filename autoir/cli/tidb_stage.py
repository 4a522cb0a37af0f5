"""``autoir tidb dsn --stage``: gives a stage its store, in the order in which nothing is used before it works.

A look at the log groups first, since the deployment after this one subscribes to them. Then Foundation, for it has the
secrets and the addresses; then the three connection strings; then the schema, made from inside the network by its
owner; and only then the stage's file says that the store is ready. Connection strings come from a terminal or from
standard input, go into secrets, and are printed by nothing. The command may be stopped and called again: what the
secrets hold is kept.
"""

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import typer

from autoir.cli.options import asked
from autoir.cli.output import Lines, Progress, note, print_json, show
from autoir.errors import UnreachableError, UsageError
from autoir.report.amounts import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from autoir.aws import cdk
    from autoir.aws.schema import SchemaFunction
    from autoir.aws.session import Access
    from autoir.store.tidb import Dsn

WAIT_S = 15 * 60.0
"""How long the database may take to let the stage in."""
POLL_S = 10.0

_PIPE = "Pipe the three in, a line each, the owner's first: autoir tidb dsn --stage STAGE --dsn -"


class Connections(NamedTuple):
    """Who enters the database, and as what."""

    owner: "Dsn"
    writer: "Dsn"
    reader: "Dsn"


def prepare(
    ctx: typer.Context,
    stage: str,
    given: str,
    ask_owner: "Callable[[], Dsn]",
    *,
    dry_run: bool,
    pause: "Callable[[float], None]" = time.sleep,
    clock: "Callable[[], float]" = time.monotonic,
) -> None:
    """Make the store of ``stage`` ready. ``given`` is what --dsn says: nothing, or ``-`` for standard input."""
    from autoir.aws import cdk
    from autoir.aws.health.ears import require_watchable
    from autoir.aws.schema import SchemaFunction, SecretValues
    from autoir.stage import outputs

    if given not in ("", "-"):
        raise UsageError("with --stage a connection string is no argument: every program here could read it.", _PIPE)
    opened = cdk.Stage.opened(stage, asked(ctx).profile, asked(ctx).region)
    ready = replace(opened.config, store=replace(opened.config.store, ready=True))
    difference = opened.difference(ready)
    if dry_run:
        _show_plan(ctx, stage, difference)
        return
    opened.known()
    if not opened.config.store.ready:
        require_watchable(ready, opened.access)
    found = _foundation(opened)
    connections = _connections(opened.access, found, given, ask_owner)
    if not found:
        note(f"deploying the foundation of stage {stage}: network, secrets, buckets (some minutes)")
        opened.deploy("Foundation")
        found = _foundation(opened)
    names = (outputs.OWNER_SECRET, outputs.WRITER_SECRET, outputs.READER_SECRET)
    if connections:
        for name, dsn in zip(names, connections, strict=True):
            SecretValues(opened.access).put(found[name], dsn.url)
        note("the three connection strings are in their secrets")
    addresses = [address for address in found.get(outputs.EGRESS_IPS, "").split(",") if address]
    note(f"the database has to let in: {', '.join(addresses) or 'the network of the stage'}")
    function = SchemaFunction(opened.access, found[outputs.MIGRATE_FUNCTION])
    _wait(function, stage, pause, clock)
    note("making the schema")
    ran = function.migrate()
    users = connections or _kept(opened.access, found)
    granted = function.grant(users.writer.user, users.reader.user)
    statements = [*ran.get("statements", ()), *granted.get("statements", ())]
    for line in difference:
        note(line)
    opened.saved(ready)
    _show(ctx, stage, addresses, int(ran["schema"]), len(statements), difference)


def _foundation(opened: "cdk.Stage") -> Mapping[str, str]:
    """Its outputs; none where it is not deployed, or its first deployment failed."""
    from autoir.aws.outputs import NotDeployedError, outputs_of

    try:
        return outputs_of(opened.access, opened.config.name, "Foundation")
    except NotDeployedError:
        return {}


def _connections(
    access: "Access", found: Mapping[str, str], given: str, ask_owner: "Callable[[], Dsn]"
) -> Connections | None:
    """The three that were told; None where the secrets are to keep what they hold."""
    if given == "-":
        return _piped()
    held = bool(found) and _holds(access, found)
    if not sys.stdin.isatty():
        if held:
            return None
        raise UsageError("there is nobody to ask: standard input is no terminal.", _PIPE)
    if held and not typer.confirm("The secrets hold connections already. Write others?", default=False, err=True):
        return None
    note("The owner of the database: it makes and changes the schema.")
    owner = _checked(ask_owner())
    return Connections(owner, _login(owner, "writer", "stores"), _login(owner, "reader", "only asks"))


def _login(owner: "Dsn", role: str, does: str) -> "Dsn":
    note(f"The {role}, another user of the same database, who {does}.")
    user = str(typer.prompt("User", err=True))
    return replace(owner, user=user, password=str(typer.prompt("Password", hide_input=True, err=True)))


def _piped() -> Connections:
    from autoir.store.tidb import parse_dsn

    lines = [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
    if len(lines) != len(Connections._fields):
        raise UsageError(f"standard input has {counted(len(lines), 'line')}, not three.", _PIPE)
    told = Connections(*(_checked(parse_dsn(line)) for line in lines))
    if len({(dsn.place, dsn.database) for dsn in told}) > 1:
        raise UsageError("the three connections are not to one database.", "They differ in user and password alone.")
    return told


def _checked(dsn: "Dsn") -> "Dsn":
    if not dsn.tls or dsn.ca:
        what = "a file of certificates of this machine" if dsn.ca else "no TLS"
        raise UsageError(
            f"{dsn.shown} has {what}, and the stage is another machine.",
            "Its functions trust the certificates of the public authorities: leave ?ca= and ?tls= out.",
        )
    return dsn


def _holds(access: "Access", found: Mapping[str, str]) -> bool:
    from autoir.aws.secrets import Secret
    from autoir.stage import outputs

    for name in (outputs.OWNER_SECRET, outputs.WRITER_SECRET, outputs.READER_SECRET):
        try:
            Secret(found[name], access).text  # noqa: B018
        except UsageError:
            return False
    return True


def _kept(access: "Access", found: Mapping[str, str]) -> Connections:
    from autoir.aws.secrets import Secret
    from autoir.stage import outputs
    from autoir.store.tidb import parse_dsn

    names = (outputs.OWNER_SECRET, outputs.WRITER_SECRET, outputs.READER_SECRET)
    return Connections(*(parse_dsn(Secret(found[name], access).text) for name in names))


def _wait(
    function: "SchemaFunction", stage: str, pause: "Callable[[float], None]", clock: "Callable[[], float]"
) -> None:
    """Until the database lets the function in. Raises UnreachableError after ``WAIT_S``."""
    progress, began_s, told = Progress(), clock(), False
    try:
        while True:
            progress.update("waiting for the database")
            try:
                function.version()
                return
            except UnreachableError as error:
                if clock() - began_s >= WAIT_S:
                    raise UnreachableError(
                        f"{error} ({WAIT_S / 60:.0f} minutes)",
                        f"Put the addresses above on its allow-list, then go on: autoir tidb dsn --stage {stage}",
                    ) from None
                if not told:
                    note(f"{error} Waiting for it: are the addresses on its allow-list?")
                    told = True
            pause(POLL_S)
    finally:
        progress.done()


def _show_plan(ctx: typer.Context, stage: str, difference: list[str]) -> None:
    if asked(ctx).as_json:
        print_json({"stage": stage, "dry_run": True, "difference": difference})
    else:
        show(Lines(difference or [f"stages/{stage}.toml stays as it is."]))


def _show(
    ctx: typer.Context, stage: str, addresses: list[str], schema: int, statements: int, difference: list[str]
) -> None:
    if asked(ctx).as_json:
        print_json(
            {"stage": stage, "dry_run": False, "addresses": addresses, "schema": schema, "statements": statements,
             "difference": difference}
        )  # fmt: skip
        return
    show(
        Lines(
            [
                f"stage {stage} has its store: schema {schema}, ran {counted(statements, 'statement')}.",
                f"Next: cdk deploy --all --require-approval never -c stage={stage}",
            ]
        )
    )
