"""``autoir aws mirror-model``: published weights into a stage's bucket, so that nothing in AWS ever fetches them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli.failures import Interrupted
from autoir.cli.options import StageCommand, asked, examples
from autoir.cli.output import Lines, Progress, print_json, show, size
from autoir.embed.models import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autoir.aws.weights import Mirrored
    from autoir.embed.mirror import Fetched

_AGAIN = "What has arrived is kept: the same command goes on."

Folder = Annotated[
    Path | None,
    typer.Option("--from", metavar="DIR", help="A folder that holds the model, instead of fetching it.", exists=False),
]
Hub = Annotated[str, typer.Option(metavar="URL", help="Where it is fetched from.  [default: https://huggingface.co]")]


def register(app: typer.Typer) -> None:
    """Add the command to ``autoir aws``."""
    app.command(
        "mirror-model",
        cls=StageCommand,
        epilog=examples(
            "autoir aws mirror-model --stage prod",
            "autoir aws mirror-model --stage prod --from ~/models/bge-small-en-v1.5",
        ),
    )(mirror_model)


def mirror_model(
    ctx: typer.Context,
    stage: Annotated[str, typer.Option(metavar="NAME", help="Whose bucket.")] = "dev",
    model: Annotated[str, typer.Option(metavar="NAME", help="bge-small-en-v1.5 or all-MiniLM-L6-v2.")] = DEFAULT,
    source: Folder = None,
    hub: Hub = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be fetched and sent, and stop.")] = False,
) -> None:
    """Copy a model into the weights bucket.

    One pinned commit of it, fetched once to this machine and verified file by file. It may be stopped and called again:
    it goes on where it was, and what is there already is not sent again.
    """
    from autoir.aws.cdk import access_to
    from autoir.aws.outputs import outputs_of
    from autoir.aws.weights import WeightsBucket, mirror, prefix_of
    from autoir.embed.models import known_spec
    from autoir.stage import outputs

    known_spec(model)
    access = access_to(stage, asked(ctx).profile, asked(ctx).region)
    bucket = outputs_of(access, stage, "Foundation")[outputs.WEIGHTS_BUCKET]
    place = f"s3://{bucket}/{prefix_of(model)}"
    if dry_run:
        _show_plan(ctx, model, source, place)
        return
    progress = Progress()
    try:
        fetched = found(model, source, hub, progress)
        sent = mirror(
            fetched.model,
            WeightsBucket(bucket, access),
            lambda name, whole, done: progress.update(f"sending {name}, {size(done)}", done / whole),
        )
    except KeyboardInterrupt:
        raise Interrupted("stopped.", _AGAIN) from None
    finally:
        progress.done()
    _show(ctx, model, place, fetched.received_bytes, sent)


def found(model: str, source: Path | None, hub: str, progress: Progress) -> "Fetched":
    """The verified folder of ``model``: ``source``, or the one that it was fetched to."""
    from autoir import locations
    from autoir.embed.mirror import HUB, Fetched, fetch_model, required

    if source:
        return Fetched(required(source.expanduser(), model), 0)

    def watch(name: str, done: int, whole: int) -> None:
        progress.update(f"fetching {name}, {size(done)}", done / whole if whole > 0 else None)

    locations.home()
    return fetch_model(model, locations.models_folder() / model, hub=hub or HUB, progress=watch)


def _show_plan(ctx: typer.Context, model: str, source: Path | None, place: str) -> None:
    from autoir.embed.mirror import PUBLISHED

    where = str(source) if source else "{} at commit {}".format(*PUBLISHED[model])
    if asked(ctx).as_json:
        print_json({"model": model, "place": place, "dry_run": True, "source": where})
    else:
        show(Lines([f"from {where}", f"to   {place}"]))


def _show(ctx: typer.Context, model: str, place: str, received: int, sent: "Sequence[Mirrored]") -> None:
    total = sum(file.sent_bytes for file in sent)
    if asked(ctx).as_json:
        files = [{**file._asdict()} for file in sent]
        print_json(
            {"model": model, "place": place, "dry_run": False, "received_bytes": received, "sent_bytes": total,
             "files": files}
        )  # fmt: skip
        return
    whole = size(sum(file.size_bytes for file in sent))
    if total:
        show(Lines([f"{model}: {size(received)} fetched, {size(total)} sent, all verified.", place]))
    else:
        show(Lines([f"{model} is there already ({whole}): nothing was sent.", place]))
