"""``autoir embed``: the vectors of a store: how they stand, fill in what waits, change the model.

Everything may be stopped and run again, by several at once and beside a daemon: what is done is in the store, and the
rest waits as before. Vectors are only ever those of the store's one model; another one is given to a store as a whole,
on purpose, and by nothing else than ``reembed``.
"""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli import stores
from autoir.cli.failures import Interrupted, report_error
from autoir.cli.options import Group, ReadCommand, asked, examples
from autoir.cli.output import Lines, Progress, print_json, show
from autoir.clock import system_clock
from autoir.errors import AutoirError, UsageError
from autoir.report.amounts import counted

if TYPE_CHECKING:
    from autoir.cli.stores import Opened
    from autoir.embed import Embedder, Filled
    from autoir.embed.switching import Switch

_LOOK_S, _PATIENCE_S = 0.5, 30.0
_ALL = 1_000_000

app = typer.Typer(
    name="embed",
    cls=Group,
    no_args_is_help=True,
    help="The vectors that search needs: how they stand, fill in, change the model.",
    epilog=examples("autoir embed status", "autoir embed backfill"),
)


@app.command(cls=ReadCommand, epilog=examples("autoir embed status", "autoir --store demo embed status --json"))
def status(ctx: typer.Context) -> int:
    """How the vectors stand, and whether the engine of this machine is the one that made them.

    That is tried, by embedding eight texts whose vectors the store keeps. Exit code 1: the engine is another one, the
    store is between two models, patterns have waited for over an hour with nobody at work on them, or more were refused
    than embedded. 3: the endpoint does not answer.
    """
    from autoir.cli.embed_status import blocks, document, looked_at

    with stores.to_read(asked(ctx)) as opened:
        found = looked_at(opened)
        if asked(ctx).as_json:
            print_json(document(opened, found))
        else:
            show(*blocks(opened, found, stores.flag_for(asked(ctx))))
        if found.unreachable:
            return report_error(found.unreachable, debug=asked(ctx).debug)
        return AutoirError.exit_code if found.trouble else 0


@app.command(
    cls=ReadCommand,
    epilog=examples("autoir embed backfill", "autoir embed backfill --limit 1000", "autoir embed backfill --json"),
)
def backfill(
    ctx: typer.Context,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="Patterns at most.  [default: all]")] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also those that the model refused, once more.")
    ] = False,
) -> int:
    """Give the patterns that wait their vectors, now.

    Safe beside a daemon and beside itself: nobody embeds what somebody else has in hand. Ctrl-C keeps what is done.
    """
    from autoir.cli.embedding import embedder_for

    with stores.to_read(asked(ctx)) as opened:
        again = opened.store.retry_refused() if retry_failed else 0
        done = _nothing()
        if opened.store.embed_progress().pending:
            with closing(embedder_for(opened.store)) as embedder:
                done = _filled(opened, embedder, limit or _ALL)
        left = opened.store.embed_progress().pending
        if asked(ctx).as_json:
            print_json({"filled": done.done, "failed": done.failed, "retried": again, "pending": left})
        else:
            retried = f", {again:,} of all once more" if again else ""
            show(Lines((f"{_told(done)}{retried}; {left:,} wait.",)))
        return 0


