"""Entry point of the function that looks for incidents; ``autoir.functions.sweep_incidents`` is all of it."""

import os

from autoir.functions.context import Context
from autoir.functions.sweep_incidents import SweepIncidents
from autoir.lambda_env import SweepIncidentsEnv

_function = SweepIncidents(SweepIncidentsEnv.read(os.environ))


def lambda_handler(event: object, context: Context) -> dict[str, object]:
    """One sweep."""
    return _function(event, context)
