"""A MySQL-protocol server of the tests' own, in place of the TiDB that cannot be had on a test machine.

MariaDB proves what is shared with TiDB: the wire, batches, locks, grants, TLS, kills. What TiDB alone writes is
translated on its way to the server (``dialect.py``), never in the product; TiDB's own grammar judges the text as it
was sent (``grammar.py``). What neither proves waits for a live cluster (``make test-tidb``).
"""