@app.command(
    cls=ReadCommand,
    epilog=examples(
        "autoir embed reembed --dry-run",
        "autoir embed reembed --engine local",
        "autoir embed reembed --model bge-small-en-v1.5 --yes",
    ),
)
def reembed(
    ctx: typer.Context,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="hashed, local, sagemaker or http.  [default: the best of this machine]")
    ] = "",
    model: Annotated[
        str, typer.Option(metavar="NAME", help="The model, where the engine has several: bge-small-en-v1.5.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> int:
    """Give the whole store vectors of another model.

    Vectors of two models do not compare, so the old ones go first, and until a pattern has its new one it is found by
    words alone; searches say so. From the first moment an engine of the old model is refused. After Ctrl-C or a kill
    the same command goes on.
    """
    from autoir.cli.embedding import impatient, named_engine, open_engine
    from autoir.embed import recorded_model
    from autoir.embed.switching import Switch

    with ExitStack() as stack:
        opened = stack.enter_context(stores.to_read(asked(ctx)))
        choice = named_engine(engine, model)
        embedder = stack.enter_context(closing(open_engine(impatient(choice, _PATIENCE_S) if dry_run else choice)))
        before, switch = recorded_model(opened.store), Switch(opened.store, embedder)
        stand, progress = switch.stand(), opened.store.embed_progress()
        every = sum(progress[:3])
        to_do = progress.pending if stand == "same" else every
        cleared, done = 0, _nothing()
        if not dry_run and (to_do or stand == "other"):
            if stand == "other" and not yes:
                _confirm(f"Give {counted(every, 'pattern')} vectors of {embedder.spec.id} in place of {before}?")
            cleared = _switched(switch, opened)
            done = _filled(opened, embedder, _ALL)
        left = opened.store.embed_progress().pending
        if asked(ctx).as_json:
            print_json(
                {
                    "from": before if stand == "other" else None,
                    "to": embedder.spec.id,
                    "stand": stand,
                    "dry_run": dry_run,
                    "patterns": every,
                    "to_embed": to_do,
                    "cleared": cleared,
                    "filled": done.done,
                    "failed": done.failed,
                    "pending": left,
                }
            )
        elif dry_run or not to_do:
            show(Lines((_plan(stand, before, embedder.spec.id, to_do, every),)))
        else:
            show(Lines((f"{_told(done)} of {embedder.spec.id}; {left:,} wait.",)))
        return 0


def _plan(stand: str, before: str | None, model: str, to_do: int, every: int) -> str:
    if stand == "other":
        return (
            f"All {counted(every, 'pattern')} would get vectors of {model} in place of {before}. Nothing was changed."
        )
    if to_do:
        return f"{to_do:,} of {counted(every, 'pattern')} wait for their vector of {model}. Nothing was changed."
    return f"Every pattern has its vector of {model} already: nothing to do."


def _told(done: "Filled") -> str:
    refused = f" of {sum(done):,}" if done.failed else ""
    return f"{counted(done.done, 'pattern')}{refused} got a vector"


def _nothing() -> "Filled":
    from autoir.embed import Filled

    return Filled(0, 0)


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask.", "Look first: autoir embed reembed --dry-run. Then add --yes.")
    if not typer.confirm(question, err=True):
        raise Interrupted("nothing was changed.", "")


def _switched(switch: "Switch", opened: "Opened") -> int:
    """Take the old model's vectors away; how many went."""
    progress = Progress()
    try:
        return switch.run(lambda cleared: progress.update(f"taking old vectors away: {cleared:,}"))
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped on the way from one model to another: search goes by words alone.",
            "The same command goes on with it.",
        ) from None
    finally:
        progress.done()


def _filled(opened: "Opened", embedder: "Embedder", limit: int) -> "Filled":
    """Embed what waits, up to ``limit``, with progress; Ctrl-C says what is kept."""
    from autoir.embed import Filled
    from autoir.embed.pending import fill_all

    progress, so_far = Progress(), Filled(0, 0)
    all_of_it = min(limit, opened.store.embed_progress().pending)

    def told(done: Filled, pending: int) -> None:
        nonlocal so_far
        so_far = done
        n = sum(done)
        rate = n / max(progress.elapsed_s, 0.001)
        progress.update(f"{n:,} of {all_of_it:,} patterns, {rate:,.0f} a second", n / max(all_of_it, 1))

    def wait() -> None:
        progress.update("the others are in somebody's hands: waiting for at most 45 s")
        _pause(_LOOK_S)

    try:
        # Leases run by the machine's clock: that of a replay stands still.
        return fill_all(opened.store, embedder, clock=system_clock, wait=wait, told=told, limit=limit)
    except KeyboardInterrupt:
        left = opened.store.embed_progress().pending
        raise Interrupted(
            f"stopped: {_told(so_far)}, {left:,} wait.", "The same command goes on with the others."
        ) from None
    finally:
        progress.done()


_pause: Callable[[float], None] = time.sleep
