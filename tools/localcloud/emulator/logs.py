"""CloudWatch Logs: saved queries, and deliveries of subscriptions as AWS makes them.

MiniStack gives every delivery new event ids and forgets one that fails. AWS gives an event the same id whichever way it
goes, and a delivery is an asynchronous invocation: tried again, and at last put aside.
"""

import base64
import gzip
import json
import uuid
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id
from ministack.services import cloudwatch_logs, lambda_svc

from tools.localcloud.emulator import door
from tools.localcloud.emulator.kinds import Made, Properties, add

_QUERIES: Any = AccountRegionScopedDict()


def install() -> None:
    """Add saved queries and deliver subscriptions."""
    add("AWS::Logs::QueryDefinition", _query, lambda id_: _QUERIES.pop(id_, None))
    door.TARGETS["Logs_20140328.DescribeQueryDefinitions"] = lambda _: {"queryDefinitions": [*_QUERIES.values()]}
    cloudwatch_logs._fanout_to_subscription_filters = _deliver


def _query(properties: Properties) -> Made:
    id_ = str(uuid.uuid4())
    _QUERIES[id_] = {
        "queryDefinitionId": id_, "name": properties["Name"], "queryString": properties["QueryString"],
        "logGroupNames": properties.get("LogGroupNames", []),
    }  # fmt: skip
    return id_, {"QueryDefinitionId": id_}


def _deliver(group: str, stream: str, events: list[dict[str, Any]]) -> None:
    found = cloudwatch_logs._log_groups[group]
    asked = {(event.get("timestamp"), event.get("message")) for event in events}
    # A line written twice has two ids: those of this request are the last ones.
    newest = [e for e in found["streams"][stream]["events"] if (e["timestamp"], e["message"]) in asked][-len(events) :]
    for subscription in found["subscriptionFilters"].values():
        pattern = subscription.get("filterPattern", "")
        matching = [e for e in newest if cloudwatch_logs._subscription_pattern_matches(pattern, e["message"])]
        function = lambda_svc._functions.get(subscription["destinationArn"].rpartition(":")[2])
        if not matching or function is None:
            continue
        document = {
            "messageType": "DATA_MESSAGE", "owner": get_account_id(), "logGroup": group, "logStream": stream,
            "subscriptionFilters": [subscription["filterName"]],
            "logEvents": [{"id": e["eventId"], "timestamp": e["timestamp"], "message": e["message"]} for e in matching],
        }  # fmt: skip
        data = base64.b64encode(gzip.compress(json.dumps(document).encode())).decode()
        lambda_svc.invoke_async_with_retry(function, {"awslogs": {"data": data}})
