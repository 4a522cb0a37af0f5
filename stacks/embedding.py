"""Embedding: the serverless endpoint that turns patterns and queries into vectors.

The model is one archive in the weights bucket that was packed and checked before this stack exists, so nothing is
downloaded at a cold start. Model and configuration cannot be changed, only replaced: both carry a hash of what they
are in their names, and the endpoint keeps its own.
"""

import hashlib

from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import region_info
from constructs import Construct

from autoir.errors import UsageError
from autoir.stage import StageConfig, names, outputs
from autoir.stage.config import Embedding as Settings
from stacks.alarms import Alarms, aws_metric
from stacks.foundation import Foundation
from stacks.part import Part, acknowledge, allow, log_group, role

IMAGE = "huggingface-pytorch-inference:2.6.0-transformers5.5.3-cpu-py312-ubuntu22.04"
"""AWS's container, by a pinned tag; only its model server is used, the engine is in the archive."""

VARIABLES = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", "MMS_DEFAULT_WORKERS_PER_MODEL": "1", "OMP_NUM_THREADS": "1"}
"""One worker: each loads the model again, and a serverless endpoint has few cores."""

_SETUP_US = 150_000_000
"""A cold start that nears the 180 s after which SageMaker gives up."""


class Embedding(Part):
    """SageMaker's three resources, and the role that the container has."""

    def __init__(self, scope: Construct, *, config: StageConfig, foundation: Foundation) -> None:
        super().__init__(scope, "Embedding", config=config, description="the embedding endpoint")
        self._foundation = foundation
        self.endpoint_name = names.endpoint(config.name, config.embedding.endpoint)
        image = f"{registry(config)}/{IMAGE}"
        digest = identity(image, config.embedding)
        model = self._model(image, digest)
        setup = sagemaker.CfnEndpointConfig(
            self,
            f"Config{digest}",
            endpoint_config_name=f"{self.endpoint_name[:54]}-{digest}",
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name="all",
                    model_name=model.attr_model_name,
                    initial_variant_weight=1,
                    serverless_config=sagemaker.CfnEndpointConfig.ServerlessConfigProperty(
                        memory_size_in_mb=config.embedding.memory_mb,
                        max_concurrency=config.embedding.max_concurrency,
                    ),
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self.endpoint_name,
            endpoint_config_name=setup.attr_endpoint_config_name,
        )
        endpoint.node.add_dependency(self._log)
        self._watch(foundation)
        self.output(outputs.ENDPOINT, self.endpoint_name)

    def _model(self, image: str, digest: str) -> sagemaker.CfnModel:
        config, weights = self.config, self._foundation.weights
        group_name = f"/aws/sagemaker/Endpoints/{self.endpoint_name}"
        self._log = log_group(self, "Log", config=config, group_name=group_name)
        repository = (
            f"arn:{self.partition}:ecr:{self.region}:{image.partition('.')[0]}:repository/{IMAGE.partition(':')[0]}"
        )
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        container = role(
            self,
            "Role",
            service="sagemaker.amazonaws.com",
            statements=[
                allow(["s3:GetObject"], [weights.arn_for_objects(config.embedding.archive)]),
                allow(pull, [repository]),
                allow(["ecr:GetAuthorizationToken"], ["*"]),
                allow(
                    ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"], [self._log.log_group_arn]
                ),
                allow(
                    ["cloudwatch:PutMetricData"],
                    ["*"],
                    StringEquals={"cloudwatch:namespace": ["AWS/SageMaker", "/aws/sagemaker/Endpoints"]},
                ),
            ],
        )
        star = "A registry token and a metric have no ARN; the metric's namespace is bound."
        acknowledge(container, {"AwsSolutions-IAM5[Resource::*]": star})
        return sagemaker.CfnModel(
            self,
            f"Model{digest}",
            model_name=f"{self.endpoint_name[:54]}-{digest}",
            execution_role_arn=container.role_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image,
                model_data_url=f"s3://{weights.bucket_name}/{config.embedding.archive}",
                environment=VARIABLES,
            ),
        )

    def _watch(self, foundation: Foundation) -> None:
        alarms = Alarms(self, self.config, foundation.topics.alarms)
        variant = {"EndpointName": self.endpoint_name, "VariantName": "all"}
        setup = aws_metric("AWS/SageMaker", "ModelSetupTime", "Maximum", **variant)
        alarms.above("ModelSetupTime", setup, _SETUP_US, "the endpoint hardly starts in time")
        failed = aws_metric("AWS/SageMaker", "Invocation5XXErrors", **variant)
        alarms.above("Invocation5XXErrors", failed, 0, "the endpoint fails", periods=6)


def identity(image: str, settings: Settings) -> str:
    """What tells a model and its configuration from others of the endpoint: eight hex digits."""
    made_of = f"{image} {settings.archive} {settings.memory_mb} {settings.max_concurrency} {VARIABLES}"
    return hashlib.sha256(made_of.encode()).hexdigest()[:8]


def registry(config: StageConfig) -> str:
    """Host of AWS's deep learning containers in the stage's Region. Raises UsageError where CDK knows none."""
    facts = region_info.RegionInfo.get(config.region)
    account = config.embedding.registry_account or facts.dlc_repository_account
    if not account:
        said = f"The account of AWS's deep learning containers in {config.region} is not known."
        raise UsageError(said, "Look it up at AWS and set embedding.registry_account of the stage.")
    return f"{account}.dkr.ecr.{config.region}.{facts.domain_suffix or 'amazonaws.com'}"
