"""One MariaDB server in a folder of its own: started, stopped, killed and started again on the same port and data.

It listens on 127.0.0.1 and on a socket in its folder, where only the tests' own account comes in as root. A watchdog
that waits for this process to end kills the server and removes the folder, so that not even a killed test run leaves
one behind. It never touches a server that it did not start.
"""

import os
import pwd
import random
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymysql
import pymysql.connections

from tests.mysql_peer import ports
from tests.mysql_peer.functions import FUNCTIONS

PROGRAMS = ("mariadbd", "mariadb-install-db")
USERS = ("owner", "writer", "reader")
"""The owner has every right on the databases made for it; the others have what the owner grants them."""
_OPTIONS = (
    "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--group-concat-max-len=1024",
    "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=2",
    "--innodb-file-per-table=OFF", "--max-allowed-packet=64M", "--performance-schema=OFF", "--skip-name-resolve",
)  # fmt: skip
# file-per-table=OFF: a table of 46 partitions is made in 34 ms, not 90
_START_S = 120
# Reads the process id of the running server, an empty line when it has ended; its input ends when this process does.
_WATCHDOG = 'while read -r pid; do server=$pid; done; [ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$0"'


def missing_programs() -> list[str]:
    """What of the server is not installed."""
    return [name for name in PROGRAMS if not _program(name)]


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


class Server:
    """A running server. ``folder`` is gone after ``close()``."""

    grantees: Mapping[str, str] = {"writer": "writer", "reader": "reader"}

    def __init__(self) -> None:
        # not pytest's tmp_path: root's is closed to the account the server runs as, and a socket's path is short
        self.folder = Path(tempfile.mkdtemp(prefix="autoir-db-", dir="/tmp"))
        self._watchdog = subprocess.Popen(
            ["sh", "-c", _WATCHDOG, str(self.folder)], stdin=subprocess.PIPE, start_new_session=True, text=True
        )
        self.port, self._keeper = ports.kept()
        self.passwords = {name: secrets.token_urlsafe(12) for name in USERS}
        self._account: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        try:
            self._install()
            self._options = self._prepared()
            self.start()
            self._add_users()
        except BaseException:
            self.close()
            raise

    def _install(self) -> None:
        done = self._run(
            "mariadb-install-db", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"
        )
        output, _ = done.communicate()
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db failed:\n{output}")

    def _prepared(self) -> Sequence[str]:
        """Options of this kind of server; what they need is put into its folder."""
        return ()

    def _run(self, program: str, *options: str, stdout: Any = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                str(_program(program)), "--no-defaults", f"--datadir={self.folder}/data",
                f"--tmpdir={self.folder}",  # in /tmp, a server that starts removes the temporary tables of others
                *options,
            ],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT, text=True, cwd=self.folder,
            start_new_session=True, **self._account,
        )  # fmt: skip

    def start(self) -> None:
        """Start the server and wait until it answers. Raises RuntimeError with its log where it does not."""
        with (self.folder / "log").open("a") as log:
            self._process = self._run(
                "mariadbd", f"--socket={self.folder}/socket", "--bind-address=127.0.0.1", f"--port={self.port}",
                *_OPTIONS, *self._options, stdout=log,
            )  # fmt: skip
        self._watch(str(self._process.pid))
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._listening():
                self.version = str(self.run("SELECT VERSION()")[0][0]).partition("-")[0]
                return
            time.sleep(0.02)
        raise RuntimeError(f"mariadbd did not start:\n{(self.folder / 'log').read_text()}")

    def _listening(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(f"{self.folder}/socket") == 0

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server has been started and not ended since."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the server as an administrator would."""
        self._process.terminate()
        self._process.wait()
        self._watch("")

    def kill(self) -> None:
        """End the server as a power cut would; what it had committed is there at the next start."""
        self._process.kill()
        self._process.wait()
        self._watch("")

    def _watch(self, pid: str) -> None:
        assert self._watchdog.stdin
        self._watchdog.stdin.write(pid + "\n")
        self._watchdog.stdin.flush()

    def close(self) -> None:
        """End the server and remove everything it had."""
        if hasattr(self, "_process"):
            self.kill()
        self._watchdog.communicate()  # its input ends, so it removes the folder
        self._keeper.close()

    @contextmanager
    def root(self, database: str | None = None) -> Iterator[pymysql.connections.Connection]:
        """A connection that may do anything, for one purpose, past the dialect and the capture."""
        connection = pymysql.connect(
            unix_socket=f"{self.folder}/socket", user="root", database=database, charset="utf8mb4",
            collation="utf8mb4_bin", autocommit=True, ssl_disabled=True,
        )  # fmt: skip
        try:
            yield connection
        finally:
            connection.close()

    def run(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements as root; the rows of the last."""
        with self.root(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def _add_users(self) -> None:
        users = [f"CREATE USER {name} IDENTIFIED BY '{password}'" for name, password in self.passwords.items()]
        self.run(*users, *(f"GRANT EXECUTE ON *.* TO {name}" for name in USERS))  # functions in place of TiDB's own

    def create(self, database: str) -> None:
        """Make an empty database with TiDB's vector functions, and give it to the owner."""
        self.run(
            f"CREATE DATABASE {database}",
            f"GRANT ALL ON {database}.* TO owner WITH GRANT OPTION",
            f"USE {database}",
            *FUNCTIONS,
        )

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.disconnect(database)
        self.run(f"DROP DATABASE IF EXISTS {database}")

    def sessions(self, database: str) -> list[int]:
        """Who is connected to a database, root left out."""
        rows = self.run(
            f"SELECT id FROM information_schema.processlist WHERE db = '{database}' AND user <> 'root' ORDER BY id"
        )
        return [int(row[0]) for row in rows]

    def kill_session(self, session: int) -> bool:
        """End a session as an administrator's KILL does; False if it has gone by itself."""
        try:
            self.run(f"KILL {session}")
        except pymysql.OperationalError:
            return False
        return True

    def kill_one(self, database: str, draw: random.Random) -> bool:
        """End one session with a database, whichever ``draw`` says; False where there was none."""
        sessions = self.sessions(database)
        return bool(sessions) and self.kill_session(draw.choice(sessions))

    def disconnect(self, database: str) -> None:
        """End every session with a database."""
        for session in self.sessions(database):
            self.kill_session(session)

    def url(self, database: str, user: str = "owner", *, port: int | None = None, query: str = "tls=off") -> str:
        """How the product names a database here; ``port`` is a proxy's."""
        password = quote(self.passwords[user], safe="")
        return f"mysql://{user}:{password}@127.0.0.1:{port or self.port}/{database}?{query}"
