"""What counts as AutoIR's own, by name and by glob."""

import pytest

from autoir.errors import UsageError
from autoir.recursion import is_own, own_groups, refuse_own

OWN = own_groups(endpoint="autoir-embed-prod")


@pytest.mark.parametrize(
    ("group", "own"),
    [
        # the fixed names of every stage, whoever's stage it is
        ("/autoir/prod/embed-logs", True),
        ("/autoir/dev/tail", True),
        ("/autoir/", True),
        # what AWS makes for its parts
        ("/aws/lambda/AutoIR-prod-App-CustomResource", True),
        ("/aws/sagemaker/Endpoints/autoir-embed-prod", True),
        ("/aws/ecs/containerinsights/AutoIR-prod-Tailer-Cluster/performance", True),
        # its network's, named by the stage as every other is
        ("/autoir/prod/flow", True),
        # somebody else's, however near
        ("/autoir", False),
        ("/autoirs/prod", False),
        ("/shop/autoir/prod", False),
        ("/aws/lambda/autoir-checkout", False),
        ("/aws/sagemaker/Endpoints/autoir-embed", False),
    ],
)
def test_own(group: str, own: bool) -> None:
    assert is_own(group, OWN) is own


@pytest.mark.parametrize(
    ("watched", "refused"),
    [
        (["/shop/api", "/aws/lambda/*"], ""),
        (["*"], ""),
        (["/shop/*", "/autoir/prod/tail"], "/autoir/prod/tail"),
        (["/autoir/*"], "/autoir/*"),
        (["/autoir/dev?/*"], "/autoir/dev?/*"),
        (["/aws/sagemaker/Endpoints/autoir-embed-prod"], "/aws/sagemaker/Endpoints/autoir-embed-prod"),
        (["/aws/sagemaker/Endpoints/*"], ""),
    ],
)
def test_refused_before_anything_runs(watched: list[str], refused: str) -> None:
    if not refused:
        refuse_own(watched, OWN)
        return
    with pytest.raises(UsageError) as caught:
        refuse_own(watched, OWN)
    assert str(caught.value).startswith(f"{refused} is AutoIR's own log group")
