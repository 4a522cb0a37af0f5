"""Whether a model fits an instance, before anybody pays for finding out.

A host whose weights do not stay in memory reads them from disk for every token and answers in hours; it looks healthy
all the while. So the sizes are a dated table and the rule is arithmetic, checked when the stacks are synthesized and
by the command that sets a host up. Both numbers of the rule are estimates: the table of a release is where a
measurement of a real host belongs.
"""

import functools
import importlib.resources
import tomllib
from dataclasses import dataclass
from math import floor

from autoir import prices
from autoir.errors import UsageError

OVERHEAD_GIB = 12
"""What is beside the weights: attention and shared layers' share, KV cache of 32k tokens, buffers."""

MOE_LAYERS = 60
"""Layers of Kimi K2 that have experts: all 61 but the first."""

_GPU_RESERVE_GIB = 2
"""What CUDA takes of each GPU."""

DISK_HEADROOM_GIB = 20
"""What a volume has to hold beside the weights."""


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One row of the table. Sizes in GiB, ``ebs_gbps`` in Gbit/s, ``usd_h`` on demand."""

    name: str
    vcpus: int
    ram_gib: float
    gpus: int
    vram_each_gib: float
    ebs_gbps: float
    usd_h: float

    @property
    def vram_gib(self) -> float:
        """VRAM of all GPUs that weights and cache may use."""
        return self.gpus * (self.vram_each_gib - _GPU_RESERVE_GIB)


@dataclass(frozen=True, slots=True)
class Table:
    """Instance types and quants by name."""

    types: dict[str, InstanceType]
    size_gib: dict[str, float]
    aliases: dict[str, str]
    repos: tuple[str, ...]
    as_of: str


@functools.cache
def table() -> Table:
    """The table that this release ships: ``autoir/data/model_hosts.toml``."""
    text = (importlib.resources.files("autoir") / "data" / "model_hosts.toml").read_text("utf-8")
    document = tomllib.loads(text)
    types, quants, hosts = document["types"], document["quants"], prices.table()["hosts"]
    rows = {name: [*row, hosts[name]] for name, row in types.items() if isinstance(row, list)}
    return Table(
        types={name: InstanceType(name, *row) for name, row in rows.items()},
        size_gib=quants["size_gib"],
        aliases=quants["aliases"],
        repos=tuple(quants["repos"]),
        as_of=types["as_of"].isoformat(),
    )


def fits(kind: InstanceType, size_gib: float) -> bool:
    """Whether weights of ``size_gib`` stay in the memory of ``kind``, the part that no GPU takes in its RAM."""
    everywhere = size_gib + OVERHEAD_GIB <= 0.97 * kind.ram_gib + kind.vram_gib
    return everywhere and size_gib - OVERHEAD_GIB - max(0.0, kind.vram_gib - OVERHEAD_GIB) <= 0.95 * kind.ram_gib


def largest(kind: InstanceType) -> str | None:
    """The largest quant that ``kind`` holds."""
    held = [(size, name) for name, size in table().size_gib.items() if fits(kind, size)]
    return max(held)[1] if held else None


def cheapest(size_gib: float) -> InstanceType | None:
    """The cheapest type that holds weights of ``size_gib``."""
    return min(
        (kind for kind in table().types.values() if fits(kind, size_gib)), key=lambda kind: kind.usd_h, default=None
    )


def canonical(quant: str) -> str:
    """The published name of ``quant``: the same, or what an alias meant."""
    return table().aliases.get(quant, quant)


def size_of(repo: str, quant: str) -> float:
    """GiB of the weights. Raises UsageError for a repository or a quant whose size is not known."""
    known = table()
    if repo not in known.repos:
        said = f"repo = {repo!r}: the sizes of its weights and its tool format are not known."
        raise UsageError(said, f"Known: {', '.join(known.repos)}.")
    if canonical(quant) not in known.size_gib:
        raise UsageError(f"quant = {quant!r} is not published in {repo}.", f"One of {', '.join(known.size_gib)}.")
    return known.size_gib[canonical(quant)]


def check(instance_type: str, repo: str, quant: str, storage_gib: int = 0) -> None:
    """Raise UsageError, with what would do, where the weights fit neither the memory nor a volume of ``storage_gib``.

    A ``storage_gib`` of 0 stands for the instance store, which every type of the table has room enough on.
    """
    known = table()
    if instance_type not in known.types:
        said = f"instance_type = {instance_type!r} is not in the table of {known.as_of}."
        raise UsageError(said, f"One of {', '.join(known.types)}.")
    kind, size = known.types[instance_type], size_of(repo, quant)
    if not fits(kind, size):
        cheaper, holds = cheapest(size), largest(kind)
        hint = f"{cheaper.name} is the cheapest type that holds it" if cheaper else "No type of the table holds it"
        hint += f"; {holds} is the largest quant that fits {kind.name}." if holds else f"; {kind.name} holds no quant."
        raise UsageError(f"quant = {quant!r} ({size:g} GiB) does not fit the memory of {kind.name}.", hint)
    needed = size + DISK_HEADROOM_GIB
    if storage_gib and storage_gib < needed:
        said = f"storage_gib = {storage_gib} is too small for {quant} ({size:g} GiB)."
        raise UsageError(said, f"At least {needed:g}, or 0 for the instance store.")


def expert_flags(instance_type: str, size_gib: float) -> tuple[str, ...]:
    """How llama.cpp shares experts between GPUs and RAM: ``--cpu-moe``, or ``--n-cpu-moe N`` where VRAM has to help.

    Experts are taken to be all of the weights but ``OVERHEAD_GIB``, even over the layers; those that fit beside the
    rest stay on the GPUs.
    """
    kind = table().types[instance_type]
    experts = size_gib - OVERHEAD_GIB
    if kind.gpus == 1 and experts <= 0.95 * kind.ram_gib:
        return ("--cpu-moe",)
    on_gpu = floor(max(0.0, kind.vram_gib - OVERHEAD_GIB) / (experts / MOE_LAYERS))
    return ("--n-cpu-moe", str(max(0, MOE_LAYERS - on_gpu)))
