"""The account: whose it is, what it is prepared for, and how much it may have."""

from collections.abc import Iterable, Iterator
from typing import Final

from autoir import fit
from autoir.aws.health.rows import LOGIN, Row, Seen
from autoir.aws.session import RefusedError
from autoir.stage.config import EXAMPLE_ACCOUNT

_BOOTSTRAP: Final = "/cdk-bootstrap/hnb659fds/version"
_BOOTSTRAP_LEAST: Final = 6
"""What aws-cdk-lib's DefaultStackSynthesizer asks of the bootstrap stack."""

_UNRESERVED: Final = 100
"""Executions that Lambda keeps unreserved (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html)"""
_FEWEST: Final = 10

_LAMBDA: Final = "L-B99A9384"
_ADDRESSES: Final = "L-0263D0A3"
_VPCS: Final = "L-F678F1CE"
_GPUS: Final = {
    ("g", False): "L-DB2E81BA", ("g", True): "L-3819A6DF", ("p", False): "L-417A185B", ("p", True): "L-7212CCBC"
}  # fmt: skip
"""Quotas of vCPUs by family of instances, on demand and spot (Service Quotas, Amazon EC2)."""


def login(seen: Seen) -> Iterable[Row]:
    """Who asks, and whether it is the stage's account."""
    sts, wanted = seen.access.client("sts"), seen.config.account
    account = str(seen.access.asked("sts:GetCallerIdentity", lambda: sts.get_caller_identity())["Account"])
    if wanted == EXAMPLE_ACCOUNT:
        mend = f'write account = "{account}" into stages/{seen.config.name}.toml'
        yield Row(LOGIN, "broken", f"account {account}", "an account in the stage's file", mend)
    elif account != wanted:
        yield Row(LOGIN, "broken", f"account {account}", f"account {wanted}", "--profile NAME of that account")
    else:
        yield Row(LOGIN, "ok", f"account {account}, {seen.config.region}")


def bootstrap(seen: Seen) -> Iterable[Row]:
    """Whether the CDK may deploy here."""
    place = f"aws://{seen.config.account}/{seen.config.region}"
    mend, ssm = f"cdk bootstrap {place}", seen.access.client("ssm")
    try:
        found = seen.access.asked("ssm:GetParameter", lambda: ssm.get_parameter(Name=_BOOTSTRAP))["Parameter"]["Value"]
    except RefusedError as error:
        if error.code != "ParameterNotFound":
            raise
        yield Row("bootstrap", "broken", "none", f"version {_BOOTSTRAP_LEAST}", mend)
        return
    good = int(found) >= _BOOTSTRAP_LEAST
    yield Row(
        "bootstrap", "ok" if good else "broken", f"version {found}", f"version {_BOOTSTRAP_LEAST}", mend * (not good)
    )


def lambda_concurrency(seen: Seen) -> Iterable[Row]:
    """Whether the account has the executions that the stage reserves, or any to speak of."""
    client, reserved = seen.access.client("lambda"), seen.config.ingestion.reserved_concurrency
    limits = seen.access.asked("lambda:GetAccountSettings", lambda: client.get_account_settings())["AccountLimit"]
    total, free = int(limits["ConcurrentExecutions"]), int(limits["UnreservedConcurrentExecutions"])
    # Once deployed, what the stage reserves is no longer among the free ones.
    needed = (_UNRESERVED + (0 if seen.stack("App") else reserved)) if reserved else _FEWEST
    good = free >= needed
    yield Row(
        "lambda concurrency", "ok" if good else "broken", f"{free} free of {total}", f"{needed} free",
        "" if good else _more("lambda", _LAMBDA, total - free + needed),
    )  # fmt: skip


def network_quotas(seen: Seen) -> Iterable[Row]:
    """Whether there is room for a network and its fixed addresses; asked until Foundation is there."""
    config = seen.config
    if config.network.vpc_id or seen.stack("Foundation"):
        return
    ec2 = seen.access.client("ec2")
    addresses = seen.access.asked("ec2:DescribeAddresses", lambda: ec2.describe_addresses())["Addresses"]
    networks = seen.access.asked("ec2:DescribeVpcs", lambda: ec2.describe_vpcs())["Vpcs"]
    yield _room(seen, "elastic addresses", "ec2", _ADDRESSES, len(addresses), config.nat_gateways)
    yield _room(seen, "networks", "vpc", _VPCS, len(networks), 1)


def gpu_quotas(seen: Seen) -> Iterator[Row]:
    """Whether a host of the model may start: new accounts have no GPU at all."""
    for name, host in seen.config.llm.items():
        needed = fit.table().types[host.instance_type].vcpus
        code = _GPUS["p" if host.instance_type.startswith("p") else "g", host.spot]
        limit = _quota(seen, "ec2", code)
        yield Row(
            f"GPUs of {name}", "ok" if limit >= needed else "broken", f"{limit} vCPUs",
            f"{needed} for {host.instance_type}", "" if limit >= needed else _more("ec2", code, needed),
        )  # fmt: skip


def _room(seen: Seen, name: str, service: str, code: str, used: int, needed: int) -> Row:
    limit = _quota(seen, service, code)
    good = used + needed <= limit
    mend = "" if good else _more(service, code, used + needed)
    return Row(name, "ok" if good else "broken", f"{used} of {limit} in use", f"{needed} free", mend)


def _quota(seen: Seen, service: str, code: str) -> int:
    """A quota as the account has it; as every account has it, where nobody has changed it."""
    quotas = seen.access.client("service-quotas")
    try:
        found = seen.access.asked(
            "servicequotas:GetServiceQuota", lambda: quotas.get_service_quota(ServiceCode=service, QuotaCode=code)
        )
    except RefusedError as error:
        if error.code != "NoSuchResourceException":
            raise
        found = seen.access.asked(
            "servicequotas:GetAWSDefaultServiceQuota",
            lambda: quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=code),
        )
    return int(found["Quota"]["Value"])


def _more(service: str, code: str, value: int) -> str:
    return (
        f"aws service-quotas request-service-quota-increase --service-code {service} --quota-code {code}"
        f" --desired-value {value}"
    )
