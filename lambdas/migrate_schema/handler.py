"""Entry point of the function that keeps the store's schema; ``autoir.functions.migrate_schema`` is all of it."""

import os

from autoir.functions.context import Context
from autoir.functions.migrate_schema import MigrateSchema
from autoir.lambda_env import MigrateSchemaEnv

_function = MigrateSchema(MigrateSchemaEnv.read(os.environ))


def lambda_handler(event: object, context: Context) -> dict[str, object]:
    """Do what the event asks for."""
    return _function(event, context)
