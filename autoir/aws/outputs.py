"""What a stage's stacks say of themselves: names that CloudFormation chose, looked up instead of guessed."""

from collections.abc import Mapping

from autoir.aws.session import Access, RefusedError
from autoir.errors import UsageError
from autoir.stage import names

_ABSENT = "ValidationError"


class NotDeployedError(UsageError):
    """A stack that is not there, or was never whole."""


def outputs_of(access: Access, stage: str, part: str) -> Mapping[str, str]:
    """The outputs of one stack, by the names of ``autoir.stage.outputs``.

    Raises NotDeployedError, NotAllowedError and UnreachableError.
    """
    cloudformation, stack = access.client("cloudformation"), names.stack(stage, part)
    try:
        found = access.asked("cloudformation:DescribeStacks", lambda: cloudformation.describe_stacks(StackName=stack))[
            "Stacks"
        ][0]
    except RefusedError as error:
        if error.code != _ABSENT:
            raise
        raise NotDeployedError(
            f"the stack {stack} is not deployed in this account and Region.",
            f"Name another --stage, --region or --profile, or deploy it: cdk deploy --all -c stage={stage}",
        ) from None
    if not found.get("Outputs"):
        status = str(found.get("StackStatus", "empty"))
        ended = "has not ended" if status.endswith("_IN_PROGRESS") else "did not succeed"
        raise NotDeployedError(
            f"the stack {stack} is {status}: its first deployment {ended}.",
            f"Deploy it again: cdk deploy {stack} -c stage={stage}",
        )
    return {str(output["OutputKey"]): str(output["OutputValue"]) for output in found["Outputs"]}
