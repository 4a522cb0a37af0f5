"""The custom metrics that AutoIR's functions and its task publish, by name.

The code that publishes one and the alarm or graph that reads it both take the name from here, so an alarm cannot wait
for a metric that nobody sends. Each costs money for every set of dimensions it is sent with, and an alarm finds only
the exact set that it names: all are sent with the dimension ``service`` alone, which Powertools adds by itself, but for
``GROUP_LAG_S``, which is sent for the worst groups alone with ``group`` beside it.
"""

from typing import Final


def namespace(stage: str) -> str:
    """Namespace of the metrics of a stage."""
    return f"AutoIR/{stage}"


EMBED_LOGS: Final = "embed_logs"
SWEEP_INCIDENTS: Final = "sweep_incidents"
MIGRATE_SCHEMA: Final = "migrate_schema"
TAIL: Final = "tail"
"""Values of the dimension ``service``."""

# What became of every event (embed_logs, tail): counts.
RECEIVED: Final = "Received"
STORED: Final = "Stored"
DUPLICATE: Final = "Duplicate"
FILTERED: Final = "Filtered"
QUARANTINED: Final = "Quarantined"
UNACCOUNTED: Final = "Unaccounted"
"""Received and of unknown fate: 0 unless something is broken; published by each invocation, 0 included."""
CONTROL_MESSAGES: Final = "ControlMessages"
RECURSION_REFUSED: Final = "RecursionRefused"
"""Events of AutoIR's own log groups, refused."""

# Patterns (embed_logs, sweep_incidents, tail).
PATTERNS_NEW: Final = "PatternsNew"
PATTERNS_PENDING: Final = "PatternsPending"
"""Patterns without a vector, a gauge published by each sweep."""

# The endpoint that embeds (embed_logs, sweep_incidents, tail): only where it was asked for something, or is left alone.
EMBED_TEXTS: Final = "EmbedTexts"
"""Texts that got a vector: one or two a pattern."""
EMBED_REQUESTS: Final = "EmbedRequests"
"""Requests, those included that had to be made again."""
EMBED_LATENCY_MS: Final = "EmbedLatency"
"""Mean time of an answered request, as the client saw it: a cold start counts, and SageMaker's own metrics hide it."""
EMBED_BREAKER_OPEN: Final = "EmbedBreakerOpen"
"""1 while the endpoint is left alone after failures in a row; patterns wait meanwhile."""

# Sweeps (sweep_incidents).
SWEEPS_FINISHED: Final = "SweepsFinished"
"""1 for each sweep that ran to its end; a tick that found another at work publishes nothing."""
SWEEP_DURATION_MS: Final = "SweepDuration"
INCIDENTS_OPENED: Final = "IncidentsOpened"
OUTBOX_AGE_S: Final = "OutboxAge"
"""Age of the oldest message not yet sent, a gauge; 0 when there is none."""
MESSAGES_FAILED: Final = "MessagesFailed"
"""Messages that a topic refused."""
FAILED_DELIVERIES: Final = "FailedDeliveries"
"""Objects in the failure bucket, a gauge."""

# Tail (tail).
TAIL_LAG_S: Final = "TailLag"
"""Seconds since the slowest group was last read to its end, a gauge."""
GROUP_LAG_S: Final = "GroupLag"
"""The same for each of the ten worst groups, with the dimension ``group``."""
TAIL_HEARTBEAT: Final = "TailHeartbeat"
"""1 for each finished round of polls."""

EMITTED_BY: Final = {
    EMBED_LOGS: (
        RECEIVED, STORED, DUPLICATE, FILTERED, QUARANTINED, UNACCOUNTED, CONTROL_MESSAGES, RECURSION_REFUSED,
        PATTERNS_NEW, EMBED_TEXTS, EMBED_REQUESTS, EMBED_LATENCY_MS, EMBED_BREAKER_OPEN,
    ),
    SWEEP_INCIDENTS: (
        SWEEPS_FINISHED, SWEEP_DURATION_MS, INCIDENTS_OPENED, OUTBOX_AGE_S, MESSAGES_FAILED, FAILED_DELIVERIES,
        PATTERNS_PENDING, EMBED_TEXTS, EMBED_REQUESTS, EMBED_LATENCY_MS, EMBED_BREAKER_OPEN,
    ),
    MIGRATE_SCHEMA: (),
    TAIL: (
        RECEIVED, STORED, DUPLICATE, FILTERED, QUARANTINED, UNACCOUNTED, RECURSION_REFUSED, PATTERNS_NEW, TAIL_LAG_S,
        GROUP_LAG_S, TAIL_HEARTBEAT, EMBED_TEXTS, EMBED_REQUESTS, EMBED_LATENCY_MS, EMBED_BREAKER_OPEN,
    ),
}  # fmt: skip
"""Which service publishes which."""

_UNITS: Final = {
    SWEEP_DURATION_MS: "Milliseconds",
    EMBED_LATENCY_MS: "Milliseconds",
    OUTBOX_AGE_S: "Seconds",
    TAIL_LAG_S: "Seconds",
    GROUP_LAG_S: "Seconds",
}


def unit(name: str) -> str:
    """CloudWatch's unit of the metric of that name: most count something."""
    return _UNITS.get(name, "Count")
