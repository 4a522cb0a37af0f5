"""What every stack of a stage has in common, and the small words that they are written in."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from autoir.stage import StageConfig, names

_PACKS = ("AwsSolutions", "Serverless")
"""The rule packs of cdk-nag that synthesis runs."""


class Part(cdk.Stack):
    """A stack of a stage: named after it, tagged with it, protected if it is."""

    def __init__(self, scope: Construct, part: str, *, config: StageConfig, description: str) -> None:
        super().__init__(
            scope,
            names.stack(config.name, part),
            env=cdk.Environment(account=config.account, region=config.region),
            description=f"AutoIR {config.name}: {description}",
            termination_protection=config.protect,
        )
        self.config = config
        cdk.Tags.of(self).add(names.STAGE_TAG, config.name)

    def output(self, name: str, value: str) -> None:
        """An output that the commands look up."""
        cdk.CfnOutput(self, name, value=value).override_logical_id(name)

    @property
    def kept(self) -> cdk.RemovalPolicy:
        """What becomes of data when the stack goes. What a failed creation made goes in every case."""
        if self.config.removal == "retain":
            return cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        return cdk.RemovalPolicy.DESTROY


def allow(actions: Sequence[str], resources: Sequence[str], **conditions: Mapping[str, object]) -> iam.PolicyStatement:
    """A statement of a role; ``conditions`` are operators, ``StringEquals={…}``."""
    return iam.PolicyStatement(actions=[*actions], resources=[*resources], conditions=conditions or None)


def role(
    scope: Construct, name: str, *, service: str, statements: Sequence[iam.PolicyStatement],
    own_account: bool = False, **more: object,
) -> iam.Role:  # fmt: skip
    """A role for ``service`` with ``statements`` and nothing else; with ``own_account`` it is taken for resources of
    this account alone, which a service has to tell of.

    They stand in the role itself: a policy beside it may come after what needs it, and a managed one says more than
    is needed.
    """
    document = iam.PolicyDocument(statements=[*statements])
    account = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}}
    principal = iam.ServicePrincipal(service, conditions=account if own_account else None)
    return iam.Role(scope, name, assumed_by=principal, inline_policies={"Own": document}, **more)  # type: ignore[arg-type]


def exported(config: StageConfig, output: str) -> str:
    """How cdk-nag writes what another stack of the stage knows as ``output`` of Foundation."""
    where = f'"StackName":"{names.stack(config.name, "Foundation")}","Region":"{config.region}"'
    return f'{{"Fn::GetStackOutput":{{{where},"OutputName":"{output}"}}}}'


def log_group(scope: Construct, name: str, *, config: StageConfig, group_name: str) -> logs.LogGroup:
    """One of AutoIR's own log groups. It goes with its stack in every stage, or its fixed name would collide with it
    after a failed deployment."""
    group = logs.LogGroup(scope, name, log_group_name=group_name, removal_policy=cdk.RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)
    resource.retention_in_days = config.log_retention_days
    return group


def acknowledge(construct: IConstruct, findings: Mapping[str, str]) -> None:
    """Say of findings why each is right as it is.

    One of a pack of cdk-nag is named after it: without the pack before it, it is hushed and missing from the report.
    """
    marks = []
    for finding, reason in findings.items():
        pack = finding.partition("-")[0]
        id_ = f"{pack}::{finding}" if pack in _PACKS else finding
        marks.append(cdk.Acknowledgment(id=id_, reason=reason))
    cdk.Validations.of(construct).acknowledge(*marks)
