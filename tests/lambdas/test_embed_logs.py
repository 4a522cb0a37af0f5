"""The function that stores deliveries: what it stores, what it refuses, and that it never claims what it did not do."""

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from autoir import metric_names as m
from autoir.clock import DAY_MS
from autoir.delivery import OutOfTimeError
from autoir.errors import AutoirError, PasswordRefusedError, UnreachableError, UsageError
from autoir.events import LogEvent, identity
from autoir.recursion import OWN_LINE
from autoir.store import Store
from autoir.store.sqlite import SqliteDatabase
from autoir.subscription import PayloadError
from tests.lambdas.conftest import SHARED, Heard, Invocation, Make, Printed, a_secret, published, whole
from tests.lambdas.test_filling import Endpoint
from tests.payloads import (
    ACCOUNT,
    CONTROL,
    GROUP,
    NOW_MS,
    REGION,
    STREAM,
    a_payload,
    an_event,
    packed,
    wrapped,
)
from tests.test_subscription import REFUSED

Read = Callable[[str], Store]


def counted(store: Store) -> int:
    return int(store.query("SELECT COALESCE(SUM(n), 0) FROM autoir_counts")[0][0])


def test_a_delivery_is_stored_under_the_ids_of_every_other_way_in(
    url: str, embed_logs: Make, heard: Heard, reader: Read
) -> None:
    events = [an_event(n) for n in range(3)] + [an_event(3, "ERROR cannot reach 10.0.0.7:5432")]
    answer = embed_logs(url)(a_payload(events), Invocation())
    assert answer == {
        "received": 4, "stored": 4, "duplicate": 0, "filtered": {}, "quarantined": {}, "patterns_new": 2,
        "embedded": 0, "breaker": "closed",
    }  # fmt: skip
    store = reader(url)
    ids = {
        identity(LogEvent(GROUP, STREAM, 0, "", e["id"], 0, ACCOUNT, REGION))
        for e in events
    }  # fmt: skip
    assert {row.id for row in store.latest(GROUP, 9)} == ids
    assert counted(store) == 4
    assert heard.levels == ["INFO"]
    [metrics] = heard.metrics
    assert (metrics[m.RECEIVED], metrics[m.STORED], metrics[m.PATTERNS_NEW]) == (4, 4, 2)
    assert whole(metrics)


def test_the_same_delivery_again_stores_nothing(url: str, embed_logs: Make, heard: Heard, reader: Read) -> None:
    function, payload = embed_logs(url), a_payload([an_event(n) for n in range(50)])
    function(payload, Invocation())
    again = function(payload, Invocation())
    assert (again["stored"], again["duplicate"], again["received"]) == (0, 50, 50)
    store = reader(url)
    assert (store.stats().events, counted(store)) == (50, 50)
    assert all(map(whole, heard.metrics))


