"""Which of AutoIR's own modules a file needs, by reading the imports that run when it is loaded.

The archive holds these and no other, so what is not needed cannot break a container, and what is cannot be forgotten.
Imports inside functions do not count: they are of engines that are chosen elsewhere.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import autoir

ROOT = Path(autoir.__file__).resolve().parent
"""The folder of the package."""


def needed_by(path: Path) -> list[Path]:
    """The files of the package that loading ``path`` loads, without itself, in order of their names."""
    found: set[Path] = set()
    left = [path]
    while left:
        for needed in _imported(left.pop()):
            if needed not in found:
                found.add(needed)
                left.append(needed)
    return sorted(found - {path})


def _imported(path: Path) -> Iterator[Path]:
    for node in _at_load(ast.parse(path.read_text("utf-8")).body):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names, level=0):
                modules = [module, *(f"{module}.{alias.name}" for alias in names)]
            case _:
                continue
        for module in modules:
            yield from _files(module)


def _at_load(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run at import: not those of functions, nor what is for type checkers."""
    for node in body:
        yield node
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=inner):
                yield from _at_load(inner)
            case ast.If(body=inner, orelse=otherwise):
                yield from _at_load([*inner, *otherwise])
            case ast.Try(body=inner, handlers=handlers):
                yield from _at_load([*inner, *(statement for handler in handlers for statement in handler.body)])
            case ast.ClassDef(body=inner):
                yield from _at_load(inner)


def _files(module: str) -> Iterator[Path]:
    """A module's file and those of the packages around it; none for somebody else's, or for what is no module."""
    top, *parts = module.split(".")
    if top != "autoir":
        return
    for depth in range(len(parts) + 1):
        place = ROOT.joinpath(*parts[:depth])
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path
