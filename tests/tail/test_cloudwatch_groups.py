"""Which groups a selection finds, and what it says of those it cannot."""

import random
from collections.abc import Iterator, Sequence

import pytest

from autoir.aws.session import Access
from autoir.errors import UsageError
from autoir.tail.cloudwatch import CloudWatch
from autoir.tail.cloudwatch_groups import Selection, discover, names_like
from autoir.tail.cloudwatch_rate import Bucket
from tests.tail.cloudwatch_fake import FakeLogs, Time, client_of, serving

NAMES = (
    "/aws/lambda/checkout", "/aws/lambda/payments", "/aws/lambda/AutoIR-prod-App-x", "/autoir/prod/tail", "/shop/api",
    "/shop/api/debug", "/shop/web",
)  # fmt: skip


@pytest.fixture(scope="module")
def cloudwatch() -> Iterator[CloudWatch]:
    with serving() as wire:
        time = Time()
        wire.logs = FakeLogs(time)
        for name in NAMES:
            wire.logs.make(name)
        wire.logs.make("/shop/old", log_class="INFREQUENT_ACCESS")
        yield CloudWatch(
            Access(), Bucket(time.clock), pause=time.pause, jitter=random.Random(1), client=client_of(wire)
        )


@pytest.mark.parametrize(
    ("wanted", "excluded", "found", "refused"),
    [
        (["/shop/api"], [], ["/shop/api"], {}),
        (["/shop/*"], [], ["/shop/api", "/shop/api/debug", "/shop/web"], {}),
        (["/shop/*"], ["*/debug", "/shop/w?b"], ["/shop/api"], {}),
        (["/shop/web", "/shop/*"], ["*api*"], ["/shop/web"], {}),
        # AutoIR's own are left out of what a glob finds
        (["*"], ["/shop/*"], ["/aws/lambda/checkout", "/aws/lambda/payments"], {}),
        (["/aws/lambda/*"], [], ["/aws/lambda/checkout", "/aws/lambda/payments"], {}),
        # a glob may find nothing yet, a name may not
        (["/none/*"], [], [], {}),
        (["/shop/aip"], [], [], {"/shop/aip": "Did you mean /shop/api?"}),
        (["/aws/lamda/checkout"], [], [], {"/aws/lamda/checkout": "Did you mean /aws/lambda/checkout?"}),
        (["payments"], [], [], {"payments": "Did you mean /aws/lambda/payments?"}),
        (["zzzzzz"], [], [], {"zzzzzz": "aws logs describe-log-groups lists those there are."}),
        (["/shop/old", "/shop/web"], [], ["/shop/web"], {"/shop/old": "Only groups of class STANDARD can be read."}),
    ],
)
def test_what_is_found(
    cloudwatch: CloudWatch, wanted: Sequence[str], excluded: Sequence[str], found: list[str], refused: dict[str, str]
) -> None:
    answer = discover(cloudwatch, Selection(wanted, excluded))
    assert sorted(answer.groups) == found
    assert {name: error.hint for name, error in answer.refused.items()} == refused


@pytest.mark.parametrize("wanted", [[], ["/autoir/prod/tail"], ["/shop/*", "/autoir/*"]])
def test_what_cannot_be_asked_for(wanted: list[str]) -> None:
    with pytest.raises(UsageError):
        Selection(wanted)


def test_names_like_one() -> None:
    assert names_like("/shop/chekout", ["/shop/checkout", "/bank/checkin", "/shop/web"]) == ["/shop/checkout"]
    assert names_like("chekout", ["/shop/checkout", "/bank/checkin"]) == ["/shop/checkout"]
    assert names_like("x", ["/shop/checkout"]) == []
