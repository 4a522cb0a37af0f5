"""``autoir aws replay-failed``: deliveries that were not stored, back through the pipeline.

It may be stopped and repeated: a record goes when it is stored and not before, and nothing is stored twice.
"""

import math
import os
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli import stores
from autoir.cli.failures import Interrupted
from autoir.cli.options import Asked, AwsCommand, asked, examples, moment_ms
from autoir.cli.output import Lines, Progress, note, print_json, show
from autoir.clock import system_clock
from autoir.errors import AutoirError, UsageError
from autoir.report.amounts import counted
from autoir.report.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autoir.aws.replay import FailureBucket, Replay
    from autoir.aws.session import Access
    from autoir.metrics import Tally
    from autoir.subscription import Delivery

_AGAIN = "The same command goes on with the others; nothing is stored twice."


def register(app: typer.Typer) -> None:
    """Add the command to ``autoir aws``."""
    app.command(
        "replay-failed",
        cls=AwsCommand,
        epilog=examples(
            "autoir aws replay-failed --stage prod --dry-run",
            "autoir aws replay-failed --stage prod --store prod --since 6h",
            "autoir aws replay-failed --bucket my-failures --store prod --json",
        ),
    )(replay_failed)


def replay_failed(
    ctx: typer.Context,
    stage: Annotated[str, typer.Option(metavar="NAME", help="Whose failed deliveries.")] = "dev",
    bucket: Annotated[str, typer.Option(metavar="NAME", help="The bucket they are in, instead of a stage's.")] = "",
    since: Annotated[str, typer.Option(metavar="TIME", help="Only those that failed since: 6h ago, or a time.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count them, store and delete nothing.")] = False,
) -> int:
    """Store the deliveries that failed.

    What Lambda could not get stored, it keeps in the failure bucket. Each delivery goes through the same pipeline as
    ever, and is deleted from the bucket when all of it is stored. One that cannot be read is named, and stays. The
    store has to be named, by --store or a variable: the stage's own, as its writer.
    """
    from autoir.aws.cdk import access_to
    from autoir.aws.replay import Replay, replay

    if not dry_run:
        _require_named(asked(ctx))
    now_ms = system_clock()
    since_ms = moment_ms("--since", since, now_ms) if since else 0
    access = access_to(stage, asked(ctx).profile, asked(ctx).region)
    place = _place(access, stage, bucket)
    done, progress = Replay(), Progress()

    def watch(done: "Replay") -> None:
        progress.update(f"{counted(done.records, 'record')}, {done.tally.received:,} lines")

    own = () if dry_run else _own(access, stage)
    opened = nullcontext() if dry_run else stores.to_write(asked(ctx))
    with opened as target:
        put = _nothing if target is None else _into(target, ctx, own)
        try:
            replay(place, put, now_ms=now_ms, since_ms=since_ms, dry_run=dry_run, done=done, progress=watch)
        except KeyboardInterrupt:
            raise Interrupted(f"stopped: {counted(done.replayed, 'record')} put back.", _AGAIN) from None
        except AutoirError:
            if done.replayed:
                note(f"{counted(done.replayed, 'record')} put back before that. {_AGAIN}")
            raise
        finally:
            progress.done()
    if asked(ctx).as_json:
        print_json(_document(place, done, dry_run=dry_run))
    else:
        show(Lines(_summary(place, done, dry_run=dry_run)))
    return AutoirError.exit_code if done.left else 0


def _require_named(asked_for: Asked) -> None:
    """Raise UsageError where the store would be this machine's own file, which nobody named.

    What the stage has lost would be there and nowhere else, since its record is deleted.
    """
    from autoir import locations

    own = stores.sqlite_url(locations.default_database())
    if not asked_for.store and not os.environ.get("AUTOIR_STORE") and stores.chosen_url(asked_for) == own:
        raise UsageError(
            "no store is named: what failed would go into a file of this machine, and out of the bucket.",
            "Name the stage's store, as its writer: --store NAME (saved by autoir tidb dsn --name NAME)",
        )


def _place(access: "Access", stage: str, bucket: str) -> "FailureBucket":
    from autoir.aws.replay import PREFIX, FailureBucket

    if bucket:
        return FailureBucket(bucket, PREFIX, access)
    from autoir.aws.outputs import outputs_of
    from autoir.stage import outputs

    name = outputs_of(access, stage, "Foundation")[outputs.FAILURE_BUCKET]
    return FailureBucket(name, outputs_of(access, stage, "App")[outputs.FAILURE_PREFIX], access)


def _own(access: "Access", stage: str) -> tuple[str, ...]:
    """The stage's own log groups: its endpoint may bear another name than one after the stage."""
    from autoir.aws.outputs import NotDeployedError, outputs_of
    from autoir.recursion import own_groups
    from autoir.stage import names, outputs

    try:
        endpoint = outputs_of(access, stage, "Embedding")[outputs.ENDPOINT]
    except NotDeployedError:
        endpoint = names.endpoint(stage)
    return own_groups(endpoint=endpoint)


def _into(target: "stores.Opened", ctx: typer.Context, own: "Sequence[str]") -> "Callable[[Delivery], Tally]":
    from autoir.delivery import Deliveries

    deliveries = Deliveries(target.store, stores.loaded_settings(asked(ctx)), target.clock, own)
    return lambda delivery: deliveries.put(delivery, lambda: math.inf)


def _nothing(delivery: "Delivery") -> "Tally":
    raise AssertionError("nothing is stored in a dry run")


def _document(place: "FailureBucket", done: "Replay", *, dry_run: bool) -> dict[str, object]:
    return {
        "bucket": place.bucket,
        "dry_run": dry_run,
        "records": done.records,
        "replayed": done.replayed,
        **done.tally.document(),
        "left": [left._asdict() for left in done.left],
    }


def _summary(place: "FailureBucket", done: "Replay", *, dry_run: bool) -> list[str]:
    tally, bucket = done.tally, shown(place.bucket, 120)
    if not done.records:
        return [f"{bucket}: no failed delivery."]
    if dry_run:
        lines = [
            f"{bucket}: {counted(done.records, 'record')} with {counted(tally.received, 'line')}; nothing changed."
        ]
    else:
        lines = [
            f"{bucket}: {done.replayed:,} of {counted(done.records, 'record')} put back.",
            f"  {tally.received:,} lines: {tally.stored:,} stored, {tally.duplicate:,} stored before,"
            f" {tally.filtered.total():,} filtered, {tally.quarantined.total():,} quarantined",
        ]
    return [*lines, *(f"  stays: {shown(left.key, 200)}: {left.reason}" for left in done.left)]
