"""A stage out of its file: every error names the file, the key, the value and what is allowed.

A key that nobody knows is an error too, since a misspelt switch that is silently off is found out by an outage.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_type_hints

from autoir.errors import UsageError
from autoir.stage import names
from autoir.stage.checks import check
from autoir.stage.config import Host, StageConfig
from autoir.stage.values import Rule


def stages_in(folder: Path) -> list[str]:
    """Names of the stages that have a file in ``folder``, in order."""
    return sorted(path.stem for path in folder.glob("*.toml") if names.STAGE.fullmatch(path.stem))


def read(folder: Path, name: str) -> StageConfig:
    """The stage ``name``. Raises UsageError where there is none, or something in its file is wrong."""
    known = stages_in(folder)
    if name not in known:
        there = f"There are {', '.join(known)}; " if known else ""
        raise UsageError(f"There is no stage {name!r} in {folder}.", f"{there}each is one file there, <stage>.toml.")
    path = folder / f"{name}.toml"
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}.", "Mend its rights or encoding (UTF-8).") from None
    return parse(path, text)


def parse(path: Path, text: str) -> StageConfig:
    """The stage that ``text`` describes, named after ``path``, checked whole. Raises UsageError."""
    if not names.STAGE.fullmatch(path.stem):
        said = f"{path}: {path.stem!r} cannot be a stage's name."
        raise UsageError(said, "At most 20 lower-case letters, digits and single dashes, a letter first.")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}.", "Mend that line; the file is not touched.") from None
    if "name" in document:
        raise UsageError(f"{path}: unknown key 'name'.", "A stage is called after its file.")
    config: StageConfig = _filled(path, StageConfig, "", {"name": path.stem, **document})
    check(path, config)
    return config


def _filled(path: Path, kind: type[Any], prefix: str, table: Mapping[str, object]) -> Any:
    hints, fields = get_type_hints(kind), {field.name: field for field in dataclasses.fields(kind)}
    values = {}
    for key, value in table.items():
        if key not in fields:
            known = ", ".join(name for name in fields if name != "name")
            raise UsageError(f"{path}: unknown key {prefix + key!r}.", f"Known: {known}.")
        values[key] = _value(path, prefix + key, value, hints[key], fields[key].metadata.get("rule"))
    return kind(**values)


def _value(path: Path, key: str, value: object, kind: Any, rule: Rule | None) -> object:
    if key == "llm":
        return _hosts(path, _of_type(path, key, value, dict))
    if dataclasses.is_dataclass(kind):
        return _filled(path, kind, f"{key}.", _of_type(path, key, value, dict))  # type: ignore[arg-type]
    if getattr(kind, "__origin__", None) is tuple:
        items = _of_type(path, key, value, list)
        if len(set(map(repr, items))) < len(items):
            raise UsageError(f"{path}: {key} = {items!r} names something twice.", "Name each once.")
        return tuple(_checked(path, key, _of_type(path, key, item, str), rule) for item in items)
    return _checked(path, key, _of_type(path, key, value, kind if isinstance(kind, type) else str), rule)


def _hosts(path: Path, table: Mapping[str, object]) -> Mapping[str, Host]:
    for name in table:
        if not names.HOST.fullmatch(name):
            said = f"{path}: llm.{name}: {name!r} cannot be a host's name."
            raise UsageError(said, "At most 30 lower-case letters, digits and single dashes, a letter first.")
    hosts = {
        name: _filled(path, Host, f"llm.{name}.", _of_type(path, f"llm.{name}", host, dict))
        for name, host in sorted(table.items())
    }
    return MappingProxyType(hosts)


_SHOWN = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table"}


def _of_type(path: Path, key: str, value: object, kind: type) -> Any:
    if type(value) is not kind:
        raise UsageError(f"{path}: {key} = {value!r} is not {_SHOWN[kind]}.", f"Write {_SHOWN[kind]}.")
    return value


def _checked(path: Path, key: str, value: object, rule: Rule | None) -> object:
    if rule is not None and not rule.allows(value):
        raise UsageError(f"{path}: {key} = {value!r} is not allowed.", f"It may be {rule}.")
    return value
