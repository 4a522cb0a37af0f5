"""A stage into its file: only what differs from the defaults, always in the same order.

The commands write stages, and a person reads the difference before it is deployed, so the same stage is always the
same text. Comments of a hand-written file are not kept.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autoir.locations import write_atomically
from autoir.stage.checks import check
from autoir.stage.config import StageConfig

_ALWAYS = ("account", "region", "azs")
"""Where a stage is, said even where it is the default."""


def written(config: StageConfig) -> str:
    """The text of the stage's file."""
    return "\n".join(_table(config, "", StageConfig(config.name))).lstrip("\n") + "\n"


def save(folder: Path, config: StageConfig) -> Path:
    """Replace the stage's file whole and return its path; a stage that could not be read again is refused."""
    path = folder / f"{config.name}.toml"
    check(path, config)
    write_atomically(path, written(config).encode())
    path.chmod(0o644)
    return path


def _table(config: Any, prefix: str, defaults: Any) -> Iterator[str]:
    tables: list[tuple[str, Any, Any]] = []
    for field in dataclasses.fields(config):
        value, default = getattr(config, field.name), getattr(defaults, field.name)
        if dataclasses.is_dataclass(value):
            tables.append((field.name, value, default))
        elif isinstance(value, Mapping):
            tables += [(f"{field.name}.{name}", host, type(host)()) for name, host in sorted(value.items())]
        elif value != default or (field.name in _ALWAYS and not prefix):
            yield f"{field.name} = {_literal(value)}"
    for name, value, default in tables:
        lines = list(_table(value, f"{prefix}{name}.", default))
        if lines:
            yield from ("", f"[{prefix}{name}]", *lines)


def _literal(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case tuple():
            items = [_literal(item) for item in value]
            line = f"[{', '.join(items)}]"
            return line if len(line) < 100 else "[\n    " + ",\n    ".join(items) + ",\n]"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)
