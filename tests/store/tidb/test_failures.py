"""What goes wrong between AutoIR and its database: each named, with what to do, and never with a password.

Real servers give the errors, in the library and through the command line; what no server can be made to say on a test
machine (a full disk, TiDB Cloud's own words) is told by its code.
"""

import logging
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from pymysql import err
from typer.testing import CliRunner

from autoir.cli.main import app
from autoir.errors import AutoirError, RejectedError, UnreachableError, UsageError
from autoir.store import open_store
from autoir.store.tidb import Dsn, parse_dsn
from autoir.store.tidb.connection import tls_context
from autoir.store.tidb.failures import TransientError, explained
from tests.mysql_peer.databases import Databases
from tests.mysql_peer.server import Server
from tests.mysql_peer.tls import TlsServer

CANARY = "cAnArY-9731/@:%#"
"""A password that nothing may ever show, in whatever spelling."""
ESCAPED = "cAnArY-9731%2F%40%3A%25%23"


@dataclass
class World:
    """Where the cases happen: a server without TLS, a database with the schema on it and one without."""

    server: Server
    database: str
    bare: str

    def url(self, user: str, password: str = ESCAPED, *, database: str = "", query: str = "tls=off") -> str:
        return f"mysql://{user}:{password}@127.0.0.1:{self.server.port}/{database or self.database}?{query}"


@pytest.fixture
def world(peer: Server, peer_databases: Databases) -> Iterator[World]:
    """Three users of one password: one may do all, one may write, one may only look."""
    with peer_databases.one() as name:
        bare = f"{name}_bare"
        peer.run(f"CREATE DATABASE {bare}")
        for user, rights in {
            "some_owner": "ALL", "some_writer": "SELECT, INSERT, UPDATE, DELETE", "some_onlooker": "SELECT",
        }.items():  # fmt: skip
            peer.run(
                f"CREATE OR REPLACE USER {user} IDENTIFIED BY '{CANARY}'",
                *(f"GRANT {rights} ON {database}.* TO {user}" for database in (name, bare)),
            )
        yield World(peer, name, bare)
        peer.drop(bare)


def _nobody_knows(world: World, patch: pytest.MonkeyPatch) -> str:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    patch.setattr(socket, "getaddrinfo", unknown)
    return f"mysql://some_writer:{ESCAPED}@db.example.com/{world.database}"


def _down(world: World, _: pytest.MonkeyPatch) -> str:
    return f"mysql://some_writer:{ESCAPED}@127.0.0.1:1/{world.database}?tls=off"


def _full(world: World, _: pytest.MonkeyPatch) -> str:
    """A table of counts that takes no row any more, and events that have a day for what is stored now."""
    row = "('{}', {}, 1, 1, 1)"
    rows = ", ".join(row.format("g" * 500, number) for number in range(1000))
    world.server.run(
        "ALTER TABLE autoir_events REMOVE PARTITIONING",
        "ALTER TABLE autoir_counts REMOVE PARTITIONING",
        "SET SESSION max_heap_table_size = 16384",
        "ALTER TABLE autoir_counts ENGINE = MEMORY",
        database=world.database,
    )
    with pytest.raises(err.OperationalError, match="full"):
        world.server.run(f"INSERT INTO autoir_counts VALUES {rows}", database=world.database)
    return world.url("some_writer")


def _newer(world: World, _: pytest.MonkeyPatch) -> str:
    world.server.run("UPDATE autoir_meta SET v = '99' WHERE k = 'schema_version'", database=world.database)
    return world.url("some_writer")


def _as(user: str, **more: str) -> Callable[[World, pytest.MonkeyPatch], str]:
    def url(world: World, _: pytest.MonkeyPatch) -> str:
        return world.url(user, **more)

    url.__name__ = "-".join([user, *more.values()])
    return url


def _bare(user: str) -> Callable[[World, pytest.MonkeyPatch], str]:
    def url(world: World, _: pytest.MonkeyPatch) -> str:
        return world.url(user, database=world.bare)

    url.__name__ = f"{user}-bare"
    return url


