"""What a function says of itself: log lines as JSON, metrics in CloudWatch's embedded format, both by Powertools.

Every line bears AutoIR's mark, so that one that comes back is known. No line holds an event's text, nor an error that
may quote one: what a database or a model's server says about a row can hold the row.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from autoir import metric_names
from autoir.delivery import OutOfTimeError
from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.functions.context import Context
from autoir.lambda_env import Environment
from autoir.metrics import UnaccountedError
from autoir.recursion import OWN_LINE
from autoir.subscription import PayloadError

_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_OPEN: Final = (UsageError, UnreachableError, PayloadError, OutOfTimeError, UnaccountedError)
"""Errors whose words are AutoIR's, or a server's about itself."""


class Telemetry:
    """The voice of one function. Raises UsageError for a log level that is none."""

    def __init__(self, env: Environment) -> None:
        if env.log_level not in _LEVELS:
            raise UsageError(f"LOG_LEVEL = {env.log_level!r} is no level.", f"One of {', '.join(_LEVELS)}.")
        self._stage = env.stage
        self._service = env.powertools_service_name
        self._namespace = env.powertools_metrics_namespace
        self._log = Logger(service=self._service, level=env.log_level)
        self._log.append_keys(**{OWN_LINE: self._stage})
        of_the_library = logging.getLogger("autoir")
        of_the_library.handlers, of_the_library.propagate = [self._log.registered_handler], False

    def info(self, message: str, **facts: object) -> None:
        """The one line of an invocation that went well."""
        self._log.info(message, extra=facts)

    def warning(self, message: str, **facts: object) -> None:
        """Something that is made good later by itself."""
        self._log.warning(message, extra=facts)

    def failed(self, error: Exception, request_id: str) -> None:
        """An invocation that did not do its work."""
        told = told_of(error)
        hint = {"hint": told.hint} if told.hint else {}
        self._log.error(str(told), extra={"error": type(error).__name__, "request_id": request_id, **hint})

    def publish(self, values: Mapping[str, float]) -> None:
        """Metrics by their names, in one record."""
        if not values:
            return
        metrics = EphemeralMetrics(namespace=self._namespace, service=self._service)
        for name, value in values.items():
            metrics.add_metric(name, metric_names.unit(name), value)
        metrics.add_metadata(OWN_LINE, self._stage)
        metrics.flush_metrics()


def told_of(error: Exception) -> AutoirError:
    """``error`` if its words may be told, else one that only names its kind."""
    if isinstance(error, _OPEN):
        return error
    return AutoirError(
        f"It failed with {type(error).__name__}, whose words may quote a log line.",
        "The same input on a laptop shows them: autoir aws replay-failed --debug",
    )


@contextmanager
def raised(telemetry: Telemetry, context: Context) -> Iterator[None]:
    """Tell of what fails inside, and raise it without the words of others: Lambda writes them down, and keeps them."""
    try:
        yield
    except Exception as error:
        telemetry.failed(error, context.aws_request_id)
        told = told_of(error)
        if told is error:
            raise
        raise told.with_traceback(error.__traceback__) from None
