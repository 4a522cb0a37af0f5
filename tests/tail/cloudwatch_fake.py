"""CloudWatch Logs at the wire: an HTTP server that speaks its JSON 1.1 protocol, and bends it as the real one does.

Events appear when they are due by a virtual clock, late by seconds or days; pages are short, or empty with a token;
tokens grow old; calls over the rate are throttled; groups vanish or may not be read. A token stands for a place in the
order of (time, ingestion, id), so what comes late behind it is not in the pages that follow, as in the real one.
"""

import json
import queue
import threading
import time
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from math import ceil
from random import Random
from typing import Any, NamedTuple

ACCOUNT, REGION = "123456789012", "eu-west-1"
START_MS = 1_772_452_800_000
"""2026-03-02 12:00 UTC: where the tests' virtual time begins."""


class Refusal(Exception):
    """An error of the service: its code, its message, the HTTP status."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message or code, status


class Put(NamedTuple):
    """An event in the order of the real one's answers. ``visible_ms`` is when it can first be read."""

    ts_ms: int
    ingest_ms: int
    event_id: str
    stream: str
    message: str
    visible_ms: int


@dataclass
class Group:
    """One log group."""

    events: list[Put] = field(default_factory=list)
    created_ms: int = START_MS - 86_400_000
    log_class: str = "STANDARD"
    denied: bool = False


@dataclass
class Faults:
    """How often what goes wrong, as shares of calls, and the service's own limits."""

    empty: float = 0.0
    short: float = 0.0
    failing: float = 0.0
    dropped: float = 0.0
    throttled: float = 0.0
    repeated: float = 0.0
    """Share of events that are given twice on a page."""
    token_life_ms: int = 86_400_000
    per_s: float = 1e9
    page_events: int = 10_000
    latency_ms: int = 0


class Time:
    """Virtual time: a clock, and a pause that moves it on and says False at ``end_ms``."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms
        self.end_ms = 1 << 60

    def clock(self) -> int:
        return self.now_ms

    def pause(self, seconds: float) -> bool:
        self.now_ms += ceil(seconds * 1000)
        return self.now_ms < self.end_ms


class RealTime(Time):
    """The machine's own time, for what runs as it does in earnest."""

    @property
    def now_ms(self) -> int:  # type: ignore[override]
        return time.time_ns() // 1_000_000

    @now_ms.setter
    def now_ms(self, _value: int) -> None:
        """It moves by itself."""


