"""`cdk destroy` leaves nothing but what production keeps."""

from tests.deploy.deployment import Deployment
from tests.deploy.inventory import inventory


def test_nothing_is_left_but_what_is_kept(deployment: Deployment) -> None:
    outputs = deployment.outputs("Foundation")
    secrets = [outputs[name] for name in outputs if name.endswith("SecretArn")]
    kept = {("secretsmanager list_secrets", arn.partition(":secret:")[2].rpartition("-")[0]) for arn in secrets}
    kept |= {("s3 list_buckets", outputs[name]) for name in ("FailureBucketName", "WeightsBucketName")}
    deployment.cdk("destroy", "--all", "--force", "--app", "cdk.out")
    before = {tuple(line.split("\t")) for line in deployment.said["inventory before"].splitlines()}
    left = {entry for entry in inventory(deployment) - before if not of_the_toolkit(entry)}
    assert left == kept
    assert len(secrets) == 4


def of_the_toolkit(entry: tuple[str, str]) -> bool:
    """Whether `cdk bootstrap` made it, which an account keeps."""
    return "CDKToolkit" in entry[1] or "hnb659fds" in entry[1]
