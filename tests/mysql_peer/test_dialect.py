"""The profile touches what MariaDB cannot take, says the same there, and leaves everything else alone."""

import math

import pymysql
import pytest

from tests.mysql_peer.dialect import SKIPPED, translated
from tests.mysql_peer.server import Server

# TiDB's statement, and what the peer is sent.
FORMS = [
    # the form of a table
    ("CREATE TABLE t (a BIGINT PRIMARY KEY CLUSTERED)", "CREATE TABLE t (a BIGINT PRIMARY KEY)"),
    ("create table t (a INT, PRIMARY KEY (a) NONCLUSTERED)", "create table t (a INT, PRIMARY KEY (a))"),
    (
        "CREATE TABLE t (a BIGINT)\nPARTITION BY RANGE (a) INTERVAL (10)\n"
        "  FIRST PARTITION LESS THAN (-10) LAST PARTITION LESS THAN (10)",
        "CREATE TABLE t (a BIGINT)\nPARTITION BY RANGE (a) (PARTITION P_LT_M10 VALUES LESS THAN (-10),"
        " PARTITION P_LT_0 VALUES LESS THAN (0), PARTITION P_LT_10 VALUES LESS THAN (10))",
    ),
    (
        "CREATE TABLE t (v VECTOR(3) NULL, w INT)",
        "CREATE TABLE t (v MEDIUMTEXT CHARACTER SET ascii NULL CHECK (JSON_VALID(v) AND JSON_LENGTH(v) = 3), w INT)",
    ),
    ("CREATE TABLE t (a DATETIME)\nTTL = a + INTERVAL 30 DAY", "CREATE TABLE t (a DATETIME)"),
    ("-- a word\nCREATE TABLE t (a INT PRIMARY KEY CLUSTERED)", "-- a word\nCREATE TABLE t (a INT PRIMARY KEY)"),
    # partitions that come and go, where there are those below 10, 20 and 30
    ("ALTER TABLE t FIRST PARTITION LESS THAN (30)", "ALTER TABLE t DROP PARTITION P_LT_10, P_LT_20"),
    ("ALTER TABLE t FIRST PARTITION LESS THAN (10)", SKIPPED),
    (
        "ALTER TABLE t LAST PARTITION LESS THAN (50)",
        "ALTER TABLE t ADD PARTITION"
        " (PARTITION P_LT_40 VALUES LESS THAN (40), PARTITION P_LT_50 VALUES LESS THAN (50))",
    ),
    ("ALTER TABLE t LAST PARTITION LESS THAN (30)", SKIPPED),
    ("ALTER TABLE t ADD COLUMN b INT", "ALTER TABLE t ADD COLUMN b INT"),
    # the session
    ("SET SESSION max_execution_time = 5000", "SET SESSION max_statement_time = 5.0"),
    ("SET SESSION tidb_mem_quota_query = 268435456", SKIPPED),
    (
        "SET SESSION time_zone = '+00:00', tidb_x = 1, sql_mode = 'A,B'",
        "SET SESSION time_zone = '+00:00', sql_mode = 'A,B'",
    ),
    ("SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SET NAMES utf8mb4 COLLATE utf8mb4_bin"),
    ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"),
    ("START TRANSACTION READ ONLY AS OF TIMESTAMP NOW(3) - INTERVAL 5 SECOND", "START TRANSACTION READ ONLY"),
    ("BEGIN PESSIMISTIC", "BEGIN"),
    ("BEGIN", "BEGIN"),
    # vectors
    ("SELECT VEC_DIMS(CAST('[1,2]' AS VECTOR(2)))", "SELECT VEC_DIMS('[1,2]')"),
    ("SELECT CAST(f(a) AS VECTOR) FROM t", "SELECT f(a) FROM t"),
    # what only a live cluster can do
    ("ALTER TABLE t SET TIFLASH REPLICA 1", SKIPPED),
    ("CREATE VECTOR INDEX i ON t ((VEC_COSINE_DISTANCE(v))) USING HNSW", SKIPPED),
    ("ALTER TABLE t ADD VECTOR INDEX i ((VEC_COSINE_DISTANCE(v))) ADD_COLUMNAR_REPLICA_ON_DEMAND", SKIPPED),
    (
        "SELECT replica_count FROM information_schema.tiflash_replica WHERE table_name = 't'",
        "SELECT replica_count FROM (SELECT '' table_schema, '' table_name, 0 replica_count LIMIT 0) tiflash_replica"
        " WHERE table_name = 't'",
    ),
    ("SPLIT TABLE t BETWEEN (0) AND (9) REGIONS 2", SKIPPED),
    # data is data
    ("INSERT INTO t VALUES ('CREATE TABLE x (a INT CLUSTERED)')",) * 2,
    ("UPDATE t SET a = 'CAST(x AS VECTOR(3))'",) * 2,
    ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("tidb", "mariadb"), FORMS)
def test_tidbs_words_become_mariadbs(tidb: str, mariadb: str) -> None:
    assert translated(tidb, lambda _: [("P_LT_10", 10), ("P_LT_20", 20), ("P_LT_30", 30)]) == mariadb


def test_the_same_functions_give_the_same_numbers(mysql_peer: Server) -> None:
    a, b = ([math.sin(n + shift) for n in range(384)] for shift in (0, 1))
    dot, norm_a, norm_b = (sum(x * y for x, y in zip(p, q, strict=True)) for p, q in ((a, b), (a, a), (b, b)))
    mysql_peer.create("autoir_functions")
    try:
        select = f"SELECT VEC_COSINE_DISTANCE('{a}', '{b}'), VEC_L2_DISTANCE('{a}', '{b}'), VEC_DIMS('{a}')"
        [(cosine, distance, dims)] = mysql_peer.run(select, database="autoir_functions")
        assert cosine == pytest.approx(1 - dot / math.sqrt(norm_a * norm_b), abs=1e-9)
        assert distance == pytest.approx(math.dist(a, b), abs=1e-9)
        assert dims == 384
        nulls = "SELECT VEC_COSINE_DISTANCE('[0,0]', '[1,1]'), VEC_COSINE_DISTANCE(NULL, '[1]'), VEC_AS_TEXT('[1]')"
        assert mysql_peer.run(nulls, database="autoir_functions") == [(None, None, "[1]")]
        with pytest.raises(pymysql.OperationalError, match="different dimensions"):
            mysql_peer.run("SELECT VEC_COSINE_DISTANCE('[1]', '[1,2]')", database="autoir_functions")
    finally:
        mysql_peer.drop("autoir_functions")
