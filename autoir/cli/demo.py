"""``autoir demo``: an outage of a made-up shop, through the real pipeline, on this machine alone.

It ends with what was read and learned, the hour as it went beside what was opened, the incident, the page that on-call
would have got, one search, and what to type next on the store that the demo leaves behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from autoir import locations
from autoir.cli import stores
from autoir.cli.failures import Interrupted
from autoir.cli.options import Asked, DemoCommand, asked, examples
from autoir.cli.output import Progress, local_time, print_json
from autoir.errors import UsageError

if TYPE_CHECKING:
    from autoir.demo.run import DemoResult
    from autoir.demo.run import Progress as Watch
    from autoir.metrics import Tally
    from autoir.store import Store

_NAMES = "pool-exhaustion, bad-deploy, expired-certificate, silent-consumer, healthy"
_OPENING = "AutoIR demo: 4 h of a small shop's logs as baseline, then 1 h live."


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command(
        cls=DemoCommand,
        epilog=examples(
            "autoir demo",
            "autoir demo --scenario bad-deploy",
            "autoir demo --seed 11 --json",
            "autoir demo --store trial",
        ),
    )(demo)


def demo(
    ctx: typer.Context,
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {_NAMES}.", show_default=True)
    ] = "pool-exhaustion",
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**31, metavar="N", help="Other times and another mix.")
    ] = None,
) -> None:
    """An outage of a made-up shop, start to page.

    Replays four ordinary hours and one live one of seven services through ingestion, search and detection, with no
    AWS, server or model. The store stays: every command takes it as --store demo. Each run starts it afresh. With
    --store it goes into that store instead, which must be empty.
    """
    from autoir.cli.demo_screen import show_result
    from autoir.cli.embedding import embedder_for
    from autoir.demo import DEFAULT_SEED, SCENARIOS
    from autoir.demo.run import run

    if scenario not in SCENARIOS:
        raise UsageError(f"there is no scenario {scenario!r}.", f"One of {', '.join(SCENARIOS)}.")
    chosen_seed = DEFAULT_SEED if seed is None else seed
    progress = Progress()
    try:
        with _store(asked(ctx)) as store:
            if not asked(ctx).as_json:
                print(_OPENING, _where(asked(ctx)), flush=True)
            embedder = embedder_for(store)
            result = run(scenario, chosen_seed, store, embedder=embedder, progress=_watch(progress))
            progress.done()
            if asked(ctx).as_json:
                print_json(_document(store, result))
            else:
                show_result(store, result, embedder, stores.flag_for(asked(ctx)) or " --store demo")
    except KeyboardInterrupt:
        progress.done()
        raise Interrupted("stopped.", _unfinished(asked(ctx))) from None


def _is_own(asked_for: Asked) -> bool:
    return asked_for.store in ("", "demo")


def _where(asked_for: Asked) -> str:
    return "Everything runs on this machine." if _is_own(asked_for) else f"It goes into {stores.named(asked_for)}."


@contextmanager
def _store(asked_for: Asked) -> Iterator["Store"]:
    """The demo's own store, afresh, or the empty one that --store names; nothing else is ever emptied."""
    from autoir.demo.run import open_fresh

    if not _is_own(asked_for):
        with stores.to_fill(asked_for) as opened:
            yield opened.store
        return
    locations.home()
    store = open_fresh(locations.demo_database())
    try:
        yield store
    finally:
        store.close()


def _unfinished(asked_for: Asked) -> str:
    if not _is_own(asked_for):
        return f"The demo in {stores.named(asked_for)} is unfinished: name another empty store for a new run."
    return "The demo's store is unfinished; a new run starts afresh: autoir demo"


def _watch(progress: Progress) -> "Watch":
    def watch(tally: "Tally", now_ms: int) -> None:
        rate = tally.received / max(progress.elapsed_s, 0.001)
        progress.update(f"reading  {local_time(now_ms)[11:16]}  {tally.received:,} lines, {rate:,.0f} lines/s")

    return watch


def _document(store: "Store", result: "DemoResult") -> dict[str, object]:
    from autoir.cli.documents import stored_incident_document

    scene = result.scene
    return {
        "scenario": scene.name,
        "seed": scene.seed,
        "events": result.tally.received,
        "patterns": result.patterns,
        "expected": {"log_group": scene.guilty} if scene.guilty else None,
        "incidents": [stored_incident_document(store, i) for i in result.incidents],
    }
