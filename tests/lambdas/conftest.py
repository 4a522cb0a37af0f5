"""Functions in this process: Secrets Manager, SNS and S3 by moto, the store a real one, time as the test says."""

import functools
import itertools
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import boto3
import pytest
from moto import mock_aws
from moto.sns.models import sns_backends

from autoir.aws.session import Access
from autoir.clock import MINUTE_MS
from autoir.functions.embed_logs import EmbedLogs
from autoir.functions.migrate_schema import MigrateSchema
from autoir.functions.sweep_incidents import SweepIncidents
from autoir.functions.telemetry import Telemetry, told_of
from autoir.lambda_env import EmbedLogsEnv, MigrateSchemaEnv, SweepIncidentsEnv
from autoir.metric_names import namespace, unit
from autoir.recursion import is_own_line
from autoir.settings import Settings
from autoir.store import Store, open_store
from tests.detect.logbook import START
from tests.payloads import ACCOUNT, FUNCTION_ARN, NOW_MS, REGION, a_key
from tests.store.conftest import PLACES

SHARED = {
    "stage": "test", "log_level": "INFO", "powertools_service_name": "a_function",
    "powertools_metrics_namespace": "AutoIR/test",
}  # fmt: skip

LEARNED = Settings().warmup_min
"""Minutes of a logbook that a sweep only learns from."""
LIFE = 6
"""Minutes after those that nobody has looked at."""
END_MS = (START + LEARNED + LIFE) * MINUTE_MS
BUCKET, PREFIX = "failures", a_key(1).partition("2026")[0]
PAGES, EVENTS = (f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}" for name in ("pages", "events"))
ENVIRONMENT = {
    **{name.upper(): text for name, text in SHARED.items()},
    "SAGEMAKER_ENDPOINT": "", "PAGES_TOPIC_ARN": PAGES, "EVENTS_TOPIC_ARN": EVENTS,
    "FAILURE_BUCKET": BUCKET, "FAILURE_PREFIX": PREFIX,
    "ALERTS_WINDOW_MIN": "15", "ALERTS_MIN_SEVERITY": "medium", "ALERTS_MIN_CONFIDENCE": "70",
}  # fmt: skip
_numbers = itertools.count()
"""One account serves all tests of a module: each secret has a name of its own."""


class Invocation:
    """What Lambda tells a function. Time is left as ``left_s`` says, or as it is asked for, one value a question."""

    aws_request_id = "7c1e-0001"
    invoked_function_arn = FUNCTION_ARN

    def __init__(self, *left_s: float) -> None:
        self._left_s = list(left_s or (120.0,))

    def get_remaining_time_in_millis(self) -> int:
        left_s = self._left_s.pop(0) if len(self._left_s) > 1 else self._left_s[0]
        return int(left_s * 1000)


class Heard(Telemetry):
    """Remembers what a function says instead of printing it."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, object]]] = []
        self.metrics: list[dict[str, float]] = []

    def info(self, message: str, **facts: object) -> None:
        self.lines.append(("INFO", message, facts))

    def warning(self, message: str, **facts: object) -> None:
        self.lines.append(("WARNING", message, facts))

    def failed(self, error: Exception, request_id: str) -> None:
        told = told_of(error)
        self.lines.append(("ERROR", str(told), {"error": type(error).__name__, "hint": told.hint}))

    def publish(self, values: Any) -> None:
        self.metrics.append(dict(values))

    @property
    def levels(self) -> list[str]:
        return [level for level, _, _ in self.lines]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


def a_secret(text: str, name: str = "writer") -> str:
    """The ARN of a new secret that holds ``text``."""
    return str(boto3.client("secretsmanager", REGION).create_secret(Name=name, SecretString=text)["ARN"])


@pytest.fixture(params=PLACES)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a store with AutoIR's schema, once on each database."""
    for found in PLACES[request.param](request):
        open_store(found).close()
        yield found


@pytest.fixture
def sqlite_url(tmp_path: Any) -> str:
    """The URL of an embedded store with AutoIR's schema."""
    found = f"sqlite:///{tmp_path}/store.db"
    open_store(found).close()
    return found


Make = Callable[..., EmbedLogs]
MakeSweep = Callable[..., SweepIncidents]
Printed = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Printed]:
    """The lines that a function has printed since this was asked last, each of which bears AutoIR's mark.

    Powertools keeps a logger for each service, with the stream that it found first: none outlives a test here.
    """
    known, library = logging.Logger.manager.loggerDict, logging.getLogger("autoir")
    before = library.handlers, library.propagate
    known.pop(SHARED["powertools_service_name"], None)

    def lines() -> list[dict[str, Any]]:
        printed = capsys.readouterr().out.splitlines()
        assert all(map(is_own_line, printed)), printed
        return [json.loads(line) for line in printed]

    yield lines
    library.handlers, library.propagate = before
    known.pop(SHARED["powertools_service_name"], None)


