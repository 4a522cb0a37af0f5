"""`autoir tidb`: a connection is tried before it is saved, and a schema is made by whom it belongs to."""

import json
import os
import pty
import select
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from autoir import locations, profiles
from autoir.cli import stores
from autoir.clock import DAY_MS
from autoir.store import open_store
from autoir.store.tidb.probe import rights_of
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check
from tests.mysql_peer.databases import MIGRATED_MS
from tests.mysql_peer.server import Server
from tests.mysql_peer.tls import TlsServer

STEPS = ["reach", "TLS", "login", "database", "rights", "server", "vectors", "schema"]


@pytest.fixture
def bare(peer: Server) -> Iterator[str]:
    """A database without the schema."""
    name = f"autoir_bare_{os.getpid()}"
    peer.create(name)
    yield name
    peer.drop(name)


def saved() -> dict[str, str]:
    return profiles.load(locations.profiles_file())


def test_a_connection_that_works_is_saved_and_used(call: Call, peer_url: str) -> None:
    result = call("tidb", "dsn", "--dsn", peer_url, "--name", "prod")
    assert result.exit_code == 0, result.output
    rows = [line.split(maxsplit=2) for line in result.stdout.splitlines()[: len(STEPS)]]
    assert [name for _, name, _ in rows] == STEPS
    assert {name: mark for mark, name, _ in rows} == dict.fromkeys(STEPS, "ok") | {"server": "--"}
    assert "writer: may store and read" in result.stdout
    assert "which is not TiDB" in result.stdout
    assert "autoir --store prod stats" in result.stdout
    assert (saved(), stat.S_IMODE(locations.profiles_file().stat().st_mode)) == ({"prod": peer_url}, 0o600)
    assert document(call("stats", "--store", "prod", "--json"))["events"] == 0


