"""What every part of the store stands on: the database, its schema, and the facts kept by key."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from autoir.errors import UsageError
from autoir.store.database import Database, Row


class Core:
    """A database with AutoIR's schema."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def query(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        """Rows of one SELECT of ours."""
        return self.db.query(sql, args)

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing for everything called inside; joins an open one."""
        return self.db.transaction()

    def migrate(self) -> int:
        """Bring the schema to this version of AutoIR; returns it. Refuses a newer one, untouched."""
        known = list(self.db.migrations())
        newest = known[-1][0]
        if self.db.schema_version() != newest:
            with self.db.transaction():
                found = self.db.schema_version()
                if found > newest:
                    raise UsageError(
                        f"The store has schema {found}; this AutoIR knows {newest}.",
                        "Upgrade AutoIR, or name another store with --store. Nothing was changed.",
                    )
                for version, script in known:
                    if version > found:
                        self.db.run_script(version, script)
        return newest

    def meta(self, key: str) -> str | None:
        """The fact kept under ``key``."""
        rows = self.query("SELECT v FROM autoir_meta WHERE k = %s", (key,))
        return str(rows[0][0]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key``."""
        self.db.execute(
            "INSERT INTO autoir_meta (k, v) VALUES (%s, %s) ON DUPLICATE KEY UPDATE v = VALUES(v)", (key, value)
        )

    def close(self) -> None:
        """Release the connection."""
        self.db.close()
