"""Which store a command works on, and with which settings.

``--store`` comes first, then ``AUTOIR_STORE``, then the embedded store in AutoIR's folder. A command that only reads
never makes a store: an answer out of an empty one would look as if there had been nothing to find.
"""

import dataclasses
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from autoir import locations, settings
from autoir.cli.options import Asked
from autoir.clock import Clock, system_clock
from autoir.errors import UsageError
from autoir.settings import Settings
from autoir.store import Store, open_database, open_store

ENVIRONMENT: Mapping[str, str] = {
    "ALERTS_WINDOW_MIN": "window_min",
    "ALERTS_MIN_SEVERITY": "min_severity",
    "ALERTS_MIN_CONFIDENCE": "min_confidence",
    "SNS_TOPIC_ARN": "sns_topic_arn",
}
"""Variables that are laid over a setting of the configuration file."""

_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Opened:
    """A store in use: its URL, the clock that it lives by, and whether it is the demo's."""

    store: Store
    url: str
    clock: Clock
    demo: bool


def sqlite_url(path: Path) -> str:
    """The URL of an embedded store."""
    return _SQLITE + quote(str(path))


def chosen_url(asked: Asked, environ: Mapping[str, str] = os.environ) -> str:
    """The URL of the store that was asked for."""
    name = asked.store or environ.get("AUTOIR_STORE") or ""
    if name == "demo":
        return sqlite_url(locations.demo_database(environ))
    return name or sqlite_url(locations.default_database(environ))


def flag_for(asked: Asked) -> str:
    """What a further command needs to work on the same store: `` --store demo`` or nothing."""
    return f" --store {asked.store}" if asked.store else ""


@contextmanager
def to_read(asked: Asked) -> Iterator[Opened]:
    """The store that was asked for; UsageError where there is none."""
    url = chosen_url(asked)
    path, demo = _file(url), _is_demo(url)
    if path and not path.exists():
        raise _missing(path, demo=demo)
    store = Store(open_database(url))
    try:
        if not store.db.schema_version():
            raise _missing(path, demo=demo)
        store.migrate()
        yield Opened(store, url, _clock(store) if demo else system_clock, demo)
    finally:
        store.close()


@contextmanager
def to_write(asked: Asked) -> Iterator[Opened]:
    """The store that was asked for, made if there is none."""
    url = chosen_url(asked)
    path, demo = _file(url), _is_demo(url)
    if path and not path.parent.is_dir():
        raise UsageError(f"{path.parent}: no such folder.", f"Make it first: mkdir -p {path.parent}")
    store = open_store(url)
    try:
        yield Opened(store, url, _clock(store) if demo else system_clock, demo)
    finally:
        store.close()


def _is_demo(url: str) -> bool:
    return url == sqlite_url(locations.demo_database())


def _clock(store: Store) -> Clock:
    """The demo's store lives in the demo's own time, which stands still where the demo ended."""
    span = store.time_span()
    end = span[1] if span else system_clock()
    return lambda: end


def _file(url: str) -> Path | None:
    return Path(unquote(url[len(_SQLITE) :])) if url.startswith(_SQLITE) else None


def _missing(path: Path | None, *, demo: bool) -> UsageError:
    if demo:
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
    if not isinstance(like, int):
        return value
    if not value.isascii() or not value.isdigit():
        raise UsageError(f"{variable}={value!r} is not a number.", f"Example: {variable}={like}")
    return int(value)
