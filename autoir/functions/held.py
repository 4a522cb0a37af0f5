"""A store behind a secret, kept from one invocation to the next.

One connection a process: as many as run at once, and no more. A password that the database refuses is read from the
secret once more; what was being done then runs again from its start, which is safe, since nothing is stored twice.
"""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from autoir.aws.secrets import Secret
from autoir.errors import PasswordRefusedError, UsageError
from autoir.functions.context import TimeLeft, patience_s
from autoir.store import Store, open_database
from autoir.store.database import NEWEST_SCHEMA, Database


class Closing(Protocol):
    """Something that holds a connection."""

    def close(self) -> None:
        """Release it."""


H = TypeVar("H", bound=Closing)
T = TypeVar("T")


class Held(Generic[H]):
    """What ``make`` makes of the database that ``secret`` names; made when it is first used."""

    def __init__(self, secret: Secret, make: Callable[[Database], H]) -> None:
        self._secret = secret
        self._make = make
        self._kept: H | None = None
        self._left_s: TimeLeft = lambda: 0.0

    def use(self, work: Callable[[H], T], left_s: TimeLeft) -> T:
        """``work`` with it. Raises what ``work`` and the opening do; a store that gives way is tried while there is
        time."""
        self._left_s = left_s
        try:
            return work(self._opened())
        except PasswordRefusedError:
            self.close()
            if not self._secret.renewed():
                raise
        return work(self._opened())

    def close(self) -> None:
        """Release the connection; the next use makes another one."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _opened(self) -> H:
        if self._kept is None:
            db = open_database(self._secret.text, time_left_s=lambda: patience_s(self._left_s()))
            try:
                self._kept = self._make(db)
            except BaseException:
                db.close()
                raise
        return self._kept


def ready_store(db: Database, stage: str) -> Store:
    """The store in ``db``. Raises UsageError where its schema is older than this code; a newer one is taken, for
    the schema is brought up to date before the functions are."""
    found = db.schema_version()
    if found < NEWEST_SCHEMA:
        raise UsageError(
            f"The store has {f'schema {found}' if found else 'no AutoIR schema'}; this function needs {NEWEST_SCHEMA}.",
            f"Invoke migrate_schema of stage {stage}, or: autoir tidb dsn --stage {stage}. Deliveries wait meanwhile.",
        )
    return Store(db)
