"""What a user may set, with its default and meaning.

One frozen dataclass, filled from ``config.toml``; a door lays flags and environment variables over it. A broken
file is named with its line and never overwritten: running on defaults that nobody chose would be worse.
"""

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_type_hints

from autoir.errors import UsageError
from autoir.incidents import SEVERITIES, Severity


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A line that must keep coming: ``contains`` in ``log_group`` at least every ``every_s`` seconds."""

    log_group: str
    contains: str
    every_s: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of ``config.toml``."""

    stage: str = "local"
    """Name of this deployment; part of every incident's deduplication key."""

    environment_pattern: str = ""
    """Regular expression with one group over the log group: one page per environment and join window. Empty: the
    whole stage is one environment."""

    warmup_min: int = 240
    """Minutes of logs that are only learned from before anything may open an incident."""

    window_min: int = 15
    """Minutes during which further candidates join an open incident (``--alerts-window-min``)."""

    min_severity: Severity = "medium"
    """Least severity that pages people."""

    min_confidence: int = 70
    """Least detection confidence, 0 to 100, that pages people."""

    retention_days_events: int = 30
    """Days that events are kept; 0 keeps all."""

    retention_days_counts: int = 14
    """Days that minute counts are kept; 0 keeps all."""

    cloudwatch_calls_per_s: int = 5
    """FilterLogEvents calls a second that AutoIR makes at most. The limit of an account and Region is 5, and every
    other tool that reads logs shares it."""

    webhook_url: str = ""
    """Where every change of an incident is posted as JSON. Sends log lines out of the machine: off by default."""

    sns_topic_arn: str = ""
    """SNS topic that pages people."""

    sns_events_topic_arn: str = ""
    """SNS topic for machines: every change of state as JSON."""

    redact: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Further redaction rules: name to regular expression."""

    heartbeats: tuple[Heartbeat, ...] = ()
    """Lines that must keep coming (``[[heartbeat]]`` tables)."""

    steady_groups: tuple[str, ...] = ()
    """Log groups whose silence is a fault."""


_TABLES = {"heartbeat": "heartbeats"}
_MOST = 1_000_000
_EXAMPLES: Mapping[str, object] = {
    "environment_pattern": "^/([^/]+)/",
    "webhook_url": "https://alerts.example.com/autoir",
    "sns_topic_arn": "arn:aws:sns:us-east-1:123456789012:pages",
    "sns_events_topic_arn": "arn:aws:sns:us-east-1:123456789012:events",
    "steady_groups": ["/shop/orders"],
}


def _fail(path: Path, what: str, hint: str) -> UsageError:
    return UsageError(f"{path}: {what}", hint)


def _heartbeats(path: Path, rows: object) -> tuple[Heartbeat, ...]:
    hint = 'Write it as: [[heartbeat]] log_group = "/shop/mailer", contains = "queue poll ok", every_s = 60'
    if not isinstance(rows, list):
        raise _fail(path, "heartbeat must be a list of tables.", hint)
    beats = []
    for row in rows:
        match row:
            case {"log_group": str(group), "contains": str(text), "every_s": int(every), **rest} if not rest:
                if isinstance(every, bool) or every < 1 or not text or not group:
                    raise _fail(path, f"heartbeat {row}: every_s must be at least 1 and no text empty.", hint)
                beats.append(Heartbeat(group, text, every))
            case _:
                raise _fail(path, f"heartbeat {row} needs exactly log_group, contains and every_s.", hint)
    return tuple(beats)


def _checked(path: Path, key: str, value: object, default: object) -> object:
    example = _EXAMPLES.get(key, default)
    if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if isinstance(default, dict) and isinstance(value, dict):
        if wrong := next((name for name, text in value.items() if not isinstance(text, str)), None):
            raise _fail(path, f"{key}.{wrong} is not a text.", f'Example: {key}.{wrong} = "[0-9]{{9}}"')
        return value
    if type(value) is not type(default):
        told = "…" if key == "webhook_url" else repr(value)  # who knows a webhook's address may write to it
        raise _fail(path, f"{key} = {told} is not of type {type(default).__name__}.", f"Example: {key} = {example!r}")
    return value


def parse(path: Path, text: str) -> Settings:
    """Settings out of the text of ``path``. Raises UsageError naming the key or the line that is wrong."""
    try:
        document = tomllib.loads(f"{text}\n")
    except tomllib.TOMLDecodeError as error:
        said = str(error).replace("end of document", f"line {len(text.splitlines())}, the last one")
        raise _fail(
            path, f"not valid TOML: {said}.", "Mend that line or move the file away; it is not touched."
        ) from None
    defaults = Settings()
    known = {f.name: getattr(defaults, f.name) for f in dataclasses.fields(Settings) if f.name != "heartbeats"}
    values: dict[str, object] = {}
    for key, value in document.items():
        if key in _TABLES:
            values[_TABLES[key]] = _heartbeats(path, value)
        elif key in known:
            values[key] = _checked(path, key, value, known[key])
        else:
            raise _fail(path, f"unknown setting {key!r}.", f"Known: {', '.join(sorted([*known, *_TABLES]))}.")
    return validated(path, dataclasses.replace(defaults, **values))  # type: ignore[arg-type]


def validated(path: Path, settings: Settings) -> Settings:
    """``settings`` if each value is in its range; UsageError naming the one that is not otherwise."""
    for key in ("warmup_min", "window_min", "retention_days_events", "retention_days_counts"):
        if not 0 <= getattr(settings, key) <= _MOST:
            said = f"{key} = {getattr(settings, key)} is not within 0 to {_MOST}."
            raise _fail(path, said, f"Default: {getattr(Settings(), key)}.")
    if not 1 <= settings.cloudwatch_calls_per_s <= 100:
        said = f"cloudwatch_calls_per_s = {settings.cloudwatch_calls_per_s} is not within 1 to 100."
        raise _fail(path, said, "Default: 5.")
    if not 0 <= settings.min_confidence <= 100:
        raise _fail(path, f"min_confidence = {settings.min_confidence} is not within 0 to 100.", "Default: 70.")
    if settings.min_severity not in SEVERITIES:
        raise _fail(path, f"min_severity = {settings.min_severity!r}.", f"One of {', '.join(SEVERITIES)}.")
    if settings.environment_pattern:
        try:
            groups = re.compile(settings.environment_pattern).groups
        except re.error as error:
            raise _fail(path, f"environment_pattern: {error}.", "Example: '^/([^/]+)/'") from None
        if groups != 1:
            raise _fail(path, f"environment_pattern has {groups} groups, not one.", "Example: '^/([^/]+)/'")
    return settings


def load(path: Path) -> Settings:
    """Settings of ``path``, the defaults where there is no such file."""
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise _fail(path, f"cannot be read: {error}.", "Mend its rights or encoding (UTF-8).") from None
    return parse(path, text)


def types() -> dict[str, object]:
    """The type of each setting, for the generated reference."""
    return get_type_hints(Settings)
