"""What a connection is worth, found out step by step before anybody relies on it.

From the way to the server up to the schema: the first step that fails is the one to mend, and nothing behind it is
tried. Everything is read only; rights are read from the server's own list of grants, for trying them would change
something. No step tells a password.
"""

import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.store.database import NEWEST_SCHEMA, newer_schema
from autoir.store.tidb.connection import CONNECT_TIMEOUT_S
from autoir.store.tidb.database import TidbDatabase
from autoir.store.tidb.dsn import Dsn
from autoir.store.tidb.failures import NO_RIGHT, code_of, explained

State = Literal["ok", "note", "failed"]

_WRITER = ("SELECT", "INSERT", "UPDATE", "DELETE")
_OWNER = ("SELECT", "INSERT", "UPDATE", "CREATE", "ALTER", "DROP", "CREATE VIEW")
_READABLE = frozenset({"autoir_log_events", "autoir_log_patterns", "autoir_log_counts", "autoir_incidents"})
_ALL = frozenset({*_WRITER, *_OWNER})
_NAME = r"\*|`(?:[^`]|``)+`|[^`.\s]+"
_GRANT = re.compile(rf"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<database>{_NAME})\.(?P<table>{_NAME}) TO ", re.I)
_TLS_FAILED, _NO_DATABASE = 2026, frozenset({1044, 1049})


class Step(NamedTuple):
    """One step: what was found, or why it failed."""

    name: str
    state: State
    told: str
    failure: AutoirError | None = None


class Rights(NamedTuple):
    """What a user may do in all of a database, and which of its tables and views they may read beside that."""

    everywhere: frozenset[str]
    readable: frozenset[str]

    def missing(self, needed: Iterable[str]) -> list[str]:
        """Those of ``needed`` that are not there."""
        return [right for right in needed if right not in self.everywhere]