class FakeLogs:
    """The service's state. ``calls`` counts by operation; ``events_given`` events by group, each time."""

    def __init__(self, at: Time, faults: Faults | None = None, seed: int = 0) -> None:
        self.time = at
        self.faults = faults or Faults()
        self.groups: dict[str, Group] = {}
        self.calls: Counter[str] = Counter()
        self.events_given: Counter[str] = Counter()
        self.refusal: Refusal | None = None
        self.secrets: dict[str, str] = {}
        self.requests: list[dict[str, Any]] = []
        self.answered: queue.SimpleQueue[str] = queue.SimpleQueue()
        """Every operation once it is answered."""
        self._draw = Random(seed)
        self._tokens: dict[str, tuple[tuple[object, ...], int]] = {}
        self._budget, self._budget_ms = self.faults.per_s, at.now_ms
        self._put = 0

    def make(self, name: str, **changes: Any) -> Group:
        """A log group."""
        self.groups[name] = Group(**changes)
        return self.groups[name]

    def put(
        self, name: str, ts_ms: int, message: str = "", *, late_ms: int = 0, unseen_ms: int = 0, stream: str = "s-1"
    ) -> str:
        """An event of ``ts_ms`` that was taken in ``late_ms`` later and can be read ``unseen_ms`` after that."""
        self._put += 1
        event_id = f"{self._put:056d}"
        ingest_ms = ts_ms + late_ms
        put = Put(ts_ms, ingest_ms, event_id, stream, message or f"line {self._put}", ingest_ms + unseen_ms)
        insort(self.groups[name].events, put)
        return event_id

    def answer(self, operation: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to one call; None drops the connection. Raises Refusal."""
        self.calls[operation] += 1
        self.requests.append({"operation": operation, **body})
        self.time.now_ms += self.faults.latency_ms
        if self.refusal:
            raise self.refusal
        if operation == "DescribeLogGroups":
            return self._describe(body)
        if operation == "FilterLogEvents":
            self._spend()
            chance = self._draw.random()
            for share, error in (
                (self.faults.dropped, None),
                (self.faults.failing, Refusal("InternalFailure", status=500)),
                (self.faults.throttled, Refusal("ThrottlingException", "Rate exceeded")),
            ):
                if chance < share:
                    if error is None:
                        return None
                    raise error
                chance -= share
            return self._filter(body)
        if operation == "GetSecretValue" and body["SecretId"] in self.secrets:  # of the Secrets Manager
            return {"ARN": body["SecretId"], "Name": "store", "SecretString": self.secrets[body["SecretId"]]}
        raise Refusal("ResourceNotFoundException", operation)

    def _spend(self) -> None:
        gained = (self.time.now_ms - self._budget_ms) / 1000 * self.faults.per_s
        self._budget = min(self.faults.per_s, self._budget + gained)
        self._budget_ms = self.time.now_ms
        if self._budget < 1:
            self.calls["throttled"] += 1
            raise Refusal("ThrottlingException", "Rate exceeded")
        self._budget -= 1

    def _describe(self, body: dict[str, Any]) -> dict[str, Any]:
        prefix, after = body.get("logGroupNamePrefix", ""), body.get("nextToken", "")
        names = sorted(name for name in self.groups if name.startswith(prefix) and name > after)
        listed, more = names[:50], names[50:]
        answer: dict[str, Any] = {
            "logGroups": [
                {
                    "logGroupName": name,
                    "arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*",
                    "logGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}",
                    "creationTime": self.groups[name].created_ms,
                    "logGroupClass": self.groups[name].log_class,
                }
                for name in listed
            ]
        }
        return answer | ({"nextToken": listed[-1]} if more else {})

    def _filter(self, body: dict[str, Any]) -> dict[str, Any]:
        name, group = body["logGroupName"], self.groups.get(body["logGroupName"])
        if group is None:
            raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
        if group.denied:
            raise Refusal("AccessDeniedException", f"not authorized to perform logs:FilterLogEvents on {name}")
        after: tuple[object, ...] = ()
        if token := body.get("nextToken"):
            after, issued_ms = self._tokens.get(token, ((), -(1 << 60)))
            if self.time.now_ms - issued_ms > self.faults.token_life_ms:
                raise Refusal("InvalidParameterException", "The specified nextToken is invalid.")
        backwards = body.get("startFromHead") is False
        begin = bisect_left(group.events, (body.get("startTime", 0),))
        end = bisect_left(group.events, (body.get("endTime", 1 << 60),))
        if after and backwards:
            end = min(end, bisect_left(group.events, after))
        elif after:
            begin = max(begin, bisect_right(group.events, (*after, chr(0x10FFFF))))
        seen = [put for put in group.events[begin:end] if put.visible_ms <= self.time.now_ms]
        if backwards:
            seen.reverse()
        most = min(body.get("limit", 10_000), self.faults.page_events)
        if self._draw.random() < self.faults.short:
            most = self._draw.randint(1, most)
        if self._draw.random() < self.faults.empty:
            return {"events": [], "nextToken": self._token(after), "searchedLogStreams": []}
        given = seen[:most]
        self.events_given[name] += len(given)
        answer: dict[str, Any] = {"events": [fields for put in given for fields in self._shown(put)]}
        if len(seen) > most:
            answer["nextToken"] = self._token(given[-1][:3])
        return answer

    def _shown(self, put: Put) -> list[dict[str, Any]]:
        fields = {
            "logStreamName": put.stream, "timestamp": put.ts_ms, "message": put.message,
            "ingestionTime": put.ingest_ms, "eventId": put.event_id,
        }  # fmt: skip
        return [fields] * (2 if self._draw.random() < self.faults.repeated else 1)

    def _token(self, after: tuple[object, ...]) -> str:
        token = f"token-{len(self._tokens)}"
        self._tokens[token] = (after, self.time.now_ms)
        return token


class Wire:
    """The server: ``logs`` may be replaced between tests, connections and all."""

    def __init__(self) -> None:
        self.logs = FakeLogs(Time())
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a machine finds the service, with a login."""
        return {
            "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
        }  # fmt: skip

    def await_calls(self, operation: str, calls: int, timeout_s: float = 120.0) -> None:
        """Wait until ``operation`` was answered ``calls`` times more than was waited for before."""
        while calls:
            calls -= self.logs.answered.get(timeout=timeout_s) == operation

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        wire, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = 1 << 16

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                operation, logs = self.headers["X-Amz-Target"].partition(".")[2], wire.logs
                try:
                    with lock:
                        answer = logs.answer(operation, body)
                except Refusal as refusal:
                    self._send(refusal.status, {"__type": refusal.code, "message": refusal.message})
                    return
                if answer is None:
                    self.close_connection = True
                    return
                self._send(200, answer)
                logs.answered.put(operation)

            def _send(self, status: int, document: dict[str, Any]) -> None:
                raw = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def serving() -> Iterator[Wire]:
    """A server on a free port of this machine."""
    wire = Wire()
    try:
        yield wire
    finally:
        wire.close()


def client_of(wire: Wire) -> Callable[[], Any]:
    """What makes a client of boto3 for ``wire``; it is made once."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "logs", region_name=REGION, endpoint_url=wire.url, aws_access_key_id="testing", aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=60, parameter_validation=True),
    )  # fmt: skip
    return lambda: client
