"""What of a stage is off, why, and which command turns it on.

A fresh account deploys at the first try because whatever needs something it lacks is left out, and nobody is left to
wonder: synthesis prints this list.
"""

from dataclasses import dataclass

from autoir import fit
from autoir.stage.config import EXAMPLE_ACCOUNT, StageConfig


@dataclass(frozen=True, slots=True)
class Gate:
    """One part that is off: what that means, and the command (or the key) that turns it on."""

    part: str
    means: str
    turned_on_by: str


def closed(config: StageConfig) -> list[Gate]:
    """The parts of ``config`` that are off."""
    stage = f"--stage {config.name}"
    gates = [
        (config.account == EXAMPLE_ACCOUNT, "account", "this is an example", "account"),
        (not config.store.ready, "store", "nothing is ingested, no sweep runs", f"autoir tidb dsn {stage}"),
        (not config.ingestion.log_groups, "subscriptions", "no log group is watched", "ingestion.log_groups"),
        (not config.pages, "pages", "nobody is paged", "pages"),
        (
            not config.embedding.archive,
            "embedding",
            "search goes by words alone",
            f"autoir aws sagemaker-bootstrap {stage}",
        ),
        (not config.tailer.enabled, "tailer", "no group is tailed", f"autoir aws autoir-fargate deploy {stage}"),
        (not config.llm, "llm", "no host of the model is deployed", "a table [llm.NAME]"),
    ]
    return [Gate(*words) for off, *words in gates if off]


def warnings(config: StageConfig) -> list[str]:
    """What works and should be changed all the same: old names of quants."""
    return [
        f"llm.{name}.quant: {host.quant} was never published; {fit.canonical(host.quant)} is deployed. Write that name."
        for name, host in config.llm.items()
        if fit.canonical(host.quant) != host.quant
    ]
