"""Which store a command works on, and with which settings.

``--store`` comes first, then ``AUTOIR_STORE``, then TiDB's variables, then the saved profile named ``default``, then
the embedded store in AutoIR's folder. A command that only reads never makes a store: an answer out of an empty one
would look as if there had been nothing to find. A store's URL may hold a password, so it is for opening alone; what
people see is its ``shown_url``.
"""

import dataclasses
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from autoir import locations, profiles, settings
from autoir.cli import figures
from autoir.cli.options import Asked
from autoir.clock import Clock, system_clock
from autoir.errors import UsageError
from autoir.report.amounts import counted
from autoir.settings import Settings
from autoir.store import Store, open_database, open_store

if TYPE_CHECKING:
    from autoir.store.tidb import Dsn

ENVIRONMENT: Mapping[str, str] = {
    "ALERTS_WINDOW_MIN": "window_min",
    "ALERTS_MIN_SEVERITY": "min_severity",
    "ALERTS_MIN_CONFIDENCE": "min_confidence",
    "SNS_TOPIC_ARN": "sns_topic_arn",
}
"""Variables that are laid over a setting of the configuration file."""

TIDB = ("TIDB_DSN", "TIDB_HOST", "TIDB_PORT", "TIDB_USER", "TIDB_PASSWORD", "TIDB_DATABASE")
"""Variables that name a database: the first all of it, the others its parts."""

_SQLITE, _MYSQL = "sqlite:///", "mysql://"
_DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Opened:
    """A store in use: what people know it by, the clock that it lives by, and whether it holds a replay."""

    store: Store
    shown: str
    clock: Clock
    replay: bool


def sqlite_url(path: Path) -> str:
    """The URL of an embedded store."""
    return _SQLITE + quote(str(path))


def chosen_url(asked: Asked, environ: Mapping[str, str] = os.environ) -> str:
    """The URL of the store that was asked for, its password included. Raises UsageError for a name that is none."""
    if name := asked.store or environ.get("AUTOIR_STORE"):
        return _named_url(name, environ)
    if dsn := dsn_of_variables(environ):
        return dsn.url
    saved = profiles.load(locations.profiles_file(environ))
    return saved.get(profiles.DEFAULT) or sqlite_url(locations.default_database(environ))


def _named_url(name: str, environ: Mapping[str, str]) -> str:
    if name == _DEMO:
        return sqlite_url(locations.demo_database(environ))
    if "://" in name:
        return name
    saved = profiles.load(locations.profiles_file(environ))
    if name in saved:
        return saved[name]
    names = f"Saved: {', '.join(sorted(saved))}." if saved else "None is saved yet: autoir tidb dsn."
    raise UsageError(
        f"{_harmless(name)!r} does not name a store: no profile is saved under it.",
        f"{names} A URL names one too: --store sqlite:////var/lib/autoir.db",
    )


def _harmless(name: str) -> str:
    """``name`` without what may be a password, for it may be a URL with a slip in it."""
    head, found, tail = name.rpartition("@")
    return f"…@{tail}" if found else head + tail.partition(":")[0]


def dsn_of_variables(environ: Mapping[str, str] = os.environ) -> "Dsn | None":
    """The database that ``TIDB_DSN``, or ``TIDB_HOST`` and those beside it, name; None where neither is set.

    Raises UsageError naming the variable that is wrong or missing.
    """
    whole, *names = TIDB
    values = {name: environ.get(name, "") for name in names}
    if not environ.get(whole) and not values["TIDB_HOST"]:
        return None
    from autoir.store.tidb import Dsn, parse_dsn
    from autoir.store.tidb.dsn import PORT

    if text := environ.get(whole):
        try:
            return parse_dsn(text)
        except UsageError as error:
            raise UsageError(f"{whole}: {error}", error.hint) from None
    if missing := [name for name in ("TIDB_USER", "TIDB_DATABASE") if not values[name]]:
        raise UsageError(f"TIDB_HOST is set, but {missing[0]} is not.", f"Set it, or unset TIDB_HOST: {missing[0]}=…")
    host, port, user, password, database = values.values()
    return Dsn(host, _number("TIDB_PORT", port, PORT) if port else PORT, user, password, database)


