"""What a stage's stacks say of themselves: names that CloudFormation chose, looked up instead of guessed."""

from collections.abc import Mapping

from autoir.aws.session import Access
from autoir.errors import AutoirError, UnreachableError, UsageError
from autoir.stage import names

_ABSENT = "ValidationError"


class NotDeployedError(UsageError):
    """A stack that is not there."""


def outputs_of(access: Access, stage: str, part: str) -> Mapping[str, str]:
    """The outputs of one stack, by the names of ``autoir.stage.outputs``.

    Raises NotDeployedError, UsageError where the stack may not be seen, and UnreachableError.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    stack = names.stack(stage, part)
    try:
        found = access.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        raise access.explained(error) or _explained(stack, error) from error
    return {str(output["OutputKey"]): str(output["OutputValue"]) for output in found.get("Outputs", ())}


def _explained(stack: str, error: Exception) -> AutoirError:
    code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
    if code == _ABSENT:
        return NotDeployedError(
            f"the stack {stack} is not deployed in this account and Region.",
            "Name another --stage, --region or --profile, or deploy it: cdk deploy --all -c stage=STAGE",
        )
    if code:
        return UsageError(f"the stack {stack} may not be seen: {code}.", "It takes cloudformation:DescribeStacks.")
    return UnreachableError(f"CloudFormation gave no answer: {type(error).__name__}.", "Is there a network?")
