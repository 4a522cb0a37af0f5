"""The floors of the house: a module imports only from its own floor or below, and some rooms not from next door.

What a floor holds is said here and nowhere else. Imports are read from the source, also those inside functions, under
TYPE_CHECKING and by `importlib.import_module("…")`, so an import that only runs sometimes counts all the same.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Room (the first part after `autoir.`, or a folder beside autoir/) to floor.
FLOORS = {
    room: floor
    for floor, rooms in {
        0: "errors events patterns redact incidents settings locations profiles clock metrics data "
        "metric_names lambda_env stage fit recursion heartbeat prices cost download",
        1: "store embed llm",
        2: "detect agent tools search tail notify report aws subscription",
        3: "ingest delivery functions tailer daemon task retention sweep lifecycle investigate backtest chat demo",
        4: "cli tui __main__ /lambdas /container /stacks /app",
    }.items()
    for room in rooms.split()
}
# One interface each, its implementations beside it: neighbours on this floor do not know each other.
KEEP_APART = {"store", "embed", "llm"}
# A leaf: who else used it would show made-up logs to the detector.
IMPORTED_ONLY_BY = {"demo": {"demo", "cli"}}
# app.py is where the stacks are entered.
DOOR_OF = {"/app": "/stacks"}
# Names entry points, and must not need what they import.
NOT_THE_JOBS = {"/stacks", "/app"}

SOURCES = sorted(
    path
    for pattern in ("autoir/**/*.py", "lambdas/**/*.py", "container/**/*.py", "stacks/**/*.py", "app.py")
    for path in ROOT.glob(pattern)
    if not {"__pycache__", "node_modules"} & set(path.parts)
)


def room_of(path: str) -> str:
    """The room of a file, by its path from the root: "store", "/lambdas"; "" for autoir/__init__.py itself."""
    top, *rest = path.removesuffix(".py").split("/")
    if top != "autoir":
        return "/" + top
    return "" if rest == ["__init__"] else rest[0]


def imported_modules(path: str, source: str) -> Iterator[str]:
    """Dotted names that a source file imports; `from a import b` gives `a.b`, for b may be a module."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                base = ".".join(filter(None, [*package[: len(package) - level + 1], module] if level else [module]))
                yield from (f"{base}.{alias.name}" for alias in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module"), args=[first, *_]):
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


def violations(path: str, source: str) -> list[str]:
    """What a file imports against the rules, each as "room -> room: reason"."""
    here = room_of(path)
    if here and here not in FLOORS:
        return [f"{here}: has no floor"]
    found = set()
    for module in imported_modules(path, source):
        top, _, rest = module.partition(".")
        there = rest.partition(".")[0] if top == "autoir" else "/" + top
        if there == here or (top == "autoir" and there not in FLOORS) or (top != "autoir" and there not in FLOORS):
            continue  # its own room, a plain name of autoir/__init__.py, or somebody else's package
        if reason := _forbidden(here, there):
            found.add(f"{here or 'autoir'} -> {there}: {reason}")
    return sorted(found)


def _forbidden(here: str, there: str) -> str:
    floor = FLOORS[here] if here else -1
    if FLOORS[there] > floor:
        return "upstairs"
    if here in KEEP_APART and there in KEEP_APART:
        return "next door"
    if here not in IMPORTED_ONLY_BY.get(there, {here}):
        return "a leaf"
    if there.startswith("/") and there != DOOR_OF.get(here):
        return "not of the package"
    if here in NOT_THE_JOBS and FLOORS[there] == 3:
        return "a job"
    return ""


@pytest.mark.parametrize("path", [path.relative_to(ROOT).as_posix() for path in SOURCES])
def test_a_module_imports_only_from_its_own_floor_or_below(path: str) -> None:
    assert violations(path, (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        # allowed
        ("autoir/store/sqlite.py", "from autoir.events import LogEvent\nimport sqlite3", []),
        ("autoir/store/sqlite.py", "from .schema import DDL\nfrom autoir import __version__", []),
        ("autoir/search.py", "from autoir.detect import x\nfrom autoir import embed, store", []),
        ("autoir/cli/demo.py", "from autoir.demo import run", []),
        ("autoir/demo/run.py", "from ..sweep import sweep\nfrom . import shop", []),
        ("lambdas/embed_logs/handler.py", "from autoir.ingest import ingest", []),
        ("stacks/tail.py", "from autoir.settings import Stage\nfrom aws_cdk import Stack", []),
        ("app.py", "from stacks.deployment import deployment", []),
        # upstairs
        ("autoir/events.py", "from autoir.store import Store", ["events -> store: upstairs"]),
        ("autoir/store/sqlite.py", "import autoir.search as s", ["store -> search: upstairs"]),
        ("autoir/detect/spikes.py", "def f():\n    from autoir import sweep", ["detect -> sweep: upstairs"]),
        (
            "autoir/notify/sns.py",
            "import importlib\nimportlib.import_module('autoir.ingest')",
            ["notify -> ingest: upstairs"],
        ),
        ("autoir/embed/http.py", "if TYPE_CHECKING:\n    from ..cli.main import app", ["embed -> cli: upstairs"]),
        ("autoir/__init__.py", "from autoir.events import LogEvent", ["autoir -> events: upstairs"]),
        ("autoir/ingest.py", "from lambdas.embed_logs import handler", ["ingest -> /lambdas: upstairs"]),
        # next door
        ("autoir/store/tidb.py", "from autoir.embed import spec", ["store -> embed: next door"]),
        ("autoir/embed/local.py", "from .. import llm", ["embed -> llm: next door"]),
        # the leaf
        ("autoir/backtest.py", "from autoir.demo.shop import lines", ["backtest -> demo: a leaf"]),
        ("autoir/tui/app.py", "import autoir.demo", ["tui -> demo: a leaf"]),
        # doors
        ("autoir/cli/aws.py", "import stacks.tail", ["cli -> /stacks: not of the package"]),
        ("stacks/tail.py", "from autoir.sweep import sweep", ["/stacks -> sweep: a job"]),
        ("app.py", "import lambdas.embed_logs", ["/app -> /lambdas: not of the package"]),
        # a room that nobody placed
        ("autoir/misc.py", "", ["misc: has no floor"]),
    ],
)
def test_the_checker_sees_what_it_should(path: str, source: str, expected: list[str]) -> None:
    assert violations(path, source) == expected


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) >= 5