def probe(dsn: Dsn) -> Iterator[Step]:
    """Reach, TLS, login, database, rights, server, vectors, schema; the last step given is the first that failed."""
    try:
        socket.create_connection((dsn.host, dsn.port), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        yield _failed("reach", explained(error, dsn))
        return
    yield Step("reach", "ok", f"{dsn.place} answers")
    try:
        db = TidbDatabase(dsn, patience_s=0)
    except AutoirError as failure:
        yield from _entered_until(_step_of(failure), failure, dsn)
        return
    try:
        yield from _asked(db)
    finally:
        db.close()


def _failed(name: str, failure: AutoirError) -> Step:
    return Step(name, "failed", str(failure), failure)


def _entered_until(step: str, failure: AutoirError, dsn: Dsn) -> Iterator[Step]:
    """The steps of connecting up to the one that ``failure`` is about."""
    told = {"TLS": _tls(dsn), "login": f"as {dsn.user}", "database": dsn.database}
    for name, text in told.items():
        if name == step:
            yield _failed(name, failure)
            return
        yield Step(name, "ok", text)


def _step_of(failure: AutoirError) -> str:
    error = failure.__cause__
    if not isinstance(error, Exception):
        return "TLS"  # a CA file that cannot be used
    cause = getattr(error, "original_exception", error)
    if isinstance(cause, ssl.SSLError) or code_of(error) == _TLS_FAILED:
        return "TLS"
    return "database" if code_of(error) in _NO_DATABASE else "login"


def _tls(dsn: Dsn, version: str = "on") -> str:
    return f"{version}, the certificate is that of {dsn.host}" if dsn.tls else "off: the server is on this machine"


def _asked(db: TidbDatabase) -> Iterator[Step]:
    """What an open session tells."""
    dsn = db.dsn
    steps: dict[str, Callable[[], Step]] = {
        "TLS": lambda: Step("TLS", "ok", _tls(dsn, _tls_version(db))),
        "login": lambda: Step("login", "ok", f"as {dsn.user}"),
        "database": lambda: Step("database", "ok", dsn.database),
        "rights": lambda: _rights(db),
        "server": lambda: _server(db),
        "vectors": lambda: _vectors(db),
        "schema": lambda: _schema(db),
    }
    for name, ask in steps.items():
        try:
            yield ask()
        except AutoirError as failure:
            yield _failed(name, failure)
            return


def _tls_version(db: TidbDatabase) -> str:
    rows = db.query("SHOW STATUS LIKE 'Ssl_version'")
    return str(rows[0][1]) if rows and rows[0][1] else "on"


def _rights(db: TidbDatabase) -> Step:
    rights = rights_of((str(row[0]) for row in db.query("SHOW GRANTS")), db.dsn.database)
    if not rights.missing(_OWNER):
        return Step("rights", "ok", "owner: may migrate" + ("" if rights.missing(["DELETE"]) else ", store and read"))
    lacking = rights.missing(_WRITER)
    if not lacking:
        return Step("rights", "ok", "writer: may store and read; tidb migrate needs an owner")
    if "SELECT" in rights.everywhere or rights.readable >= _READABLE:
        return Step("rights", "note", f"reader: may only be asked; a writer has {', '.join(lacking)} too")
    raise UsageError(
        f"user {db.dsn.user!r} lacks {', '.join(lacking)} in database {db.dsn.database!r} on {db.dsn.place}.",
        f"Have its owner run: autoir tidb migrate --writer {db.dsn.user}",
    )


def rights_of(grants: Iterable[str], database: str) -> Rights:
    """What the lines of SHOW GRANTS allow in ``database``."""
    everywhere: set[str] = set()
    readable: set[str] = set()
    for line in grants:
        found = _GRANT.match(line)
        if not found:
            continue  # a role, whose rights stand in lines of their own
        rights = {right.strip().upper() for right in found["rights"].split(",")}
        if rights & {"ALL", "ALL PRIVILEGES"}:
            rights |= _ALL
        where, table = _bare(found["database"]), _bare(found["table"])
        if table == "*" and (where == "*" or _fits(where, database)):
            everywhere |= rights
        elif where == database and "SELECT" in rights:
            readable.add(table)
    return Rights(frozenset(everywhere), frozenset(readable))


def _bare(name: str) -> str:
    return name.strip("`").replace("``", "`")


def _fits(pattern: str, database: str) -> bool:
    """Whether ``database`` is one that a grant's ``pattern`` names: % and _ as in LIKE, \\ before one that is meant."""
    parts = re.findall(r"\\[\\%_]|.", pattern, re.DOTALL)
    jokers = {"%": ".*", "_": "."}
    return bool(re.fullmatch("".join(jokers.get(part) or re.escape(part[-1]) for part in parts), database, re.DOTALL))


def _server(db: TidbDatabase) -> Step:
    version = str(db.query("SELECT VERSION()")[0][0])
    _, mark, release = version.partition("TiDB-")
    if mark:
        return Step("server", "ok", f"TiDB {release}")
    return Step("server", "note", f"{version}, which is not TiDB: nothing here was made for it")


def _vectors(db: TidbDatabase) -> Step:
    require_vectors(db)
    return Step("vectors", "ok", "VECTOR columns and VEC_ functions")


def require_vectors(db: TidbDatabase) -> None:
    """Raise UsageError for a server that knows no vectors."""
    try:
        db.query("SELECT VEC_DIMS('[1,2,3]')")
    except UnreachableError:
        raise
    except AutoirError as error:
        raise UsageError(
            f"{db.dsn.place} knows no vectors: it has no VEC_DIMS.", "AutoIR needs TiDB 8.5 or newer, or TiDB Cloud."
        ) from error


def _schema(db: TidbDatabase) -> Step:
    try:
        found = db.schema_version()
    except UsageError as error:
        if isinstance(error.__cause__, Exception) and code_of(error.__cause__) in NO_RIGHT:
            return Step("schema", "note", "not to be seen by this user, or none yet")
        raise
    if found > NEWEST_SCHEMA:
        raise newer_schema(found)
    if found < NEWEST_SCHEMA:
        return Step("schema", "note", f"{f'version {found}' if found else 'none yet'}: autoir tidb migrate")
    return Step("schema", "ok", f"version {found}")
