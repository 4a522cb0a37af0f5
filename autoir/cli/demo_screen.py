"""What the demo shows: the hour as it went, the incident, the page, one search, and what to type next."""

from collections.abc import Iterator
from random import Random

from autoir.cli.incidents import proof_of
from autoir.cli.output import READER, Block, Heading, Lines, local_time, show, show_drawn, zone_name
from autoir.cli.searching import hit_lines
from autoir.clock import MINUTE_MS
from autoir.demo.run import DemoResult
from autoir.embed import Embedder
from autoir.notify import publish_due
from autoir.notify.messages import PAGES, Message
from autoir.notify.render import email, subject
from autoir.report.screen import card
from autoir.search import Searcher
from autoir.store import Store
from autoir.store.rows import OutboxRow

_SEARCHES = {
    "pool-exhaustion": "connection pool exhausted",
    "bad-deploy": "order could not be priced",
    "expired-certificate": "certificate is not valid any more",
    "silent-consumer": "letters wait in the mail queue",
    "healthy": "payment declined",
}
_HITS = 2


def show_result(store: Store, result: DemoResult, embedder: Embedder, flag: str) -> None:
    """The whole screen of a demo that has run; ``flag`` is what a further command needs to work on its store."""
    rate = result.tally.received / max(result.seconds, 0.001)
    show(
        Lines(
            (
                "",
                f"  read    {result.tally.received:,} lines in {result.seconds:,.1f} s, {rate:,.0f} lines/s",
                f"  learned {result.patterns:,} patterns in {result.log_groups} log groups,"
                f" {result.vectors:,} vectors ({_engine(embedder)})",
                *_story(result),
                "",
            )
        )
    )
    for incident in result.incidents:
        events, series = proof_of(store, incident)
        show_drawn(card(incident, events, series=series, zone=READER))
    if not result.incidents:
        show(Lines(("No incident: what happened had been seen before, or changed nothing.",)))
    show(*_pages(store, result), Lines(("",)), *_search(store, result, embedder), *_next(result, flag))


class _Pager:
    """Stands where SNS would: keeps what people would have got."""

    name = "demo"
    channel = PAGES

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, row: OutboxRow, message: Message) -> None:
        """Keep ``message``."""
        self.messages.append(message)


def _pages(store: Store, result: DemoResult) -> Iterator[Block]:
    """The first page as e-mail would have shown it, and how many there were."""
    pager = _Pager()
    publish_due(store, [pager], result.scene.end_ms, jitter=Random(result.scene.seed))
    if pager.messages:
        first = pager.messages[0]
        yield Lines(("",))
        yield Heading(f"Pages that on-call would have got: {len(pager.messages)}. The first, by e-mail:")
        yield Lines([f"  {line}" for line in (f"Subject: {subject(first)}", "", *email(first, READER).splitlines())])


def _story(result: DemoResult) -> Iterator[str]:
    for moment, opened in result.story:
        told = "nothing opened"
        if opened:
            minutes = max((opened[0].opened_ms - moment.ts_ms) / MINUTE_MS, 0)
            told = f"● opened in {minutes:.1f} min"
        yield f"  {local_time(moment.ts_ms)[11:16]}  {moment.text:<51} {told}"
    yield f"         (times in {zone_name()})"


def _engine(embedder: Embedder) -> str:
    return embedder.spec.id + (", no model" if embedder.spec.pooling == "none" else "")


def _search(store: Store, result: DemoResult, embedder: Embedder) -> Iterator[Block]:
    text = _SEARCHES[result.scene.name]
    found = Searcher(store, embedder).search(text, limit=_HITS)
    yield Heading(f'Search: "{text}"')
    yield Lines([f"  {line}" for hit in found.hits for line in hit_lines(hit)[:2]])


def _next(result: DemoResult, flag: str) -> Iterator[Block]:
    yield Lines(("",))
    yield Heading("Next, on this store:")
    first = [f"  autoir{flag} incidents show {incident.id}" for incident in result.incidents[:1]]
    yield Lines((*first, f'  autoir{flag} logs query "payment declined"'))
    yield Heading("On your own logs, still without AWS:")
    yield Lines(
        (
            "  autoir backtest app.log.gz        which incidents would have been opened?",
            "  kubectl logs -f deploy/api | autoir logs ingest -",
        )
    )
