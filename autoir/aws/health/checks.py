"""All checks, in the order in which a person mends what they find."""

from typing import Final

from autoir.aws.health import account, ears, parts
from autoir.aws.health.rows import Check

OFFLINE: Final[tuple[Check, ...]] = (parts.switches,)
"""Those that ask nobody."""

ONLINE: Final[tuple[Check, ...]] = (
    account.login, account.bootstrap, account.lambda_concurrency, account.network_quotas, account.gpu_quotas,
    parts.stacks, parts.secrets, parts.schema, parts.embedding, parts.tailing_task, parts.failed_deliveries,
    ears.watched_groups, ears.subscribers, ears.alarms,
)  # fmt: skip
