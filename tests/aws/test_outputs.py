"""What a stack says of itself, and what it means when it says nothing."""

from typing import Any

import pytest

from autoir.aws.outputs import NotDeployedError, outputs_of
from autoir.aws.session import Access, LoginError, NotAllowedError
from autoir.errors import UnreachableError
from tests.aws.answers import Answers, stack


def test_outputs_are_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers({"cloudformation.DescribeStacks": stack(A="1", B="2")})
    answers.install(monkeypatch)
    assert outputs_of(Access(), "prod", "App") == {"A": "1", "B": "2"}
    assert answers.asked == [("cloudformation.DescribeStacks", {"StackName": "AutoIR-prod-App"})]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("ValidationError", NotDeployedError, "AutoIR-prod-App is not deployed"),
        ({"Stacks": [{"StackStatus": "CREATE_IN_PROGRESS"}]}, NotDeployedError, "first deployment has not ended"),
        # a first deployment that failed leaves a stack with nothing to say
        ({"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}, NotDeployedError, "ROLLBACK_COMPLETE: .* did not succeed"),
        ("AccessDenied", NotAllowedError, "cloudformation:DescribeStacks"),
        ("ExpiredToken", LoginError, "expired"),
        ("InternalFailure", UnreachableError, "no answer"),
    ],
)
def test_a_stack_that_says_nothing(
    monkeypatch: pytest.MonkeyPatch, answer: Any, kind: type[Exception], words: str
) -> None:
    Answers({"cloudformation.DescribeStacks": answer}).install(monkeypatch)
    with pytest.raises(kind, match=words) as caught:
        outputs_of(Access(), "prod", "App")
    assert "STAGE" not in caught.value.hint