def shown_url(url: str) -> str:
    """A store's URL for people: without its password."""
    if not url.startswith(_MYSQL):
        return url
    from autoir.store.tidb import parse_dsn

    return parse_dsn(url).shown


def named(asked: Asked) -> str:
    """The value of ``--store`` for a further command on the same store, quoted for a shell; empty where none is needed.

    A password is left out: what a person copies from a screen stays in their shell's history.
    """
    return shlex.quote(shown_url(asked.store)) if asked.store else ""


def flag_for(asked: Asked) -> str:
    """What a further command needs to work on the same store: `` --store demo`` or nothing."""
    return f" --store {named(asked)}" if asked.store else ""


@contextmanager
def to_read(asked: Asked) -> Iterator[Opened]:
    """The store that was asked for; UsageError where there is none."""
    url = chosen_url(asked)
    path = _file(url)
    if path and not path.exists():
        raise _missing(path)
    store = Store(open_database(url))
    try:
        if path and not store.db.schema_version():
            raise _missing(path)
        store.migrate()
        yield _opened(store, url)
    finally:
        store.close()
        figures.remember(shown_url(url), system_clock())


@contextmanager
def to_write(asked: Asked) -> Iterator[Opened]:
    """The store that was asked for, made if there is none. UsageError where it holds a replay, whose time stands still:
    what comes in now would be of its future."""
    with _made(asked) as opened:
        if opened.replay:
            raise UsageError(
                f"{opened.shown} holds a replay, of a demo or a backtest: live logs do not belong beside it.",
                "Name another store. Nothing was changed.",
            )
        yield opened


@contextmanager
def _made(asked: Asked) -> Iterator[Opened]:
    url = chosen_url(asked)
    path = _file(url)
    if path and not path.parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder.", f"Make it first: mkdir -p {shlex.quote(str(path.parent))}")
    store = open_store(url)
    try:
        yield _opened(store, url)
    finally:
        store.close()
        figures.remember(shown_url(url), system_clock())


@contextmanager
def to_fill(asked: Asked) -> Iterator[Opened]:
    """The store that was asked for, made if there is none; UsageError where it holds anything already."""
    with _made(asked) as opened:
        events, incidents = opened.store.stats().events, len(opened.store.incidents())
        if events or incidents:
            raise UsageError(
                f"{opened.shown} holds {counted(events, 'line')} and {counted(incidents, 'incident')} already.",
                "A replay needs an empty store: name another one. Nothing was changed.",
            )
        yield opened


def _opened(store: Store, url: str) -> Opened:
    replay = url == sqlite_url(locations.demo_database()) or store.meta("replay") == "yes"
    return Opened(store, shown_url(url), _clock(store) if replay else system_clock, replay)


def _clock(store: Store) -> Clock:
    """A store with a replay lives in the replay's own time, which stands still where that ended."""
    span = store.time_span()
    end = span[1] if span else system_clock()
    return lambda: end


def _file(url: str) -> Path | None:
    return Path(unquote(url[len(_SQLITE) :])) if url.startswith(_SQLITE) else None


def _missing(path: Path) -> UsageError:
    if path == locations.demo_database():
        return UsageError("no demo has run yet, so there is no store of it.", "Run it first: autoir demo")
    return UsageError(f"no store at {path}.", "Ingest something first: autoir logs ingest app.log")


def loaded_settings(asked: Asked, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the configuration file with the environment's laid over them."""
    path = asked.config or locations.config_file(environ)
    if asked.config and not path.exists():
        raise UsageError(f"{path}: no such file.", "It is what --config names; without --config the defaults hold.")
    loaded = settings.load(path)
    for variable, name in ENVIRONMENT.items():
        if value := environ.get(variable):
            given = _converted(variable, value, getattr(loaded, name))
            loaded = dataclasses.replace(loaded, **{name: given})  # type: ignore[arg-type]
    return settings.validated(Path("environment"), loaded)


def _converted(variable: str, value: str, like: object) -> object:
    return _number(variable, value, like) if isinstance(like, int) else value


def _number(variable: str, value: str, like: int) -> int:
    if not value.isascii() or not value.isdigit():
        raise UsageError(f"{variable}={value!r} is not a number.", f"Example: {variable}={like}")
    return int(value)
