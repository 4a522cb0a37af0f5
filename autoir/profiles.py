"""Saved connections: a name for each, so that a password is typed once and never stands in a command.

One JSON file, name to connection string, readable by its owner alone and replaced whole. A file that cannot be read is
named with its line and left as it is: it may be all that is left of somebody's passwords. No message quotes what stands
in it.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from autoir import locations
from autoir.errors import UsageError

DEFAULT = "default"
"""The name of the profile that holds where no store is named."""
_RESERVED = "demo"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HINT = "Mend that line or move the file away; it is not touched."


def checked_name(name: str) -> str:
    """``name`` if a profile may be called so. Raises UsageError."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"--name {name!r} cannot be a profile's name.", "Letters, digits, dot, dash and underscore.")
    if name == _RESERVED:
        raise UsageError(f"--name {name} is taken: it means the demo's store.", "Example: --name prod")
    return name


def load(path: Path) -> dict[str, str]:
    """Name to connection string, password included; empty without a file.

    Raises UsageError naming the file, and the line of what is wrong.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Mend its rights: it is its owner's.") from error
    found, wrong = _parsed(content)
    if wrong:
        raise UsageError(f"{path}: {wrong}.", _HINT)
    return found


def save(path: Path, name: str, url: str) -> None:
    """Keep ``url`` under ``name`` beside what is saved already. Raises UsageError where that cannot be read."""
    kept = load(path) | {checked_name(name): url}
    locations.home()
    locations.write_atomically(path, (json.dumps(kept, indent=2, sort_keys=True) + "\n").encode())


def _parsed(content: bytes) -> tuple[dict[str, str], str]:
    """The profiles in ``content``, and what is wrong with it, by line: the parser's own error would hold all of it."""
    try:
        text = content.decode("utf-8-sig")
        found = json.loads(text)
    except json.JSONDecodeError as error:
        return {}, f"line {error.lineno} is not valid JSON"
    except UnicodeDecodeError as error:
        return {}, f"line {_line(content[: error.start])} is not UTF-8"
    except RecursionError:
        return {}, "line 1 is not valid JSON"
    if not isinstance(found, Mapping):
        return {}, "line 1: profiles are a JSON object, a connection string under each name"
    for name, url in found.items():
        if not isinstance(url, str):
            before, _, _ = text.partition(json.dumps(name))
            return {}, f"line {_line(before.encode())}: the profile {name!r} is not a connection string"
    return dict(found), ""


def _line(before: bytes) -> int:
    """The line on which goes on what stands behind ``before``."""
    return before.count(b"\n") + 1
