"""A function: one handler of lambdas/ in the private subnets, with a role, a log group and variables of its own.

All functions run one bundle; which handler is a name. CDK's own ways of granting add policies beside the role and
none at all for the network, so the whole role is written here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, Duration, ILocalBundling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from autoir.lambda_env import Environment
from autoir.stage import StageConfig, names
from stacks import bundle
from stacks.part import acknowledge, allow, log_group, role

_NETWORK = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda does to a network in a function's name; EC2 has no narrower resource for it than all."""


@jsii.implements(ILocalBundling)
class _Bundle:
    """Makes the bundle on this machine; Docker is never asked."""

    def __init__(self, config: StageConfig) -> None:
        self._config = config

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Fill ``output_dir``."""
        bundle.make(Path(output_dir), self._config.lambda_arch, self._config.lambda_python)
        return True


def code(config: StageConfig) -> lambda_.Code:
    """What every function of the stage runs."""
    bundling = BundlingOptions(image=DockerImage.from_registry("never-used"), local=_Bundle(config))
    return lambda_.Code.from_asset(
        str(bundle.ROOT / "lambdas"),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=bundle.identity(config.lambda_arch, config.lambda_python),
        bundling=bundling,
    )


class Handler(Construct):
    """``lambdas/<name>/handler.py`` as a function.

    ``statements`` are its rights beyond its network and its log, ``wildcards`` the resources among them that end in a
    star, each with its reason. A ``concurrency`` of 0 reserves none.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        config: StageConfig,
        environment: Environment,
        statements: Sequence[iam.PolicyStatement],
        vpc: ec2.IVpc,
        security_group: ec2.ISecurityGroup,
        memory_mb: int,
        timeout_s: int,
        concurrency: int = 0,
        wildcards: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(scope, "".join(word.title() for word in name.split("_")))
        group_name = names.log_group(config.name, name)
        self.log_group = log_group(self, "Log", config=config, group_name=group_name)
        own = [
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], [self.log_group.log_group_arn]),
            allow(_NETWORK, ["*"]),
            *statements,
        ]
        self.role = role(self, "Role", service="lambda.amazonaws.com", statements=own)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"AutoIR {config.name}: {name}",
            handler=f"{name}.handler.lambda_handler",
            code=code(config),
            runtime=lambda_.Runtime(f"python{config.lambda_python}", lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.custom(config.lambda_arch),
            role=self.role.without_policy_updates(),
            environment=environment.variables(),
            log_group=self.log_group,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[security_group],
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_s),
            reserved_concurrent_executions=concurrency or None,
        )
        star = "Network interfaces of a function have no ARN before they exist."
        acknowledge(
            self.role,
            {"Serverless-LambdaStarPermissions": star}
            | {f"AwsSolutions-IAM5[Resource::{arn}]": reason for arn, reason in {"*": star, **wildcards}.items()},
        )
        reason = f"Python {config.lambda_python} is what the bundle's wheels are for; the stage's file names it."
        acknowledge(
            self.function,
            {
                "AwsSolutions-L1": reason,
                "Serverless-LambdaLatestVersion": reason,
                "Serverless-LambdaDLQ": "What fails goes to S3: a queue takes a quarter of a delivery.",
                "Serverless-LambdaTracing": "A trace tells no more than the metrics, and costs.",
            },
        )

    @property
    def name(self) -> str:
        """Name of the function, known once it is deployed."""
        return self.function.function_name
