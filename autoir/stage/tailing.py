"""The tailing task in a stage's file: on, started, stopped, off.

Off keeps what was set, so that the same task can be had again.
"""

from collections.abc import Sequence
from dataclasses import replace

from autoir.errors import UsageError
from autoir.stage.config import StageConfig


def deployed(
    config: StageConfig,
    groups: Sequence[str] = (),
    *,
    cpu: int | None = None,
    memory_mb: int | None = None,
    desired: int | None = None,
) -> StageConfig:
    """``config`` with the task on; what is not given stays. Raises UsageError where no group is named."""
    tailer = config.tailer
    if not groups and not tailer.groups:
        raise UsageError(
            f"stage {config.name} names no log group to tail.", "Example: --groups '/aws/rds/instance/shop/*'"
        )
    changed = replace(
        tailer,
        enabled=True,
        groups=tuple(groups) or tailer.groups,
        cpu=tailer.cpu if cpu is None else cpu,
        memory_mb=tailer.memory_mb if memory_mb is None else memory_mb,
        desired=tailer.desired if desired is None else desired,
    )
    return replace(config, tailer=changed)


def started(config: StageConfig) -> StageConfig:
    """``config`` with the task running. Raises UsageError where it is not deployed."""
    return replace(config, tailer=replace(_on(config).tailer, desired=1))


def stopped(config: StageConfig) -> StageConfig:
    """``config`` with the task deployed and not running. Raises UsageError where it is not deployed."""
    return replace(config, tailer=replace(_on(config).tailer, desired=0))


def removed(config: StageConfig) -> StageConfig:
    """``config`` without the task; what it read and how large it was is kept."""
    return replace(config, tailer=replace(config.tailer, enabled=False))


def _on(config: StageConfig) -> StageConfig:
    if not config.tailer.enabled:
        raise UsageError(
            f"stage {config.name} has no tailing task.",
            f"Deploy it: autoir aws autoir-fargate deploy --stage {config.name}",
        )
    return config
