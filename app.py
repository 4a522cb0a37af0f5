"""The CDK app: `cdk deploy --all -c stage=prod`.

Reads `stages/<stage>.toml` and nothing else: no AWS call, no network, no clock. What of the stage is off, and what
turns it on, is said on stderr.
"""

import sys
from pathlib import Path

try:
    import aws_cdk as cdk
except ModuleNotFoundError:
    sys.exit("The stacks need aws-cdk-lib: pip install -r requirements.txt")

from autoir.errors import AutoirError
from autoir.stage import gates, read
from stacks.deployment import deployment, prepared

ROOT = Path(__file__).resolve().parent


def main(app: cdk.App) -> None:
    """Synthesize the stage that the context names."""
    folder = Path(app.node.try_get_context("stages") or ROOT / "stages")
    config = read(folder, app.node.try_get_context("stage") or "dev")
    for gate in gates.closed(config):
        print(f"{config.name}: {gate.part} is off ({gate.means}); {gate.turned_on_by} turns it on", file=sys.stderr)
    deployment(prepared(app, config), config)
    app.synth()


if __name__ == "__main__":
    try:
        main(cdk.App(analytics_reporting=False))
    except AutoirError as error:
        sys.exit(f"{error}\n{error.hint}".rstrip())
