"""A stage that was used is upgraded, rolled back and removed, and leaves nothing but what production keeps."""

from autoir.stage import names
from tests.deploy.conftest import of_page
from tests.deploy.deployment import STAGE, Deployment
from tests.deploy.inventory import inventory
from tests.deploy.shell import Shell


def test_an_upgrade_keeps_what_the_secrets_hold(deployment: Deployment, shell: Shell) -> None:
    said = shell.run(of_page("Upgrade"))
    assert "has its store" in said
    assert "connection strings are in their secrets" not in said


def test_what_ran_before_is_deployed_again(shell: Shell) -> None:
    said = shell.run(of_page("Roll back"))
    assert "not run: git checkout before" in said
    assert said.count("(no changes)") == 5


def test_every_synthesis_was_foreseen(deployment: Deployment) -> None:
    made = [path.name for path in (deployment.app / "synthesized").glob("*.lock")]
    assert len(made) == len(list((deployment.app / "ahead").iterdir()))


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


def test_nothing_is_left_but_what_is_kept(deployment: Deployment, shell: Shell) -> None:
    outputs = deployment.outputs("Foundation")
    secrets = [outputs[name] for name in outputs if name.endswith("SecretArn")]
    kept = {("secretsmanager list_secrets", arn.partition(":secret:")[2].rpartition("-")[0]) for arn in secrets}
    kept |= {("s3 list_buckets", outputs[name]) for name in ("FailureBucketName", "WeightsBucketName")}
    shell.run(of_page("Remove everything"))
    before = {tuple(line.split("\t")) for line in deployment.said["inventory before"].splitlines()}
    left = {entry for entry in inventory(deployment) - before if not of_the_toolkit(entry)}
    assert left == kept
    assert len(secrets) == 4


def of_the_toolkit(entry: tuple[str, str]) -> bool:
    """Whether `cdk bootstrap` made it, which an account keeps."""
    return "CDKToolkit" in entry[1] or "hnb659fds" in entry[1]
