"""Runs at the start of every Python process that a test on the peer starts: the product connects as the test does.

Only a process whose test has said so by AUTOIR_TEST_PEER is touched, so what the product runs there is what users run.
"""

import os

if os.environ.get("AUTOIR_TEST_PEER"):
    import autoir.store.tidb.connection
    from tests.mysql_peer.wire import PROFILES

    autoir.store.tidb.connection.Connection = PROFILES[os.environ["AUTOIR_TEST_PEER"]]  # type: ignore[misc]
