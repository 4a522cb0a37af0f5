"""What runs in each part of a stage: the modules that its entry point leads to, and what these ask of AWS.

Found in the source, so that a right or a variable that no code needs is one too many, however long it has been there.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from autoir.cli import aws_calls
from tests.conftest import ROOT
from tests.test_floors import imported_modules

ENTRIES = {
    "embed_logs": "lambdas/embed_logs/handler.py",
    "sweep_incidents": "lambdas/sweep_incidents/handler.py",
    "migrate_schema": "lambdas/migrate_schema/handler.py",
    "tail": "container/main.py",
}
"""Part to the file that AWS starts."""


class Source(NamedTuple):
    """A file of ours: what is in it, the files that it leads to, the services that it makes clients of."""

    tree: ast.Module
    ahead: tuple[str, ...]
    services: frozenset[str]


@functools.cache
def modules(part: str) -> dict[str, Source]:
    """Every file of ours that ``part`` may load, by its path from the root: those imported inside functions, too."""
    found: dict[str, Source] = {}
    ahead = [ENTRIES[part]]
    while ahead:
        path = ahead.pop()
        if path not in found:
            found[path] = _source(path)
            ahead += found[path].ahead
    return found


@functools.cache
def services(part: str) -> set[str]:
    """The services that ``part`` makes clients of, as botocore calls them."""
    return set().union(*(source.services for source in modules(part).values()))


def variables(part: str) -> set[str]:
    """The fields of its environment that ``part`` reads."""
    return {
        node.attr
        for source in modules(part).values()
        if "autoir/lambda_env.py" in source.ahead
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("env", "self._env")
    }


@functools.cache
def calls(part: str) -> set[str]:
    """The rights that the calls of AWS take which stand in the modules of ``part``."""
    return set().union(*map(_actions, modules(part)))


@functools.cache
def _source(path: str) -> Source:
    text = (ROOT / path).read_text("utf-8")
    ahead = dict.fromkeys(there for name in imported_modules(path, text) for there in _files(name))
    made = re.findall(r"""\.client\(["']([a-z0-9-]+)["']""", text)
    return Source(ast.parse(text), tuple(ahead), frozenset(made))


@functools.cache
def _actions(path: str) -> set[str]:
    return aws_calls.actions(_source(path).tree, set().union(*map(services, ENTRIES)))


def _files(name: str) -> Iterator[str]:
    """The files of ours that importing ``a.b.c`` loads."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1 if parts[0] == "autoir" else 0):
        place = Path(*parts[:end])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if (ROOT / path).is_file():
                yield path.as_posix()