@pytest.mark.parametrize("given", ["--dsn -", "TIDB_DSN", "TIDB_HOST"])
def test_a_password_need_not_stand_in_a_command(
    call: Call, peer: Server, peer_url: str, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    if given == "--dsn -":
        result = call("tidb", "dsn", "--dsn", "-", "--json", input=f"{peer_url}\n")
    else:
        monkeypatch.setenv("TIDB_DSN", peer_url)
        result = call("tidb", "dsn", "--json")
    found = document(result)
    check(found, "tidb-dsn")
    assert (found["name"], found["saved"], len(found["steps"])) == ("default", True, len(STEPS))
    assert saved() == {"default": peer_url}
    assert peer.passwords["writer"] not in result.output


def test_nobody_to_ask_is_said(call: Call) -> None:
    result = call("tidb", "dsn")
    assert (result.exit_code, "nobody to ask" in result.stderr, "--dsn -" in result.stderr) == (2, True, True)


@pytest.mark.parametrize(
    ("user", "password", "database", "step", "code", "what"),
    [
        ("writer", "not-the-one", "{name}", "login", 2, "refuses user 'writer' with this password"),
        ("owner", "", "autoir_nowhere", "database", 2, "there is no database 'autoir_nowhere'"),
        ("writer", "", "{bare}", "rights", 2, "lacks SELECT, INSERT, UPDATE, DELETE in database"),
    ],
)
def test_the_first_step_that_fails_is_named_and_nothing_is_saved(
    call: Call, peer: Server, peer_url: str, bare: str, user: str, password: str, database: str, step: str, code: int,
    what: str,
) -> None:  # fmt: skip
    name = database.format(name=peer_url.rpartition("/")[2].partition("?")[0], bare=bare)
    secret = password or peer.passwords[user]
    url = f"mysql://{user}:{secret}@127.0.0.1:{peer.port}/{name}?tls=off"
    result = call("tidb", "dsn", "--dsn", url)
    *done, failed = result.stdout.splitlines()
    assert (result.exit_code, failed.split()) == (code, ["!!", step, "failed"])
    assert [line.split()[:2] for line in done] == [["ok", name] for name in STEPS[: len(done)]]
    assert what in result.stderr
    assert not locations.profiles_file().exists()
    told = call("tidb", "dsn", "--dsn", url, "--json")
    check(document(told), "tidb-dsn")
    assert (document(told)["saved"], what in document(told)["steps"][-1]["told"], told.exit_code) == (False, True, code)
    assert secret not in result.output + told.output


def test_a_server_without_vectors_is_not_enough(call: Call, peer: Server, bare: str) -> None:
    peer.run("DROP FUNCTION VEC_DIMS", database=bare)
    result = call("tidb", "dsn", "--dsn", peer.url(bare))
    assert (result.exit_code, result.stdout.splitlines()[-1].split()) == (2, ["!!", "vectors", "failed"])
    assert "knows no vectors" in result.stderr
    assert "TiDB 8.5 or newer" in result.stderr


def test_a_server_that_is_down_fails_at_the_first_step(call: Call) -> None:
    result = call("tidb", "dsn", "--dsn", "mysql://me:secret@127.0.0.1:1/db?tls=off")
    assert (result.exit_code, result.stdout.split()[:2]) == (3, ["!!", "reach"])
    assert "nothing listens at 127.0.0.1:1" in result.stderr


def test_a_connection_may_be_saved_for_a_machine_that_is_let_in(call: Call) -> None:
    url = "mysql://me:secret@127.0.0.1:1/db?tls=off"
    result = call("tidb", "dsn", "--dsn", url, "--save-anyway")
    assert (result.exit_code, "Saved as default" in result.stdout, saved()) == (0, True, {"default": url})
    assert "!!  reach     nothing listens at 127.0.0.1:1" in result.stdout


def test_the_certificate_is_checked_against_the_file_that_is_named(
    call: Call, tls_peer: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls_peer.show("valid")
    tls_peer.run("CREATE DATABASE IF NOT EXISTS autoir_tls_dsn")
    url = tls_peer.url("autoir_tls_dsn", query="")
    monkeypatch.chdir(tls_peer.authority.ca.parent)
    for authority, state in (("stranger.pem", "failed"), ("ca.pem", "ok")):
        found = document(call("tidb", "dsn", "--dsn", url, "--ca", authority, "--save-anyway", "--json"))
        told = {step["step"]: step for step in found["steps"]}
        assert told["TLS"]["state"] == state
    assert told["TLS"]["told"].startswith("TLSv1.")
    # by its whole path: the next command is typed in another folder
    assert saved()["default"] == f"{url.removesuffix('?')}?ca={tls_peer.authority.ca}"


def test_what_is_saved_is_shown_without_passwords(call: Call) -> None:
    assert "None is saved yet" in call("tidb", "dsn", "--show").stdout
    for name, url in {"prod": "mysql://me:s%40crt@db/autoir?ca=/ca.pem", "own": "sqlite:////var/own.db"}.items():
        profiles.save(locations.profiles_file(), name, url)
    result = call("tidb", "dsn", "--show")
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["NAME", "STORE"],
        ["own", "sqlite:////var/own.db"],
        ["prod", "mysql://me@db:4000/autoir?ca=/ca.pem"],
    ]
    found = document(call("tidb", "dsn", "--show", "prod", "--json"))
    check(found, "tidb-profiles")
    assert [row["name"] for row in found["profiles"]] == ["prod"]
    missing = call("tidb", "dsn", "--show", "test")
    assert (missing.exit_code, "Saved: own, prod." in missing.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["prod"], "'prod' is one word too many"),
        (["--name", "demo", "--dsn", "-"], "--name demo is taken"),
        (["--name", "a b", "--dsn", "-"], "--name 'a b' cannot be a profile's name"),
        (["--dsn", "host:4000"], "does not begin with mysql://"),
        (["--dsn", "mysql://me:cAnArY@db.example.com/x?tls=off"], "TLS may be off only for a server on this machine"),
    ],
)
def test_what_cannot_be_saved_is_said_before_anything_is_tried(call: Call, words: list[str], what: str) -> None:
    result = call("tidb", "dsn", *words, input="mysql://me:cAnArY@127.0.0.1:1/db?tls=off\n")
    assert (result.exit_code, what in result.stderr, "cAnArY" in result.output) == (2, True, False), result.output


def test_a_broken_file_of_profiles_is_never_overwritten(call: Call, peer_url: str) -> None:
    path = locations.profiles_file()
    path.write_text('{\n"prod": "mysql://me:cAnArY@h/db",\n}\n')
    for words in (["tidb", "dsn", "--dsn", peer_url], ["tidb", "dsn", "--show"], ["stats"], ["stats", "--store", "x"]):
        result = call(*words)
        assert (result.exit_code, f"{path}: line 3 is not valid JSON" in result.stderr) == (2, True), result.output
        assert "cAnArY" not in result.output
    assert path.read_text().count("\n") == 3


