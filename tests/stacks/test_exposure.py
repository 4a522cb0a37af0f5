"""What can be reached from outside, what is encrypted, and what outlives what."""

import re

import pytest

from tests.stacks.conftest import Stage, shown

STAGES = ["dev", "prod", "full", "borrowed"]


@pytest.fixture(params=STAGES)
def stage(request: pytest.FixtureRequest) -> Stage:
    found: Stage = request.getfixturevalue(request.param)
    return found


def test_nothing_has_a_public_address(stage: Stage) -> None:
    assert [subnet.id for subnet in stage.all("AWS::EC2::Subnet") if subnet["MapPublicIpOnLaunch"]] == []
    for service in stage.all("AWS::ECS::Service"):
        assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    for template in stage.all("AWS::EC2::LaunchTemplate"):
        assert "NetworkInterfaces" not in template["LaunchTemplateData"]
    for function in stage.all("AWS::Lambda::Function"):
        private = {shown(subnet) for subnet in function["VpcConfig"]["SubnetIds"]}
        assert len(private) == 2
        assert all("Private" in subnet or subnet.startswith("subnet-") for subnet in private)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dev", [("sweep", 8080)]),
        ("full", [("sweep", 8080), ("10.20.0.0/16", 8080)]),
        ("borrowed", [("sweep", 8080), ("10.30.0.0/16", 8080)]),
    ],
)
def test_only_the_host_listens_to_the_sweep_and_to_networks_that_were_named(
    name: str, expected: list[tuple[str, int]], request: pytest.FixtureRequest
) -> None:
    stage: Stage = request.getfixturevalue(name)
    rules = [
        (group.id, rule)
        for group in stage.all("AWS::EC2::SecurityGroup")
        for rule in group["SecurityGroupIngress"] or []
    ]
    rules += [(shown(rule["GroupId"]), rule.body["Properties"]) for rule in stage.all("AWS::EC2::SecurityGroupIngress")]
    assert all("Host" in group and rule["IpProtocol"] == "tcp" for group, rule in rules)
    open_to = [
        ("sweep" if "NetworkSweep" in shown(rule.get("SourceSecurityGroupId")) else rule["CidrIp"], rule["ToPort"])
        for _, rule in rules
        if rule["FromPort"] == rule["ToPort"]
    ]
    assert open_to == expected
    assert len(open_to) == len(rules)


def test_a_bucket_is_private_encrypted_and_spoken_to_by_tls(stage: Stage) -> None:
    policies = {
        shown(policy["Bucket"]): policy["PolicyDocument"]["Statement"] for policy in stage.all("AWS::S3::BucketPolicy")
    }
    buckets = stage.all("AWS::S3::Bucket")
    assert [re.sub("[0-9A-F]{8}$", "", bucket.id) for bucket in buckets] == ["Failures", "Weights"]
    for bucket in buckets:
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        (tls,) = policies[bucket.id]
        assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    failures, weights = buckets
    assert {"ExpirationInDays": 30, "Status": "Enabled"} in failures["LifecycleConfiguration"]["Rules"]
    assert weights["VersioningConfiguration"] == {"Status": "Enabled"}
    assert not any("ExpirationInDays" in rule for rule in weights["LifecycleConfiguration"]["Rules"])


def test_a_topic_is_spoken_to_by_tls(stage: Stage) -> None:
    topics = {topic.id for topic in stage.all("AWS::SNS::Topic")}
    denied = {
        shown(policy["Topics"][0])
        for policy in stage.all("AWS::SNS::TopicPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert denied == topics
    assert len(topics) == 3


def test_every_disk_is_encrypted(full: Stage) -> None:
    disks = [
        disk["Ebs"]
        for template in full.all("AWS::EC2::LaunchTemplate")
        for disk in template["LaunchTemplateData"]["BlockDeviceMappings"]
    ]
    assert len(disks) == 3
    assert all(disk["Encrypted"] and disk["DeleteOnTermination"] for disk in disks)


def test_an_own_log_has_a_fixed_name_a_retention_and_goes_with_its_stack(stage: Stage) -> None:
    logs = stage.all("AWS::Logs::LogGroup")
    assert logs
    for log in logs:
        assert re.match(rf"/autoir/{stage.config.name}/|/aws/sagemaker/Endpoints/autoir-", log["LogGroupName"])
        assert log["RetentionInDays"] == stage.config.log_retention_days
        assert (log.body["DeletionPolicy"], log.body["UpdateReplacePolicy"]) == ("Delete", "Delete")
    for function in stage.all("AWS::Lambda::Function"):
        assert shown(function["LoggingConfig"]["LogGroup"]) in {log.id for log in logs}


@pytest.mark.parametrize(("name", "policy"), [("dev", "Delete"), ("prod", "RetainExceptOnCreate")])
def test_data_outlives_its_stack_where_the_stage_says_so(
    name: str, policy: str, request: pytest.FixtureRequest
) -> None:
    stage: Stage = request.getfixturevalue(name)
    kept = stage.all("AWS::S3::Bucket", "AWS::SecretsManager::Secret")
    assert len(kept) == 6
    assert {resource.body["DeletionPolicy"] for resource in kept} == {policy}


def test_a_secret_of_the_store_has_no_value_until_it_is_known(stage: Stage) -> None:
    secrets = {re.sub("[0-9A-F]{8}$", "", secret.id): secret for secret in stage.all("AWS::SecretsManager::Secret")}
    assert sorted(secrets) == ["LlmKey", "StoreOwner", "StoreReader", "StoreWriter"]
    for name, secret in secrets.items():
        assert secret["SecretString"] is None
        assert (secret["GenerateSecretString"] is not None) == (name == "LlmKey")


def test_nothing_in_plain_sight_looks_like_a_secret(stage: Stage) -> None:
    for resource in stage.all("AWS::Lambda::Function", "AWS::ECS::TaskDefinition", "AWS::EC2::LaunchTemplate"):
        assert not re.search(r"(?i)mysql://|AKIA|password['\"]?[:=]|sk-[a-z0-9]{8}", str(resource.body)), resource.id


def test_a_network_of_ours_speaks_from_addresses_that_are_known(full: Stage, dev: Stage, borrowed: Stage) -> None:
    for stage, gateways in ((full, 2), (dev, 1), (borrowed, 0)):
        addresses = [address.id for address in stage.all("AWS::EC2::EIP")]
        assert len(addresses) == len(stage.all("AWS::EC2::NatGateway")) == gateways
        told = stage.templates["Foundation"]["Outputs"].get("EgressIps", {"Value": ""})["Value"]
        assert all(address in str(told) for address in addresses)
    (endpoint,) = full.all("AWS::EC2::VPCEndpoint")
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert (len(full.all("AWS::EC2::FlowLog")), len(dev.all("AWS::EC2::FlowLog"))) == (1, 0)
