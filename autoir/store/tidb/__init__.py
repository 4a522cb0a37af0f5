"""TiDB: the production database.

Imported only when a ``mysql://`` store is opened. The room holds what TiDB needs beyond SQL: the connection string
and its TLS rules (``dsn``), sessions (``connection``), what its errors mean (``failures``), statements and transactions
that outlive a server that gives way (``database``), tables and their day partitions (``schema``), and the bounded
session for queries that are not ours (``reader``), and an index that search does without (``vector_index``).
"""

from autoir.store.tidb.database import TidbDatabase
from autoir.store.tidb.dsn import Dsn, parse_dsn

__all__ = ["Dsn", "TidbDatabase", "parse_dsn"]
