"""Deliveries of CloudWatch Logs as a function gets them, and the records that Lambda keeps of those that failed."""

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

ACCOUNT, REGION = "123456789012", "eu-west-1"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:AutoIR-test-App-EmbedLogs"
GROUP, STREAM = "/shop/checkout", "2026/03/02/[$LATEST]4f1c"
NOW_MS = 1_772_452_800_000  # 2026-03-02 12:00:00 UTC


def an_event(n: int, message: str = "", ts_ms: int = NOW_MS) -> dict[str, Any]:
    """One of ``logEvents``; ids are those of CloudWatch in form."""
    return {"id": f"{38_000_000_000_000_000_000_000_000_000_000 + n:056d}", "timestamp": ts_ms + n % 1_000,
            "message": message or f"INFO order {n} placed"}  # fmt: skip


def a_document(events: Sequence[object], **more: Any) -> dict[str, Any]:
    """The JSON inside a delivery."""
    return {
        "messageType": "DATA_MESSAGE", "owner": ACCOUNT, "logGroup": GROUP, "logStream": STREAM,
        "subscriptionFilters": ["AutoIR-test"], "logEvents": list(events),
    } | more  # fmt: skip


def packed(raw: bytes) -> str:
    """``raw`` as gzip in base64."""
    return base64.b64encode(gzip.compress(raw, 6)).decode()


def wrapped(data: object) -> dict[str, Any]:
    """The event around a delivery's text."""
    return {"awslogs": {"data": data}}


def a_payload(events: Sequence[object], **more: Any) -> dict[str, Any]:
    """A whole delivery."""
    return wrapped(packed(json.dumps(a_document(events, **more)).encode()))


CONTROL = a_payload(
    [{"id": "", "timestamp": NOW_MS, "message": "CWL CONTROL MESSAGE: Checking health of destination."}],
    messageType="CONTROL_MESSAGE", owner="CloudwatchLogs", logGroup="", logStream="", subscriptionFilters=[],
)  # fmt: skip


def a_record(payload: object, arn: str = f"{FUNCTION_ARN}:$LATEST") -> dict[str, Any]:
    """What Lambda writes of an invocation that failed three times, as its documentation shows it:
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    return {
        "version": "1.0",
        "timestamp": "2026-03-02T12:03:11.568Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-4d2a-8880-a18cdf61200e",
            "functionArn": arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "127.0.0.1:4000 does not answer.", "errorType": "UnreachableError"},
    }


def a_key(n: int) -> str:
    """The key of the ``n``-th record, a minute after the one before."""
    moment = f"2026-03-02T12.{n:02d}.11"
    return f"aws/lambda/async/AutoIR-test-App-EmbedLogs/2026/03/02/{moment}-0a3f7b0e-1111-4c7e-9a00-{n:012d}"
