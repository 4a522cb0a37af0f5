"""The cost of a stage by command: its file, where it is sought, what is said of the prices."""

from pathlib import Path

import pytest

from autoir import prices
from autoir.cli import cost
from autoir.clock import DAY_MS
from tests.cli.conftest import Call, document
from tests.cli.test_documents import check
from tests.conftest import ROOT

TABLE = prices.table()


def days_after(days: int) -> int:
    """A moment that many days after the prices were read."""
    return (TABLE.as_of.toordinal() - 719_163 + days) * DAY_MS + 1


@pytest.fixture(autouse=True)
def young(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day the prices were read, whenever this runs."""
    monkeypatch.setattr(cost, "system_clock", lambda: days_after(0))


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with app.py and one stage, which AUTOIR_APP names; returns the stage's file."""
    (tmp_path / "stages").mkdir()
    (tmp_path / "app.py").touch()
    monkeypatch.setenv("AUTOIR_APP", str(tmp_path))
    path = tmp_path / "stages" / "eu.toml"
    path.write_text('region = "eu-west-1"\nazs = ["eu-west-1a", "eu-west-1b"]\n[store]\nready = true\n')
    return path


def test_a_table_for_people(call: Call, app: Path) -> None:
    said = call("aws", "cost", "--stage", "eu", "--events-per-day", "2000000")
    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert lines[0].split() == ["part", "USD", "a", "month", "on", "demand", "reserved", "spot", "scheduled"]
    assert any(line.startswith("Foundation  NAT gateways") for line in lines)
    assert any("about 487 million request units and 31.1 GB" in line for line in lines)
    assert any(line.startswith(f"Prices of {TABLE.as_of.isoformat()} in us-east-1") for line in lines)
    assert said.stderr == "The stage is in eu-west-1, and the prices are of us-east-1: yours differ.\n"


def test_json_is_one_document_of_its_schema(call: Call, app: Path) -> None:
    app.write_text(app.read_text() + f'[llm.k2]\nami = "ami-01234567"\nimage = "x@sha256:{"0" * 64}"\nspot = true\n')
    said = call("aws", "cost", "--stage", "eu", "--json")
    found = document(said)
    check(found, "aws-cost")
    spot, chosen = found["total_usd_month"]["spot"], found["as_configured_usd_month"]  # type: ignore[index]
    assert spot == chosen
    assert found["prices"]["old"] is False  # type: ignore[index]


@pytest.mark.parametrize(("days", "warned"), [(180, False), (181, True)])
def test_old_prices_are_said_to_be_old(
    call: Call, app: Path, monkeypatch: pytest.MonkeyPatch, days: int, warned: bool
) -> None:
    monkeypatch.setattr(cost, "system_clock", lambda: days_after(days))
    said = call("aws", "cost", "--stage", "eu", "--json")
    assert (f"The prices are {days} days old" in said.stderr) is warned
    assert document(said)["prices"]["old"] is warned  # type: ignore[index]


def test_where_there_is_no_app_the_defaults_hold(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = call("aws", "cost", "--json")
    assert "a stage of defaults" in said.stderr
    assert document(said)["stage"] == "dev"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--stage", "us"), "There is no stage 'us'"),
        (("--events-per-day", "-1"), "--events-per-day"),
        (("--events-per-day", "many"), "--events-per-day"),
        (("--events-per-day", "nan"), "--events-per-day nan is not a number of events"),
        (("--events-per-day", "inf"), "--events-per-day inf"),
    ],
)
def test_bad_input(call: Call, app: Path, arguments: tuple[str, ...], words: str) -> None:
    said = call("aws", "cost", *arguments)
    assert said.exit_code == 2
    assert words in said.stderr


def test_no_price_stands_anywhere_else() -> None:
    """An amount in a page or in code would be wrong in a year and nobody would notice."""
    amounts = {f"{amount:g}" for group in TABLE.groups.values() for amount in group.values() if amount > 1.5}
    files = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "autoir").rglob("*.py")]
    found = [path for path in files if any(f"${amount}" in path.read_text("utf-8") for amount in amounts)]
    assert found == []
