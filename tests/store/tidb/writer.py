"""One writer of several, as a process: every event of one set, in overlapping batches, over a connection that breaks.

Run as ``python -m tests.store.tidb.writer URL SEED CLASS``; ``CLASS`` is ``Store``, or ``Careless`` for one that does
not look how many rows the database took. It starts at the first line on standard input.
"""

import logging
import random
import sys
import time
from collections.abc import Iterable

from autoir.errors import UnreachableError
from autoir.store import Store
from autoir.store.rows import Batch, EventRow
from autoir.store.tidb import TidbDatabase, parse_dsn
from tests.store.rows import NOON, a_batch, an_event

EVENTS = 1_000
BATCH = 100
PATTERNS = 37


class Careless(Store):
    """Counts what it sent, not what was new."""

    def _write_rows(self, batch: Batch, rows: list[EventRow]) -> int | None:
        sql = (
            "INSERT IGNORE INTO autoir_events (id, ts_ms, log_group, stream_id, level, pattern_id, message)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)"
        )

        def store() -> None:
            self._write_others(batch)
            self.db.executemany(sql, rows)
            self._add_counts(rows)

        self.db.atomically(store)
        return len(rows)


def events(numbers: Iterable[int]) -> list[EventRow]:
    """Those of the set that have one of ``numbers``."""
    return [an_event(n, NOON + n * 1_000, pattern=1 + n % PATTERNS) for n in numbers if 0 <= n < EVENTS]


def opened(url: str, kind: type[Store]) -> Store:
    """The store, however often the first connection breaks; it waits a tenth of what it would."""
    while True:
        try:
            return kind(TidbDatabase(parse_dsn(url), pause=lambda seconds: time.sleep(seconds / 10)))
        except UnreachableError:
            time.sleep(0.01)


def main(url: str, seed: str, kind: str) -> None:
    """Store every event about twice, in batches and an order of its own."""
    logging.disable()  # that it tries again is what this is for
    draw = random.Random(seed)
    starts = list(range(-draw.randrange(BATCH // 2), EVENTS, BATCH // 2))
    draw.shuffle(starts)
    sys.stdin.readline()
    store = opened(url, {"Store": Store, "Careless": Careless}[kind])
    for start in starts:
        store.write(a_batch(events(range(start, start + BATCH))))
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
