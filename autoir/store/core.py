"""What every part of the store stands on: the database, its schema, and the facts kept by key."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from autoir.store.database import Database, Row

T = TypeVar("T")


class Core:
    """A database with AutoIR's schema."""

    def __init__(self, db: Database) -> None:
        self.db = db

    def query(self, sql: str, args: Sequence[object] = ()) -> list[Row]:
        """Rows of one SELECT of ours."""
        return self.db.query(sql, args)

    def atomically(self, work: Callable[[], T]) -> T:
        """``work``, all or nothing for everything that it does to the store; joins an open transaction.

        It may run more than once, so it changes nothing but the store.
        """
        return self.db.atomically(work)

    def migrate(self) -> None:
        """Bring the schema to this version of AutoIR. Raises UsageError for a newer one, or where another has to."""
        self.db.migrate()

    def meta(self, key: str) -> str | None:
        """The fact kept under ``key``."""
        rows = self.query("SELECT v FROM autoir_meta WHERE k = %s", (key,))
        return str(rows[0][0]) if rows else None

    def held_meta(self, key: str) -> str | None:
        """The same; inside a transaction nobody else changes it until the end."""
        rows = self.query("SELECT v FROM autoir_meta WHERE k = %s FOR UPDATE", (key,))
        return str(rows[0][0]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key``."""
        self.db.execute(
            "INSERT INTO autoir_meta (k, v) VALUES (%s, %s) ON DUPLICATE KEY UPDATE v = VALUES(v)", (key, value)
        )

    def close(self) -> None:
        """Release the connection."""
        self.db.close()
