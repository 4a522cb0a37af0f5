"""One writer of many, as a process: overlapping batches of one set of events, and in between patterns to embed.

Run as ``python -m tests.store.writer URL SEED``; it starts at the first line on standard input and prints what it
stored, what was there already, and which patterns it was given to embed.
"""

import json
import logging
import random
import sys

from autoir.clock import MINUTE_MS
from autoir.errors import AutoirError
from autoir.store import open_store
from autoir.store.rows import Cursor
from tests.store.rows import GROUP, NOON, a_batch, an_event

EVENTS = 2_000
BATCHES = 60
BATCH = 100
LEASE_MS = 10**9


def main(url: str, seed: str) -> None:
    """Store ``BATCHES`` random slices; try to judge a minute after each."""
    logging.disable()  # a store that lets others go first says so after some tries
    draw = random.Random(seed)
    store = open_store(url)
    sys.stdin.readline()
    stored = duplicate = sweeps = 0
    claimed: list[int] = []
    for n in range(BATCHES):
        start = draw.randrange(-BATCH // 2, EVENTS)
        numbers = [k for k in range(start, start + BATCH) if 0 <= k < EVENTS]
        events = [an_event(k, NOON + k * 1_000, pattern=1 + k % 37) for k in numbers]
        written = store.write(a_batch(events, cursor=Cursor(f"file:{seed}", GROUP, n, str(n))))
        stored, duplicate = stored + written.stored, duplicate + written.duplicate
        claimed += [p.pattern_id for p in store.claim_pending(NOON, LEASE_MS, 5)]
        swept = store.meta("swept_to")
        try:
            store.move_swept(None if swept is None else int(swept), NOON // MINUTE_MS + n // 4)
            sweeps += 1
        except AutoirError:
            pass
    store.close()
    print(json.dumps({"stored": stored, "duplicate": duplicate, "claimed": claimed, "sweeps": sweeps}))


if __name__ == "__main__":
    main(*sys.argv[1:])
