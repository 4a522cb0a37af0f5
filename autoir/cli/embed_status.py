"""``embed status``: what the store holds, what the engine of this machine is to it, and what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from autoir.cli.embedding import engine_for, impatient, open_engine
from autoir.cli.output import Block, Heading, Lines, Table
from autoir.cli.stores import Opened
from autoir.clock import DAY_MS, HOUR_MS, SECOND_MS, system_clock
from autoir.embed import Embedder, ModelMismatchError
from autoir.embed.fingerprint import META_KEY, Fingerprint, difference, measured, read
from autoir.embed.remote.breaker import State
from autoir.errors import UnreachableError
from autoir.report.amounts import counted, lasting
from autoir.report.text import shown
from autoir.store.vectors import EmbedProgress, Waiting

PATIENCE_S = 30.0
"""How long an endpoint is asked: a container that has to start may take longer, and then that is what is said."""

WAITED_MS = HOUR_MS
"""For how long patterns may wait with nobody at work on them: as long as the alarm on their number looks back."""


@dataclass(slots=True)
class Engine:
    """The engine of this machine for a store. ``matches``: whether it made the store's vectors; None where it cannot be
    said, because the store has none or the engine does not answer. ``why`` it is another one. ``breaker`` and latency
    are those of an endpoint, while it was asked just now."""

    name: str = ""
    model: str = ""
    matches: bool | None = None
    why: str = ""
    endpoint: str = ""
    requests: int = 0
    latency_ms: float = 0.0
    breaker: State | None = None


@dataclass(slots=True)
class Status:
    """What was found. ``trouble`` is what somebody has to see to, in words."""

    model: Fingerprint | None
    progress: EmbedProgress
    waiting: Waiting
    refusals: list[tuple[str, int]]
    engine: Engine = field(default_factory=Engine)
    unreachable: UnreachableError | None = None
    trouble: list[str] = field(default_factory=list)


def looked_at(opened: Opened) -> Status:
    """Look, and try the engine. Raises ModelFileError where a model's folder is not what it should be."""
    store = opened.store
    kept = store.meta(META_KEY)
    found = Status(
        None if kept is None else read(kept), store.embed_progress(), store.waiting(system_clock()), store.refusals()
    )
    try:
        _try_engine(opened, found.model, found.engine)
    except ModelMismatchError as error:  # none here, or an endpoint that names itself otherwise
        found.engine.why = str(error)
    except UnreachableError as error:
        found.unreachable = error
    found.trouble = list(_trouble(opened, found))
    return found


def _try_engine(opened: Opened, kept: Fingerprint | None, engine: Engine) -> None:
    choice = engine_for(opened.store)
    engine.name = choice.name
    engine.endpoint = choice.options.get("endpoint", choice.options.get("url", ""))
    embedder = open_engine(impatient(choice, PATIENCE_S))
    engine.model = embedder.spec.id
    try:
        if kept:
            # On the way to this engine's model it is the right one, and would be refused all the same.
            engine.why = difference(kept, measured(embedder))
            engine.matches = not engine.why
        elif engine.endpoint:
            embedder.embed_query("connection refused")  # nothing to compare with, but does it answer?
    finally:
        _note_traffic(embedder.engine, engine)
        embedder.close()


def _note_traffic(embedder: Embedder, engine: Engine) -> None:
    from autoir.embed.remote.embedder import RemoteEmbedder

    if isinstance(embedder, RemoteEmbedder):
        traffic = embedder.traffic
        answered = max(1, traffic.requests - traffic.refused - traffic.failures)
        engine.requests, engine.breaker = traffic.requests, traffic.breaker
        engine.latency_ms = traffic.latency_sum_s * SECOND_MS / answered


def _trouble(opened: Opened, found: Status) -> Iterator[str]:
    model, progress, engine = found.model, found.progress, found.engine
    if engine.why:
        why = f"The store's model is {model.model}; {engine.why}." if model and engine.matches is False else engine.why
        yield f"{why} Another model for the store: autoir embed reembed"
    if found.unreachable:
        yield str(found.unreachable)
    if model and model.clearing:
        yield f"The store is on its way from {model.clearing} to {model.model}: autoir embed reembed goes on with it"
        return
    waited_ms = _waited_ms(opened, found)
    if waited_ms > WAITED_MS and not found.waiting.leased:
        yield f"{counted(progress.pending, 'pattern')} wait, for up to {_age(waited_ms)}: autoir embed backfill"
    if progress.failed > progress.done:
        yield "More patterns were refused than embedded: if it was the engine, autoir embed backfill --retry-failed"


def _age(ms: int) -> str:
    return lasting(ms) if ms < 2 * DAY_MS else f"{ms // DAY_MS:,} days"


def _waited_ms(opened: Opened, found: Status) -> int:
    return 0 if found.waiting.oldest_ms is None else max(0, opened.clock() - found.waiting.oldest_ms)


def document(opened: Opened, found: Status) -> dict[str, object]:
    """What was found, for a program."""
    model, engine = found.model, found.engine
    return {
        "store": opened.shown,
        "model": model.model if model else None,
        "dim": model.dim if model else None,
        "clearing": (model.clearing or None) if model else None,
        "patterns": {
            "done": found.progress.done,
            "pending": found.progress.pending,
            "in_hand": found.waiting.leased,
            "failed": found.progress.failed,
        },
        "refusals": dict(found.refusals),
        "oldest_pending_ms": found.waiting.oldest_ms,
        "engine": {
            "name": engine.name or None,
            "model": engine.model or None,
            "matches": False if engine.why else engine.matches,
            "mismatch": engine.why,
            "endpoint": engine.endpoint or None,
            "requests": engine.requests,
            "latency_ms": round(engine.latency_ms, 1),
            "breaker": engine.breaker,
        },
        "healthy": not found.trouble,
        "trouble": found.trouble,
    }


def blocks(opened: Opened, found: Status, flag: str) -> Iterator[Block]:
    """What was found, for people."""
    model, engine, progress = found.model, found.engine, found.progress
    yield Heading(f"Vectors of {opened.shown}")
    rows = [("model", f"{model.model}, {model.dim} numbers" if model else "none yet")]
    if engine.name:
        rows.append(("engine here", f"{engine.name}: {_match(engine)}"))
    else:
        rows.append(("engine here", "none of that model"))
    if engine.endpoint:
        asked = f"{counted(engine.requests, 'request')}, {engine.latency_ms:,.0f} ms each, breaker {engine.breaker}"
        rows.append(("endpoint", f"{shown(engine.endpoint, 120)}: {asked}"))
    rows.append(("embedded", f"{progress.done:,} of {counted(sum(progress[:3]), 'pattern')}"))
    if progress.pending:
        hands = f"; {found.waiting.leased:,} of them in somebody's hands" if found.waiting.leased else ""
        rows.append(
            ("waiting", f"{progress.pending:,}, the oldest first logged {_age(_waited_ms(opened, found))} ago{hands}")
        )
    for reason, n in found.refusals:
        rows.append(("refused", f"{n:,}: {shown(reason, 200)}"))
    yield Table(("", ""), rows)
    if found.trouble:
        yield Lines(("", *(text.replace("autoir embed", f"autoir{flag} embed") for text in found.trouble)))
    elif progress.pending:
        yield Lines(("", f"Fill in now what waits: autoir{flag} embed backfill"))


def _match(engine: Engine) -> str:
    if engine.matches:
        return f"{engine.model}, which gives the same vectors"
    if engine.why:
        return f"{engine.model}, which is not the store's"
    return f"{engine.model}, not compared"
