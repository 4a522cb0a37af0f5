"""What a stage hears, and who hears of it: log groups, subscribers, alarms."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from autoir.aws.health.rows import Row, Seen
from autoir.aws.session import Access, RefusedError
from autoir.aws.topic import Topic
from autoir.errors import UsageError
from autoir.stage import StageConfig, names, outputs

_FILTERS: Final = 2
"""Subscription filters that a log group takes (CloudWatch Logs quotas)."""
_TOPICS: Final = {"pages": outputs.PAGES_TOPIC, "events": outputs.EVENTS_TOPIC, "alarms": outputs.ALARMS_TOPIC}


def watched_groups(seen: Seen) -> Iterator[Row]:
    """Whether each group can have its filter: one that cannot fails the whole stack."""
    for group in seen.config.ingestion.log_groups:
        yield _group(seen, group)


def require_watchable(config: StageConfig, access: Access) -> None:
    """Make sure that each watched group can have its filter, before App is deployed: its stack would be rolled back.

    Raises UsageError with every group that cannot, and as ``Access.asked`` does; a group of which AWS says neither is
    left to CloudFormation.
    """
    rows = watched_groups(Seen(config, access, now_ms=0))  # no group is judged by the time
    if broken := [row for row in rows if row.state == "broken"]:
        found = [f"{row.name}: {row.found} (needed: {row.needed})" for row in broken]
        raise UsageError("\n".join(["App would fail.", *found]), "\n".join(f"{row.name}: {row.mend}" for row in broken))


def subscribers(seen: Seen) -> Iterator[Row]:
    """Whether everybody who is to hear has said yes to AWS."""
    for name, output in _TOPICS.items():
        if arn := seen.output("Foundation", output):
            yield from _listeners(seen, name, arn)


def alarms(seen: Seen) -> Iterable[Row]:
    """Which alarms of the stage ring."""
    cloudwatch = seen.access.client("cloudwatch")
    prefix = names.stack(seen.config.name, "")
    found = seen.access.asked(
        "cloudwatch:DescribeAlarms",
        lambda: cloudwatch.describe_alarms(StateValue="ALARM", AlarmNamePrefix=prefix),
    )["MetricAlarms"]
    # Another stage's name may begin with this one's.
    own = tuple(f"{names.stack(seen.config.name, part)}-" for part in seen.parts())
    ringing = [alarm for alarm in found if str(alarm["AlarmName"]).startswith(own)]
    if not ringing and seen.stack("App"):
        yield Row("alarms", "ok", "none rings")
    for alarm in ringing:
        why = str(alarm.get("AlarmDescription") or alarm["AlarmName"])
        since = f"{alarm['StateUpdatedTimestamp']:%Y-%m-%d %H:%M}Z" if "StateUpdatedTimestamp" in alarm else ""
        yield Row("alarm", "broken", f"{why}{' since ' * bool(since)}{since}", "", f"CloudWatch: {alarm['AlarmName']}")


def _listeners(seen: Seen, name: str, arn: str) -> Iterator[Row]:
    found = Topic(seen.access, arn).listeners()
    silent = [listener for listener in found if not listener.confirmed]
    for listener in silent:
        yield Row(f"{name} to {listener.place}", "broken", "not confirmed", "confirmed", listener.mend)
    if found and not silent:
        yield Row(f"topic of {name}", "ok", f"{len(found)} listening")
    if name == "pages" and seen.config.pages and not found:
        mend = f"autoir aws test-page --stage {seen.config.name}"
        yield Row(f"topic of {name}", "broken", "nobody listens", f"{len(seen.config.pages)} listening", mend)


def _group(seen: Seen, group: str) -> Row:
    logs, name = seen.access.client("logs"), f"group {group}"
    listed = seen.access.asked(
        "logs:DescribeLogGroups", lambda: logs.describe_log_groups(logGroupNamePrefix=group, limit=1)
    )["logGroups"]
    # Sorted by name, so the group itself comes before those that its name begins.
    if not listed or listed[0]["logGroupName"] != group:
        make = f"aws logs create-log-group --region {seen.config.region} --log-group-name {shlex.quote(group)}"
        mend = f"{make} (or take it out of ingestion.log_groups in stages/{seen.config.name}.toml)"
        return Row(name, "broken", "does not exist", "a log group", mend)
    kind = str(listed[0].get("logGroupClass", "STANDARD"))
    tail = f"autoir aws autoir-fargate deploy --stage {seen.config.name} --groups '{group}'"
    if kind != "STANDARD":
        mend = tail if kind == "INFREQUENT_ACCESS" else "make another: its class cannot be changed"
        return Row(name, "broken", f"class {kind}", "class STANDARD", mend)
    try:
        filters = seen.access.asked(
            "logs:DescribeSubscriptionFilters", lambda: logs.describe_subscription_filters(logGroupName=group)
        )["subscriptionFilters"]
    except RefusedError as error:
        return Row(name, "unknown", str(error))
    if any(_is_ours(seen, found) for found in filters):
        return Row(name, "ok", "is subscribed to")
    good = len(filters) < _FILTERS
    return Row(
        name, "ok" if good else "broken", f"{len(filters)} of {_FILTERS} filters", "one free", "" if good else tail
    )


def _is_ours(seen: Seen, found: Mapping[str, Any]) -> bool:
    function = seen.output("App", outputs.EMBED_FUNCTION)
    return bool(function) and str(found.get("destinationArn", "")).endswith(f":function:{function}")
