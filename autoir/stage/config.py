"""What a stage is: every setting with its default, its meaning and what it may be.

Parts that cost money or need something that a fresh account has not are off at first, and each is switched on by the
command that provides what it needs (``autoir.stage.gates``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from autoir.incidents import SEVERITIES, Severity
from autoir.stage.values import Between, OneOf, Text, setting

EXAMPLE_ACCOUNT: Final = "111111111111"
"""Account in a stage's file that nobody has filled in yet."""

LOG_GROUP: Final = Text(r"[\w./#-]{1,512}", "/aws/lambda/checkout")
LOG_GROUP_GLOB: Final = Text(r"[\w./#*?-]{1,512}", "/aws/lambda/shop-*")
_LISTENER: Final = Text(
    r"[^@\s]+@[^@\s]+|https://\S+|\+\d{7,15}|arn:[\w-]+:sqs:[\w-]+:\d{12}:\S+", "oncall@example.com"
)
_SUBNET: Final = Text(r"subnet-[0-9a-f]+", "subnet-0123456789abcdef0")
_VPC: Final = Text(r"vpc-[0-9a-f]+", "vpc-0123456789abcdef0", optional=True)
_AZ: Final = Text(
    r"[a-z]{2}(?:-[a-z]+)+-\d+[a-z]+|[a-z]{3}\d-az\d|[a-z]{2}(?:-[a-z]+)+-\d-[a-z]+-\d[a-z]", "us-east-1a"
)
_CRON: Final = r"[\w*/,-]+(?: [\w*/,-]+){4}"
_LOG_RETENTION_DAYS: Final = OneOf((1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731))


@dataclass(frozen=True, slots=True)
class Store:
    """The database."""

    ready: bool = False
    """Whether the secrets hold its connection strings and its schema is there (``autoir tidb dsn --stage``)."""


@dataclass(frozen=True, slots=True)
class Ingestion:
    """Logs that CloudWatch delivers to a function."""

    log_groups: tuple[str, ...] = setting((), LOG_GROUP)
    """Groups that get a subscription filter. One that does not exist, or has two filters already, fails the stack."""

    reserved_concurrency: int = setting(0, Between(0, 1000))
    """Executions kept for the function, 0 for none: an account has to keep 100 that are nobody's."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """The endpoint that embeds patterns and queries."""

    archive: str = setting("", Text(r"embed/[0-9a-f]{64}/model\.tar\.gz", f"embed/{'0' * 64}/model.tar.gz", True))
    """Key of the packed model in the weights bucket (``autoir aws sagemaker-bootstrap``)."""

    endpoint: str = setting("", Text(r"(?=.{1,63}$)[a-z0-9](?:-?[a-z0-9])*", "autoir-prod-embedding", True))
    """Name of the endpoint, in lower case, as it will be in its ARN; empty: named after the stage."""

    memory_mb: int = setting(2048, OneOf((1024, 2048, 3072, 4096, 5120, 6144)))
    """Memory of a serverless worker."""

    max_concurrency: int = setting(5, Between(1, 200))
    """Workers at once; load above is throttled."""

    registry_account: str = setting("", Text(r"\d{12}", "763104351884", True))
    """Account of the container images of AWS, where the Region has one that CDK does not know."""


@dataclass(frozen=True, slots=True)
class Tailer:
    """The task that reads log groups without a free subscription filter."""

    enabled: bool = False
    """Whether it is deployed (``autoir aws autoir-fargate deploy``)."""

    groups: tuple[str, ...] = setting((), LOG_GROUP_GLOB)
    """Names or globs of the log groups it reads."""

    cpu: int = setting(512, OneOf((256, 512, 1024, 2048, 4096)))
    """CPU units, 1,024 to a vCPU."""

    memory_mb: int = setting(1024, OneOf((512, 1024, 2048, 3072, 4096, 8192, 16384)))
    """Memory."""

    desired: int = setting(1, Between(0, 1))
    """Tasks that run: 1, or 0 while it is stopped."""

    cloudwatch_calls_per_s: int = setting(5, Between(1, 100))
    """FilterLogEvents calls a second that it makes at most. The limit of an account and Region is 5, and every other
    tool that reads logs shares it."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """The rounds of detection."""

    interval_min: int = setting(1, Between(1, 60))
    """Minutes from one round to the next."""

    window_min: int = setting(15, Between(1, 1440))
    """Minutes during which further candidates join an open incident."""

    min_severity: Severity = setting("medium", OneOf(SEVERITIES))
    """Least severity that pages people."""

    min_confidence: int = setting(70, Between(0, 100))
    """Least detection confidence that pages people."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network that exists already; without one, the stage makes its own."""

    vpc_id: str = setting("", _VPC)
    """The VPC; empty: a new one."""

    subnet_ids: tuple[str, ...] = setting((), _SUBNET)
    """Its private subnets, one for each of the stage's ``azs``, in that order."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host of the model."""

    instance_type: str = "g6.16xlarge"
    """One of the types of ``autoir.fit``."""

    repo: str = "unsloth/Kimi-K2-Instruct-0905-GGUF"
    """Repository of the weights."""

    quant: str = "UD-TQ1_0"
    """Which of its quantisations."""

    ami: str = setting("", Text(r"ami-[0-9a-f]{8,17}", "ami-0123456789abcdef0"))
    """Image of the machine: AWS's deep learning base with the NVIDIA driver, resolved at setup."""

    image: str = setting("", Text(r"[\w./:-]+@sha256:[0-9a-f]{64}", f"ghcr.io/ggml-org/llama.cpp@sha256:{'0' * 64}"))
    """Image of llama.cpp's server with CUDA, by digest."""

    storage_gib: int = setting(0, Between(0, 16384))
    """Size of a volume for the weights; 0: they lie on the instance store."""

    spot: bool = False
    """Whether to bid for spare capacity."""

    max_spot_price: str = setting("", Text(r"\d+(?:\.\d{1,4})?", "2.50", True))
    """Most to pay, USD an hour; empty: up to the on-demand price."""

    start_cron: str = setting("", Text(_CRON, "0 8 * * MON-FRI", True))
    """When it starts by itself (five fields, UTC); empty: by command or when an investigation waits."""

    stop_cron: str = setting("", Text(_CRON, "0 18 * * MON-FRI", True))
    """When it stops by itself."""

    idle_stop_min: int = setting(30, Between(0, 1440))
    """Minutes without a request after which it stops itself; 0: never."""

    azs: tuple[str, ...] = setting((), _AZ)
    """Those of the stage's zones that offer the type; none named: all."""

    vpc_id: str = setting("", _VPC)
    """Another VPC than the stage's; then ``allowed_cidrs`` has to name who may reach the server."""

    subnet_ids: tuple[str, ...] = setting((), _SUBNET)
    """Private subnets of that VPC."""

    allowed_cidrs: tuple[str, ...] = setting((), Text(r"\d{1,3}(?:\.\d{1,3}){3}/(?:[89]|[12]\d|3[0-2])", "10.1.0.0/16"))
    """Networks that may reach the server beside the sweep."""


