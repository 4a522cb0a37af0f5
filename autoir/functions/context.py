"""What Lambda tells a function about one invocation."""

from collections.abc import Callable
from typing import Protocol

from autoir.delivery import RESERVE_S

TimeLeft = Callable[[], float]
"""Seconds until Lambda ends the invocation."""

_LAST_TRY_S = 10.0
"""What one more try of the store may take: a pause, and a connection that does not come about, 5 s each."""


class Context(Protocol):
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    @property
    def aws_request_id(self) -> str:
        """Of the invocation; a repeated one has the same."""

    @property
    def invoked_function_arn(self) -> str:
        """``arn:aws:lambda:REGION:ACCOUNT:function:NAME``, perhaps with a version."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""


def time_left_s(context: Context) -> TimeLeft:
    """The clock of an invocation."""
    return lambda: context.get_remaining_time_in_millis() / 1000


def patience_s(left_s: float) -> float:
    """For how long the store may be tried when so much time is left: what was stored has to be told of, too."""
    return max(0.0, left_s - RESERVE_S - _LAST_TRY_S)
