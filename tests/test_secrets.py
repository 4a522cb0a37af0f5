"""A secret in a log line is nowhere afterwards: not in the store's file, not in a message, not in what is said.

Secrets stand in lines that are stored, quarantined, repaired, shown as evidence and sent as a page.
"""

import gzip
import json
import random
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoir.cli.main import app
from autoir.clock import MINUTE_MS, system_clock
from autoir.errors import AutoirError
from autoir.ingest import Ingest, read_file
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.sqlite import SqliteDatabase
from autoir.tail.files import LogFile

DRAW = random.Random(20_260_302)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def drawn(n: int, letters: str = LETTERS) -> str:
    return "".join(DRAW.choices(letters, k=n))


KEY_LINES = [drawn(64) for _ in range(12)]
# Each kind of secret: what must not be found, and the text that holds it.
SECRETS: dict[str, tuple[list[str], str]] = {}


def plant(kind: str, value: str, text: str) -> None:
    SECRETS[kind] = [value], text.format(value)


plant("access key", "AKIA" + drawn(16, LETTERS.upper()), "using key {} for upload")
plant("secret key", drawn(40), "aws_secret_access_key={}")
plant("password", drawn(14), "login failed: password={} user=ana")
plant("quoted", drawn(18), 'config {{"db": {{"password": "{}"}}}}')
plant("bearer", drawn(40), "Authorization: Bearer {}")
plant("basic", "dXNlcjp" + drawn(20) + "=", "Authorization: Basic {}")
plant("url", drawn(16), "connecting to postgres://shop:{}@db.internal/shop")
plant("jwt", ".".join(("eyJhbGciOiJIUzI1NiJ9", "eyJ" + drawn(30), drawn(43))), "session {} expired")
plant("vendor token", "ghp_" + drawn(36), "cloning with {}")
plant("e-mail", f"{drawn(9, LETTERS.lower())}@example.com", "mail to {} bounced")
plant("card", "4111 1111 1111 1111", "card {} declined")
SECRETS["private key"] = (
    KEY_LINES,
    "\n".join(["loaded -----BEGIN RSA PRIVATE KEY-----", *KEY_LINES, "-----END RSA PRIVATE KEY-----"]),
)
ALL = [secret for secrets, _ in SECRETS.values() for secret in secrets]
SHORTEST = 8
"""No longer piece of a secret may be left either."""


def leaks(text: bytes) -> list[str]:
    """The kinds of secrets of which a piece stands in ``text``, also as JSON or hexadecimal."""
    found = []
    for kind, (secrets, _) in SECRETS.items():
        for secret in secrets:
            middle = secret.encode()[len(secret) // 2 - SHORTEST // 2 :][:SHORTEST]
            if middle in text or middle.hex().encode() in text:
                found.append(kind)
    return found


def at(minute: int) -> str:
    return datetime.fromtimestamp((START + minute * MINUTE_MS) / 1000, UTC).isoformat(timespec="seconds")


START = (system_clock() // MINUTE_MS - 40) * MINUTE_MS


def lines() -> Iterator[str]:
    for minute in range(12):
        for n in range(3):
            yield f"{at(minute)} INFO order {n} placed"
    for minute in (12, 13, 14):
        for _, text in SECRETS.values():
            yield f"{at(minute)} ERROR checkout broke: {text}"
    for _, text in SECRETS.values():
        yield json.dumps({"logGroup": "/shop/api", "logStream": "s", "message": text})
        yield json.dumps({"logGroup": "/shop/api", "timestamp": 32_503_680_000_000, "message": text})
        yield json.dumps({"logGroup": "/shop/api", "timestamp": START, "message": f"\0 {text} \ud800"})
        yield f"{at(14)} WARN {'z' * 1_048_576} {text}"
        yield f"{text} {'z' * 1_048_576}"


def the_log(folder: Path) -> Path:
    path = folder / "api.log"
    path.write_text("\n".join(lines()) + "\n", "utf-8")
    return path


def test_the_secrets_are_where_they_are_looked_for(tmp_path: Path) -> None:
    assert set(leaks(the_log(tmp_path).read_bytes())) == set(SECRETS)
    assert leaks(b"nothing " + ALL[0].encode().hex().encode()) == ["access key"]


def test_no_secret_is_in_the_store_its_log_a_page_or_on_the_terminal(tmp_path: Path) -> None:
    log = the_log(tmp_path)
    (tmp_path / "config.toml").write_text("warmup_min = 5\n")
    runner = CliRunner()
    held = Store(SqliteDatabase(tmp_path / "autoir.db"))  # keeps the write-ahead log from being folded away
    held.migrate()
    said = [
        runner.invoke(app, command)
        for command in (
            ["logs", "ingest", "--group", "/shop/api", str(log)],
            ["sweep"],
            ["sweep", "--json"],
            ["logs", "latest", "/shop/api", "--limit", "200"],
            ["logs", "query", "checkout broke", "--json"],
            ["stats"],
            ["incidents", "list"],
            *(["incidents", "show", i.id] for i in held.incidents()),
        )
    ]
    [incident] = held.incidents()
    said.append(runner.invoke(app, ["incidents", "show", incident.id]))
    assert [result.exit_code for result in said] == [0] * len(said), [r.output for r in said if r.exit_code]
    assert incident.paged
    messages = held.messages(incident.id)
    assert len(held.quarantined(1_000)) >= 4 * len(SECRETS) - 3
    wal = (tmp_path / "autoir.db-wal").read_bytes()
    assert b"checkout broke" in wal
    columns = _every_value(tmp_path / "autoir.db")
    found = {
        "terminal": leaks("\n".join(result.output for result in said).encode()),
        "messages": leaks("\n".join(m.body for m in messages).encode()),
        "log": leaks(wal),
        "columns": leaks(columns),
        "database": leaks((tmp_path / "autoir.db").read_bytes()),
    }
    assert {place: kinds for place, kinds in found.items() if kinds} == {}
    held.close()


def _every_value(path: Path) -> bytes:
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    values = [repr(row).encode() for table in tables for row in connection.execute(f"SELECT * FROM {table}")]
    connection.close()
    return b"\n".join(values)


@pytest.mark.parametrize("statement", ["INSERT OR IGNORE INTO autoir_events", "INSERT INTO autoir_counts", "COMMIT"])
def test_no_secret_is_in_an_error(tmp_path: Path, statement: str) -> None:
    class Failing(sqlite3.Connection):
        armed = False

        def _fail(self, sql: str, values: object) -> None:
            if self.armed and sql.startswith(statement):
                raise sqlite3.OperationalError("disk I/O error")

        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
            self._fail(sql, values)
            return super().execute(sql, *values)  # type: ignore[arg-type]

        def executemany(self, sql: str, *values: object) -> sqlite3.Cursor:
            self._fail(sql, values)
            return super().executemany(sql, *values)  # type: ignore[arg-type]

    path = tmp_path / "api.log.gz"
    path.write_bytes(gzip.compress(the_log(tmp_path).read_bytes(), 1))
    store = Store(SqliteDatabase(tmp_path / "a.db", connect=lambda *a, **k: sqlite3.connect(*a, factory=Failing, **k)))
    store.migrate()
    Failing.armed = True
    with pytest.raises(AutoirError) as failed:
        _read(store, path)
    error: BaseException | None = failed.value
    while error:
        assert leaks(repr(error).encode() + str(error).encode()) == []
        error = error.__cause__ or error.__context__
    store.close()


def _read(store: Store, path: Path) -> None:
    run = Ingest(store, Settings(), system_clock)
    read_file(run, LogFile(path), "/shop/api", "s", clock=system_clock)
