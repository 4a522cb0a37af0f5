"""Synthesize stages with every check, without bundling and without AWS: `python -m stacks.synthesis OUT FILE.toml…`.

`--unchecked` before them leaves the checks out: the templates are the same, in half the time.

What `cdk synth` does for one stage, done for several in one process, since starting CDK takes longer than a stage.
cdk-nag looks at every resource here and not in app.py: a user's own setting must not stop a deployment over a
finding that the checks of this repository have never seen.
"""

import json
import sys
import time
from pathlib import Path

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from autoir.stage import StageConfig, parse
from stacks.bundle import ROOT
from stacks.deployment import deployment, prepared


def synthesize(config: StageConfig, out: Path, *, checked: bool = True) -> None:
    """The templates of ``config`` into the folder ``out``. Raises where a check finds something."""
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    context |= {"aws:cdk:bundling-stacks": []}
    app = cdk.App(
        context=context, outdir=str(out), analytics_reporting=False, builtin_cloud_formation_validation=checked
    )
    deployment(prepared(app, config), config)
    if checked:
        checks = (AwsSolutionsChecks(app, verbose=True), ServerlessChecks(app, verbose=True))
        cdk.Validations.of(app).add_plugins(*checks)
    app.synth()


def main(out: Path, files: list[Path], *, checked: bool) -> None:
    """Synthesize each of ``files`` into a folder of its name, and say what came out."""
    for file in files:
        began = time.monotonic()
        synthesize(parse(file, file.read_text("utf-8")), out / file.stem, checked=checked)
        sizes = {
            path.name.removesuffix(".template.json"): len(json.loads(path.read_text("utf-8"))["Resources"])
            for path in sorted((out / file.stem).glob("*.template.json"))
        }
        counted = ", ".join(f"{name} {count}" for name, count in sizes.items())
        print(
            f"{file.stem}: {sum(sizes.values())} resources in {time.monotonic() - began:.1f} s ({counted})", flush=True
        )


if __name__ == "__main__":
    asked = [argument for argument in sys.argv[1:] if argument != "--unchecked"]
    main(Path(asked[0]), [Path(argument) for argument in asked[1:]], checked="--unchecked" not in sys.argv)
