"""``autoir aws sagemaker-bootstrap``: from published weights to an endpoint that is proved to be that model.

Each step leaves what it did where the next call finds it: files of the model, objects named by their hash, the stage's
file, the stacks. So the command may be stopped anywhere and called again.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli.failures import Interrupted
from autoir.cli.mirror_model import Folder, Hub, found
from autoir.cli.options import StageCommand, asked, examples
from autoir.cli.output import Lines, Progress, note, print_json, show, size
from autoir.embed.models import DEFAULT
from autoir.errors import UsageError

if TYPE_CHECKING:
    from autoir.aws import cdk
    from autoir.embed.artefact import Packed
    from autoir.embed.local.folder import FoundModel
    from autoir.stage import StageConfig

_PATIENCE_S = 20 * 60.0


def register(app: typer.Typer) -> None:
    """Add the command to ``autoir aws``."""
    app.command(
        "sagemaker-bootstrap",
        cls=StageCommand,
        epilog=examples(
            "autoir aws sagemaker-bootstrap --stage prod --dry-run",
            "autoir aws sagemaker-bootstrap --stage prod --memory 3072 --concurrency 10",
        ),
    )(sagemaker_bootstrap)


def sagemaker_bootstrap(
    ctx: typer.Context,
    stage: Annotated[str, typer.Option(metavar="NAME", help="The stage that gets an endpoint.")] = "dev",
    endpoint: Annotated[
        str,
        typer.Option("--endpoint", "--sagemaker-endpoint", metavar="NAME", help="What to call it, in lower case."),
    ] = "",
    memory: Annotated[int | None, typer.Option(metavar="MB", help="Memory of a worker: 1024 to 6144.")] = None,
    concurrency: Annotated[int | None, typer.Option(metavar="N", help="Workers at once: 1 to 200.")] = None,
    source: Folder = None,
    hub: Hub = "",
    sagemaker_region: Annotated[str, typer.Option(metavar="NAME", help="The same as --region.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change in the stage's file.")] = False,
) -> None:
    """Deploy the embedding endpoint and prove it.

    Copies the model into the weights bucket, packs it, deploys the endpoint, waits until it serves, and lets it embed
    eight texts: their vectors have to be those of the same weights here. Then the functions get it. What is not given
    stays as the stage's file has it.
    """
    from autoir.aws import cdk

    opened = cdk.Stage.opened(stage, asked(ctx).profile, sagemaker_region or asked(ctx).region)
    wanted = _wanted(opened.config, endpoint.lower(), memory, concurrency)
    opened.difference(wanted)  # what could not be deployed is refused before anything is fetched
    if dry_run:
        _plan(ctx, opened, wanted, source)
        return
    progress = Progress()
    try:
        _bootstrap(ctx, opened, wanted, lambda: found(DEFAULT, source, hub, progress).model, progress)
    except KeyboardInterrupt:
        raise Interrupted("stopped.", "What is done is kept: the same command goes on.") from None
    finally:
        progress.done()


def _wanted(config: "StageConfig", endpoint: str, memory: int | None, concurrency: int | None) -> "StageConfig":
    now = config.embedding
    changed = replace(
        now,
        endpoint=endpoint or now.endpoint,
        memory_mb=now.memory_mb if memory is None else memory,
        max_concurrency=now.max_concurrency if concurrency is None else concurrency,
    )
    return replace(config, embedding=changed)


def _packed(model: "FoundModel", folder: Path, wanted: "StageConfig") -> "tuple[Packed, StageConfig]":
    """The archive in ``folder``, and the stage with its key."""
    from autoir.embed.artefact import pack_model

    packed = pack_model(model.folder, folder / "model.tar.gz")
    archive = f"embed/{packed.sha256}/model.tar.gz"
    return packed, replace(wanted, embedding=replace(wanted.embedding, archive=archive))


def _plan(ctx: typer.Context, opened: "cdk.Stage", wanted: "StageConfig", source: Path | None) -> None:
    from autoir import locations
    from autoir.embed.local import ModelFileError
    from autoir.embed.mirror import required

    folder = source.expanduser() if source else locations.models_folder() / DEFAULT
    try:
        with tempfile.TemporaryDirectory() as scratch:
            _, wanted = _packed(required(folder, DEFAULT), Path(scratch), wanted)
    except ModelFileError:
        if source:
            raise
        note(f"{DEFAULT} is not on this machine yet: it would be fetched, and embedding.archive be set to its archive.")
    _show(ctx, wanted, opened.difference(wanted), dry_run=True)


def _bootstrap(
    ctx: typer.Context,
    opened: "cdk.Stage",
    wanted: "StageConfig",
    model: "Callable[[], FoundModel]",
    progress: Progress,
) -> None:
    from autoir.aws.endpoint import EmbeddingEndpoint
    from autoir.aws.health.ears import require_watchable
    from autoir.aws.weights import WeightsBucket, mirror
    from autoir.embed.local.engine import LocalEmbedder
    from autoir.stage import names

    opened.known()
    require_watchable(opened.config, opened.access)  # App comes last, half an hour from here
    bucket = WeightsBucket(_bucket(opened), opened.access)
    weights = model()
    mirror(weights, bucket, lambda name, whole, done: progress.update(f"sending {name}, {size(done)}", done / whole))
    with tempfile.TemporaryDirectory() as scratch:
        packed, wanted = _packed(weights, Path(scratch), wanted)
        whole = packed.size_bytes
        sent = bucket.put(
            packed.path, wanted.embedding.archive, packed.sha256,
            lambda done: progress.update(f"sending the archive, {size(done)}", done / whole),
        )  # fmt: skip
    progress.done()
    note(f"archive: {wanted.embedding.archive} ({f'{size(sent)} sent' if sent else 'there already'})")
    difference = opened.difference(wanted)
    for line in difference:
        note(line)
    deployed = opened.saved(wanted)
    deployed.deploy("Embedding")
    serving = EmbeddingEndpoint(opened.access, names.endpoint(wanted.name, wanted.embedding.endpoint))
    note(f"waiting until {serving.name} serves")
    serving.wait(_PATIENCE_S, lambda state: progress.update(f"{serving.name} is {state}"))
    progress.done()
    serving.verify(LocalEmbedder(weights.folder, weights.spec))
    note(f"{serving.name} embeds the test texts as {weights.spec.id} does here")
    deployed.deploy("App")
    _show(ctx, wanted, difference, dry_run=False)


def _bucket(opened: "cdk.Stage") -> str:
    from autoir.aws.outputs import NotDeployedError, outputs_of
    from autoir.stage import outputs

    try:
        return outputs_of(opened.access, opened.config.name, "Foundation")[outputs.WEIGHTS_BUCKET]
    except NotDeployedError as error:
        first = f"Do this first: autoir tidb dsn --stage {opened.config.name}"
        raise UsageError(str(error), first) from None


def _show(ctx: typer.Context, config: "StageConfig", difference: list[str], *, dry_run: bool) -> None:
    from autoir.stage import names

    endpoint = names.endpoint(config.name, config.embedding.endpoint)
    if asked(ctx).as_json:
        print_json(
            {"stage": config.name, "dry_run": dry_run, "endpoint": endpoint, "archive": config.embedding.archive,
             "difference": difference}
        )  # fmt: skip
    elif dry_run:
        show(Lines(difference or [f"stages/{config.name}.toml stays as it is."]))
    else:
        lines = [f"{endpoint} serves, is the model that it should be, and the functions use it."]
        if config.tailer.enabled:
            lines.append(f"The tailing task gets it by: autoir aws autoir-fargate deploy --stage {config.name}")
        show(Lines(lines))
