"""What TiDB's own grammar says of statements: by ``build/tidbparse``, which ``make`` builds where Go is installed."""

import json
import re
import subprocess
from collections.abc import Iterable
from typing import NamedTuple

from autoir.store.tidb import vector_index
from autoir.store.tidb.schema import Retention, grants, statements
from tests.conftest import ROOT

TOOL = ROOT / "build" / "tidbparse"
MISSING = "TiDB's grammar is not built: install Go 1.26 or newer, then run make test-deps"
_COUNTED = re.compile(r"(\d+) statements of (\d+) shapes, (\d+) unexpected")
_FENCED = re.compile(r"^```sql\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Statement(NamedTuple):
    """A statement to judge. ``name`` says where it comes from; ``expect`` is ``error`` for one to be refused."""

    name: str
    sql: str
    expect: str = ""


class Verdict(NamedTuple):
    """How many statements were given, how many distinct ones that is without literals, and each that was not taken as
    expected: its name, what the parser says, and the statement."""

    statements: int
    shapes: int
    refused: list[str]


def judged(statements: Iterable[Statement]) -> Verdict:
    """What the grammar says of ``statements``. Raises RuntimeError where the tool itself fails."""
    given = {f"{s.name}#{n}": s for n, s in enumerate(statements)}
    lines = "".join(json.dumps({"name": n, "sql": s.sql, "expect": s.expect}) + "\n" for n, s in given.items())
    done = subprocess.run([TOOL], input=lines, capture_output=True, text=True, encoding="utf-8")
    counted = _COUNTED.search(done.stderr)
    if not counted:
        raise RuntimeError(f"{TOOL} failed: {done.stderr}")
    refused = []
    for line in done.stdout.splitlines():
        if line.startswith("BAD "):
            name, _, detail = line.removeprefix("BAD ").partition("\t")
            refused.append(f"{given[name].name}: {detail.replace(chr(9), ': ')}\n    {given[name].sql[:2000]}")
    if len(refused) != int(counted[3]):
        raise RuntimeError(f"{TOOL} counts {counted[3]} refused statements and names {len(refused)}")
    return Verdict(int(counted[1]), int(counted[2]), refused)


def shipped() -> Iterable[Statement]:
    """What an owner is to run: migrations, in each way that old rows can go, the vector index, and grants."""
    for retention in (Retention(), Retention(ttl=True)):
        for sql in statements(0, 0, retention):
            yield Statement("migration", sql)
    for version in ("8.0.11-TiDB-v8.5.0", "8.0.11-TiDB-v7.5.2-serverless"):
        for sql in vector_index.statements(version, replicas=0):
            yield Statement("vector index", sql)
    for sql in grants("autoir", writer="writer", reader="reader"):
        yield Statement("grants", sql)


def documented() -> Iterable[Statement]:
    """Every statement that README.md and docs/ show as SQL."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))):
        for block in _FENCED.findall(path.read_text("utf-8")):
            for sql in block.split(";\n"):
                if sql.strip():
                    yield Statement(path.relative_to(ROOT).as_posix(), sql.strip())
