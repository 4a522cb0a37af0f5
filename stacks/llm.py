"""Llm-<name>: a host of the model, as a launch template and a group of zero or one instance.

Started is a desired capacity of 1 and stopped is 0, and no template says which: deploying changes neither. So spot
leaves no request behind that would start another, a zone without capacity is passed over, the next start takes new
user data, and no volume has to be brought along: the weights are filled anew from the bucket each time.
"""

import aws_cdk as cdk
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from autoir import fit
from autoir.stage import StageConfig, names, outputs
from autoir.stage.config import Host
from stacks import user_data
from stacks.foundation import WEIGHTS_ARN, Foundation
from stacks.network import SERVER_PORT
from stacks.part import Part, acknowledge, allow, exported, role

_ROOT_GIB = 150
"""System and the server's image."""

_VOLUME_IOPS, _VOLUME_MIB_S = 4000, 1000
"""Of a volume for the weights: loading them at gp3's default takes half an hour."""


class Llm(Part):
    """One host: its group, its role, and the two parameters that say where and how it is."""

    def __init__(self, scope: Construct, *, config: StageConfig, name: str, foundation: Foundation) -> None:
        super().__init__(scope, f"Llm-{name}", config=config, description=f"model host {name}")
        self._host, self._name, self._foundation = config.llm[name], name, foundation
        cdk.Tags.of(self).add(names.HOST_TAG, name)
        self._parameters = f"{names.llm_parameter_prefix(config.name)}{name}/"
        self._group_name = f"{names.llm_group_prefix(config.name)}{name}"
        for parameter, first in (("state", "stopped"), ("url", "none")):
            path = f"{self._parameters}{parameter}"
            ssm.CfnParameter(self, parameter.title(), type="String", name=path, value=first)
        template = self._template(self._profile(), self._reachable(self._host))
        self._group(template)
        self.output(outputs.GROUP, self._group_name)

    def _profile(self) -> iam.CfnInstanceProfile:
        config, foundation, host = self.config, self._foundation, self._host
        prefix = names.weights_prefix(host.repo, fit.canonical(host.quant))
        own = f"arn:{self.partition}:{{}}:{self.region}:{self.account}:"
        group = own.format("autoscaling") + f"autoScalingGroup:*:autoScalingGroupName/{self._group_name}"
        core = iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")
        may = role(
            self,
            "Role",
            service="ec2.amazonaws.com",
            statements=[
                allow(["s3:GetObject"], [foundation.weights.arn_for_objects(f"{prefix}*")]),
                allow(["s3:ListBucket"], [foundation.weights.bucket_arn], StringLike={"s3:prefix": f"{prefix}*"}),
                allow(["secretsmanager:GetSecretValue"], [foundation.llm_key_secret.ref]),
                allow(["ssm:PutParameter"], [own.format("ssm") + f"parameter{self._parameters}*"]),
                allow(["autoscaling:SetDesiredCapacity"], [group]),
            ],
            managed_policies=[core],
        )
        shown = {
            exported(config, WEIGHTS_ARN) + f"/{prefix}*": "The weights of this host alone.",
            f"{own.format('ssm')}parameter{self._parameters}*": "The two parameters of this host.",
            group: "The id in a group's ARN is chosen by AWS; its name is given.",
        }
        acknowledge(
            may,
            {f"AwsSolutions-IAM5[Resource::{arn}]": reason for arn, reason in shown.items()}
            | {
                "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]": (
                    "Session Manager instead of keys and ports; AWS keeps what its agent needs in this policy."
                )
            },
        )
        return iam.CfnInstanceProfile(self, "Profile", roles=[may.role_name])

    def _reachable(self, host: Host) -> str:
        """The security group of the host, open to the networks that the stage names."""
        if host.vpc_id:
            group = ec2.CfnSecurityGroup(
                self, "HostGroup", group_description="Host of the model", vpc_id=host.vpc_id
            ).attr_group_id
        else:
            group = self._foundation.network.host.security_group_id
        for cidr in host.allowed_cidrs:
            ec2.CfnSecurityGroupIngress(
                self,
                f"From{cidr.translate(str.maketrans('./', 'xx'))}",
                group_id=group,
                ip_protocol="tcp",
                from_port=SERVER_PORT,
                to_port=SERVER_PORT,
                cidr_ip=cidr,
            )
        return group

    def _user_data(self) -> str:
        host, foundation = self._host, self._foundation
        quant = fit.canonical(host.quant)
        values = {
            "REGION": self.region,
            "GROUP": self._group_name,
            "PARAMETERS": self._parameters,
            "STORAGE": "volume" if host.storage_gib else "instance",
            "WEIGHTS_BUCKET": foundation.weights.bucket_name,
            "WEIGHTS_PREFIX": names.weights_prefix(host.repo, quant),
            "KEY_SECRET": foundation.llm_key_secret.ref,
            "IMAGE": host.image,
            "PORT": str(SERVER_PORT),
            "EXPERTS": " ".join(fit.expert_flags(host.instance_type, fit.size_of(host.repo, quant))),
            "IDLE_STOP_MIN": str(host.idle_stop_min),
        }
        return user_data.script(values, spot=host.spot, idle_stop=bool(host.idle_stop_min))

    def _template(self, profile: iam.CfnInstanceProfile, group: str) -> ec2.CfnLaunchTemplate:
        host, template = self._host, ec2.CfnLaunchTemplate
        spot = template.SpotOptionsProperty(
            max_price=host.max_spot_price or None,
            spot_instance_type="one-time",
            instance_interruption_behavior="terminate",
        )
        return template(
            self,
            "Template",
            launch_template_data=template.LaunchTemplateDataProperty(
                image_id=host.ami,
                instance_type=host.instance_type,
                iam_instance_profile=template.IamInstanceProfileProperty(arn=profile.attr_arn),
                security_group_ids=[group],
                block_device_mappings=self._disks(),
                # The container asks for the role's credentials one hop further than the instance.
                metadata_options=template.MetadataOptionsProperty(
                    http_tokens="required", http_endpoint="enabled", http_put_response_hop_limit=2
                ),
                monitoring=template.MonitoringProperty(enabled=True),
                instance_market_options=template.InstanceMarketOptionsProperty(market_type="spot", spot_options=spot)
                if host.spot
                else None,
                user_data=user_data.encoded(self._user_data()),
            ),
        )

    def _disks(self) -> list[ec2.CfnLaunchTemplate.BlockDeviceMappingProperty]:
        def disk(device: str, gib: int, **speed: int) -> ec2.CfnLaunchTemplate.BlockDeviceMappingProperty:
            ebs = ec2.CfnLaunchTemplate.EbsProperty(
                volume_size=gib, volume_type="gp3", encrypted=True, delete_on_termination=True, **speed
            )
            return ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(device_name=device, ebs=ebs)

        disks = [disk("/dev/sda1", _ROOT_GIB)]
        if self._host.storage_gib:
            disks.append(disk("/dev/sdf", self._host.storage_gib, iops=_VOLUME_IOPS, throughput=_VOLUME_MIB_S))
        return disks

    def _group(self, template: ec2.CfnLaunchTemplate) -> None:
        host = self._host
        chosen = ec2.SubnetSelection(
            subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, availability_zones=[*host.azs] or None
        )
        subnets = [*host.subnet_ids] or self._foundation.network.vpc.select_subnets(
            subnet_type=chosen.subnet_type, availability_zones=chosen.availability_zones
        ).subnet_ids
        group = autoscaling.CfnAutoScalingGroup(
            self,
            "Group",
            auto_scaling_group_name=self._group_name,
            min_size="0",
            max_size="1",
            vpc_zone_identifier=subnets,
            launch_template=autoscaling.CfnAutoScalingGroup.LaunchTemplateSpecificationProperty(
                launch_template_id=template.ref, version=template.attr_latest_version_number
            ),
        )
        acknowledge(group, {"AwsSolutions-AS3": "The host says its state in a parameter, which each sweep reads."})
        for name, cron, desired in (("Start", host.start_cron, 1), ("Stop", host.stop_cron, 0)):
            if cron:
                autoscaling.CfnScheduledAction(
                    self,
                    name,
                    auto_scaling_group_name=group.ref,
                    recurrence=cron,
                    min_size=0,
                    max_size=1,
                    desired_capacity=desired,
                )
