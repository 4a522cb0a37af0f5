"""The function that sweeps: what it judges, whom it tells, what it measures, and what never stops it.

The store is a real one with hours of a shop's life in it, learned from once for all tests. Topics, bucket and secrets
are moto's, and what people and machines would have heard is what its topics were given.
"""

import itertools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from autoir import metric_names as m
from autoir.clock import DAY_MS, MINUTE_MS
from autoir.errors import AutoirError, PasswordRefusedError, UnreachableError, UsageError
from autoir.functions import held
from autoir.functions.sweep_incidents import RESERVE_S, SweepIncidents
from autoir.lambda_env import SweepIncidentsEnv
from autoir.settings import Settings
from autoir.store import Store, open_store
from autoir.store.sqlite import SqliteDatabase
from tests.aws.answers import Answers
from tests.detect.logbook import START, Said, hum, swept, write
from tests.lambdas.conftest import (
    BUCKET,
    END_MS,
    ENVIRONMENT,
    EVENTS,
    LEARNED,
    LIFE,
    PAGES,
    PREFIX,
    SHARED,
    Heard,
    Invocation,
    MakeSweep,
    Printed,
    Topics,
    a_secret,
    published,
)
from tests.lambdas.test_filling import Endpoint
from tests.payloads import REGION, a_key

Read = Callable[[str], Store]


def trouble(at: int = 1, group: str = "/shop/web") -> list[Said]:
    """An error that is new, three minutes long."""
    return [Said(LEARNED + minute, group, "ERROR till - ledger is lost", 4) for minute in range(at, at + 3)]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that has learned for as long as it has to."""
    path = tmp_path_factory.mktemp("learned") / "store.db"
    store = open_store(f"sqlite:///{path}")
    write(store, hum(LEARNED))
    swept(store, LEARNED, Settings(stage="test"))
    store.close()
    return path


@pytest.fixture
def shop(learned: Path, tmp_path: Path) -> Iterator[Store]:
    """A store of one's own that has learned."""
    shutil.copy(learned, tmp_path / "store.db")
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    yield store
    store.close()


@pytest.fixture
def url(shop: Store, tmp_path: Path) -> str:
    """The URL of such a store with a trouble in it that nobody has looked at."""
    write(shop, [*hum(LEARNED + LIFE, begin=LEARNED), *trouble()])
    return f"sqlite:///{tmp_path}/store.db"


def test_a_sweep_judges_tells_and_measures(
    url: str, shop: Store, sweeping: MakeSweep, heard: Heard, topics: Topics
) -> None:
    passed = itertools.count(step=0.25)
    function = sweeping(url, seconds=lambda: next(passed))
    answer = function({}, Invocation(900.0))
    (incident,) = shop.incidents()
    assert answer == {
        "overtaken": False, "minutes": LIFE, "opened": [incident.id], "closed": [], "pages": 1, "sent": 2, "failed": 0,
        "embedded": 0, "behind": False,
    }  # fmt: skip
    took_ms = heard.metrics[0].pop(m.SWEEP_DURATION_MS)
    assert (took_ms % 250, 250 * LIFE < took_ms < 500 * LIFE) == (0, True)
    assert heard.metrics == [
        {
            m.SWEEPS_FINISHED: 1, m.INCIDENTS_OPENED: 1, m.MESSAGES_FAILED: 0, m.OUTBOX_AGE_S: 0,
            m.PATTERNS_PENDING: 7, m.FAILED_DELIVERIES: 3,
        }
    ]  # fmt: skip
    assert heard.levels == ["INFO"]
    for arn, channel in ((PAGES, "pages"), (EVENTS, "events")):
        (message,) = topics.heard(arn)
        assert (message["channel"], message["incident_id"], message["stage"]) == (channel, incident.id, "test")
    again = function({}, Invocation(900.0))
    assert (again["minutes"], again["opened"], again["sent"]) == (0, [], 0)
    assert (heard.metrics[1][m.SWEEPS_FINISHED], heard.metrics[1][m.INCIDENTS_OPENED]) == (1, 0)
    assert (len(topics.heard(PAGES)), len(topics.heard(EVENTS))) == (1, 1)