def _none() -> Mapping[str, Host]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StageConfig:
    """One deployment."""

    name: str
    """The stage: name of its file, and part of the name of everything it has."""

    account: str = setting(EXAMPLE_ACCOUNT, Text(r"\d{12}", "123456789012"))
    """The AWS account."""

    region: str = setting("us-east-1", Text(r"[a-z]{2}(?:-[a-z]+)+-\d", "us-east-1"))
    """The Region."""

    azs: tuple[str, ...] = setting(("us-east-1a", "us-east-1b"), _AZ)
    """Its availability zones that are used: at least two."""

    removal: Literal["destroy", "retain"] = setting("destroy", OneOf(("destroy", "retain")))
    """What becomes of secrets and buckets when their stack is deleted."""

    protect: bool = False
    """Whether the stacks refuse to be deleted. Set after the first deployment: a failed one has to be deletable."""

    nat_gateways: int = setting(1, Between(1, 3))
    """NAT gateways of an own network: each has a fixed address and costs money by the hour."""

    flow_logs: bool = False
    """Whether the network's flow logs are kept."""

    log_retention_days: int = setting(14, _LOG_RETENTION_DAYS)
    """Days that AutoIR's own logs are kept."""

    lambda_arch: Literal["arm64", "x86_64"] = setting("arm64", OneOf(("arm64", "x86_64")))
    """Processor of the functions."""

    lambda_python: str = setting("3.13", OneOf(("3.11", "3.12", "3.13")))
    """Python of the functions."""

    pages: tuple[str, ...] = setting((), _LISTENER)
    """Who is paged: e-mail, telephone (+49…), https://…, or the ARN of an SQS queue."""

    events: tuple[str, ...] = setting((), _LISTENER)
    """Who gets every change of state as JSON."""

    alarm_email: str = setting("", Text(r"[^@\s]+@[^@\s]+", "platform@example.com", True))
    """Who hears of AutoIR's own troubles."""

    store: Store = field(default_factory=Store)
    network: Network = field(default_factory=Network)
    ingestion: Ingestion = field(default_factory=Ingestion)
    embedding: Embedding = field(default_factory=Embedding)
    tailer: Tailer = field(default_factory=Tailer)
    sweep: Sweep = field(default_factory=Sweep)

    llm: Mapping[str, Host] = field(default_factory=_none)
    """Hosts of the model by name, a table ``[llm.NAME]`` each: a second one never replaces the first."""
