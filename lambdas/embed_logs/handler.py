"""Entry point of the function that stores what CloudWatch delivers; ``autoir.functions.embed_logs`` is all of it."""

import os

from autoir.functions.context import Context
from autoir.functions.embed_logs import EmbedLogs
from autoir.lambda_env import EmbedLogsEnv

_function = EmbedLogs(EmbedLogsEnv.read(os.environ))


def lambda_handler(event: object, context: Context) -> dict[str, object]:
    """Store one delivery."""
    return _function(event, context)
