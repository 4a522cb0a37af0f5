"""The optional index over vectors.

AutoIR's search compares in memory and does without: a store has thousands of patterns, not millions of vectors. The
index serves SQL of others, and only ``ORDER BY VEC_COSINE_DISTANCE(embedding, '[…]') LIMIT k`` on ``autoir_patterns``
without any condition (docs.pingcap.com/tidb/stable/vector-search-index). It lives in TiFlash, so it asks for a replica
there, which costs room and money; nothing makes it but its own command, run by the owner.
"""

from collections.abc import Sequence

from pymysql import err

from autoir.store.tidb import connection as sessions
from autoir.store.tidb.database import TidbDatabase
from autoir.store.tidb.dsn import Dsn
from autoir.store.tidb.failures import explained

_BUILDING_S = 3600
"""For so long a statement may take: about 140 vectors a second are built in."""
_REPLICA = "ALTER TABLE autoir_patterns SET TIFLASH REPLICA 1"
_INDEX = "CREATE VECTOR INDEX v_embedding ON autoir_patterns ((VEC_COSINE_DISTANCE(embedding))) USING HNSW"
_STARTER = (
    "ALTER TABLE autoir_patterns ADD VECTOR INDEX v_embedding ((VEC_COSINE_DISTANCE(embedding))) USING HNSW"
    " ADD_COLUMNAR_REPLICA_ON_DEMAND"
)
_SERVERLESS = "serverless"
"""What the version of TiDB Cloud Starter and Essential ends with: they add the replica themselves."""
_REPLICAS = (
    "SELECT replica_count FROM information_schema.tiflash_replica"
    " WHERE table_schema = DATABASE() AND table_name = 'autoir_patterns'"
)


def statements(version: str, *, replicas: int) -> list[str]:
    """What makes the index on a server of that version, whose table has so many TiFlash replicas."""
    if _SERVERLESS in version.lower():
        return [_STARTER]
    return [_INDEX] if replicas else [_REPLICA, _INDEX]


def needed(db: TidbDatabase) -> list[str]:
    """What makes the index here; nothing where there is one."""
    if "VECTOR INDEX" in str(db.query("SHOW CREATE TABLE autoir_patterns")[0][1]).upper():
        return []
    rows = db.query(_REPLICAS)
    return statements(str(db.query("SELECT VERSION()")[0][0]), replicas=int(rows[0][0]) if rows else 0)


def create(dsn: Dsn, needed: Sequence[str]) -> None:
    """Run those statements in a session that waits for the index to be built."""
    try:
        session = sessions.connect(dsn, read_timeout_s=_BUILDING_S)
        try:
            with session.cursor() as cursor:
                for statement in needed:
                    cursor.execute(statement)
        finally:
            session.close()
    except (err.Error, OSError, EOFError) as error:
        raise explained(error, dsn) from error
