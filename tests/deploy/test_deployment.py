"""What `cdk deploy` makes of the templates, and that it can be repeated."""

from autoir.stage import names
from tests.deploy.deployment import STAGE, Deployment


def test_a_fresh_account_deploys_with_everything_off(deployment: Deployment) -> None:
    said = deployment.said["fresh"]
    for part in ("Foundation", "App"):
        assert f"{names.stack(STAGE, part)}\n" in said
    assert "turns it on" in said


def test_every_resource_of_the_templates_is_there(deployment: Deployment) -> None:
    templates = deployment.templates()
    parts = ("App", "Embedding", "Foundation", "Llm-k2", "Tailer")
    assert sorted(templates) == [names.stack(STAGE, part) for part in parts]
    for stack, template in templates.items():
        answer = deployment.client("cloudformation").describe_stack_resources(StackName=stack)
        deployed = {r["LogicalResourceId"]: (r["ResourceType"], r["ResourceStatus"]) for r in answer["StackResources"]}
        assert {id_: kind for id_, (kind, _) in deployed.items()} == {
            id_: body["Type"] for id_, body in template["Resources"].items()
        }
        assert {status for _, status in deployed.values()} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}


def test_the_endpoint_is_proved_by_its_command(deployment: Deployment) -> None:
    assert "embeds the test texts as" in deployment.said["endpoint"]


def test_a_deployment_that_fails_half_way_is_repeated(deployment: Deployment) -> None:
    assert "❌  AutoIR-local-Tailer failed" in deployment.said["half-way"]
    assert "✅  AutoIR-local-Tailer" in deployment.said["whole"]


def test_deploying_again_changes_nothing(deployment: Deployment) -> None:
    assert deployment.deploy_again().count("(no changes)") == 5