@pytest.mark.parametrize(
    ("url_in", "line", "code", "what", "to_do"),
    [
        (_as("some_writer", password=f"{ESCAPED}x"), "stats", 2,
         "127.0.0.1:PORT refuses user 'some_writer' with this password", "autoir tidb dsn"),
        (_as("some_writer", password=""), "stats", 2, "refuses user 'some_writer' without a password",
         "use the name of a saved connection"),
        (_as("some_writer", database="autoir_nowhere"), "stats", 2,
         "has no such right to database 'autoir_nowhere'", "Name another database"),
        (_nobody_knows, "stats", 3, "host 'db.example.com' is not known", "Check the spelling"),
        (_down, "stats", 3, "nothing listens at 127.0.0.1:PORT", "Is the server up, and the port right?"),
        (_as("some_writer", query=""), "stats", 2, "127.0.0.1:PORT does not speak TLS. No password was sent",
         "mysql://some_writer@127.0.0.1:PORT/DATABASE?tls=off"),
        (_as("some_writer", query="ca=/no/ca.pem"), "stats", 2, "/no/ca.pem cannot be used as CA file", "?ca=/path"),
        (_bare("some_writer"), "tidb migrate", 2,
         "user 'some_writer' may not do this on 127.0.0.1:PORT: CREATE command denied", "the owner for tidb migrate"),
        (_as("some_writer"), "tidb migrate", 2, "may not do this on 127.0.0.1:PORT: ALTER command denied",
         "the owner for tidb migrate"),
        (_as("some_onlooker"), "logs ingest LOG", 2, "may not do this on 127.0.0.1:PORT: INSERT command denied",
         "the writer for everything else"),
        (_full, "logs ingest LOG", 3, "PORT has no room left: The table 'autoir_counts' is full", "Make room"),
        (_bare("some_owner"), "stats", 2,
         "database 'DATABASE_bare' on 127.0.0.1:PORT has no AutoIR schema", "autoir tidb migrate"),
        (_newer, "stats", 2, "The store has schema 99; this AutoIR knows 1", "Upgrade AutoIR"),
        (_newer, "tidb migrate", 2, "The store has schema 99; this AutoIR knows 1", "Nothing was changed"),
        (_as("some_writer"), "logs ingest LOG", 3, "has no partition for the day of a row", "tidb migrate (daily)"),
    ],
)  # fmt: skip
def test_a_failure_says_what_and_what_to_do_and_no_password(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    url_in: Callable[[World, pytest.MonkeyPatch], str],
    line: str,
    code: int,
    what: str,
    to_do: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    log = tmp_path / "api.log"
    log.write_text("ERROR db connection refused\n")
    url = url_in(world, monkeypatch)
    words = [str(log) if word == "LOG" else word for word in line.split()]
    result = CliRunner().invoke(app, ["--store", url, *words])
    said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", result.stderr).replace(world.database, "DATABASE")
    first, *rest = said[said.index("autoir: ") :].splitlines()
    assert (result.exit_code, what in first, to_do in "".join(rest)) == (code, True, True), result.stderr
    debugged = CliRunner().invoke(app, ["--debug", "--store", url, *words])
    assert "Traceback" in debugged.stderr
    assert_harmless(result.output, debugged.output, caplog.text)


def assert_harmless(*texts: str) -> None:
    for text in texts:
        assert "canary" not in text.lower()


def everything_in(error: BaseException | None, seen: frozenset[int] = frozenset()) -> Iterator[str]:
    """All that an error and those behind it hold."""
    if error is None or id(error) in seen:
        return
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)), *getattr(error, "__notes__", ()))
    for other in (error.__cause__, error.__context__, getattr(error, "original_exception", None)):
        yield from everything_in(other, seen | {id(error)})


