"""The function that keeps the schema: each action, again and again, and what it refuses."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from autoir.clock import DAY_MS
from autoir.errors import UsageError
from autoir.functions.migrate_schema import Asked, MigrateSchema, _at_most, asked_of
from autoir.store import Store, open_database, open_store
from autoir.store.database import NEWEST_SCHEMA
from autoir.store.tidb import TidbDatabase
from autoir.store.tidb.schema import partition_bounds
from tests.lambdas.conftest import REGION, Heard, Invocation
from tests.mysql_peer.server import Server
from tests.payloads import NOW_MS

Make = Callable[..., MigrateSchema]


@pytest.fixture
def owner_url(peer: Server) -> Iterator[str]:
    """The URL, as its owner, of an empty database without a schema."""
    peer.create("autoir_to_migrate")
    yield peer.url("autoir_to_migrate", "owner")
    peer.drop("autoir_to_migrate")


def test_a_schema_is_made_kept_and_granted_and_all_of_it_again(owner_url: str, migrate: Make, heard: Heard) -> None:
    now_ms = [NOW_MS]
    function = migrate(owner_url, clock=lambda: now_ms[0])
    made = function({"action": "migrate"}, Invocation())
    assert (made["action"], made["schema_before"], made["schema"]) == ("migrate", 0, NEWEST_SCHEMA)
    assert made["statements"]
    assert function({"action": "migrate"}, Invocation())["statements"] == []
    assert function({"action": "maintain"}, Invocation())["statements"] == []
    now_ms[0] += 3 * DAY_MS
    scheduled = {"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": {}}
    moved = function(scheduled, Invocation())
    assert moved["action"] == "maintain"
    assert [s.split()[3] for s in moved["statements"]] == ["LAST", "FIRST", "LAST", "FIRST"]
    assert function({}, Invocation())["statements"] == []
    granted = function({"action": "grants", "writer": "writer", "reader": "reader"}, Invocation())
    assert [s.split()[0] for s in granted["statements"]] == ["GRANT"] * 5
    assert function({"action": "grants", "writer": "writer", "reader": "reader"}, Invocation()) == granted
    db = open_database(owner_url)
    assert isinstance(db, TidbDatabase)
    bounds = partition_bounds(db, "autoir_events")
    db.close()
    assert bounds[-1] == (now_ms[0] // DAY_MS + 15) * DAY_MS
    password = owner_url.split(":")[2].split("@")[0]
    assert password not in json.dumps([made, moved, granted]) + repr(heard.lines)
    open_store(owner_url).close()


def test_the_stand_in_of_a_local_cloud_is_migrated_the_same_way(tmp_path: Path, migrate: Make) -> None:
    function = migrate(f"sqlite:///{tmp_path}/empty.db")
    assert function({"action": "status"}, Invocation())["schema"] == 0
    assert function({"action": "maintain"}, Invocation())["schema"] == 0  # nothing to keep yet
    assert function({"action": "migrate"}, Invocation())["schema"] == NEWEST_SCHEMA
    again = function({"action": "migrate"}, Invocation())
    assert (again["schema_before"], again["schema"]) == (NEWEST_SCHEMA, NEWEST_SCHEMA)
    assert function({"action": "maintain"}, Invocation())["expired"] == 0
    assert function({"action": "grants", "writer": "w"}, Invocation())["statements"] == []
    looked = function({"action": "status"}, Invocation())
    assert (looked["schema"], looked["statements"]) == (NEWEST_SCHEMA, [])


def test_a_connection_string_that_was_mended_is_used_at_once(tmp_path: Path, migrate: Make) -> None:
    function = migrate(f"sqlite:///{tmp_path}/wrong.db")
    function({"action": "migrate"}, Invocation())
    boto3.client("secretsmanager", REGION).put_secret_value(
        SecretId="owner", SecretString=f"sqlite:///{tmp_path}/right.db"
    )
    assert function({"action": "status"}, Invocation())["schema"] == 0


def test_whoever_only_looks_is_told_soon_that_nobody_answers() -> None:
    left = iter([900.0, 900.0, 870.0])
    clock = _at_most(40.0, lambda: next(left))
    assert [clock(), clock()] == [40.0, 10.0]
    assert _at_most(40.0, lambda: 15.0)() == 15.0


def test_a_newer_schema_is_left_alone(url: str, migrate: Make) -> None:
    store = Store(open_database(url))
    if store.db.name == "tidb":
        store.set_meta("schema_version", "9")
    else:
        store.db.execute("PRAGMA user_version=9")
    store.close()
    with pytest.raises(UsageError, match="schema 9"):
        migrate(url)({"action": "migrate"}, Invocation())


def test_the_owner_is_told_when_a_user_does_not_exist(owner_url: str, migrate: Make, heard: Heard) -> None:
    with pytest.raises(UsageError, match="knows no user of that name"):
        migrate(owner_url)({"action": "grants", "writer": "nobody_at_all"}, Invocation())
    assert heard.levels == ["ERROR"]


@pytest.mark.parametrize(
    ("event", "asked"),
    [
        ({}, Asked("maintain")),
        ({"source": "aws.scheduler"}, Asked("maintain")),
        ({"action": "migrate", "ttl": True}, Asked("migrate", ttl=True)),
        ({"action": "grants", "reader": "r"}, Asked("grants", reader="r")),
    ],
)
def test_what_is_asked_for(event: object, asked: Asked) -> None:
    assert asked_of(event) == asked


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, "a NoneType, not an object"),
        ([], "a list, not an object"),
        ({"action": "drop"}, "no action 'drop'"),
        ({"action": ["migrate"]}, "no action"),
        ({"action": "migrate", "force": True}, "'force' means nothing here"),
        ({"action": "grants"}, "not said who"),
        ({"action": "grants", "writer": 7}, "writer is no text"),
    ],
)
def test_what_is_not_understood_is_refused_with_an_example(event: object, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        asked_of(event)
    assert "Example:" in caught.value.hint
