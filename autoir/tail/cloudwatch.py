"""CloudWatch Logs, asked for groups and for pages of events.

FilterLogEvents is the one call that gives events with their id, so it alone may feed the store. It selects by the
event's own time; a page may be short or empty and still not be the last, which only the absence of a token says
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html). Each request is sent
once by the client and tried again here, with full jitter, when it was throttled or not answered.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from random import Random
from typing import Any, NamedTuple, Protocol

from autoir.aws.session import Access, LoginError
from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.events import LogEvent
from autoir.tail.cloudwatch_rate import Bucket, Pause

PAGE_EVENTS = 10_000
"""The most that a page may have, and 1 MB."""

TRIES = 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 4.0
"""Tries of one request, and bounds of the pause before the next: it doubles from the first to the longest, and of it a
random part is taken. After the last try the group has to wait its turn, so that no group holds up the others."""

_THROTTLED = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException"}
)
_AGAIN = frozenset({500, 502, 503, 504})
_GONE = "ResourceNotFoundException"
_INVALID = "InvalidParameterException"
_LIST = "the list of log groups"
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation"})


class StaleTokenError(AutoirError):
    """A page's token is no longer taken (they last a day): its window has to be read from the start."""


class NotReadableError(AutoirError):
    """CloudWatch will not give the events of a group, whoever asks again."""


class LogGroup(NamedTuple):
    """A log group as DescribeLogGroups shows it. ``created_ms`` is epoch milliseconds."""

    name: str
    account: str
    region: str
    created_ms: int = 0
    log_class: str = "STANDARD"


class Page(NamedTuple):
    """Some events of a window, and the token of the page behind it; no token, no further page."""

    events: list[LogEvent]
    token: str


class LogsClient(Protocol):
    """The calls of boto3's client that are used."""

    def filter_log_events(self, **arguments: object) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"""

    def describe_log_groups(self, **arguments: object) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html"""


class CloudWatch:
    """Log groups of one account and Region. Not shared between threads.

    ``pause`` waits, and says False when the process is to end: nothing is tried again then.
    """

    def __init__(
        self,
        access: Access,
        bucket: Bucket,
        *,
        pause: Pause,
        jitter: Random,
        client: Callable[[], LogsClient] | None = None,
    ) -> None:
        self.bucket = bucket
        self._access = access
        self._make = client or (lambda: access.client("logs"))
        self._pause = pause
        self._jitter = jitter

    @cached_property
    def _client(self) -> LogsClient:
        return self._make()

    def page(
        self, group: LogGroup, from_ms: int, until_ms: int, token: str = "", *, limit: int = PAGE_EVENTS,
        newest_first: bool = False,
    ) -> Page:  # fmt: skip
        """One page of the events whose time is in [``from_ms``, ``until_ms``); CloudWatch knows none of before 1970.

        Raises StaleTokenError for a token that is too old, UsageError for a group that is gone, NotReadableError where
        the role may not read it, LoginError, and UnreachableError when CloudWatch keeps being busy or away.
        """
        arguments: dict[str, object] = {
            "logGroupName": group.name, "startTime": max(0, from_ms), "endTime": max(0, until_ms),
            "limit": limit,
        }  # fmt: skip
        if newest_first:
            arguments["startFromHead"] = False
        if token:
            arguments["nextToken"] = token
        answer = self._patiently(
            lambda: self._client.filter_log_events(**arguments), group.name, "logs:FilterLogEvents", self.bucket
        )
        return Page([_event(group, fields) for fields in answer.get("events", ())], answer.get("nextToken") or "")

    def groups(self, prefix: str = "") -> Iterator[LogGroup]:
        """The log groups whose names begin with ``prefix``, by name. Raises as ``page`` does."""
        arguments: dict[str, object] = {"logGroupNamePrefix": prefix} if prefix else {}
        while True:
            answer = self._patiently(
                lambda: self._client.describe_log_groups(**arguments), _LIST, "logs:DescribeLogGroups", None
            )
            yield from (_group(fields) for fields in answer.get("logGroups", ()))
            if not answer.get("nextToken"):
                return
            arguments["nextToken"] = answer["nextToken"]

    def _patiently(
        self, ask: Callable[[], Mapping[str, Any]], name: str, right: str, bucket: Bucket | None
    ) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        tries = 0
        while True:
            if bucket:
                if wait_s := bucket.wait_s():
                    self._pause(wait_s)
                bucket.take()
            try:
                answer = ask()
            except (ClientError, BotoCoreError) as error:
                busy = self._verdict(error, name, right, bucket)
                tries += 1
                ceiling_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**tries)
                if tries == TRIES or not self._pause(self._jitter.uniform(0, ceiling_s)):
                    raise busy from error
            else:
                if bucket:
                    bucket.passed()
                return answer

    def _verdict(self, error: Exception, name: str, right: str, bucket: Bucket | None) -> UnreachableError:
        """What to say when ``error`` lasts; raises where trying again is no use."""
        if login := self._access.explained(error):
            raise login from error
        response: Mapping[str, Any] = getattr(error, "response", None) or {}
        code = str(response.get("Error", {}).get("Code", ""))
        said = str(response.get("Error", {}).get("Message", "") or code)
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _THROTTLED:
            if bucket:
                bucket.throttled()
            return UnreachableError(
                f"CloudWatch throttles {right}.", "The limit is the whole account's: is another tool reading logs?"
            )
        if not code or status in _AGAIN:
            what = f"answers {status} {code}" if code else f"gives no answer ({type(error).__name__})"
            return UnreachableError(f"CloudWatch {what}.", "Is it in reach from here? Trying again later is safe.")
        if code == _INVALID and "token" in said.lower():
            raise StaleTokenError(f"{name}: CloudWatch no longer takes this page's token.") from error
        if code == _GONE:
            raise UsageError(f"there is no log group {name}.", "It may have been deleted: what was read is stored.")
        if code in _DENIED:
            raise NotReadableError(f"{name} may not be read.", f"Give this role {right}.") from error
        raise NotReadableError(f"CloudWatch refuses {right} on {name}: {said} ({code}).")


def _event(group: LogGroup, fields: Mapping[str, Any]) -> LogEvent:
    ts_ms = int(fields["timestamp"])
    return LogEvent(
        group.name,
        str(fields.get("logStreamName", "")),
        ts_ms,
        str(fields.get("message", "")),
        str(fields["eventId"]),
        int(fields.get("ingestionTime", ts_ms)),
        group.account,
        group.region,
    )


def _group(fields: Mapping[str, Any]) -> LogGroup:
    """``fields`` of arn:aws:logs:REGION:ACCOUNT:log-group:NAME, which may end in :* too."""
    _, _, _, region, account, *_ = str(fields["arn"]).split(":", 6)
    return LogGroup(
        str(fields["logGroupName"]),
        account,
        region,
        int(fields.get("creationTime", 0)),
        str(fields.get("logGroupClass", "STANDARD")),
    )


__all__ = ["CloudWatch", "LogGroup", "LoginError", "NotReadableError", "Page", "StaleTokenError"]
