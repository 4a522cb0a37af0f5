"""A live TiDB cluster in place of the peer, where AUTOIR_TEST_TIDB_DSN names one.

The suite makes the database that the connection string names, and drops it, so its name has to end in ``_test`` and
nobody else may use it. The string's user does everything: it needs all rights on that database, CREATE and DROP
included. No statement is translated, unless AUTOIR_TEST_TIDB_PROFILE says ``mariadb``: that is for trying this way out
on the peer, and proves nothing of TiDB.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from autoir.store.tidb.connection import tls_context
from autoir.store.tidb.dsn import Dsn, parse_dsn
from tests.mysql_peer.wire import PROFILES

DSN = "AUTOIR_TEST_TIDB_DSN"
FORCED_PROFILE = "AUTOIR_TEST_TIDB_PROFILE"
SUFFIX = "_test"


def profile() -> str:
    """Which of ``wire.PROFILES`` the cluster takes."""
    return os.environ.get(FORCED_PROFILE, "none")


class LiveCluster:
    """The cluster of a connection string, as ``Databases`` uses it.

    Raises ValueError where the name of the database does not say that it may be dropped.
    """

    grantees: Mapping[str, str] = {}

    def __init__(self, text: str) -> None:
        self.dsn: Dsn = parse_dsn(text)
        if not self.dsn.database.endswith(SUFFIX):
            raise ValueError(f"{DSN}: the suite drops its database, so {self.dsn.database!r} has to end in {SUFFIX}")
        self.version = str(self.run("SELECT VERSION()")[0][0])

    def run(self, *statements: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run statements; the rows of the last."""
        context = tls_context(self.dsn)
        connection = PROFILES[profile()](
            host=self.dsn.host, port=self.dsn.port, user=self.dsn.user, password=self.dsn.password.encode(),
            database=database, charset="utf8mb4", collation="utf8mb4_bin", autocommit=True, ssl=context,
            ssl_disabled=context is None,
        )  # fmt: skip
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def create(self, database: str) -> None:
        """Make the database; one that is there already was left by a run that was cut off."""
        self.run(f"DROP DATABASE IF EXISTS `{database}`", f"CREATE DATABASE `{database}`")

    def drop(self, database: str) -> None:
        """Remove the database."""
        self.run(f"DROP DATABASE IF EXISTS `{database}`")

    def disconnect(self, database: str) -> None:
        """Nothing: sessions of a cluster that others use are let alone."""

    def url(self, database: str, user: str = "") -> str:
        """How the product names a database here; there is one user."""
        return replace(self.dsn, database=database).url