def test_every_metric_that_is_said_to_be_of_it_is_published(
    url: str, sweeping: MakeSweep, said: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoir.embed.remote.options.sagemaker", lambda told: Endpoint())
    sweeping(url, telemetry=None, SAGEMAKER_ENDPOINT="autoir-test-embedding")({}, Invocation(900.0))
    assert published(said(), SHARED["powertools_service_name"]) == set(m.EMITTED_BY[m.SWEEP_INCIDENTS])


def test_a_sweep_that_another_was_faster_than_leaves_without_a_word_to_the_alarms(
    url: str, shop: Store, sweeping: MakeSweep, heard: Heard, topics: Topics
) -> None:
    function = sweeping(url)
    shop.db.execute(  # what was judged is no longer what it was
        "CREATE TRIGGER faster BEFORE UPDATE ON autoir_meta WHEN OLD.k = 'swept_to' BEGIN SELECT RAISE(IGNORE); END"
    )
    assert function({}, Invocation(900.0)) == {"overtaken": True}
    assert (heard.metrics, heard.levels, topics.heard(PAGES)) == ([], ["INFO"], [])
    shop.db.execute("DROP TRIGGER faster")
    assert function({}, Invocation(900.0))["minutes"] == LIFE
    assert len(topics.heard(PAGES)) == 1


# Time.


@pytest.mark.parametrize(
    ("left_s", "minutes", "finished"),
    [
        ((900.0,), LIFE, 1),
        ((RESERVE_S,), LIFE, 1),
        ((RESERVE_S - 1,), 0, 0),
        ((*[900.0] * 4, RESERVE_S - 1), 4, 0),
    ],
)
def test_a_sweep_without_time_says_that_it_is_behind_and_the_next_goes_on(
    left_s: tuple[float, ...], minutes: int, finished: int, url: str, sweeping: MakeSweep, heard: Heard, topics: Topics
) -> None:
    function = sweeping(url)
    answer = function({}, Invocation(*left_s))
    assert (answer["minutes"], answer["behind"], answer["sent"]) == (minutes, not finished, 2 if minutes else 0)
    assert heard.metrics[-1][m.SWEEPS_FINISHED] == finished
    assert function({}, Invocation(900.0))["minutes"] == LIFE - minutes
    assert (heard.metrics[-1][m.SWEEPS_FINISHED], len(topics.heard(PAGES))) == (1, 1)


class Failing(sqlite3.Connection):
    """A database that breaks when the minute ``at`` is noted as judged."""

    at = ""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if "swept_to" in sql and values and self.at in values[0]:
            raise sqlite3.OperationalError("disk I/O error near 'a secret canary'")
        return super().execute(sql, *values)


def test_a_backlog_is_judged_in_slices_and_a_page_waits_for_its_own_alone(
    url: str, sweeping: MakeSweep, heard: Heard, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look at the clock takes 20 s: a slice is three minutes, and the store breaks at the end of the second."""

    def opened(url: str, **_: object) -> SqliteDatabase:
        path = Path(url.removeprefix("sqlite:///"))
        return SqliteDatabase(path, connect=lambda *a, **k: sqlite3.connect(*a, factory=Failing, **k))

    passed = itertools.count(step=20)
    monkeypatch.setattr(held, "open_database", opened)
    monkeypatch.setattr(Failing, "at", str(START + LEARNED + LIFE - 1))
    function = sweeping(url, seconds=lambda: float(next(passed)))
    with pytest.raises(AutoirError) as caught:
        function({}, Invocation(900.0))
    assert "canary" not in repr(heard.lines) + str(caught.value)
    assert (heard.levels, heard.metrics) == (["ERROR"], [])
    assert (len(topics.heard(PAGES)), len(topics.heard(EVENTS))) == (1, 1)
    monkeypatch.setattr(Failing, "at", "never")
    answer = function({}, Invocation(900.0))
    assert (answer["minutes"], answer["opened"], answer["behind"]) == (1, [], False)
    assert len(topics.heard(PAGES)) == 1


def test_a_backlog_is_judged_to_its_end(url: str, sweeping: MakeSweep, heard: Heard) -> None:
    passed = itertools.count(step=20)
    answer = sweeping(url, seconds=lambda: float(next(passed)))({}, Invocation(900.0))
    assert (answer["minutes"], answer["behind"], len(answer["opened"])) == (LIFE, False, 1)  # type: ignore[arg-type]
    assert (heard.metrics[0][m.SWEEPS_FINISHED], heard.metrics[0][m.INCIDENTS_OPENED]) == (1, 1)


# Messages that wait.


def test_a_topic_that_does_not_answer_is_counted_and_asked_again_until_it_does(
    url: str, sweeping: MakeSweep, heard: Heard, topics: Topics
) -> None:
    now_ms = [END_MS]
    topics.sns.delete_topic(TopicArn=PAGES)
    function = sweeping(url, clock=lambda: now_ms[0])
    seen = []
    for minutes, mended in ((0, False), (5, False), (30, True), (31, True)):
        now_ms[0] = END_MS + minutes * MINUTE_MS
        if mended:
            topics.sns.create_topic(Name="pages")
        function({}, Invocation(900.0))
        told = heard.metrics[-1]
        seen.append((len(topics.heard(PAGES)), told[m.MESSAGES_FAILED], told[m.OUTBOX_AGE_S], told[m.SWEEPS_FINISHED]))
    assert seen == [(0, 1, 240, 1), (0, 1, 540, 1), (1, 0, 0, 1), (1, 0, 0, 1)]  # since its minute
    warned = [facts for level, _, facts in heard.lines if level == "WARNING"]
    assert warned == [{"receiver": "sns", "reason": f"SNS answered NotFound for {PAGES}."}] * 2


@pytest.mark.parametrize(("body", "after_ms"), [("{}", MINUTE_MS), (None, DAY_MS)])
def test_a_message_that_is_given_up_counts_as_failed(
    body: str | None, after_ms: int, url: str, shop: Store, sweeping: MakeSweep, heard: Heard, topics: Topics
) -> None:
    """One that is no message, and one that nobody took for a day."""
    now_ms = [END_MS]
    topics.sns.delete_topic(TopicArn=PAGES)
    function = sweeping(url, clock=lambda: now_ms[0])
    function({}, Invocation(900.0))
    now_ms[0] += after_ms
    shop.db.execute("UPDATE autoir_outbox SET body = COALESCE(%s, body) WHERE sent_ms IS NULL", (body,))
    answer = function({}, Invocation(900.0))
    assert (answer["failed"], heard.metrics[-1][m.MESSAGES_FAILED]) == (1, 1)
    assert (heard.metrics[-1][m.OUTBOX_AGE_S], shop.oldest_unsent_ms()) == (0, None)


# What only measures never fails a sweep.


@pytest.mark.parametrize(
    ("answer", "counted", "said"),
    [
        ({"Contents": [{"Key": a_key(n), "Size": 1} for n in range(2)]}, 2, []),
        ({}, 0, []),
        ("AccessDenied", None, ["The bucket failures may not be listed: AccessDenied."]),
        ("NoSuchBucket", None, ["There is no bucket failures."]),
        ("SlowDown", None, ["S3 gave no answer about failures: SlowDown."]),
    ],
)
def test_a_bucket_that_may_not_be_listed_is_a_warning_and_no_gauge(
    answer: Any, counted: int | None, said: list[str], url: str, sweeping: MakeSweep, heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    function = sweeping(url)
    answers = Answers({"s3.ListObjectsV2": answer, "secretsmanager.GetSecretValue": {"SecretString": url}})
    answers.install(monkeypatch)
    done = function({}, Invocation(900.0))
    (asked,) = answers.calls("s3.ListObjectsV2")
    assert (asked["Bucket"], asked["Prefix"]) == (BUCKET, PREFIX)
    (told,) = heard.metrics
    assert (done["minutes"], told[m.SWEEPS_FINISHED], told.get(m.FAILED_DELIVERIES)) == (LIFE, 1, counted)
    assert [facts["reason"] for level, _, facts in heard.lines if level == "WARNING"] == said


@pytest.mark.parametrize(
    ("error", "left_s", "embedded", "because"),
    [
        (None, 900.0, 7, ""),
        (None, 150.0, 0, ""),  # an endpoint that has to start may take a minute and more, and then answer
        (UnreachableError("the canary is cold"), 900.0, 0, "UnreachableError"),
    ],
)
def test_patterns_without_a_vector_get_one_or_are_counted(
    error: Exception | None, left_s: float, embedded: int, because: str, url: str, sweeping: MakeSweep, heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    engine = Endpoint(error)
    asked: list[tuple[str, str]] = []

    def sagemaker(told: dict[str, str]) -> Endpoint:
        asked.append((told["endpoint"], told["region"]))
        return engine

    monkeypatch.setattr("autoir.embed.remote.options.sagemaker", sagemaker)
    answer = sweeping(url, SAGEMAKER_ENDPOINT="autoir-test-embedding")({}, Invocation(left_s))
    (told,) = heard.metrics
    assert (answer["embedded"], told[m.PATTERNS_PENDING], told[m.SWEEPS_FINISHED]) == (embedded, 7 - embedded, 1)
    assert told.get(m.EMBED_REQUESTS) == (engine.asked or None)
    assert heard.lines[-1][2]["waits_because"] == because
    assert asked == ([("autoir-test-embedding", REGION)] if engine.asked else [])


# Environment, secrets.


@pytest.mark.parametrize(
    ("env", "opened", "pages"),
    [
        ({}, 1, 1),
        ({"ALERTS_MIN_CONFIDENCE": "100"}, 1, 0),
        ({"ALERTS_MIN_SEVERITY": "critical"}, 1, 0),
        ({"ALERTS_MIN_SEVERITY": "low", "ALERTS_MIN_CONFIDENCE": "0"}, 1, 1),
        ({"ALERTS_WINDOW_MIN": "1"}, 2, 2),
    ],
)
def test_the_environment_says_whom_to_wake_and_what_belongs_together(
    env: dict[str, str], opened: int, pages: int, url: str, shop: Store, sweeping: MakeSweep, topics: Topics
) -> None:
    until = LEARNED + 15
    write(shop, [*hum(until, begin=LEARNED + LIFE), *trouble(8, "/shop/cart")])
    answer = sweeping(url, clock=lambda: (START + until) * MINUTE_MS, **env)({}, Invocation(900.0))
    assert (len(answer["opened"]), answer["pages"]) == (opened, pages)  # type: ignore[arg-type]
    heard = [message["transition"] for message in topics.heard(EVENTS)]
    assert (len(topics.heard(PAGES)), heard.count("open")) == (pages, opened)


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"ALERTS_MIN_SEVERITY": "loud"}, "min_severity = 'loud'"),
        ({"ALERTS_MIN_CONFIDENCE": "101"}, "min_confidence = 101"),
        ({"ALERTS_WINDOW_MIN": "-1"}, "window_min = -1"),
        ({"ALERTS_WINDOW_MIN": "soon"}, "ALERTS_WINDOW_MIN = 'soon' is not a whole number"),
        ({"PAGES_TOPIC_ARN": "pages"}, "'pages' is no ARN"),
        ({"EVENTS_TOPIC_ARN": f"{EVENTS}.fifo"}, "events.fifo' is no ARN"),
    ],
)
def test_an_environment_that_is_wrong_is_named_before_anything_is_judged(env: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        SweepIncidents(SweepIncidentsEnv.read(ENVIRONMENT | {"STORE_SECRET_ARN": "arn:none"} | env))
    assert said in str(caught.value)


@pytest.mark.parametrize("mended", [True, False])
def test_a_password_that_is_refused_is_read_once_more(
    mended: bool, url: str, sweeping: MakeSweep, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    real = held.open_database

    def refusing(url: str, **more: Any) -> Any:
        opened.append(url)
        if "canary" in url:
            raise PasswordRefusedError("The database refuses this password.")
        return real(url, **more)

    monkeypatch.setattr(held, "open_database", refusing)
    arn = a_secret("mysql://writer:a-canary@db/autoir", "password" + str(mended))
    function = sweeping(url, STORE_SECRET_ARN=arn)
    with pytest.raises(PasswordRefusedError):  # nobody has stored the new one yet
        function({}, Invocation(900.0))
    if mended:
        boto3.client("secretsmanager", REGION).put_secret_value(SecretId=arn, SecretString=url)
        assert function({}, Invocation(900.0))["minutes"] == LIFE
    assert ["canary" in one for one in opened] == [True, *([True, False] if mended else [])]
    assert "canary" not in repr(heard.lines)