@pytest.mark.parametrize(
    "url_in", [_as("some_writer", password=f"{ESCAPED}x"), _nobody_knows, _down, _as("some_writer", query="")]
)
def test_no_error_holds_a_password_however_deep(
    world: World, monkeypatch: pytest.MonkeyPatch, url_in: Callable[[World, pytest.MonkeyPatch], str]
) -> None:
    with pytest.raises(AutoirError) as caught:
        open_store(url_in(world, monkeypatch))
    assert_harmless(*everything_in(caught.value))


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{CANARY}@host/db",  # nothing escaped
        "mysql://me:cAnArY/x@host/db",
        "mysql://me:12@cAnArY/x@host/db",
        "mysql://me:cAnArY?x@host/db",
        "mysql://me:12#cAnArY@host/db",
        "mysql://me:cAnArY[@host/db",
        "mysql://me:cAnArY@host:x/db",
        "mysql://me:cAnArY@host:99999/db",
        "mysql://me:cAnArY@host/",
        "mysql://me:cAnArY@host/db?tls=maybe",
        "mysql://me:cAnArY@host/db?tls=off",
        "mysql://me:cAnArY@host/db?ssl=1",
        "mysql://me:cAnArY@host/db?x",
        "mysql://:cAnArY@host/db",
        "mysql://me:cAnArY@/db",
        "postgres://me:cAnArY@host/db",
    ],
)
def test_a_connection_string_that_is_refused_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_dsn(url)
    assert_harmless(*everything_in(caught.value), caught.value.hint)
    assert "mysql://" in caught.value.hint or "TLS" in caught.value.hint or "tls" in caught.value.hint
    result = CliRunner().invoke(app, ["--debug", "stats", "--store", url])
    assert result.exit_code == 2
    assert_harmless(result.output)


@pytest.mark.parametrize(
    "line",
    [
        ["mysql://me:cAnArY@host/db"],
        ["stats", "mysql://me:cAnArY@host/db"],
        ["stats", "--store", "mysql:/me:cAnArY@host/db"],
        ["stats", "--store", "me:cAnArY"],
        ["incidents", "show", "mysql://me:cAnArY@host/db"],
        ["logs", "ingest", "mysql://me:cAnArY@host/db"],
    ],
)
def test_a_url_in_the_wrong_place_is_not_repeated_whole(line: list[str]) -> None:
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 2
    assert_harmless(result.output)


@pytest.mark.parametrize(
    ("kind", "ca", "what", "to_do"),
    [
        ("wrong host", "ca.pem", "shows the certificate of another host", "Connect by the name that stands in the"),
        ("expired", "ca.pem", "the certificate of 127.0.0.1:PORT has expired", "renewed"),
        ("valid", "stranger.pem", "is not trusted", "autoir tidb dsn --ca FILE"),
        ("valid", "", "is not trusted", "?ca=/path"),
    ],
)
def test_a_server_that_is_not_the_one_meant_gets_no_password(
    tls_peer: TlsServer, kind: str, ca: str, what: str, to_do: str
) -> None:
    tls_peer.show(kind)
    query = f"ca={tls_peer.authority.ca.with_name(ca)}" if ca else ""
    url = f"mysql://owner:{ESCAPED}@127.0.0.1:{tls_peer.port}/autoir_tls?{query}"
    result = CliRunner().invoke(app, ["--debug", "stats", "--store", url])
    said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", result.stderr)
    said = said[said.index("\nautoir: ") :]
    assert (result.exit_code, what in said, to_do in said) == (3, True, True), result.stderr
    assert "No password was sent" in said
    with pytest.raises(UnreachableError) as caught:
        open_store(url)
    assert_harmless(result.output, *everything_in(caught.value))


def test_tls_is_never_guessed_from_a_name() -> None:
    context = tls_context(parse_dsn("mysql://me:x@127.0.0.1/db"))
    assert context
    assert context.check_hostname
    assert tls_context(parse_dsn("mysql://me:x@127.0.0.1/db?tls=off")) is None


DSN = Dsn("db.example.com", 4000, "ingest", CANARY, "autoir")


