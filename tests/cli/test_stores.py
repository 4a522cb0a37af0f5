"""Which store a command works on, by what name it is shown, and what becomes of one that holds a replay."""

import json
from pathlib import Path

import pytest

from autoir import locations, profiles
from autoir.cli import stores
from autoir.cli.options import Asked
from autoir.clock import MINUTE_MS
from autoir.errors import UsageError
from autoir.store import open_store
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check
from tests.cli.test_sweep import Receiver, receiver

__all__ = ["receiver"]

PROD, OTHER = "mysql://me:s3cret@db/prod", "mysql://me:s3cret@db/other"
PARTS = {"TIDB_HOST": "db", "TIDB_USER": "me", "TIDB_PASSWORD": "p@ss/w", "TIDB_DATABASE": "parts"}
EMBEDDED = "sqlite:///{home}/autoir.db"


@pytest.mark.parametrize(
    ("flag", "environ", "saved", "url"),
    [
        ("", {}, {}, EMBEDDED),
        ("", {}, {"prod": PROD}, EMBEDDED),
        ("", {}, {"default": PROD}, PROD),
        ("", {"TIDB_DSN": OTHER}, {"default": PROD}, "mysql://me:s3cret@db:4000/other"),
        ("", PARTS, {"default": PROD}, "mysql://me:p%40ss%2Fw@db:4000/parts"),
        ("", PARTS | {"TIDB_PORT": "4001"}, {}, "mysql://me:p%40ss%2Fw@db:4001/parts"),
        ("", PARTS | {"TIDB_DSN": OTHER}, {}, "mysql://me:s3cret@db:4000/other"),
        ("", PARTS | {"AUTOIR_STORE": "prod"}, {"prod": PROD}, PROD),
        ("", PARTS | {"AUTOIR_STORE": "sqlite:////x.db"}, {}, "sqlite:////x.db"),
        ("", {"AUTOIR_STORE": "demo"}, {}, "sqlite:///{home}/demo.db"),
        ("prod", PARTS | {"AUTOIR_STORE": "other"}, {"prod": PROD, "other": OTHER}, PROD),
        (OTHER, {"AUTOIR_STORE": "prod"}, {"prod": PROD}, OTHER),
        ("demo", PARTS, {"demo": PROD}, "sqlite:///{home}/demo.db"),
        # half of a connection's parts is no connection, and none of these stands for a store alone
        ("", {"TIDB_USER": "me", "TIDB_PASSWORD": "x"}, {}, EMBEDDED),
    ],
)
def test_a_store_is_named_by_flag_variable_profile_in_this_order(
    tmp_path: Path, flag: str, environ: dict[str, str], saved: dict[str, str], url: str
) -> None:
    locations.profiles_file().write_text(json.dumps(saved))
    found = stores.chosen_url(Asked(store=flag), environ | {"AUTOIR_HOME": str(tmp_path)})
    assert found == url.format(home=tmp_path)


@pytest.mark.parametrize(
    ("flag", "environ", "what", "to_do"),
    [
        ("prd", {}, "'prd' does not name a store", "Saved: other, prod."),
        ("", {"AUTOIR_STORE": "prd"}, "'prd' does not name a store", "Saved: other, prod."),
        ("me:s3cret@db/prod", {}, "'…@db/prod' does not name a store", "A URL names one too"),
        ("", {"TIDB_HOST": "db"}, "TIDB_HOST is set, but TIDB_USER is not", "TIDB_USER="),
        ("", PARTS | {"TIDB_PORT": "x"}, "TIDB_PORT='x' is not a number", "TIDB_PORT=4000"),
        ("", {"TIDB_DSN": "me:s3cret@db/prod"}, "TIDB_DSN: The connection string does not begin", "mysql://"),
    ],
)
def test_what_names_no_store_is_said(tmp_path: Path, flag: str, environ: dict[str, str], what: str, to_do: str) -> None:
    locations.profiles_file().write_text(json.dumps({"prod": PROD, "other": OTHER}))
    with pytest.raises(UsageError) as caught:
        stores.chosen_url(Asked(store=flag), environ | {"AUTOIR_HOME": str(tmp_path)})
    assert what in str(caught.value)
    assert to_do in caught.value.hint
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("store", "flag"),
    [
        ("", ""),
        ("demo", " --store demo"),
        ("sqlite:////tmp/a b.db", " --store 'sqlite:////tmp/a b.db'"),
        ("mysql://me:s3cret@db/prod", " --store mysql://me@db:4000/prod"),
        ("mysql://me:s3cret@127.0.0.1/prod?tls=off", " --store 'mysql://me@127.0.0.1:4000/prod?tls=off'"),
    ],
)
def test_a_hint_repeats_the_store_without_its_password(store: str, flag: str) -> None:
    assert stores.flag_for(Asked(store=store)) == flag