@pytest.fixture
def heard() -> Heard:
    """What the function of the test says."""
    return Heard()


@pytest.fixture
def embed_logs(aws: None, heard: Heard) -> Iterator[Make]:
    """Makes the function for a store's URL; all are closed at the end."""
    made: list[EmbedLogs] = []

    def make(
        url: str = "", *, arn: str = "", endpoint: str = "", clock: Any = lambda: NOW_MS, **more: Any
    ) -> EmbedLogs:
        env = EmbedLogsEnv(**SHARED, store_secret_arn=arn or a_secret(url), sagemaker_endpoint=endpoint)
        made.append(EmbedLogs(env, **{"telemetry": heard, "clock": clock} | more))
        return made[-1]

    yield make
    for function in made:
        function.close()


@pytest.fixture(scope="module")
def account() -> Iterator[None]:
    """moto's account, with three failed deliveries in a bucket beside one of somebody else's; clients are made once."""
    with mock_aws(config={"core": {"reset_boto3_session": False}}), pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        patch.setattr(Access, "client", functools.cache(Access.client))
        s3 = boto3.client("s3", REGION)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        for key in (*map(a_key, range(3)), a_key(3).replace("EmbedLogs", "Another")):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
        yield


class Topics(NamedTuple):
    """Both topics of a stage."""

    sns: Any

    def heard(self, arn: str) -> list[dict[str, Any]]:
        """The message documents that the topic ``arn`` was given."""
        topic = sns_backends[ACCOUNT][REGION].topics.get(arn)
        return [json.loads(json.loads(sent[1])["https"]) for sent in topic.sent_notifications] if topic else []


@pytest.fixture
def topics(account: None, monkeypatch: pytest.MonkeyPatch) -> Topics:
    """Two topics that were given nothing yet."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    sns = boto3.client("sns", REGION)
    for arn in (PAGES, EVENTS):
        sns.delete_topic(TopicArn=arn)
        sns.create_topic(Name=arn.rpartition(":")[2])
    return Topics(sns)


@pytest.fixture
def sweeping(topics: Topics, heard: Heard) -> Iterator[MakeSweep]:
    """Makes the function for a store's URL, as its environment says; all are closed at the end."""
    made: list[SweepIncidents] = []

    def make(
        url: str, *, clock: Any = lambda: END_MS, seconds: Any = lambda: 0.0, telemetry: Any = heard, **env: str
    ) -> SweepIncidents:
        told = ENVIRONMENT | {"STORE_SECRET_ARN": a_secret(url, f"sweep{next(_numbers)}")} | env
        made.append(SweepIncidents(SweepIncidentsEnv.read(told), telemetry=telemetry, clock=clock, seconds=seconds))
        return made[-1]

    yield make
    for function in made:
        function.close()


@pytest.fixture
def migrate(aws: None, heard: Heard) -> Callable[..., MigrateSchema]:
    """Makes the function for an owner's URL."""

    def make(url: str, clock: Any = lambda: NOW_MS) -> MigrateSchema:
        env = MigrateSchemaEnv(**SHARED, owner_secret_arn=a_secret(url, "owner"))
        return MigrateSchema(env, telemetry=heard, clock=clock)

    return make


@pytest.fixture
def reader(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Store]]:
    """Opens a store to look into."""
    opened: list[Store] = []

    def read(url: str) -> Store:
        opened.append(open_store(url))
        return opened[-1]

    yield read
    for store in opened:
        store.close()


def whole(metrics: dict[str, float]) -> bool:
    """Whether every event received has a fate."""
    fates = ("Stored", "Duplicate", "Filtered", "Quarantined", "Unaccounted")
    return metrics["Received"] == sum(metrics[name] for name in fates) and metrics["Unaccounted"] == 0


def published(lines: list[dict[str, Any]], service: str) -> set[str]:
    """The names of the metrics in ``lines``, each of which stands where the alarms of stage ``test`` look for it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    found = set()
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            assert (directive["Namespace"], directive["Dimensions"]) == (namespace("test"), [["service"]])
            assert line["service"] == service
            names = [metric["Name"] for metric in directive["Metrics"]]
            assert [metric["Unit"] for metric in directive["Metrics"]] == list(map(unit, names))
            assert all(name in line for name in names)
            found.update(names)
    return found
