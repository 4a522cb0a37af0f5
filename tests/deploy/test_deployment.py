"""What the commands of docs/deploy.md make of a stage, and that they can be repeated."""

import json

import jsonschema

from autoir.stage import names
from tests.conftest import ROOT
from tests.deploy.conftest import heard
from tests.deploy.deployment import DATABASE, STAGE, Deployment
from tests.mysql_peer.server import Server

TEST_PAGE = json.loads((ROOT / "docs" / "schema" / "test-page.schema.json").read_text())


def test_a_fresh_account_deploys_with_everything_off(deployment: Deployment) -> None:
    said = deployment.said["fresh"]
    for part in ("Foundation", "App"):
        assert f"{names.stack(STAGE, part)}\n" in said
    assert "turns it on" in said


def test_the_store_is_made_by_its_command(deployment: Deployment, mysql_peer: Server) -> None:
    said = deployment.said["The database, and everything"]
    assert "the three connection strings are in their secrets" in said
    assert f"stage {STAGE} has its store" in said
    rows = mysql_peer.run("SHOW GRANTS FOR reader")
    assert [grant for (grant,) in rows if f"`{DATABASE}`" in grant and "INSERT" in grant] == []
    for password in mysql_peer.passwords.values():
        assert password not in "".join(deployment.said.values())


def test_the_endpoint_is_proved_by_its_command(deployment: Deployment) -> None:
    assert "embeds the test texts as" in deployment.said["Search by meaning"]


def test_the_check_finds_nothing_broken(deployment: Deployment) -> None:
    assert "!!" not in deployment.said["See that it works"]


def test_a_test_page_is_sent(deployment: Deployment) -> None:
    assert (
        f"sent to 1 listener: [TEST] AutoIR {STAGE}: pages reach you" in deployment.said["The database, and everything"]
    )
    (page,) = heard(deployment, "pages")
    jsonschema.validate(page["document"], TEST_PAGE)
