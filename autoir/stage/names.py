"""What things of a stage are called: the names that must be the same to the stacks, the handlers and the commands.

Only what somebody has to find by its name has one; all else is named by CloudFormation, since a fixed name collides
with what a failed deployment left behind. AutoIR's own log groups are fixed, so that they can be known and refused
(``autoir.recursion``).
"""

import re
from typing import Final

STAGE: Final = re.compile(r"(?=.{1,20}$)[a-z](?:-?[a-z0-9])*")
"""What a stage may be called."""
HOST: Final = re.compile(r"(?=.{1,30}$)[a-z](?:-?[a-z0-9])*")
"""What a host of the model may be called."""

STAGE_TAG: Final = "autoir:stage"
"""Tag of everything of a stage; the sweep may set the capacity of groups by it."""
HOST_TAG: Final = "autoir:host"
"""Tag of a host and of its group: the host's name."""

EMBED_LOGS_LOG: Final = "embed_logs"
SWEEP_LOG: Final = "sweep_incidents"
MIGRATE_LOG: Final = "migrate_schema"
TAIL_LOG: Final = "tail"
FLOW_LOG: Final = "flow"


def stack(stage: str, part: str) -> str:
    """Name of a stack: ``Foundation``, ``App``, ``Embedding``, ``Tailer`` or ``Llm-<host>``."""
    return f"AutoIR-{stage}-{part}"


def log_group(stage: str, part: str) -> str:
    """Name of one of AutoIR's own log groups."""
    return f"/autoir/{stage}/{part}"


def endpoint(stage: str, chosen: str = "") -> str:
    """Name of the embedding endpoint: the chosen one, or one after the stage."""
    return chosen or f"autoir-{stage}-embedding"


def cluster(stage: str) -> str:
    """Name of the tailer's ECS cluster."""
    return f"AutoIR-{stage}"


def llm_parameter_prefix(stage: str) -> str:
    """Prefix of the parameters in which hosts say where and how they are."""
    return f"/autoir/{stage}/llm/"


def llm_group_prefix(stage: str) -> str:
    """Prefix of the names of the hosts' Auto Scaling groups."""
    return f"autoir-{stage}-llm-"


def weights_prefix(repo: str, quant: str) -> str:
    """Prefix of a model's weights in the weights bucket; ``manifest.sha256`` under it names each file."""
    return f"weights/{repo.rpartition('/')[2]}/{quant}/"
