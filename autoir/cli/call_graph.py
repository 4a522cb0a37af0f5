"""What a command leads to: the definitions of AutoIR's that it names, those that these name, and so on.

Found in the source, so that a list by command is never older than the command. A definition is what a module defines
at its top (a function, a class, a table), and each method of a class. Of a class that is named, those methods count
whose names are said anywhere on the way, whatever object they are said of: rather one too many than one too few. What
a module does when it is loaded is not looked at, nor what is imported by a name in a text.
"""

import ast
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

PACKAGE: Final = Path(__file__).resolve().parents[1]
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


class Definition(NamedTuple):
    """What a module defines: ``autoir.aws.replay`` and ``replay``, or ``FailureBucket.read``."""

    module: str
    name: str


class Source(NamedTuple):
    """A module: its tree, its definitions, what else is at its top, and where the names come from that it imports."""

    tree: ast.Module
    defined: Mapping[str, Sequence[ast.AST]]
    loose: Sequence[ast.AST]
    imported: Mapping[str, str]


@functools.cache
def modules() -> Mapping[str, Path]:
    """Every module of the package by its dotted name, in order."""
    return {_dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


class _Said(NamedTuple):
    """What a definition says: the definitions that it names, and every name behind a dot."""

    definitions: frozenset[Definition]
    attributes: frozenset[str]


@functools.cache
def source(module: str) -> Source:
    """The module of that name. Raises KeyError for one that is not of the package."""
    tree = ast.parse(modules()[module].read_text("utf-8"))
    defined = {name: body for statement in tree.body for name, body in _defined(statement)}
    loose = [node for node in tree.body if not isinstance(node, (*_FUNCTION, ast.ClassDef))]
    return Source(tree, defined, loose, _imports(node for part in loose for node in ast.walk(part)))


def reached(entry: Definition) -> frozenset[Definition]:
    """``entry`` and all that it leads to. Raises KeyError for an entry that is not there."""
    found: set[Definition] = set()
    waiting: dict[str, set[Definition]] = {}
    spoken: set[str] = set()
    ahead = [entry]
    while ahead:
        definition = ahead.pop()
        if definition in found:
            continue
        found.add(definition)
        said = _said(definition)
        for method in _methods(definition):
            waiting.setdefault(method.name.rpartition(".")[2], set()).add(method)
        spoken |= said.attributes
        ahead += said.definitions
        ahead += (method for name in waiting.keys() & spoken for method in waiting.pop(name))
    return frozenset(found)


@functools.cache
def _said(definition: Definition) -> _Said:
    where = source(definition.module)
    body = where.defined[definition.name]
    nodes = [node for part in body for node in ast.walk(part)]
    imported = {**where.imported, **_imports(nodes)}
    local = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    local |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    named: set[Definition] = set()
    attributes: set[str] = set()
    for node in nodes:
        match node:
            case ast.Name(id=name) if name in imported:
                named.update(_resolved(imported[name]))
            case ast.Name(id=name) if name in where.defined and name not in local:
                named.add(Definition(definition.module, name))
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in imported:
                named.update(_resolved(f"{imported[name]}.{attribute}"))
                attributes.add(attribute)
            case ast.Attribute(attr=attribute):
                attributes.add(attribute)
    return _Said(frozenset(named), frozenset(attributes))


def _methods(definition: Definition) -> Iterator[Definition]:
    """The methods of a class that somebody has to name; the others are part of the class."""
    beginning = f"{definition.name}."
    for name in source(definition.module).defined:
        if name.startswith(beginning):
            yield Definition(definition.module, name)


def _resolved(dotted: str) -> Iterator[Definition]:
    """The definition that ``a.b.c`` names, wherever ``a.b`` has it from; none for a module or another's package."""
    module, _, name = dotted.rpartition(".")
    if module not in modules():
        return
    where = source(module)
    if name in where.defined:
        yield Definition(module, name)
    elif name in where.imported:
        yield from _resolved(where.imported[name])


def _defined(statement: ast.stmt) -> Iterator[tuple[str, list[ast.AST]]]:
    """Each name that ``statement`` defines, and what belongs to it."""
    match statement:
        case ast.ClassDef(name=name, bases=bases, body=body, decorator_list=decorators):
            methods = [node for node in body if isinstance(node, _FUNCTION) and not node.name.startswith("__")]
            yield name, [*bases, *decorators, *(node for node in body if node not in methods)]
            for method in methods:
                yield f"{name}.{method.name}", [method]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            yield name, [statement]
        case ast.Assign(targets=targets):
            for node in (inner for target in targets for inner in ast.walk(target)):
                if isinstance(node, ast.Name):
                    yield node.id, [statement]


def _imports(nodes: Iterable[ast.AST]) -> dict[str, str]:
    """Local name to the dotted name that it is imported from."""
    found: dict[str, str] = {}
    for node in nodes:
        match node:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                found |= {alias.asname or alias.name: f"{module}.{alias.name}" for alias in names}
            case ast.Import(names=names):
                found |= {alias.asname: alias.name for alias in names if alias.asname}
    return found


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
