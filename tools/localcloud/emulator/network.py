"""Addresses, NAT gateways, flow logs and rules of security groups that stand alone."""

import uuid
from typing import Any

from ministack.services import ec2
from ministack.services.cloudformation import provisioners

from tools.localcloud.emulator.kinds import Made, Properties, add


def install() -> None:
    """Add the types."""
    add("AWS::EC2::EIP", _address, _release)
    add("AWS::EC2::NatGateway", _nat_gateway, lambda id_: _forget(ec2._nat_gateways, id_))
    add("AWS::EC2::FlowLog", _flow_log, lambda id_: _forget(ec2._flow_logs, id_))
    add("AWS::EC2::SecurityGroupIngress", _ingress, _revoke)


def _new(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:17]}"


def _forget(table: Any, id_: str) -> None:
    table.pop(id_, None)
    ec2._tags.pop(id_, None)


def _address(properties: Properties) -> Made:
    id_, ip = _new("eipalloc"), ec2._random_ip("52.")
    nothing = dict.fromkeys(("AssociationId", "InstanceId", "NetworkInterfaceId", "PrivateIpAddress"))
    ec2._addresses[id_] = {
        "AllocationId": id_, "PublicIp": ip, "Domain": properties.get("Domain", "vpc"), **nothing
    }  # fmt: skip
    return ip, {"AllocationId": id_, "PublicIp": ip}


def _release(ip: str) -> None:
    for address in [address for address in ec2._addresses.values() if address["PublicIp"] == ip]:
        _forget(ec2._addresses, address["AllocationId"])


def _nat_gateway(properties: Properties) -> Made:
    subnet, address = ec2._subnets.get(properties["SubnetId"]), ec2._addresses.get(properties["AllocationId"])
    if not subnet or not address:
        raise ValueError(f"AWS::EC2::NatGateway: no such subnet or address: {properties}")
    id_ = _new("nat")
    ec2._nat_gateways[id_] = {
        "NatGatewayId": id_, "SubnetId": subnet["SubnetId"], "VpcId": subnet["VpcId"], "State": "available",
        "AllocationId": address["AllocationId"], "ConnectivityType": "public", "CreateTime": ec2._now_ts(), "Tags": [],
    }  # fmt: skip
    return id_, {"NatGatewayId": id_}


def _flow_log(properties: Properties) -> Made:
    id_ = _new("fl")
    ec2._flow_logs[id_] = {
        "FlowLogId": id_, "ResourceId": properties["ResourceId"], "ResourceType": properties["ResourceType"],
        "TrafficType": properties["TrafficType"], "LogDestinationType": "cloud-watch-logs",
        "LogDestination": properties["LogGroupName"], "FlowLogStatus": "ACTIVE", "CreationTime": ec2._now_ts(),
    }  # fmt: skip
    return id_, {"Id": id_}


def _ingress(properties: Properties) -> Made:
    group = ec2._security_groups.get(properties["GroupId"])
    if not group:
        raise ValueError(f"AWS::EC2::SecurityGroupIngress: no such group: {properties['GroupId']}")
    id_ = _new("sgr")
    (rule,) = provisioners._ec2_sg_permissions([properties])
    group["IpPermissions"].append(rule | {"SecurityGroupRuleId": id_})
    return id_, {"Id": id_}


def _revoke(id_: str) -> None:
    for group in ec2._security_groups.values():
        group["IpPermissions"][:] = [rule for rule in group["IpPermissions"] if rule.get("SecurityGroupRuleId") != id_]
