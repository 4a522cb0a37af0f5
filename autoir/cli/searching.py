"""``logs query``: the search, and its answer for people and for programs."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from typing import NamedTuple

from autoir.cli import figures
from autoir.cli.documents import event_document
from autoir.cli.embedding import engine_for, impatient, open_engine
from autoir.cli.output import READER, Block, Heading, Lines, body, local_time, zone_name
from autoir.cli.stores import Opened
from autoir.clock import system_clock
from autoir.embed import Embedder, ModelMismatchError, fill_pending, open_embedder
from autoir.embed.pending import STEP
from autoir.errors import AutoirError, UsageError
from autoir.metrics import SearchWork
from autoir.report.text import shown
from autoir.search import Hit, Results, Searcher
from autoir.search.absence import why_nothing
from autoir.store import Store

LEVELS = ("unknown", "info", "warn", "error", "fatal")
"""Level numbers of patterns in words."""

_SPELLINGS = {"warning": "warn", "err": "error", "critical": "fatal"}
_TEMPLATE = 300
_FILL_S, _PATIENCE_S = 2.0, 10.0


class HeldTo(NamedTuple):
    """What answers are held to: log groups like a glob, a span of epoch milliseconds, a level or above."""

    group_glob: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    level: int = 0


def level_of(name: str) -> int:
    """The number of the level that ``--level`` names, 0 for none. Raises UsageError for what is no level."""
    word = _SPELLINGS.get(name.lower(), name.lower())
    if not name or word in LEVELS:
        return LEVELS.index(word) if name else 0
    raise UsageError(f"--level {name!r} is no level.", f"One of {', '.join(LEVELS[1:])}: --level error")


def search(opened: Opened, text: str, also: Sequence[str], limit: int, held_to: HeldTo) -> Results:
    """The answers of the store; what came without a vector gets one first, as far as a few seconds go.

    Where no engine here is of the store's model, answers go by words alone and say so.
    """
    begun = time.perf_counter()
    with closing(engine(opened.store)) as embedder:
        found = Searcher(opened.store, embedder).search(text, also=also, limit=limit, **held_to._asdict())
    count(found, time.perf_counter() - begun)
    return found


def count(found: Results, took_s: float) -> None:
    """Add a search to what this process has done."""
    scores = sum(hit.score for hit in found.hits)
    figures.of_this_process.search.add(SearchWork(1, bool(found.degraded), len(found.hits), scores, took_s, took_s))


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


def document(found: Results, *, explain: bool = False) -> dict[str, object]:
    """The answers for a program; with ``explain``, where each score comes from."""
    return {
        "query": found.query,
        **({"also": list(found.also)} if found.also else {}),
        "engine": found.engine,
        "degraded": found.degraded,
        "hits": [_hit_document(hit) | ({"explain": _why_document(hit)} if explain else {}) for hit in found.hits],
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


def _why_document(hit: Hit) -> dict[str, object]:
    why = hit.why
    return {
        "cosine": None if why.cosine is None else round(why.cosine, 4),
        "raw_bm25": round(why.raw_bm25, 4),
        "dense_share": why.dense_share,
        "bm25_share": round(1 - why.dense_share, 4),
        "words": list(why.words),
    }


def blocks(opened: Opened, found: Results, held_to: HeldTo, *, explain: bool = False) -> Iterator[Block]:
    """The answers for people: pattern, how often, where, when, and one of its lines."""
    asked = " or ".join(f'"{shown(wording, 200)}"' for wording in (found.query, *found.also))
    yield Heading(f"Search: {asked}  ({found.engine}; times in {zone_name()})")
    if found.degraded:
        yield Lines((f"degraded: {found.degraded}",))
    if not found.hits:
        group_glob, since_ms, _, level = held_to
        yield Lines((why_nothing(opened.store, READER, group_glob=group_glob, since_ms=since_ms, level=level),))
    elif not any(hit.why.raw_bm25 for hit in found.hits):
        yield Lines(("No pattern holds these words; these come nearest.",))
    for hit in found.hits:
        yield Lines(("", *hit_lines(hit), *(why_lines(hit) if explain else ())))


def why_lines(hit: Hit) -> Iterator[str]:
    """Where the score of an answer comes from: both parts with their share, what they were made of, the words."""
    why = hit.why
    if why.cosine is None:
        yield f"      {hit.score:.2f} = words {hit.bm25:.2f} alone: the pattern has no vector"
    else:
        parts = ((why.dense_share, "vector", hit.dense), (1 - why.dense_share, "words", hit.bm25))
        yield f"      {hit.score:.2f} = " + " + ".join(
            f"{share:.1f} x {name} {part:.2f}" for share, name, part in parts
        )
    cosine = "" if why.cosine is None else f"cosine {why.cosine:.3f}, "
    yield f"      {cosine}BM25 {why.raw_bm25:.2f}, words: {shown(', '.join(why.words), 200) or 'none'}"


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
