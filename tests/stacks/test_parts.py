"""The parts that are switched on singly: the embedding endpoint, the tailing task, the hosts of the model."""

import hashlib
import re
from dataclasses import replace

import pytest

from autoir import fit
from autoir.errors import UsageError
from autoir.stage import StageConfig
from autoir.stage.config import Embedding as EmbeddingSettings
from tests.stacks.conftest import Stage, shown, statements


def test_the_endpoint_is_serverless_and_keeps_its_name(full: Stage) -> None:
    model, setup = full.one("AWS::SageMaker::Model"), full.one("AWS::SageMaker::EndpointConfig")
    endpoint = full.one("AWS::SageMaker::Endpoint")
    assert endpoint["EndpointName"] == "autoir-full-embedding" == endpoint["EndpointName"].lower()
    (variant,) = setup["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    container = model["PrimaryContainer"]
    assert container["Environment"]["SAGEMAKER_MODEL_SERVER_WORKERS"] == "1"
    assert "HF_MODEL_ID" not in container["Environment"]
    assert shown(container["ModelDataUrl"]).endswith(f"/{full.config.embedding.archive}")
    assert model["VpcConfig"] is None


def test_model_and_configuration_are_replaced_by_what_they_are(full: Stage) -> None:
    model, setup = full.one("AWS::SageMaker::Model"), full.one("AWS::SageMaker::EndpointConfig")
    assert re.fullmatch(r"autoir-full-embedding-[0-9a-f]{8}", model["ModelName"])
    assert model["ModelName"] == setup["EndpointConfigName"]
    assert model["ModelName"].rpartition("-")[2] in model.id


def test_whatever_the_model_is_made_of_gives_it_another_name(
    synthesis: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CloudFormation replaces nothing under a name that was given to it."""
    from stacks import embedding

    settings = EmbeddingSettings(archive="embed/a/model.tar.gz")
    before = embedding.identity("image", settings)
    others = [
        embedding.identity("another", settings),
        embedding.identity("image", replace(settings, archive="embed/b/model.tar.gz")),
        embedding.identity("image", replace(settings, memory_mb=4096)),
        embedding.identity("image", replace(settings, max_concurrency=9)),
    ]
    monkeypatch.setattr(embedding, "VARIABLES", {"SAGEMAKER_MODEL_SERVER_WORKERS": "2"})
    others.append(embedding.identity("image", settings))
    assert len({before, *others}) == 6


def test_the_model_reads_its_archive_alone(full: Stage) -> None:
    (role,) = [role for role in full.all("AWS::IAM::Role") if role.stack == "Embedding"]
    (read,) = [statement for statement in statements(role) if statement["Action"] == "s3:GetObject"]
    assert shown(read["Resource"]).endswith(f"/{full.config.embedding.archive}")


@pytest.mark.parametrize(
    ("region", "account", "expected"),
    [
        # by CDK's own table
        ("us-east-1", "", "763104351884.dkr.ecr.us-east-1.amazonaws.com"),
        ("eu-south-1", "", "692866216735.dkr.ecr.eu-south-1.amazonaws.com"),
        ("cn-north-1", "", "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn"),
        # that table knows none
        ("us-gov-west-1", "", None),
        ("us-gov-west-1", "442386744353", "442386744353.dkr.ecr.us-gov-west-1.amazonaws.com"),
    ],
)
def test_the_registry_of_the_region(synthesis: object, region: str, account: str, expected: str | None) -> None:
    from stacks.embedding import registry

    config = StageConfig("x", region=region, embedding=EmbeddingSettings(registry_account=account))
    if expected is None:
        with pytest.raises(UsageError, match=region) as caught:
            registry(config)
        assert "embedding.registry_account" in caught.value.hint
    else:
        assert registry(config) == expected


def test_the_task_cannot_write_but_where_it_must_and_drains(full: Stage) -> None:
    task, service = full.one("AWS::ECS::TaskDefinition"), full.one("AWS::ECS::Service")
    (container,) = task["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] is True
    assert all(not mount["ReadOnly"] for mount in container["MountPoints"])
    assert 60 <= container["StopTimeout"] <= 120
    assert container["HealthCheck"]["Command"][0] == "CMD"
    assert task["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    deployment = service["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (0, 100)
    assert service["DesiredCount"] == 1


def test_the_task_reads_the_groups_it_was_given(full: Stage) -> None:
    (role,) = [role for role in full.all("AWS::IAM::Role") if role.id.startswith("TaskRole")]
    (read,) = [statement for statement in statements(role) if statement["Action"] == "logs:FilterLogEvents"]
    assert [re.sub(r"^.*log-group:", "", arn) for arn in read["Resource"]] == [
        "/aws/rds/instance/shop/*:*",
        "/vendor/*:*",
    ]


def hosts(stage: Stage) -> dict[str, dict[str, object]]:
    """Part to the data of its launch template."""
    return {found.stack: found["LaunchTemplateData"] for found in stage.all("AWS::EC2::LaunchTemplate")}


def script(data: dict[str, object]) -> str:
    """The user data, references in it by their name."""
    encoded = data["UserData"]
    assert isinstance(encoded, dict)
    return shown(encoded["Fn::Base64"])


def test_a_group_holds_one_host_or_none_and_deploying_starts_and_stops_nothing(full: Stage, borrowed: Stage) -> None:
    for group in [*full.all("AWS::AutoScaling::AutoScalingGroup"), *borrowed.all("AWS::AutoScaling::AutoScalingGroup")]:
        assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == ("0", "1", None)
    assert [len(group["VPCZoneIdentifier"]) for group in full.all("AWS::AutoScaling::AutoScalingGroup")] == [2, 2]
    (far,) = borrowed.all("AWS::AutoScaling::AutoScalingGroup")
    assert far["VPCZoneIdentifier"] == ["subnet-0cccccccccccccccc"]


def test_a_host_is_entered_by_session_manager_alone(full: Stage) -> None:
    for data in hosts(full).values():
        assert "KeyName" not in data
        assert data["MetadataOptions"] == {
            "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 2,
            "HttpTokens": "required",
        }
        assert data["Monitoring"] == {"Enabled": True}


def test_spot_and_its_price_are_the_templates(full: Stage) -> None:
    plain, spot = hosts(full)["Llm-k2"], hosts(full)["Llm-k2-quality"]
    assert "InstanceMarketOptions" not in plain
    assert spot["InstanceMarketOptions"] == {
        "MarketType": "spot",
        "SpotOptions": {
            "InstanceInterruptionBehavior": "terminate",
            "MaxPrice": "6.50",
            "SpotInstanceType": "one-time",
        },
    }


def test_a_volume_for_the_weights_is_fast(full: Stage) -> None:
    disks = {part: data["BlockDeviceMappings"] for part, data in hosts(full).items()}
    assert [disk["Ebs"]["VolumeSize"] for disk in disks["Llm-k2"]] == [150]  # type: ignore[attr-defined]
    volume = disks["Llm-k2-quality"][1]["Ebs"]  # type: ignore[index]
    assert (volume["VolumeSize"], volume["Throughput"], volume["Iops"]) == (600, 1000, 4000)


def test_hours_are_actions_of_the_group(full: Stage) -> None:
    hours = {(hour["Recurrence"], hour["DesiredCapacity"]) for hour in full.all("AWS::AutoScaling::ScheduledAction")}
    assert hours == {("0 8 * * MON-FRI", 1), ("0 18 * * MON-FRI", 0)}


@pytest.mark.parametrize(
    ("part", "lines"),
    [
        (
            "Llm-k2",
            [
                "PARAMETERS='/autoir/full/llm/k2/'", "GROUP='autoir-full-llm-k2'", "STORAGE='instance'",
                "WEIGHTS_PREFIX='weights/Kimi-K2-Instruct-0905-GGUF/UD-TQ1_0/'", "EXPERTS='--cpu-moe'",
                "systemctl enable --now --no-block autoir-server.service autoir-idle.timer",
            ],
        ),
        (
            "Llm-k2-quality",
            [
                "STORAGE='volume'", "EXPERTS='--n-cpu-moe 41'",
                "systemctl enable --now --no-block autoir-server.service autoir-spot.service",
            ],
        ),
    ],
)  # fmt: skip
def test_what_a_host_is_told(full: Stage, part: str, lines: list[str]) -> None:
    told = script(hosts(full)[part]).splitlines()
    assert [line for line in lines if line not in told] == []
    assert len("\n".join(told).encode()) < 14_000  # EC2 takes 16,384, references not yet written out


def test_an_old_name_of_a_quant_deploys_what_it_meant_and_says_so(borrowed: Stage, synthesis: object) -> None:
    told = script(hosts(borrowed)["Llm-far"])
    assert "WEIGHTS_PREFIX='weights/Kimi-K2-Instruct-0905-GGUF/UD-Q2_K_XL/'" in told
    assert "UD-TQ2_K_XL was never published" in synthesis.said  # type: ignore[attr-defined]


def test_the_parameters_say_stopped_until_a_host_says_otherwise(full: Stage) -> None:
    found = {parameter["Name"]: parameter["Value"] for parameter in full.all("AWS::SSM::Parameter")}
    assert found == {
        f"/autoir/full/llm/{name}/{key}": value
        for name in ("k2", "k2-quality")
        for key, value in (("state", "stopped"), ("url", "none"))
    }


def test_every_host_of_a_stage_has_been_checked_for_fit(full: Stage) -> None:
    for host in full.config.llm.values():
        fit.check(host.instance_type, host.repo, host.quant, host.storage_gib)


def test_names_are_short_enough_for_aws(full: Stage) -> None:
    digest = hashlib.sha256(b"").hexdigest()[:8]
    longest = f"autoir-{'s' * 20}-embedding"
    assert len(f"{longest[:54]}-{digest}") <= 63
    assert len(longest) <= 63