@pytest.mark.parametrize(
    "line", [["stats"], ["stats", "--json"], ["incidents", "list"], ["sweep"], ["logs", "query", "x"]]
)
def test_no_answer_shows_the_password_of_its_store(call: Call, peer_url: str, line: list[str]) -> None:
    password = peer_url.split(":")[2].partition("@")[0]
    result = call(*line, "--store", peer_url)
    assert result.exit_code == 0, result.output
    assert password not in result.output


def replay_file(folder: Path, start_ms: int = 1_772_409_600_000) -> Path:
    """Five hours of an ordinary life whose end holds a new error."""
    minutes = [(minute, "INFO request served") for minute in range(300)]
    minutes += [(minute, "ERROR ledger is corrupt, refusing writes") for minute in range(280, 300) for _ in range(9)]
    rows = [
        {"timestamp": start_ms + minute * MINUTE_MS + n, "message": text, "eventId": str(n), "logGroup": "/b/api"}
        for n, (minute, text) in enumerate(sorted(minutes))
    ]
    path = folder / "replay.jsonl"
    path.write_text("\n".join(json.dumps({**row, "ingestionTime": row["timestamp"]}) for row in rows))
    return path


def test_a_backtest_keeps_its_store_where_it_is_named(
    call: Call, tmp_path: Path, receiver: type[Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/week.db"
    words = ("backtest", str(replay_file(tmp_path)), "--baseline", "2h", "--json")
    scratch = call(*words)
    kept = call(*words, "--store", url)
    assert (kept.exit_code, kept.stdout) == (0, scratch.stdout)
    (incident,) = document(call("incidents", "list", "--status", "all", "--store", url, "--json"))["incidents"]
    assert incident["log_groups"] == ["/b/api"]
    # It lives in its own time, and tells nobody but this screen.
    assert document(call("logs", "query", "ledger", "--since", "3h", "--store", url, "--json"))["hits"]
    assert document(call("sweep", "--store", url, "--json"))["minutes"] == 0
    assert receiver.got == []


@pytest.mark.parametrize("command", ["demo", "backtest"])
def test_a_replay_fills_no_store_that_holds_anything(call: Call, stored: Path, tmp_path: Path, command: str) -> None:
    url = f"sqlite:///{stored}"
    before = document(call("stats", "--json"))
    words = [command] if command == "demo" else [command, str(replay_file(tmp_path))]
    result = call(*words, "--store", url)
    assert result.exit_code == 2
    assert f"{url} holds 5 lines and 0 incidents already" in result.stderr
    assert (document(call("stats", "--json")), result.stdout) == (before, "")


def test_live_logs_go_beside_no_replay(call: Call, tmp_path: Path, log: Path) -> None:
    url = f"sqlite:///{tmp_path}/week.db"
    call("backtest", str(replay_file(tmp_path)), "--store", url)
    before = document(call("stats", "--store", url, "--json"))
    result = call("logs", "ingest", str(log), "--store", url)
    assert (result.exit_code, f"{url} holds a replay" in result.stderr) == (2, True)
    assert document(call("stats", "--store", url, "--json")) == before


def test_no_variable_sends_a_replay_into_a_store_in_use(
    call: Call, stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOIR_STORE", f"sqlite:///{stored}")
    assert call("backtest", str(replay_file(tmp_path)), "--baseline", "2h").exit_code == 0
    assert document(call("stats", "--json"))["events"] == 5


def test_the_demo_goes_into_a_store_that_is_named(call: Call, tmp_path: Path) -> None:
    profiles.save(locations.profiles_file(), "trial", f"sqlite:///{tmp_path}/trial.db")
    result = call("demo", "--scenario", "healthy", "--seed", "3", "--store", "trial", "--json")
    found = document(result)
    check(found, "demo")
    assert (found["scenario"], found["seed"], found["expected"]) == ("healthy", 3, None)
    assert not locations.demo_database().exists()
    store = open_store(f"sqlite:///{tmp_path}/trial.db")
    assert (store.meta("replay"), len(store.incidents())) == ("yes", len(document(result)["incidents"]))
    store.close()
    # as in the demo's own store, time stands still where the demo ended
    assert document(call("logs", "query", "payment declined", "--since", "2h", "--store", "trial", "--json"))["hits"]


@pytest.mark.parametrize(
    "line", ["stats", "logs query refused", "incidents list", "sweep", "embed status", "backtest {log}"]
)
def test_a_home_that_cannot_be_made_is_in_nobodys_way(
    call: Call, stored: Path, log: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("AUTOIR_HOME", str(stored.parent / "none"))
    monkeypatch.setattr(Path, "mkdir", refused)
    where = [] if "backtest" in line else ["--store", f"sqlite:///{stored}"]
    result = call(*where, *line.format(log=log).split())
    assert result.exit_code == 0, result.output
    assert "cannot be made: Permission denied" in call("logs", "ingest", str(log)).stderr
