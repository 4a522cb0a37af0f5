"""What has to hold between the settings of a stage, beyond each one's own rule.

All of it is known without AWS. What only AWS knows, whether a group exists and has a filter free, is asked by
``autoir aws check``.
"""

from ipaddress import IPv4Network
from pathlib import Path

from autoir import fit, recursion
from autoir.errors import UsageError
from autoir.stage import names
from autoir.stage.config import Host, StageConfig


def check(path: Path, config: StageConfig) -> None:
    """Raise UsageError, naming ``path`` and the key, where two settings do not go together."""
    try:
        _zones(config)
        _listeners(config)
        _watched(config)
        _tailer(config)
        for name, host in config.llm.items():
            _host(config, f"llm.{name}", host)
    except UsageError as error:
        raise UsageError(f"{path}: {error}", error.hint) from None


def _zones(config: StageConfig) -> None:
    if len(config.azs) < 2:
        raise UsageError(f"azs = {list(config.azs)} names fewer than two zones.", "Name two: one may be down.")
    if strangers := [az for az in config.azs if config.region.count("-") == 2 and not az.startswith(config.region)]:
        raise UsageError(f"azs: {', '.join(strangers)} not in region {config.region}.", "Both have to match.")
    network = config.network
    if network.vpc_id and len(network.subnet_ids) != len(config.azs):
        said = f"network.subnet_ids = {list(network.subnet_ids)} is not one for each of azs {list(config.azs)}."
        raise UsageError(said, "Name a private subnet of the VPC for each zone, in the order of azs.")
    if network.subnet_ids and not network.vpc_id:
        raise UsageError("network.subnet_ids is given, network.vpc_id is not.", "Name the VPC they belong to.")
    if config.nat_gateways > len(config.azs):
        raise UsageError(f"nat_gateways = {config.nat_gateways} is more than azs has zones.", "One a zone is the most.")


def _listeners(config: StageConfig) -> None:
    for key, listeners in (("pages", config.pages), ("events", config.events)):
        if queues := [listener for listener in listeners if listener.endswith(".fifo")]:
            said = f"{key}: {queues[0]} is a FIFO queue, and a standard topic delivers to none."
            raise UsageError(said, "Name a standard queue.")


def _watched(config: StageConfig) -> None:
    own = recursion.own_groups(endpoint=names.endpoint(config.name, config.embedding.endpoint))
    for key, groups in (("ingestion.log_groups", config.ingestion.log_groups), ("tailer.groups", config.tailer.groups)):
        try:
            recursion.refuse_own(groups, own)
        except UsageError as error:
            raise UsageError(f"{key}: {error}", error.hint) from None


def _tailer(config: StageConfig) -> None:
    tailer = config.tailer
    if not 2 * tailer.cpu <= tailer.memory_mb <= 8 * tailer.cpu:
        said = f"tailer.memory_mb = {tailer.memory_mb} does not go with tailer.cpu = {tailer.cpu}."
        raise UsageError(said, f"Fargate takes {2 * tailer.cpu} to {8 * tailer.cpu} with it.")
    if tailer.enabled and not tailer.groups:
        raise UsageError("tailer.enabled = true, and tailer.groups names none.", 'Example: groups = ["/aws/lambda/*"]')


def _host(config: StageConfig, key: str, host: Host) -> None:
    for setting in ("ami", "image"):
        if not getattr(host, setting):
            raise UsageError(f"{key}.{setting} is missing.", "Pin it here, as stages/full.toml does.")
    if host.max_spot_price and not host.spot:
        raise UsageError(f"{key}.max_spot_price is given, {key}.spot is not.", "Set spot = true, or leave it out.")
    if strangers := [az for az in host.azs if az not in config.azs]:
        raise UsageError(f"{key}.azs: {', '.join(strangers)} not among azs {list(config.azs)}.", "Name some of them.")
    if bool(host.vpc_id) != bool(host.subnet_ids):
        raise UsageError(
            f"{key}: vpc_id and subnet_ids go together.", "Name the VPC and its private subnets, or neither."
        )
    if host.vpc_id and not host.allowed_cidrs:
        said = f"{key}.vpc_id = {host.vpc_id!r} is another network than the stage's."
        raise UsageError(said, f"Name who may reach the host: {key}.allowed_cidrs.")
    for cidr in host.allowed_cidrs:
        try:
            IPv4Network(cidr, strict=False)
        except ValueError:
            raise UsageError(f"{key}.allowed_cidrs: {cidr!r} is no network.", "Example: 10.1.0.0/16") from None
    try:
        fit.check(host.instance_type, host.repo, host.quant, host.storage_gib)
    except UsageError as error:
        raise UsageError(f"{key}: {error}", error.hint) from None
