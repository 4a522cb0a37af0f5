"""``autoir aws``: what a person does to a deployment. A command is a module of its own and one line here."""

import typer

from autoir.cli import check, cost, fargate, mirror_model, replay_failed, sagemaker_bootstrap, trial
from autoir.cli.options import Group, examples

app = typer.Typer(
    name="aws",
    cls=Group,
    no_args_is_help=True,
    help="Look after a deployment in AWS.",
    epilog=examples("autoir aws replay-failed --stage prod --dry-run"),
)

for command in (check, trial, replay_failed, cost, fargate, mirror_model, sagemaker_bootstrap):
    command.register(app)
