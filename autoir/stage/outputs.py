"""Outputs of the stacks: what the commands look up instead of guessing names that CloudFormation chose."""

from typing import Final

WRITER_SECRET: Final = "StoreWriterSecretArn"
READER_SECRET: Final = "StoreReaderSecretArn"
OWNER_SECRET: Final = "StoreOwnerSecretArn"
LLM_KEY_SECRET: Final = "LlmKeySecretArn"
PAGES_TOPIC: Final = "PagesTopicArn"
EVENTS_TOPIC: Final = "EventsTopicArn"
ALARMS_TOPIC: Final = "AlarmsTopicArn"
FAILURE_BUCKET: Final = "FailureBucketName"
WEIGHTS_BUCKET: Final = "WeightsBucketName"
MIGRATE_FUNCTION: Final = "MigrateFunctionName"
EGRESS_IPS: Final = "EgressIps"
"""Of Foundation; the addresses are joined by commas, and there are none where the network is not ours."""

EMBED_FUNCTION: Final = "EmbedFunctionName"
SWEEP_FUNCTION: Final = "SweepFunctionName"
FAILURE_PREFIX: Final = "FailurePrefix"
"""Of App."""

ENDPOINT: Final = "EndpointName"
"""Of Embedding."""

CLUSTER: Final = "ClusterName"
SERVICE: Final = "ServiceName"
TASK_DEFINITION: Final = "TaskDefinitionArn"
"""Of Tailer."""

GROUP: Final = "GroupName"
"""Of a host: its Auto Scaling group."""
