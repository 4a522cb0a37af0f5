"""What AutoIR has the owner run, and what its documents show, is TiDB's SQL: said by TiDB's own grammar.

Statements that the product sends are judged at the end of the session, as they were sent. Here is what no test sends
unedited, and what the grammar must refuse, for a judge that refuses nothing proves nothing.
"""

import pytest

from autoir.store.database import script
from autoir.store.tidb.schema import Retention, grants, statements
from tests.mysql_peer.grammar import TOOL, Statement, documented, judged, shipped
from tests.mysql_peer.plugin import unavailable
from tests.store.rows import NOON

# A statement that is not TiDB's, each from another dialect or version.
REFUSED = {
    "row alias": "INSERT INTO t (a, n) VALUES (1, 2) AS new ON DUPLICATE KEY UPDATE n = t.n + new.n",
    "RETURNING": "INSERT INTO t VALUES (1) RETURNING id",
    "JSON_TABLE": "SELECT * FROM JSON_TABLE('[1]', '$[*]' COLUMNS (a INT PATH '$')) AS jt",
    "ON CONFLICT": "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1",
    "OR IGNORE": "INSERT OR IGNORE INTO t VALUES (1)",
    "EXCLUDED": "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = EXCLUDED a",
    "a stored function": "CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a",
    "an interval without brackets": (
        "CREATE TABLE t (a BIGINT PRIMARY KEY) PARTITION BY RANGE (a) INTERVAL 10"
        " FIRST PARTITION LESS THAN (0) LAST PARTITION LESS THAN (100)"
    ),
    "TTL without an interval": "CREATE TABLE t (a DATETIME) TTL = a",
    "a placeholder": "SELECT %s",
}


@pytest.fixture(autouse=True)
def grammar() -> None:
    if not TOOL.exists():
        unavailable("no build/tidbparse: run make test-deps (needs Go)")


@pytest.mark.parametrize("retention", [Retention(), Retention(0, 0), Retention(ttl=True)], ids=["days", "all", "ttl"])
def test_every_migration_is_tidbs(retention: Retention) -> None:
    needed = statements(0, NOON, retention)
    verdict = judged(Statement("migration", sql) for sql in needed)
    assert verdict.refused == []
    assert verdict.statements == len(needed) > script("tidb", 1).count("CREATE ")


def test_grants_and_documents_are_tidbs() -> None:
    given = [Statement("grants", sql) for sql in grants("autoir", writer="w.r", reader="r")]
    verdict = judged([*given, *documented()])
    assert verdict.refused == []
    assert verdict.statements >= 5


def test_what_is_shipped_is_what_is_judged_with_the_statements_of_a_session() -> None:
    assert {s.name for s in shipped()} >= {"migration", "grants"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_tidbs_is_refused(name: str) -> None:
    assert judged([Statement(name, REFUSED[name], "error")]).refused == []
    [refused] = judged([Statement(name, REFUSED[name])]).refused
    assert refused.startswith(f"{name}: error: ")
    assert refused.endswith(REFUSED[name])


def test_shapes_are_statements_without_their_literals() -> None:
    given = ["INSERT INTO t VALUES (1, 'x')", "INSERT INTO t VALUES (2, 'y'), (3, 'z')", "SELECT 1", "select  'a'"]
    verdict = judged(Statement("given", sql) for sql in given)
    assert (verdict.statements, verdict.shapes) == (4, 2)
