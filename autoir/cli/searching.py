"""``logs query``: the search, and its answer for people and for programs."""

import time
from collections.abc import Iterator
from contextlib import closing, suppress

from autoir.cli import figures
from autoir.cli.documents import event_document
from autoir.cli.embedding import engine_for, impatient, open_engine
from autoir.cli.output import Block, Heading, Lines, body, local_time, zone_name
from autoir.cli.stores import Opened
from autoir.clock import system_clock
from autoir.embed import Embedder, ModelMismatchError, fill_pending, open_embedder
from autoir.embed.pending import STEP
from autoir.errors import AutoirError
from autoir.metrics import SearchWork
from autoir.report.text import shown
from autoir.search import Hit, Results, Searcher
from autoir.store import Store

LEVELS = ("unknown", "info", "warn", "error", "fatal")
"""Level numbers of patterns in words."""

_TEMPLATE = 300
_FILL_S, _PATIENCE_S = 2.0, 10.0


def search(
    opened: Opened, text: str, *, limit: int, group_glob: str, since_ms: int | None, until_ms: int | None
) -> Results:
    """The answers of the store; what came without a vector gets one first, as far as a few seconds go.

    Where no engine here is of the store's model, answers go by words alone and say so.
    """
    begun = time.perf_counter()
    with closing(engine(opened.store)) as embedder:
        searcher = Searcher(opened.store, embedder)
        found = searcher.search(text, limit=limit, group_glob=group_glob, since_ms=since_ms, until_ms=until_ms)
    took_s = time.perf_counter() - begun
    scores = sum(hit.score for hit in found.hits)
    figures.of_this_process.search.add(SearchWork(1, bool(found.degraded), len(found.hits), scores, took_s, took_s))
    return found


def engine(store: Store) -> Embedder:
    """The engine to search ``store`` with, after a few seconds at most in which patterns without a vector get one."""
    try:
        embedder = open_engine(impatient(engine_for(store), _PATIENCE_S))
    except ModelMismatchError:
        return open_embedder("hashed")
    # Whatever keeps a pattern from its vector (a store that may only be read, an endpoint that is down, another model),
    # search goes on without, and says so itself.
    with suppress(AutoirError):
        begun = time.monotonic()
        # Leases run by the machine's clock: that of a replay stands still.
        while sum(fill_pending(store, embedder, system_clock(), STEP)):
            if time.monotonic() - begun > _FILL_S:
                break
    return embedder


def document(found: Results) -> dict[str, object]:
    """The answers for a program."""
    return {
        "query": found.query,
        "engine": found.engine,
        "degraded": found.degraded,
        "hits": [_hit_document(hit) for hit in found.hits],
    }


def _hit_document(hit: Hit) -> dict[str, object]:
    return {
        "pattern_id": str(hit.pattern_id),
        "template": hit.template,
        "level": LEVELS[hit.level],
        "score": round(hit.score, 4),
        "dense": round(hit.dense, 4),
        "bm25": round(hit.bm25, 4),
        "count": hit.count,
        "first_ms": hit.first_ms,
        "last_ms": hit.last_ms,
        "log_groups": list(hit.log_groups),
        "sample": event_document(hit.sample) if hit.sample else None,
    }


def blocks(opened: Opened, found: Results, group_glob: str, since_ms: int | None) -> Iterator[Block]:
    """The answers for people: pattern, how often, where, when, and one of its lines."""
    yield Heading(f'Search: "{shown(found.query, 200)}"  ({found.engine}; times in {zone_name()})')
    if found.degraded:
        yield Lines((f"degraded: {found.degraded}",))
    if not found.hits:
        yield Lines(_nothing(opened, group_glob, since_ms))
    elif not any(hit.bm25 for hit in found.hits):
        yield Lines(("No pattern holds these words; these come nearest.",))
    for hit in found.hits:
        yield Lines(("", *hit_lines(hit)))


def hit_lines(hit: Hit) -> list[str]:
    """One answer."""
    level = LEVELS[hit.level].upper() if hit.level else ""
    groups = ", ".join(shown(group, 80) for group in hit.log_groups[:4])
    more = f" and {len(hit.log_groups) - 4} more" if len(hit.log_groups) > 4 else ""
    first, last = local_time(hit.first_ms)[:16], local_time(hit.last_ms)[:16]
    last = last[11:] if first[:10] == last[:10] else last
    lines = [
        f"{hit.score:.2f}  {level:<5}  {hit.count:,}x  {groups}{more}  {first} to {last}",
        f"      {body(hit.template, 1, _TEMPLATE)[0]}",
    ]
    if hit.sample:
        lines.append(f"      {local_time(hit.sample.ts_ms)[11:]} {hit.sample.id}: {body(hit.sample.message)[0]}")
    return lines


def _nothing(opened: Opened, group_glob: str, since_ms: int | None) -> list[str]:
    span = opened.store.time_span()
    if span is None:
        return ["The store holds no line yet: autoir logs ingest app.log"]
    if since_ms is not None and since_ms >= span[1]:
        return [f"No line since {local_time(since_ms)}: the newest is of {local_time(span[1])[:16]}."]
    if group_glob:
        groups = ", ".join(shown(group, 80) for group in opened.store.log_groups()[:5])
        return [f"No pattern in groups like {shown(group_glob, 80)}. There are {groups}"]
    return ["Nothing found: try other words, or a wider time."]