def test_a_person_is_asked_and_the_password_is_not_shown(peer: Server, peer_url: str) -> None:
    name = peer_url.rpartition("/")[2].partition("?")[0]
    password = peer.passwords["writer"]
    code = "from autoir.cli.main import main; main()"
    master, slave = pty.openpty()
    environment = os.environ | {"TIDB_USER": "writer", "TIDB_DATABASE": name}
    with Popen([sys.executable, "-c", code, "tidb", "dsn"], stdin=slave, stdout=slave, stderr=slave,
               env=environment) as child:  # fmt: skip
        os.close(slave)
        answers = {
            "Host": "127.0.0.1", "Port [4000]": str(peer.port), "User [writer]": "", "Password": password,
            f"Database [{name}]": "", "CA file": "", "With TLS? [Y/n]": "n",
        }  # fmt: skip
        screen = answered(master, answers)
        child.wait()
    os.close(master)
    assert child.returncode == 0, screen
    assert password not in screen
    assert "Saved as default" in screen
    assert saved() == {"default": peer_url}


def answered(terminal: int, answers: dict[str, str], limit_s: float = 300) -> str:
    """Give each answer when its question is on the screen; what was on it in the end."""
    screen, deadline, open_questions = "", time.monotonic() + limit_s, list(answers)
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            read = os.read(terminal, 4096)
        except OSError:  # its other end is closed
            return screen
        screen += read.decode()
        if open_questions and open_questions[0] in screen.splitlines()[-1] and screen.endswith(": "):
            os.write(terminal, answers[open_questions.pop(0)].encode() + b"\n")
    raise AssertionError(f"still asked: {open_questions}\n{screen}")


@pytest.mark.parametrize(
    ("grants", "everywhere", "readable"),
    [
        # TiDB's way of writing them, old and new, and MariaDB's
        (["GRANT Select,Insert ON autoir.* TO 'w'@'%'"], {"SELECT", "INSERT"}, set()),
        (["GRANT SELECT,INSERT,CREATE VIEW ON `autoir`.* TO 'w'@'%'"], {"SELECT", "INSERT", "CREATE VIEW"}, set()),
        (["GRANT USAGE ON *.* TO 'w'@'%'", "GRANT SELECT ON `autoir`.`autoir_incidents` TO 'w'@'%'"], {"USAGE"},
         {"autoir_incidents"}),
        (["GRANT SELECT ON `autoir\\_%`.* TO 'w'@'%'"], set(), set()),
        (["GRANT SELECT ON `auto%`.* TO 'w'@'%'"], {"SELECT"}, set()),
        (["GRANT SELECT ON `aut_ir`.* TO 'w'@'%'"], {"SELECT"}, set()),
        (["GRANT SELECT ON `aut\\_ir`.* TO 'w'@'%'"], set(), set()),
        (["GRANT SELECT ON `other`.* TO 'w'@'%'", "GRANT INSERT ON `other`.`autoir_meta` TO 'w'@'%'"], set(), set()),
        (["GRANT 'role_admin'@'%' TO 'w'@'%'", "GRANT UPDATE ON *.* TO 'w'@'%'"], {"UPDATE"}, set()),
        ([], set(), set()),
    ],
)  # fmt: skip
def test_rights_are_read_from_the_grants(grants: list[str], everywhere: set[str], readable: set[str]) -> None:
    assert rights_of(grants, "autoir") == (everywhere, readable)


def test_all_privileges_are_all_that_is_needed() -> None:
    rights = rights_of(["GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION"], "autoir")
    assert rights.missing(["SELECT", "DELETE", "CREATE VIEW", "ALTER"]) == []


