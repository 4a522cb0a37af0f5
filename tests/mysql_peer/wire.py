"""The product's connection, with two things added just before a statement leaves: it is captured, then translated.

The product names its driver's class in one place, ``autoir.store.tidb.connection.Connection``; there this one takes
its place. Child processes of a test take it by ``child/sitecustomize.py``.
"""

import atexit
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from pymysql.connections import Connection
from pymysql.constants import COMMAND

from tests.mysql_peer.dialect import translated

CAPTURE = "AUTOIR_TEST_SQL"
"""Environment variable: the folder where every process notes what it sends."""
PROFILE = "AUTOIR_TEST_PEER"
"""Environment variable that tells a child process to come in by this connection, and by which profile."""


class _Capture:
    """Every text that this process has sent, once, with the test that sent it first."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._file: TextIO | None = None

    def note(self, sql: str) -> None:
        folder = os.environ.get(CAPTURE)
        if folder is None or hash(sql) in self._seen:
            return
        self._seen.add(hash(sql))
        if self._file is None:
            self._file = (Path(folder) / f"{os.getpid()}.jsonl").open("a", buffering=1, encoding="utf-8")
            atexit.register(self._file.close)
        test = os.environ.get("PYTEST_CURRENT_TEST", "setup").removesuffix(" (call)")
        self._file.write(json.dumps({"name": test, "sql": sql}) + "\n")


note = _Capture().note
"""Capture a statement."""


class LiveConnection(Connection):
    """Captures only: for a server that is TiDB."""

    def _execute_command(self, command: int, sql: str | bytes) -> None:
        if command == COMMAND.COM_QUERY:
            text = sql if isinstance(sql, str) else sql.decode(self.encoding, "replace")
            note(text)
            sql = self._worded(text, sql)
        super()._execute_command(command, sql)

    def _worded(self, text: str, sql: str | bytes) -> str | bytes:
        return sql


class PeerConnection(LiveConnection):
    """Captures what the product sends, and sends what MariaDB understands."""

    def _worded(self, text: str, sql: str | bytes) -> str | bytes:
        words = translated(text, self._ask)
        return sql if words == text else words.encode(self.encoding)

    def _ask(self, sql: str) -> Sequence[Sequence[object]]:
        Connection._execute_command(self, COMMAND.COM_QUERY, sql)
        self._read_query_result()
        rows: Any = self._result.rows
        return [tuple(row) for row in rows]


PROFILES: dict[str, type[Connection]] = {"mariadb": PeerConnection, "none": LiveConnection}
"""Ways to connect, by the server there is: MariaDB with its dialect, or TiDB, which needs none."""
