"""The same job through both stores: events per CPU second of client and server, and statements on the wire.

100,000 events of the demo go through redaction, mask and ids into SQLite, into a MySQL-protocol server by the
product's TiDB store, and, as the anchor, into the same server one INSERT and commit an event, which is what a first
version does. The server is MariaDB of the tests: it shows what the client costs and what the server does for each
event, not what TiDB costs. CPU time of this process and of the server's.

    python bench/stores.py [--events N]
"""

import argparse
import os
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import ClassVar, NamedTuple

from autoir.demo import DEFAULT_END_MS, generate
from autoir.events import LogEvent
from autoir.ingest import BATCH_EVENTS, Ingest
from autoir.settings import Settings
from autoir.store import Store, migrated
from autoir.store.sqlite import SqliteDatabase
from autoir.store.tidb import TidbDatabase, connection, parse_dsn
from tests.mysql_peer.databases import Databases
from tests.mysql_peer.server import Server
from tests.mysql_peer.wire import PeerConnection


class Counting(PeerConnection):
    """Counts the statements that leave."""

    sent: ClassVar[Counter[str]] = Counter()

    def _worded(self, text: str, sql: str | bytes) -> str | bytes:
        self.sent[text.split(None, 1)[0]] += 1
        return super()._worded(text, sql)


class Cost(NamedTuple):
    """CPU seconds of one run: this process, and the server."""

    client_s: float
    server_s: float


def cpu_s(pid: int) -> float:
    """User and system time of another process (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measured(run: Callable[[], object], server: int | None = None) -> Cost:
    """What ``run`` costs."""
    client, other = time.process_time(), cpu_s(server) if server else 0.0
    run()
    return Cost(time.process_time() - client, (cpu_s(server) - other) if server else 0.0)


def ingest(store: Store, events: Sequence[LogEvent]) -> None:
    """The job's second half: redact, mask, ids, store."""
    job = Ingest(store, Settings(retention_days_events=0), lambda: DEFAULT_END_MS)
    for start in range(0, len(events), BATCH_EVENTS):
        job.store_events(events[start : start + BATCH_EVENTS])
    assert job.tally.stored == len(events)


def one_by_one(server: Server, database: str, events: Sequence[LogEvent]) -> None:
    """The anchor: an INSERT and a commit an event, under a random id."""
    server.run(
        "CREATE TABLE naive (id CHAR(36) PRIMARY KEY, log_group VARCHAR(512), log_stream VARCHAR(512), ts BIGINT,"
        " message MEDIUMTEXT)",
        database=database,
    )
    session = connection.connect(parse_dsn(server.url(database)))
    with session.cursor() as cursor:
        for e in events:
            cursor.execute(
                "INSERT INTO naive VALUES (%s, %s, %s, %s, %s)",
                (str(uuid.uuid4()), e.log_group, e.log_stream, e.ts_ms, e.message),
            )
    session.close()


class Row(NamedTuple):
    """A line of the table; ``wire`` counts statements by their first word."""

    name: str
    events: int
    cost: Cost
    wire: Counter[str]


def through_server(name: str, events: Sequence[LogEvent], server: Server, run: Callable[[], object]) -> Row:
    """``run`` over ``events``, with what it sent."""
    Counting.sent.clear()
    cost = measured(run, server.pid)
    return Row(name, len(events), cost, Counting.sent.copy())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    count = parser.parse_args().events
    events = list(islice(generate("pool-exhaustion", 1), count))
    parts = (("first half", events[: count // 2]), ("second half", events[count // 2 :]))
    with tempfile.TemporaryDirectory() as folder:
        store = migrated(SqliteDatabase(Path(folder) / "bench.db"))
        rows = [
            Row(f"SQLite, {what}", len(part), measured(partial(ingest, store, part)), Counter()) for what, part in parts
        ]
        store.close()
    connection.Connection = Counting  # type: ignore[misc]
    server = Server()
    try:
        with Databases(server).one() as name:
            tidb = migrated(TidbDatabase(parse_dsn(server.url(name))))
            for what, part in parts:
                rows.append(through_server(f"TiDB's store, {what}", part, server, partial(ingest, tidb, part)))
            tidb.close()
            few = events[: count // 5]
            rows.append(
                through_server("anchor: one INSERT an event", few, server, partial(one_by_one, server, name, few))
            )
    finally:
        server.close()
    print("| through | client µs an event | events a CPU second | server µs an event | statements per 1,000 events"
          " | with BEGIN and COMMIT |\n|---|---|---|---|---|---|")  # fmt: skip
    for row in rows:
        client, remote = (part / row.events * 1e6 for part in row.cost)
        every = row.wire.total() * 1000 / row.events
        inside = every - (row.wire["BEGIN"] + row.wire["COMMIT"]) * 1000 / row.events
        shown = (f"{remote:.1f}", f"{inside:.2f}", f"{every:.2f}") if row.wire else ("–",) * 3
        print(f"| {row.name} | {client:.1f} | {1e6 / client:,.0f} | {' | '.join(shown)} |")
        if row.wire:
            print(f"  {dict(row.wire)}", file=sys.stderr)


if __name__ == "__main__":
    main()
