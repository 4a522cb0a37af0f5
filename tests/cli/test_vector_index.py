"""`autoir tidb index`: an index that hardly anybody needs, made for those who do and refused where it cannot be."""

import pytest

from autoir.store.tidb import TidbDatabase, parse_dsn, vector_index
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check
from tests.mysql_peer.databases import Databases
from tests.mysql_peer.server import Server

INDEX = "CREATE VECTOR INDEX v_embedding ON autoir_patterns ((VEC_COSINE_DISTANCE(embedding))) USING HNSW"
REPLICA = "ALTER TABLE autoir_patterns SET TIFLASH REPLICA 1"


@pytest.fixture
def owner_url(peer: Server, peer_url: str, peer_databases: Databases) -> str:
    """The owner's URL of a database with the schema."""
    return peer_databases.url(peer_url.rpartition("/")[2].partition("?")[0], "owner")


@pytest.mark.parametrize(
    ("version", "replicas", "statements"),
    [
        ("8.0.11-TiDB-v8.5.3", 0, [REPLICA, INDEX]),
        ("8.0.11-TiDB-v8.5.3", 2, [INDEX]),  # of which none is taken away
        (
            "8.0.11-TiDB-v7.5.2-serverless",
            0,
            [
                "ALTER TABLE autoir_patterns ADD VECTOR INDEX v_embedding ((VEC_COSINE_DISTANCE(embedding))) USING HNSW"
                " ADD_COLUMNAR_REPLICA_ON_DEMAND"
            ],
        ),
    ],
)
def test_what_makes_it_is_known_by_the_server(version: str, replicas: int, statements: list[str]) -> None:
    assert vector_index.statements(version, replicas=replicas) == statements


def test_what_would_be_run_is_shown_and_then_run(call: Call, owner_url: str) -> None:
    planned = call("--store", owner_url, "tidb", "index", "--dry-run")
    assert planned.stdout == f"{REPLICA};\n{INDEX};\n"
    for flags, applied in ((["--dry-run"], False), ([], True)):
        found = document(call("--store", owner_url, "tidb", "index", "--json", *flags))
        check(found, "tidb-index")
        assert (found["statements"], found["applied"]) == ([REPLICA, INDEX], applied)
    told = call("--store", owner_url, "tidb", "index").stdout
    assert "ran 2 statements." in told
    assert "CREATE VECTOR INDEX" in told


def test_an_index_that_is_there_is_left_alone(call: Call, owner_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    query = TidbDatabase.query

    def with_index(self: TidbDatabase, sql: str, args: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        rows = query(self, sql, args)
        if not sql.startswith("SHOW CREATE TABLE"):
            return rows
        # As TiDB shows one (pkg/executor/show.go).
        return [(rows[0][0], f"{rows[0][1]},\n  VECTOR INDEX `v`((VEC_COSINE_DISTANCE(`embedding`)))")]

    monkeypatch.setattr(TidbDatabase, "query", with_index)
    assert "nothing to do" in call("--store", owner_url, "tidb", "index").stdout
    assert call("--store", owner_url, "tidb", "index", "--dry-run").stdout == "-- nothing to do\n"


@pytest.mark.parametrize("place", ["sqlite", "demo", "default"])
def test_the_embedded_store_needs_none(call: Call, place: str) -> None:
    flag = {"sqlite": ["--store", "sqlite:////tmp/none.db"], "demo": ["--store", "demo"], "default": []}[place]
    result = call(*flag, "tidb", "index")
    assert (result.exit_code, "it compares in memory" in result.stderr) == (2, True)


def test_a_server_without_vectors_is_told_apart(call: Call, peer: Server, owner_url: str) -> None:
    name = parse_dsn(owner_url).database
    ((create,),) = [row[2:3] for row in peer.run("SHOW CREATE FUNCTION VEC_DIMS", database=name)]
    peer.run("DROP FUNCTION VEC_DIMS", database=name)
    try:
        result = call("--store", owner_url, "tidb", "index")
        assert (result.exit_code, "knows no vectors" in result.stderr) == (2, True)
    finally:
        peer.run(create, database=name)


def test_a_database_without_the_schema_is_told_apart(call: Call, peer: Server) -> None:
    peer.create("autoir_index_bare")
    result = call("--store", peer.url("autoir_index_bare"), "tidb", "index")
    peer.drop("autoir_index_bare")
    assert (result.exit_code, "has no AutoIR schema" in result.stderr) == (2, True)


def test_help_says_that_it_is_rarely_needed(call: Call) -> None:
    told = call("tidb", "index", "--help").stdout
    assert "rarely needed" in told
    assert "compares in memory" in told
