"""Brings a store's schema up to date and keeps its days, as the schema's owner.

In AWS this is the only thing that changes the schema: a laptop often cannot reach the database, and must not hold the
owner's password. Everything can be run again; what is done already is left out. Without an action, as a scheduler
sends it, the days are kept: those past their retention dropped, the coming ones made. ``status`` only looks.
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple, get_args

from autoir.aws.secrets import Secret
from autoir.clock import Clock, system_clock
from autoir.errors import UsageError
from autoir.functions.context import Context, TimeLeft, time_left_s
from autoir.functions.held import Held
from autoir.functions.telemetry import Telemetry, raised
from autoir.lambda_env import MigrateSchemaEnv
from autoir.retention import expire_daily
from autoir.settings import Settings
from autoir.store import Store
from autoir.store.database import Database

Action = Literal["migrate", "maintain", "grants", "status"]
_ACTIONS: Final = get_args(Action)
_EXAMPLE: Final = 'Example: {"action": "migrate"}, or {"action": "grants", "writer": "USER", "reader": "USER"}'

_LOOK_S: Final = 40.0
"""Whoever only looks is told soon that the store does not answer."""


class Asked(NamedTuple):
    """What an event asks for: users are for grants; ``ttl`` makes a new schema without day partitions."""

    action: Action
    writer: str = ""
    reader: str = ""
    ttl: bool = False


class MigrateSchema:
    """One process's function. ``clock`` is epoch milliseconds."""

    def __init__(
        self, env: MigrateSchemaEnv, *, telemetry: Telemetry | None = None, clock: Clock = system_clock
    ) -> None:
        self._telemetry = telemetry or Telemetry(env)
        self._clock = clock
        self._settings = Settings(stage=env.stage)
        self._secret_arn = env.owner_secret_arn

    def __call__(self, event: object, context: Context) -> dict[str, object]:
        """Do what ``event`` asks for; the statements that ran. Raises AutoirError where one of them fails."""
        with raised(self._telemetry, context):
            asked, left_s = asked_of(event), time_left_s(context)
            if asked.action == "status":
                left_s = _at_most(_LOOK_S, left_s)
            # Asked anew each time, which is once a day: whoever mends a connection string calls again at once.
            held = Held(Secret(self._secret_arn), lambda db: db)
            try:
                document = held.use(lambda db: self._done(db, asked), left_s)
            finally:
                held.close()
            self._telemetry.info("schema", **document)
            return document

    def _done(self, db: Database, asked: Asked) -> dict[str, object]:
        before = db.schema_version()
        ran = self._on_tidb(db, asked) if db.name == "tidb" else self._on_sqlite(db, asked)
        return {"action": asked.action, "schema_before": before, "schema": db.schema_version(), **ran}

    def _on_tidb(self, db: Database, asked: Asked) -> dict[str, object]:
        from autoir.store.tidb import TidbDatabase
        from autoir.store.tidb.schema import Retention, apply, grants, maintenance, statements

        assert isinstance(db, TidbDatabase)
        now_ms = self._clock()
        retention = Retention(self._settings.retention_days_events, self._settings.retention_days_counts, ttl=asked.ttl)
        steps: Mapping[Action, list[Callable[[], list[str]]]] = {
            "migrate": [
                lambda: statements(db.schema_version(), now_ms, retention),
                lambda: maintenance(db, now_ms, retention),
            ],
            "maintain": [lambda: maintenance(db, now_ms, retention)],
            "grants": [lambda: grants(db.dsn.database, writer=asked.writer, reader=asked.reader)],
            "status": [],
        }
        ran: list[str] = []
        for needed in steps[asked.action]:
            found = needed()
            apply(db, found)
            ran += found
        return {"store": db.dsn.shown, "statements": ran}

    def _on_sqlite(self, db: Database, asked: Asked) -> dict[str, object]:
        """The embedded store knows no users and no partitions; old rows are deleted one by one."""
        store = Store(db)
        if asked.action == "migrate":
            store.migrate()
        expired = 0
        if asked.action == "maintain" and db.schema_version():
            expired = expire_daily(store, self._settings, self._clock())
        return {"store": "sqlite", "statements": [], "expired": expired}


def _at_most(seconds: float, left_s: TimeLeft) -> TimeLeft:
    """A clock of the same invocation that ends after ``seconds``."""
    spare_s = max(0.0, left_s() - seconds)
    return lambda: left_s() - spare_s


def asked_of(event: object) -> Asked:
    """What ``event`` asks for. Raises UsageError naming what is wrong."""
    if not isinstance(event, dict):
        raise UsageError(f"The event is a {type(event).__name__}, not an object.", _EXAMPLE)
    if "action" not in event:
        return Asked("maintain")
    if unknown := sorted(set(event) - set(Asked._fields)):
        raise UsageError(f"{unknown[0]!r} means nothing here.", _EXAMPLE)
    asked = Asked(**event)
    if asked.action not in _ACTIONS:
        raise UsageError(f"There is no action {asked.action!r}.", f"One of {', '.join(_ACTIONS)}. {_EXAMPLE}")
    for name in ("writer", "reader"):
        if not isinstance(getattr(asked, name), str):
            raise UsageError(f"{name} is no text.", _EXAMPLE)
    if asked.action == "grants" and not (asked.writer or asked.reader):
        raise UsageError("It is not said who is to get rights.", _EXAMPLE)
    return asked
