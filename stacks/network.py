"""The network of a stage: private subnets for all that computes, and the addresses it speaks from.

Everything runs in private subnets behind NAT gateways with fixed addresses, which a database can have on its
allow-list. There are no interface endpoints: they cost more than the gateway they would save. A network that exists
comes in by its ids, never by a look-up.
"""

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from autoir.stage import StageConfig, names
from stacks.part import acknowledge, allow, log_group, role

SERVER_PORT = 8080
"""Where the model's host listens."""


class Network(Construct):
    """A VPC, its addresses, and a security group for each thing that runs in it.

    The groups of all parts are made here, so that who may reach whom is said in one place and no part waits for
    another: the model's host is reached by the sweep alone.
    """

    def __init__(self, scope: Construct, config: StageConfig) -> None:
        super().__init__(scope, "Network")
        self.addresses: list[str] = []
        self.vpc = self._existing(config) if config.network.vpc_id else self._own(config)
        self.embed = self._group("Embed", "Functions that store logs")
        self.sweep = self._group("Sweep", "The sweep")
        self.tailer = self._group("Tailer", "The tailing task")
        self.host = self._group("Host", "Hosts of the model")
        self.host.add_ingress_rule(
            ec2.Peer.security_group_id(self.sweep.security_group_id), ec2.Port.tcp(SERVER_PORT), "The sweep asks"
        )

    def _group(self, name: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, name, vpc=self.vpc, description=description, allow_all_outbound=True)

    def _existing(self, config: StageConfig) -> ec2.IVpc:
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=config.network.vpc_id,
            availability_zones=[*config.azs],
            private_subnet_ids=[*config.network.subnet_ids],
        )
        acknowledge(vpc, {"@aws-cdk/aws-ec2:noSubnetRouteTableId": "Nothing here adds a route."})
        return vpc

    def _own(self, config: StageConfig) -> ec2.Vpc:
        addresses = [ec2.CfnEIP(self, f"Address{number}", domain="vpc") for number in range(config.nat_gateways)]
        self.addresses = [address.attr_public_ip for address in addresses]
        vpc = ec2.Vpc(
            self,
            "Vpc",
            availability_zones=[*config.azs],
            nat_gateways=config.nat_gateways,
            nat_gateway_provider=ec2.NatProvider.gateway(
                eip_allocation_ids=[address.attr_allocation_id for address in addresses]
            ),
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20),
            ],
            gateway_endpoints={"S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)},
            restrict_default_security_group=False,
        )
        if config.flow_logs:
            self._flow_log(config, vpc)
        else:
            acknowledge(vpc, {"AwsSolutions-VPC7": "Flow logs cost by the gigabyte; flow_logs of the stage has them."})
        return vpc

    def _flow_log(self, config: StageConfig, vpc: ec2.Vpc) -> None:
        group = log_group(self, "FlowLog", config=config, group_name=names.log_group(config.name, names.FLOW_LOG))
        write = allow(["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"], [group.log_group_arn])
        writer: iam.IRole = role(
            self, "FlowRole", service="vpc-flow-logs.amazonaws.com", statements=[write], own_account=True
        )
        ec2.CfnFlowLog(
            self,
            "Flow",
            resource_id=vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=writer.role_arn,
        )
