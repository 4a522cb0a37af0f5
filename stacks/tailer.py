"""Tailer: the task that reads log groups which have no subscription filter free.

A stack of its own, so that switching it off is deleting a stack, and off at first, since its image is built by Docker
when it is deployed. One task at most: two would read the same, and the lease lets only one of them store.
"""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from autoir import metric_names
from autoir.lambda_env import TailEnv
from autoir.stage import StageConfig, names, outputs
from stacks.alarms import Alarms
from stacks.bundle import ROOT
from stacks.foundation import Foundation
from stacks.part import Part, acknowledge, allow, log_group, role
from stacks.watch import watch_tail

_IMAGE_FILES = ("autoir", "container", "lambdas/requirements.txt")
"""What the image is built of: nothing else of this folder is looked at, nor changes its name."""

_STOP_S = 110
"""Time to drain after SIGTERM; Fargate allows 120 s."""

HEALTH = ("CMD", "python", "-m", "container.health")
"""Fails when the heartbeat file is too old."""

WRITABLE = ("/tmp", "/home/autoir/.autoir")
"""Mounts of a root that cannot be written: scratch, and AutoIR's own folder, with the heartbeat."""


class Tailer(Part):
    """A cluster, and a service of one task or none."""

    def __init__(self, scope: Construct, *, config: StageConfig, foundation: Foundation) -> None:
        super().__init__(scope, "Tailer", config=config, description="tails log groups without a free filter")
        self._foundation = foundation
        cluster = ecs.Cluster(self, "Cluster", cluster_name=names.cluster(config.name), vpc=foundation.network.vpc)
        insights = "Its metrics cost more than the task; the heartbeat and the lag are watched instead."
        acknowledge(cluster, {"AwsSolutions-ECS4": insights})
        task = self._task()
        service = ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=task,
            desired_count=config.tailer.desired,
            min_healthy_percent=0,
            max_healthy_percent=100,
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            assign_public_ip=False,
            security_groups=[foundation.network.tailer],
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            platform_version=ecs.FargatePlatformVersion.VERSION1_4,
        )
        if config.tailer.desired:
            watch_tail(Alarms(self, config, foundation.topics.alarms), config)
        self.output(outputs.CLUSTER, cluster.cluster_name)
        self.output(outputs.SERVICE, service.service_name)
        self.output(outputs.TASK_DEFINITION, task.task_definition_arn)

    def _task(self) -> ecs.FargateTaskDefinition:
        config, foundation, service = self.config, self._foundation, metric_names.TAIL
        group = log_group(self, "Log", config=config, group_name=names.log_group(config.name, names.TAIL_LOG))
        image = assets.DockerImageAsset(
            self,
            "Image",
            directory=str(ROOT),
            file="container/Dockerfile",
            platform=assets.Platform.LINUX_ARM64,
            ignore_mode=cdk.IgnoreMode.DOCKER,
            exclude=["*", *(f"!{name}" for name in _IMAGE_FILES), "**/__pycache__"],
        )
        execution = self._execution_role(image.repository.repository_arn, group.log_group_arn)
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=config.tailer.cpu,
            memory_limit_mib=config.tailer.memory_mb,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            task_role=self._task_role().without_policy_updates(),
            execution_role=execution.without_policy_updates(),
        )
        endpoint = names.endpoint(config.name, config.embedding.endpoint) if config.embedding.archive else ""
        container = task.add_container(
            "tail",
            image=ecs.ContainerImage.from_docker_image_asset(image),
            environment=TailEnv(
                stage=config.name,
                log_level="INFO",
                powertools_service_name=service,
                powertools_metrics_namespace=metric_names.namespace(config.name),
                aws_region=config.region,
                store_secret_arn=foundation.writer_secret.ref,
                sagemaker_endpoint=endpoint,
                log_groups=",".join(config.tailer.groups),
                cloudwatch_calls_per_s=config.tailer.cloudwatch_calls_per_s,
            ).variables(),
            logging=ecs.LogDriver.aws_logs(stream_prefix="tail", log_group=group),
            readonly_root_filesystem=True,
            stop_timeout=cdk.Duration.seconds(_STOP_S),
            health_check=ecs.HealthCheck(command=[*HEALTH], start_period=cdk.Duration.seconds(60)),
        )
        for number, path in enumerate(WRITABLE):
            task.add_volume(name=f"writable{number}")
            container.add_mount_points(
                ecs.MountPoint(source_volume=f"writable{number}", container_path=path, read_only=False)
            )
        acknowledge(task, {"AwsSolutions-ECS2": "No secret among them: the connection string goes by its ARN."})
        return task

    def _task_role(self) -> cdk.aws_iam.Role:
        config = self.config
        watched = [
            f"arn:{self.partition}:logs:{self.region}:{self.account}:log-group:{group}:*"
            for group in config.tailer.groups
        ]
        statements = [
            allow(["logs:FilterLogEvents"], watched),
            allow(["logs:DescribeLogGroups"], ["*"]),
            allow(["secretsmanager:GetSecretValue"], [self._foundation.writer_secret.ref]),
        ]
        if config.embedding.archive:
            endpoint = names.endpoint(config.name, config.embedding.endpoint)
            arn = f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:endpoint/{endpoint}"
            statements.append(allow(["sagemaker:InvokeEndpoint"], [arn]))
        may = role(self, "TaskRole", service="ecs-tasks.amazonaws.com", statements=statements, own_account=True)
        acknowledge(may, {"AwsSolutions-IAM5[Resource::*]": "DescribeLogGroups lists; it knows no narrower resource."})
        for arn in watched:
            acknowledge(may, {f"AwsSolutions-IAM5[Resource::{arn}]": "The streams of a watched group, or of its glob."})
        return may

    def _execution_role(self, repository: str, log_group_arn: str) -> cdk.aws_iam.Role:
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        may = role(
            self,
            "ExecutionRole",
            service="ecs-tasks.amazonaws.com",
            statements=[
                allow(pull, [repository]),
                allow(["ecr:GetAuthorizationToken"], ["*"]),
                allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group_arn]),
            ],
        )
        acknowledge(may, {"AwsSolutions-IAM5[Resource::*]": "A registry token has no ARN."})
        return may