def test_a_schema_is_made_once_and_its_users_let_in(call: Call, peer: Server, bare: str) -> None:
    users = ("--writer", "writer", "--reader", "reader")
    planned = document(call("--store", peer.url(bare), "tidb", "migrate", "--dry-run", "--json", *users))
    check(planned, "tidb-migrate")
    assert planned["applied"] is False
    assert peer.run("SHOW TABLES", database=bare) == []
    script = call("--store", peer.url(bare), "tidb", "migrate", "--dry-run").stdout
    assert script.startswith("CREATE TABLE IF NOT EXISTS autoir_events (")
    assert script.count(";\n") == len(planned["statements"]) - len([s for s in planned["statements"] if "GRANT" in s])
    done = document(call("--store", peer.url(bare), "tidb", "migrate", "--json", *users))
    assert (done["statements"], done["applied"]) == (planned["statements"], True)
    assert document(call("--store", peer.url(bare, "writer"), "stats", "--json"))["events"] == 0
    again = call("--store", peer.url(bare), "tidb", "migrate")
    assert again.stdout == f"mysql://owner@127.0.0.1:{peer.port}/{bare}?tls=off: nothing to do.\n"
    told = document(call("tidb", "dsn", "--dsn", peer.url(bare, "reader"), "--json"))
    assert {step["step"]: step["told"] for step in told["steps"]}["rights"].startswith("reader: may only be asked")


def test_the_days_to_come_are_made_and_those_past_dropped(
    call: Call, peer: Server, bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("--store", peer.url(bare), "tidb", "migrate")
    now = stores.system_clock()
    monkeypatch.setattr("autoir.cli.tidb.system_clock", lambda: now + 2 * DAY_MS)
    moved = document(call("--store", peer.url(bare), "tidb", "migrate", "--json"))["statements"]
    assert [statement.split("(")[0] for statement in moved] == [
        f"ALTER TABLE {table} {end} PARTITION LESS THAN "
        for table in ("autoir_events", "autoir_counts")
        for end in ("LAST", "FIRST")
    ]
    assert document(call("--store", peer.url(bare), "tidb", "migrate", "--json"))["statements"] == []


def test_retention_is_the_settings(call: Call, peer: Server, bare: str) -> None:
    locations.config_file().write_text("retention_days_events = 3\n")
    sql = call("--store", peer.url(bare), "tidb", "migrate", "--dry-run", "--ttl").stdout
    assert "TTL = stored_at + INTERVAL 3 DAY" in sql
    assert "PARTITION" not in sql


def test_ttl_is_for_a_new_schema(call: Call, peer: Server, bare: str) -> None:
    call("--store", peer.url(bare), "tidb", "migrate")
    result = call("--store", peer.url(bare), "tidb", "migrate", "--ttl")
    assert (result.exit_code, "keeps its days in partitions" in result.stderr) == (2, True)


def test_how_far_a_migration_went_is_said(call: Call, peer: Server, bare: str) -> None:
    result = call("--store", peer.url(bare), "tidb", "migrate", "--writer", "nobody_here")
    assert result.exit_code == 2
    assert "19 of 20 statements are done" in result.stderr
    assert "knows no user of that name" in result.stderr
    assert "CREATE USER" in result.stderr


@pytest.mark.parametrize("place", ["", "sqlite", "demo"])
def test_the_embedded_store_needs_no_migration(call: Call, tmp_path: Path, place: str) -> None:
    flag = {"": [], "sqlite": ["--store", f"sqlite:///{tmp_path}/x.db"], "demo": ["--store", "demo"]}[place]
    result = call(*flag, "tidb", "migrate")
    assert (result.exit_code, "brings itself up to date" in result.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["stats", "sweep"])
@pytest.mark.parametrize(
    ("days", "warning"),
    [(7, ""), (8, "end 6 days from now"), (13, "end 1 day from now"), (14, "end today or before"), (90, "end today")],
)
def test_that_the_days_end_is_said_in_time(
    call: Call, peer_url: str, monkeypatch: pytest.MonkeyPatch, command: str, days: int, warning: str
) -> None:
    monkeypatch.setattr("autoir.cli.stores.system_clock", lambda: MIGRATED_MS + days * DAY_MS)
    result = call(command, "--store", peer_url, "--json")
    assert (result.exit_code, warning in result.stderr, bool(result.stderr)) == (0, True, bool(warning)), result.output
    assert json.loads(result.stdout)
    assert ("autoir tidb migrate" in result.stderr) is bool(warning)


def test_the_embedded_store_has_no_days_that_end(call: Call, stored: Path) -> None:
    open_store(f"sqlite:///{stored}").close()
    assert call("stats").stderr == ""
