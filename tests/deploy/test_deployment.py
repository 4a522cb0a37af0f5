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


def test_every_synthesis_was_foreseen(deployment: Deployment) -> None:
    made = [path.name for path in (deployment.app / "synthesized").glob("*.lock")]
    assert len(made) == len(list((deployment.app / "ahead").iterdir()))


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


def test_what_would_change_is_shown_and_not_done(deployment: Deployment) -> None:
    assert "+enabled = true" in deployment.said["Log groups without a free filter"]


def test_a_deployment_that_fails_half_way_is_repeated(deployment: Deployment) -> None:
    assert "AutoIR-local-Tailer failed" in deployment.said["half-way"]
    assert "the same command tries again" in deployment.said["half-way"]
    assert "✅  AutoIR-local-Tailer" in deployment.said["whole"]


def test_the_check_finds_nothing_broken(deployment: Deployment) -> None:
    assert "!!" not in deployment.said["See that it works"]


def test_a_test_page_is_sent(deployment: Deployment) -> None:
    assert (
        f"sent to 1 listener: [TEST] AutoIR {STAGE}: pages reach you" in deployment.said["The database, and everything"]
    )
    (page,) = heard(deployment, "pages")
    jsonschema.validate(page["document"], TEST_PAGE)


def test_the_task_s_status_is_told(deployment: Deployment) -> None:
    status = ("aws", "autoir-fargate", "status", "--stage", STAGE)
    said = json.loads(deployment.autoir("--json", *status, fails=True))
    assert (said["desired"], said["running"], said["rollout"]) == (1, 1, "COMPLETED")
    assert said["troubles"] == ["no heartbeat in the last hour"]  # no task of this cloud's is more than an entry
