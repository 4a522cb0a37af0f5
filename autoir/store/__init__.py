"""Where events, patterns, counts, incidents and messages are kept.

``open_store`` is the one place that chooses an implementation. A store is named by a URL (``sqlite:///path`` or
``mysql://user@host:4000/db``); everything above this package sees only ``Store`` and the rows of ``rows.py``.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from autoir.errors import AutoirError, UsageError
from autoir.store.database import Database
from autoir.store.ingestion import Ingestion
from autoir.store.reporting import Reporting
from autoir.store.searching import Searching
from autoir.store.sqlite import SqliteDatabase
from autoir.store.sweeping import Sweeping
from autoir.store.vectors import Vectors


class Store(Ingestion, Sweeping, Reporting, Searching, Vectors):
    """Everything that is asked of a store, over any ``Database``."""


def open_database(url: str, *, time_left_s: Callable[[], float] | None = None) -> Database:
    """The database that ``url`` names. Raises UsageError for a scheme that is not known.

    ``time_left_s`` says for how many seconds a server that gives way may still be tried, where there is a deadline.
    """
    scheme, mark, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        return SqliteDatabase(Path(unquote(rest[1:])))
    if scheme == "mysql":
        from autoir.store.tidb import TidbDatabase, parse_dsn

        return TidbDatabase(parse_dsn(url), time_left_s=time_left_s)
    # No more of it than its scheme: what stands behind may be a password.
    raise UsageError(
        f"{scheme + mark if mark else ''!r}… does not name a store.",
        "Example: --store sqlite:////var/lib/autoir.db, or mysql://user:password@host:4000/autoir",
    )


def migrated(db: Database) -> Store:
    """The store in ``db``, its schema brought up to date; closed again where that is refused."""
    store = Store(db)
    try:
        store.migrate()
    except AutoirError:
        store.close()
        raise
    return store


def open_store(url: str) -> Store:
    """The store that ``url`` names, its schema brought up to date."""
    return migrated(open_database(url))


__all__ = ["Store", "migrated", "open_database", "open_store"]
