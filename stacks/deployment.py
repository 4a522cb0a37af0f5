"""All stacks of a stage, in the order they need each other."""

import aws_cdk as cdk

from autoir.stage import StageConfig, gates
from stacks.application import App
from stacks.embedding import Embedding
from stacks.foundation import Foundation
from stacks.llm import Llm
from stacks.tailer import Tailer


def deployment(app: cdk.App, config: StageConfig) -> list[cdk.Stack]:
    """Put the stacks of ``config`` into ``app``."""
    foundation = Foundation(app, config=config)
    parts: list[cdk.Stack] = [foundation, App(app, config=config, foundation=foundation)]
    if config.embedding.archive:
        parts.append(Embedding(app, config=config, foundation=foundation))
    if config.tailer.enabled:
        parts.append(Tailer(app, config=config, foundation=foundation))
    parts += [Llm(app, config=config, name=name, foundation=foundation) for name in config.llm]
    for warning in gates.warnings(config):
        cdk.Annotations.of(foundation).add_warning_v2("AutoIR:stage", warning)
    return parts


def prepared(app: cdk.App, config: StageConfig) -> cdk.App:
    """``app`` told the zones of the stage, which a VPC would ask AWS for; before any stack is in it."""
    key = f"availability-zones:account={config.account}:region={config.region}"
    app.node.set_context(key, [*config.azs])
    return app
