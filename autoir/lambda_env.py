"""The environment of everything that runs in AWS: one frozen dataclass for each, a field for each variable.

The stacks fill these and the handlers read them, so a variable is named once: none that a handler reads can be left
unset, and a test finds each that no handler reads. A variable is its field's name in capitals. Each is always set; a
part that is switched off is an empty text. None ever holds a secret: secrets go by ARN and are read at run time.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from autoir.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What every part is told."""

    stage: str
    """Name of the deployment."""

    log_level: str
    """Least level that is logged: ``INFO`` unless somebody debugs."""

    powertools_service_name: str
    """Which part speaks, in its log lines and as a dimension of its metrics."""

    powertools_metrics_namespace: str
    """Namespace of the metrics: ``autoir.metric_names.namespace(stage)``."""

    def variables(self) -> dict[str, str]:
        """Name to value, for a function's or a task's environment."""
        return {field.name.upper(): str(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """The variables, in order."""
        return tuple(field.name.upper() for field in dataclasses.fields(cls))

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """The environment out of ``environ``. Raises UsageError naming a variable that is missing or no number."""
        values: dict[str, object] = {}
        for field in dataclasses.fields(cls):
            name = field.name.upper()
            try:
                text = environ[name]
                values[field.name] = int(text) if field.type is int else text
            except KeyError:
                raise UsageError(
                    f"The variable {name} is not set.", "Deploy this stage again: its stacks set every variable."
                ) from None
            except ValueError:
                raise UsageError(f"{name} = {text!r} is not a whole number.", f"Example: {name}=15") from None
        return cls(**values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedLogsEnv(Environment):
    """Of ``embed_logs``, which stores what a subscription filter delivers."""

    store_secret_arn: str
    """Secret whose text is the connection string of the writer."""

    sagemaker_endpoint: str
    """Endpoint that embeds new patterns; empty while there is none: patterns then stay pending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepIncidentsEnv(Environment):
    """Of ``sweep_incidents``, which looks for incidents and pages."""

    store_secret_arn: str
    """Secret whose text is the connection string of the writer."""

    sagemaker_endpoint: str
    """Endpoint that embeds pending patterns; empty while there is none."""

    pages_topic_arn: str
    """Topic that people hear of."""

    events_topic_arn: str
    """Topic for machines: every change of state of an incident."""

    failure_bucket: str
    """Bucket in which Lambda leaves deliveries that could not be stored."""

    failure_prefix: str
    """Prefix of their keys."""

    alerts_window_min: int
    """Minutes during which further candidates join an open incident."""

    alerts_min_severity: str
    """Least severity that pages people."""

    alerts_min_confidence: int
    """Least detection confidence, 0 to 100, that pages people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateSchemaEnv(Environment):
    """Of ``migrate_schema``, which brings the schema up to date and keeps the day partitions."""

    owner_secret_arn: str
    """Secret whose text is the connection string of the schema's owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TailEnv(Environment):
    """Of the task that tails log groups without a free subscription filter."""

    aws_region: str
    """Region of the log groups; Lambda sets its own, a container has to be told."""

    store_secret_arn: str
    """Secret whose text is the connection string of the writer."""

    sagemaker_endpoint: str
    """Endpoint that embeds new patterns; empty while there is none."""

    log_groups: str
    """Names or globs of log groups, joined by commas."""

    cloudwatch_calls_per_s: int
    """FilterLogEvents calls a second that it makes at most."""