@pytest.mark.parametrize(
    ("error", "kind", "what", "to_do"),
    [
        # a person has to do something
        (err.OperationalError(1049, "Unknown database 'autoir'"), UsageError, "no database 'autoir'", "CREATE"),
        (err.OperationalError(1130, "Host '10.0.0.9' not allowed"), UsageError, "nobody in from this", "access list"),
        (err.OperationalError(1862, "Your password has expired"), UsageError, "password of user 'ingest'", "tidb dsn"),
        (err.OperationalError(3118, "Account is locked."), UsageError, "'ingest' is locked", "ACCOUNT UNLOCK"),
        (err.OperationalError(2059, "plugin 'x' not loaded"), UsageError, "in another way", "caching_sha2_password"),
        (err.OperationalError(2026, "SSL is required"), UsageError, "AutoIR does not go without", "TiDB Cloud"),
        (err.ProgrammingError(1410, "not allowed to create a user"), UsageError, "no user of that name", "CREATE USER"),
        (err.ProgrammingError(8121, "privilege check for 'Create'"), UsageError, "may not do this", "the owner"),
        (err.ProgrammingError(1146, "Table 'autoir.x' doesn't exist"), UsageError, "no AutoIR schema", "tidb migrate"),
        (err.ProgrammingError(1054, "Unknown column 'fold'"), UsageError, "another version's", "tidb migrate"),
        (err.OperationalError(1290, "--read-only"), UsageError, "does not take writes", "may write"),
        (err.OperationalError(1836, "Running in read-only mode"), UsageError, "does not take writes", "may be written"),
        (err.OperationalError(1792, "Cannot execute in READ ONLY"), UsageError, "session only reads", "may write"),
        (err.InternalError("Packet sequence number wrong"), UsageError, "not as a database", "the port right"),
        (err.OperationalError(1105, "Missing user name prefix"), UsageError, "wants the prefix", "PREFIX.ingest"),
        # the server is what has to change
        (err.OperationalError(1105, "the tiflash replica count: 1 should be less than the total count: 0"),
         UsageError, "has no TiFlash", "leave the vector index out"),
        (err.OperationalError(1105, "Due to the usage quota being exhausted"), UnreachableError, "used up", "spending"),
        (err.OperationalError(1114, "The table 'autoir_events' is full"), UnreachableError, "no room", "Make room"),
        (err.OperationalError(1129, "Host is blocked"), UnreachableError, "shut this machine out", "FLUSH HOSTS"),
        (err.OperationalError(1526, "Table has no partition for value 9"), UnreachableError, "no partition", "daily"),
        # the same again will do
        (err.OperationalError(1040, "Too many connections"), TransientError, "Too many", "later"),
        (err.OperationalError(2013, "Lost connection"), TransientError, "Lost", "later"),
        (err.OperationalError(1213, "Deadlock found"), TransientError, "Deadlock", "later"),
        (err.OperationalError(8028, "Information schema is changed"), TransientError, "changed", "later"),
        (err.OperationalError(9005, "Region is unavailable"), TransientError, "Region", "later"),
        (err.OperationalError(9007, "Write conflict"), TransientError, "Write conflict", "later"),
        (TimeoutError("timed out"), TransientError, "does not answer", "security group"),
        # the query asks for too much
        (err.OperationalError(3024, "maximum statement execution time"), AutoirError, "longer than it may", "shorter"),
        (err.InternalError(8175, "Your query has been cancelled"), AutoirError, "more memory than it may", "shorter"),
        # the row is at fault
        (err.DataError(1406, "Data too long for column"), RejectedError, "refuses a row: Data too long", ""),
        (err.IntegrityError(1048, "Column cannot be null"), RejectedError, "refuses a row", ""),
        (err.DataError(1366, "Incorrect value: 'usage quota, tiflash'"), RejectedError, "refuses a row", ""),
        (err.OperationalError(8025, "entry too large"), RejectedError, "refuses a row", ""),
        # nobody foresaw it
        (err.OperationalError(1105, "other"), AutoirError, "db.example.com:4000: other (1105)", "--debug"),
    ],
)  # fmt: skip
def test_an_error_is_what_to_do_about_it(error: Exception, kind: type[AutoirError], what: str, to_do: str) -> None:
    found = explained(error, DSN)
    assert (type(found), what in str(found), to_do in found.hint) == (kind, True, True), (found, found.hint)
    assert_harmless(str(found), found.hint)


def test_what_is_no_database_is_said() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def greet() -> None:
            client, _ = listener.accept()
            with client:
                client.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(UsageError, match="answers, but not as a database"):
            open_store(f"mysql://me:{ESCAPED}@127.0.0.1:{listener.getsockname()[1]}/db?tls=off")
        thread.join()