def test_every_metric_that_is_said_to_be_of_it_is_published(
    sqlite_url: str, embed_logs: Make, said: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autoir.embed.remote.options.sagemaker", lambda told: Endpoint())
    function = embed_logs(sqlite_url, endpoint="autoir-test-embedding", telemetry=None)
    own = a_payload([an_event(2)], logGroup="/autoir/test/tail")
    for payload in (a_payload([an_event(1)]), CONTROL, own, wrapped("?")):
        with contextlib.suppress(PayloadError):
            function(payload, Invocation())
    assert published(said(), SHARED["powertools_service_name"]) == set(m.EMITTED_BY[m.EMBED_LOGS])


@pytest.mark.parametrize("payload", [CONTROL, a_payload([]), wrapped(packed(b"{}"))])
def test_nothing_to_store_touches_no_store(payload: object, embed_logs: Make, heard: Heard) -> None:
    answer = embed_logs("mysql://nobody:x@127.0.0.1:1/none?tls=off")(payload, Invocation())
    assert answer["received"] == 0
    [metrics] = heard.metrics
    assert (metrics[m.CONTROL_MESSAGES], metrics[m.RECEIVED], metrics[m.UNACCOUNTED]) == (1, 0, 0)


@pytest.mark.parametrize("name", REFUSED)
def test_a_payload_refused_whole_is_noted_and_raised(
    name: str, sqlite_url: str, embed_logs: Make, heard: Heard, reader: Read
) -> None:
    event, _ = REFUSED[name]
    function = embed_logs(sqlite_url)
    for _ in range(2):  # Lambda tries again
        with pytest.raises(PayloadError) as caught:
            function(event, Invocation())
    [row] = reader(sqlite_url).quarantined()
    assert (row.reason, row.bytes, row.body) == ("payload", caught.value.size, None)
    assert row.detail == f"{caught.value.reason}; SHA-256 {caught.value.sha256}"
    assert heard.levels == ["ERROR", "ERROR"]
    assert heard.metrics[0][m.QUARANTINED] == 1
    assert all(map(whole, heard.metrics))


def test_a_refused_payload_is_raised_where_the_store_is_gone_too(embed_logs: Make, heard: Heard) -> None:
    function = embed_logs("mysql://nobody:x@127.0.0.1:1/none?tls=off")
    with pytest.raises(PayloadError):
        function(wrapped("?"), Invocation(15.0))
    assert heard.levels == ["WARNING", "ERROR"]


POISON = {
    "NUL": ("a\0b", "stored"),
    "lone surrogate": ("half \udead", "stored"),
    "1 MB": ("x" * 1_048_000, "stored"),
    "over 1 MiB": ("x" * 1_048_577, "too long"),
    "10,000 lines": ("\n".join(f"line {n}" for n in range(10_000)), "stored"),
    "no message": (None, "no message"),
}


@pytest.mark.parametrize("name", POISON)
def test_poison_is_repaired_or_quarantined_and_the_others_are_stored(
    name: str, url: str, embed_logs: Make, heard: Heard, reader: Read
) -> None:
    message, fate = POISON[name]
    events = [an_event(n) for n in range(4)]
    events[2]["message"] = message
    answer = embed_logs(url)(a_payload(events), Invocation())
    stored = 4 if fate == "stored" else 3
    assert answer["stored"] == stored
    assert answer["quarantined"] == ({} if stored == 4 else {fate: 1})
    store = reader(url)
    assert (store.stats().events, counted(store), len(store.quarantined())) == (stored, stored, 4 - stored)
    assert whole(heard.metrics[0])


def test_what_is_too_old_or_ahead_of_the_clock_is_counted(sqlite_url: str, embed_logs: Make) -> None:
    events = [an_event(1), an_event(2, ts_ms=NOW_MS - 31 * DAY_MS), an_event(3, ts_ms=NOW_MS + DAY_MS)]
    answer = embed_logs(sqlite_url)(a_payload(events), Invocation())
    assert (answer["stored"], answer["filtered"], answer["quarantined"]) == (1, {"expired": 1}, {"in the future": 1})


def test_ten_thousand_events_in_one_delivery(url: str, embed_logs: Make, reader: Read) -> None:
    answer = embed_logs(url)(a_payload([an_event(n) for n in range(10_000)]), Invocation())
    assert answer["stored"] == 10_000
    assert counted(reader(url)) == 10_000


# Recursion.


@pytest.mark.parametrize(
    "group",
    [
        "/autoir/test/embed_logs",
        "/autoir/prod/flow",
        "/aws/sagemaker/Endpoints/autoir-test-embedding",
        "/aws/ecs/containerinsights/AutoIR-test/performance",
        "/aws/lambda/AutoIR-test-App-Custom",
    ],
)
def test_autoirs_own_groups_give_no_row_and_open_the_breaker(
    group: str, sqlite_url: str, embed_logs: Make, heard: Heard, reader: Read
) -> None:
    answer = embed_logs(sqlite_url)(a_payload([an_event(1), an_event(2)], logGroup=group), Invocation())
    assert (answer["stored"], answer["filtered"], answer["breaker"]) == (0, {"AutoIR's own": 2}, "open")
    assert reader(sqlite_url).stats().events == 0
    assert (heard.metrics[0][m.RECURSION_REFUSED], heard.levels) == (2, ["WARNING"])
    assert whole(heard.metrics[0])


def test_an_open_breaker_says_so_once_a_minute_and_no_more(embed_logs: Make, heard: Heard) -> None:
    now_s = [0.0]
    function = embed_logs("sqlite:////none.db", seconds=lambda: now_s[0])
    own = a_payload([an_event(1)], logGroup="/autoir/test/tail")
    for second in range(0, 181, 10):
        now_s[0] = float(second)
        answer = function(own, Invocation())
        assert (answer["breaker"], answer["received"], answer["filtered"]) == ("open", 1, {"AutoIR's own": 1})
    assert heard.levels == ["WARNING"] * 4
    assert [metrics[m.RECURSION_REFUSED] for metrics in heard.metrics] == [1, 6, 6, 6]
    now_s[0] = 1_000.0
    assert function(CONTROL, Invocation())["breaker"] == "closed"


def test_own_lines_that_come_by_a_detour_are_refused_and_the_others_stored(
    sqlite_url: str, embed_logs: Make, heard: Heard, reader: Read
) -> None:
    line = f'{{"level":"INFO","message":"stored","{OWN_LINE}":"test"}}'
    forged = [f"user agent: {line}", json.dumps({"agent": line}), f"{line} {line}"]
    events = [an_event(n, message) for n, message in enumerate([line, *forged])]
    answer = embed_logs(sqlite_url)(a_payload(events, logGroup="/central/all"), Invocation())
    assert (answer["stored"], answer["filtered"], answer["breaker"]) == (3, {"AutoIR's own": 1}, "open")
    assert reader(sqlite_url).stats().events == 3
    assert heard.metrics[0][m.RECURSION_REFUSED] == 1
    assert whole(heard.metrics[0])


# Time, failure, secrets.


@pytest.mark.parametrize(
    ("left_s", "stored"),
    [
        ((9.9,), 0),
        ((120.0, 120.0, 9.9), 200),  # asked at the 1st, 101st, 201st event
        ((*(120.0,) * 25, 9.9), 2_500),
    ],
)
def test_a_delivery_without_time_is_stopped_between_batches_and_raised(
    left_s: tuple[float, ...], stored: int, sqlite_url: str, embed_logs: Make, heard: Heard, reader: Read
) -> None:
    payload = a_payload([an_event(n) for n in range(3_000)])
    function = embed_logs(sqlite_url)
    with pytest.raises(OutOfTimeError, match=f"no time for {3_000 - stored} of 3000 events"):
        function(payload, Invocation(*left_s))
    store = reader(sqlite_url)
    assert (store.stats().events, counted(store)) == (stored, stored)
    assert heard.metrics[-1][m.STORED] == stored
    assert whole(heard.metrics[-1])
    assert heard.levels == ["ERROR"]
    again = function(payload, Invocation())
    assert (again["stored"], again["duplicate"]) == (3_000 - stored, stored)


class Dying(sqlite3.Connection):
    """A database that fails at the ``at``-th commit."""

    at = 0
    commits = 0

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql == "COMMIT":
            Dying.commits += 1
            if Dying.commits == Dying.at:
                raise sqlite3.OperationalError("disk I/O error near 'a secret canary'")
        return super().execute(sql, *values)


def test_a_store_that_fails_half_way_fails_the_invocation_and_loses_nothing(
    sqlite_url: str, embed_logs: Make, heard: Heard, reader: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(url: str, **_: object) -> SqliteDatabase:
        path = Path(url.removeprefix("sqlite:///"))
        return SqliteDatabase(path, connect=lambda *a, **k: sqlite3.connect(*a, factory=Dying, **k))

    monkeypatch.setattr("autoir.functions.held.open_database", opened)
    monkeypatch.setattr(Dying, "commits", 0)
    monkeypatch.setattr(Dying, "at", 2)
    function, payload = embed_logs(sqlite_url), a_payload([an_event(n) for n in range(2_500)])
    with pytest.raises(AutoirError) as caught:
        function(payload, Invocation())
    assert "canary" not in repr(heard.lines) + str(caught.value)
    assert caught.value.__suppress_context__
    assert heard.metrics[-1][m.STORED] == 1_000
    assert whole(heard.metrics[-1])
    again = function(payload, Invocation())
    assert (again["stored"], again["duplicate"]) == (1_500, 1_000)
    assert counted(reader(sqlite_url)) == 2_500


def test_a_store_that_is_gone_is_tried_while_there_is_time_and_then_raised(
    embed_logs: Make, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, pauses = [0.0], []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        now_s[0] += seconds

    class Passing(Invocation):
        def get_remaining_time_in_millis(self) -> int:
            return int(1000 * (120.0 - now_s[0]))

    from autoir.store.tidb import TidbDatabase

    monkeypatch.setattr(TidbDatabase.__init__, "__kwdefaults__",
                        TidbDatabase.__init__.__kwdefaults__ | {"clock": lambda: now_s[0], "pause": pause})  # fmt: skip
    function = embed_logs("mysql://writer:canary@127.0.0.1:1/autoir?tls=off")
    with pytest.raises(UnreachableError, match=r"nothing listens at 127\.0\.0\.1:1"):
        function(a_payload([an_event(1)]), Passing())
    assert 100.0 <= sum(pauses) <= 110.0
    assert heard.metrics[-1][m.STORED] == heard.metrics[-1][m.UNACCOUNTED] == 0
    assert "canary" not in repr(heard.lines)


def test_a_password_that_was_changed_is_read_once_more(
    peer_url: str, embed_logs: Make, heard: Heard, reader: Read
) -> None:
    password = peer_url.split(":")[2].split("@")[0]
    arn = a_secret(peer_url.replace(password, "the-canary-of-before"))
    secrets = boto3.client("secretsmanager", REGION)
    function = embed_logs(arn=arn)
    with pytest.raises(PasswordRefusedError):  # nobody has stored the new one yet
        function(a_payload([an_event(1)]), Invocation())
    secrets.put_secret_value(SecretId=arn, SecretString=peer_url)
    assert function(a_payload([an_event(1)]), Invocation())["stored"] == 1
    assert reader(peer_url).stats().events == 1
    said = repr(heard.lines) + repr(heard.metrics)
    assert "canary" not in said
    assert password not in said


def test_one_connection_serves_invocation_after_invocation(
    sqlite_url: str, embed_logs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autoir.functions import held

    opened: list[str] = []
    real = held.open_database
    monkeypatch.setattr(held, "open_database", lambda url, **more: opened.append(url) or real(url, **more))  # type: ignore[func-returns-value]
    function = embed_logs(sqlite_url)
    for n in range(5):
        function(a_payload([an_event(n)]), Invocation())
    assert opened == [sqlite_url]


@pytest.mark.parametrize(
    ("schema", "refused"), [("0", "no AutoIR schema; this function needs"), ("1", ""), ("2", "")]
)  # an upgrade brings the schema first, so a newer one is met by the functions of before
def test_an_older_schema_is_refused_with_what_to_do(
    schema: str, refused: str, tmp_path: Path, sqlite_url: str, embed_logs: Make
) -> None:
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute(f"PRAGMA user_version={schema}")
    connection.close()
    function, payload = embed_logs(sqlite_url), a_payload([an_event(1)])
    if refused:
        with pytest.raises(UsageError, match=refused) as caught:
            function(payload, Invocation())
        assert "migrate_schema of stage test" in caught.value.hint
    else:
        assert function(payload, Invocation())["stored"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgres://u:canary@h/d", "'postgres://'… does not name a store"),
        ("mysql://u:canary@h", "the name of the database is missing"),
        ('{"password": "canary"}', "does not name a store"),
    ],
)
def test_a_secret_that_is_no_connection_string_is_not_shown(
    text: str, said: str, embed_logs: Make, heard: Heard
) -> None:
    with pytest.raises(UsageError, match=said):
        embed_logs(text)(a_payload([an_event(1)]), Invocation())
    assert "canary" not in repr(heard.lines)
