"""What every command can be asked: which store, which settings, for a program or a person.

These options are the same in every place, before or after a command's name, so they are declared once and kept in one
record (``Asked``); a command that has no use for one of them does not take it. Times and durations are read here too:
an option names its value, what was expected and an example when it cannot be read.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from autoir.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from autoir.errors import UsageError


@dataclass(slots=True)
class Asked:
    """The shared options of one call."""

    store: str = ""
    config: Path | None = None
    as_json: bool = False
    debug: bool = False
    region: str = ""
    profile: str = ""


def asked(ctx: typer.Context) -> Asked:
    """What the shared options say; the same record for every command of a call."""
    root = ctx.find_root()
    if not isinstance(root.obj, Asked):
        root.obj = Asked()
    return root.obj


def _kept(field: str, convert: Callable[[Any], object]) -> Callable[..., Any]:
    """A callback that notes an option's value, when it was given."""

    def keep(ctx: typer.Context, parameter: object, value: Any) -> Any:
        if value and not ctx.resilient_parsing:
            setattr(asked(ctx), field, convert(value))
        return value

    return keep


def _option(
    *names: str, field: str, text: str, metavar: str = "", convert: Callable[[Any], object] = str
) -> TyperOption:
    flag = not metavar
    return TyperOption(
        param_decls=list(names),
        is_flag=flag or None,
        default=False if flag else None,
        metavar=metavar or None,
        callback=_kept(field, bool if flag else convert),
        expose_value=False,
        help=text,
    )


_STORE = (
    "The store: sqlite:///PATH, mysql://USER@HOST:4000/DB, a name saved by autoir tidb dsn, or demo for that of the"
    " last demo. Else $AUTOIR_STORE, else $TIDB_DSN or $TIDB_HOST, else the saved name default, else autoir.db in"
    " AutoIR's folder."
)
_EMPTY_STORE = "An empty store to fill and keep, by URL or saved name."


def _shared(names: Sequence[str], store: str = _STORE) -> list[TyperOption]:
    options = {
        "store": _option("--store", field="store", metavar="URL|NAME", text=store),
        "config": _option(
            "--config",
            field="config",
            metavar="FILE",
            convert=Path,
            text="The settings, instead of config.toml in AutoIR's folder.",
        ),
        "region": _option(
            "--region", field="region", metavar="NAME", text="The AWS Region.  [default: $AWS_REGION, or the profile's]"
        ),
        "profile": _option(
            "--profile", field="profile", metavar="NAME", text="The AWS profile to ask with.  [default: $AWS_PROFILE]"
        ),
        "json": _option("--json", field="as_json", text="Print JSON and nothing else on standard output."),
        "debug": _option("--debug", field="debug", text="Show where an error came from."),
    }
    return [options[name] for name in names]


class Command(TyperCommand):
    """A command on a store: it takes all shared options."""

    takes: ClassVar[Sequence[str]] = ("store", "config", "json", "debug")
    store: ClassVar[str] = _STORE
    """What its help says of --store."""

    def __init__(self, name: str | None, *, params: list[Any] | None = None, **attributes: Any) -> None:
        super().__init__(name, params=[*(params or ()), *_shared(self.takes, self.store)], **attributes)

    def invoke(self, ctx: Any) -> Any:
        given = {"store": asked(ctx).store, "config": asked(ctx).config}
        for name in ("store", "config"):
            if given[name] and name not in self.takes:
                raise UsageError(f"{ctx.command_path} takes no --{name}.", f"Leave it out: {ctx.command_path}")
        return super().invoke(ctx)


class ReadCommand(Command):
    """A command on a store that no setting changes."""

    takes: ClassVar[Sequence[str]] = ("store", "json", "debug")


class ScreenCommand(Command):
    """A command that draws on the whole terminal: it prints nothing."""

    takes: ClassVar[Sequence[str]] = ("store", "debug")


class AwsCommand(Command):
    """A command that asks AWS on behalf of a store."""

    takes: ClassVar[Sequence[str]] = ("store", "config", "region", "profile", "json", "debug")


class StageCommand(Command):
    """A command on a deployment: no store and no setting of this machine matters."""

    takes: ClassVar[Sequence[str]] = ("region", "profile", "json", "debug")


class ReplayCommand(Command):
    """A command that fills a store of its own, or an empty one of the user's: never the one that is in use."""

    store: ClassVar[str] = _EMPTY_STORE


class DemoCommand(ReplayCommand):
    """A replay that no setting changes."""

    takes: ClassVar[Sequence[str]] = ("store", "json", "debug")


class PlainCommand(Command):
    """A command that depends on neither store nor settings."""

    takes: ClassVar[Sequence[str]] = ("json", "debug")


class Group(TyperGroup):
    """Commands under one name; the shared options may stand before the command as well."""

    def __init__(self, *, params: list[Any] | None = None, **attributes: Any) -> None:
        super().__init__(params=[*(params or ()), *_shared(Command.takes)], **attributes)


def examples(*lines: str) -> str:
    """The examples at the end of a command's help, one a line."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


_UNITS = {"s": SECOND_MS, "m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": 7 * DAY_MS}
_DURATION = re.compile(r"(\d{1,9})\s*(s|m|h|d|w)(?:ec|in|r|rs|ay|ays)?", re.ASCII)
_NUMBER = re.compile(r"\d{11,16}", re.ASCII)


def duration_ms(option: str, text: str) -> int:
    """Milliseconds of ``15m`` or ``2h``. Raises UsageError naming ``option``."""
    found = _DURATION.fullmatch(text.strip().lower())
    if not found or not int(found[1]):
        raise UsageError(
            f"{option} {text!r} is not a duration.", f"Write a number and s, m, h, d or w, for example {option} 15m"
        )
    return int(found[1]) * _UNITS[found[2]]


def moment_ms(option: str, text: str, now_ms: int, zone: tzinfo = UTC) -> int:
    """Epoch milliseconds of a time: how long ago (``2h``), an ISO time, or epoch milliseconds.

    ``zone`` is that of an ISO time which names none. Raises UsageError naming ``option``.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return int(text)
    if _DURATION.fullmatch(text.lower()):
        return now_ms - duration_ms(option, text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is not a time.",
            f"Write how long ago ({option} 2h), an ISO time ({option} 2026-03-17T14:30Z) or epoch milliseconds.",
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return round(moment.timestamp() * 1000)


def time_zone(option: str, name: str) -> tzinfo:
    """The time zone of that name. Raises UsageError with names like it."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    if name.upper() in ("UTC", "Z", ""):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from difflib import get_close_matches

        by_city = {known.rsplit("/", 1)[-1].lower(): known for known in available_timezones()}
        close = get_close_matches(name.rsplit("/", 1)[-1].lower().replace(" ", "_"), by_city, 1)
        example = by_city[close[0]] if close else "Europe/Berlin"
        raise UsageError(f"{option} {name!r} is not a time zone.", f"For example: {option} {example}") from None
