"""A stage's file: what is taken as it stands, and what is refused whole, before anything is deployed."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoir.errors import UsageError
from autoir.stage import StageConfig, parse, read, save, stages_in, written
from autoir.stage.config import Host
from tests.conftest import ROOT

PATH = Path("stages/prod.toml")
FILES = [*ROOT.glob("stages/*.toml"), *ROOT.glob("tests/stacks/stages/*.toml")]
PINNED = f"""\
ami = "ami-0123456789abcdef0"
image = "ghcr.io/ggml-org/llama.cpp@sha256:{"1" * 64}"
"""
HOST = f"[llm.k2]\n{PINNED}"
EMBEDDING_GROUP = "/aws/sagemaker/Endpoints/autoir-prod-embedding"


def refused(text: str, path: Path = PATH) -> UsageError:
    """The error of a stage that is described so."""
    with pytest.raises(UsageError) as caught:
        parse(path, text)
    return caught.value


def test_an_empty_file_is_a_stage_with_the_defaults() -> None:
    assert parse(PATH, "") == StageConfig("prod")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_written_is_read_as_it_was(file: Path, tmp_path: Path) -> None:
    config = read(file.parent, file.stem)
    again = save(tmp_path, config)
    assert (read(tmp_path, file.stem), again.read_text()) == (config, written(config))
    assert stages_in(tmp_path) == [file.stem]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1", "unknown key 'colour'"),
        ("[sweep]\nevery = 1", "unknown key 'sweep.every'"),
        (f"{HOST}gpus = 2", "unknown key 'llm.k2.gpus'"),
        ('name = "prod"', "unknown key 'name'"),
        ('nat_gateways = "two"', "nat_gateways = 'two' is not a whole number"),
        ("nat_gateways = true", "nat_gateways = True is not a whole number"),
        ("protect = 1", "protect = 1 is not true or false"),
        ("region = 1", "region = 1 is not a text"),
        ('pages = "oncall@example.com"', "pages = 'oncall@example.com' is not a list"),
        ("[tailer]\ngroups = [1]", "tailer.groups = 1 is not a text"),
        ("sweep = 1", "sweep = 1 is not a table"),
        ("[llm]\nk2 = 1", "llm.k2 = 1 is not a table"),
        ("[llm.K2]\n", "'K2' cannot be a host's name"),
        (f"[llm.{'a-' * 15}a]\n", "cannot be a host's name"),
        ("region = ", "not valid TOML"),
        (f"{HOST}\n{HOST}", "not valid TOML: Cannot declare ('llm', 'k2') twice"),
    ],
)
def test_what_cannot_be_read(text: str, words: str) -> None:
    error = refused(text)
    assert (str(error).startswith(f"{PATH}: "), words in str(error), bool(error.hint)) == (True, True, True), error


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ('account = "1"', "account = '1'", "a text like '123456789012'"),
        ('azs = ["a"]', "azs = 'a'", "a text like 'us-east-1a'"),
        ('removal = "keep"', "removal = 'keep'", "one of destroy, retain"),
        ("nat_gateways = 4", "nat_gateways = 4", "a whole number from 1 to 3"),
        ("log_retention_days = 15", "log_retention_days = 15", "one of 1, 3, 5, 7, 14"),
        ('pages = ["fax"]', "pages = 'fax'", "a text like 'oncall@example.com'"),
        # digits and letters to Python, not to AWS
        (
            'account = "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662"',
            "account = '\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660\u0661\u0662'",
            "a text like",
        ),
        ('[ingestion]\nlog_groups = ["/caf\u00e9"]', "ingestion.log_groups = '/caf\u00e9'", "a text like '/aws/lambda"),
        ('[ingestion]\nlog_groups = ["/shop/*"]', "ingestion.log_groups = '/shop/*'", "a text like '/aws/lambda"),
        ('[embedding]\nendpoint = "Upper"', "embedding.endpoint = 'Upper'", "or empty"),
        (f'[embedding]\nendpoint = "{"a-" * 31}ab"', f"embedding.endpoint = '{'a-' * 31}ab'", "or empty"),
        ("[tailer]\ncloudwatch_calls_per_s = 0", "tailer.cloudwatch_calls_per_s = 0", "from 1 to 100"),
        ("[sweep]\nmin_confidence = 101", "sweep.min_confidence = 101", "from 0 to 100"),
        (f'{HOST}spot = true\nmax_spot_price = "1 USD"', "llm.k2.max_spot_price = '1 USD'", "a text like '2.50'"),
        # as EventBridge writes it, with a field for the year
        (
            f'{HOST}start_cron = "0 8 * * MON-FRI *"',
            "llm.k2.start_cron = '0 8 * * MON-FRI *'",
            "a text like '0 8 * * MON-FRI'",
        ),
        ('[llm.k2]\nami = "ami-1"', "llm.k2.ami = 'ami-1'", "a text like 'ami-0"),
    ],
)
def test_what_a_setting_may_not_be(text: str, words: str, hint: str) -> None:
    error = refused(text)
    assert (str(error), hint in error.hint) == (f"{PATH}: {words} is not allowed.", True), error.hint


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ('[ingestion]\nlog_groups = ["/shop/api", "/autoir/prod/embed_logs"]', "/autoir/prod/embed_logs"),
        # another stage's counts as well: both would read each other
        ('[ingestion]\nlog_groups = ["/autoir/dev/tail"]', "/autoir/dev/tail"),
        ('[ingestion]\nlog_groups = ["/aws/lambda/AutoIR-prod-App-X"]', "/aws/lambda/AutoIR-prod-App-X"),
        (f'[ingestion]\nlog_groups = ["{EMBEDDING_GROUP}"]', EMBEDDING_GROUP),
        ('[tailer]\ngroups = ["/shop/*", "/autoir/*"]', "/autoir/*"),
        ('[tailer]\ngroups = ["/autoir/prod/flow"]', "/autoir/prod/flow"),
        (f'[tailer]\ngroups = ["{EMBEDDING_GROUP}"]', EMBEDDING_GROUP),
        (
            '[embedding]\nendpoint = "chosen"\n[tailer]\ngroups = ["/aws/sagemaker/Endpoints/chosen"]',
            "/aws/sagemaker/Endpoints/chosen",
        ),
    ],
)
def test_autoirs_own_log_groups_are_not_watched(text: str, own: str) -> None:
    error, key = refused(text), "tailer.groups" if "[tailer]" in text else "ingestion.log_groups"
    assert str(error).startswith(f"{PATH}: {key}: {own} is AutoIR's own log group"), error
    assert "Leave it out" in error.hint


@pytest.mark.parametrize(
    "text",
    [
        '[tailer]\ngroups = ["/aws/lambda/*", "*"]',
        '[ingestion]\nlog_groups = ["/shop/autoir"]',
        # a chosen endpoint leaves the name that it would have had to others
        f'[embedding]\nendpoint = "chosen"\n[ingestion]\nlog_groups = ["{EMBEDDING_GROUP}"]',
    ],
)
def test_what_is_near_them_is_watched(text: str) -> None:
    config = parse(PATH, text)
    assert config.tailer.groups or config.ingestion.log_groups


@pytest.mark.parametrize(
    ("settings", "words", "hint"),
    [
        ('instance_type = "g6.xlarge"', "instance_type = 'g6.xlarge' is not in the table", "One of g6.8xlarge"),
        (
            'instance_type = "g6.8xlarge"', "quant = 'UD-TQ1_0' (228 GiB) does not fit the memory of g6.8xlarge",
            "gr6.8xlarge is the cheapest type that holds it; g6.8xlarge holds no quant.",
        ),
        (
            'quant = "UD-Q4_K_XL"', "quant = 'UD-Q4_K_XL' (548 GiB) does not fit the memory of g6.16xlarge",
            "g7e.12xlarge is the cheapest type that holds it; UD-TQ1_0 is the largest quant that fits g6.16xlarge.",
        ),
        # by its old name, too
        ('quant = "UD-TQ4_0"', "quant = 'UD-TQ4_0' (548 GiB) does not fit", "g7e.12xlarge is the cheapest"),
        ('quant = "Q8_0"', "quant = 'Q8_0' is not published in unsloth/Kimi-K2-Instruct-0905-GGUF", "One of UD-TQ1_0"),
        ('repo = "somebody/else"', "repo = 'somebody/else': the sizes of its weights", "Known: unsloth/"),
        ("storage_gib = 247", "storage_gib = 247 is too small for UD-TQ1_0 (228 GiB)", "At least 248, or 0"),
        ('allowed_cidrs = ["300.0.0.0/16"]', "llm.k2.allowed_cidrs: '300.0.0.0/16' is no network", "10.1.0.0/16"),
        ('max_spot_price = "2.50"', "llm.k2.max_spot_price is given, llm.k2.spot is not", "spot = true"),
        ('azs = ["us-east-1c"]', "llm.k2.azs: us-east-1c not among azs", "Name some of them"),
        ('vpc_id = "vpc-0a"', "llm.k2: vpc_id and subnet_ids go together", "or neither"),
        ('subnet_ids = ["subnet-0a"]', "llm.k2: vpc_id and subnet_ids go together", "or neither"),
        ('vpc_id = "vpc-0a"\nsubnet_ids = ["subnet-0a"]', "is another network than the stage's", "allowed_cidrs"),
    ],
)  # fmt: skip
def test_a_host_that_would_not_work(settings: str, words: str, hint: str) -> None:
    error = refused(f"{HOST}{settings}\n")
    assert str(error).startswith(f"{PATH}: llm.k2")
    assert (words in str(error), hint in error.hint) == (True, True), (error, error.hint)


@pytest.mark.parametrize("missing", ["ami", "image"])
def test_a_host_whose_machine_is_not_pinned(missing: str) -> None:
    kept = "\n".join(line for line in PINNED.splitlines() if not line.startswith(missing))
    error = refused(f"[llm.k2]\n{kept}")
    assert str(error) == f"{PATH}: llm.k2.{missing} is missing."
    assert "stages/full.toml" in error.hint
    assert f"{missing} = " in (ROOT / "stages/full.toml").read_text()


def test_two_hosts_stand_beside_each_other() -> None:
    config = parse(PATH, f"[llm.b]\n{PINNED}[llm.a]\n{PINNED}spot = true\n")
    assert [(name, host.spot) for name, host in config.llm.items()] == [("a", True), ("b", False)]


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ('azs = ["us-east-1a"]', "azs = ['us-east-1a'] names fewer than two zones", "Name two"),
        ("azs = []", "azs = [] names fewer than two zones", "Name two"),
        ('azs = ["us-east-1a", "us-east-1a"]', "names something twice", "Name each once"),
        ('azs = ["us-east-1a", "eu-west-1a"]', "azs: eu-west-1a not in region us-east-1", "Both have to match"),
        ('[ingestion]\nlog_groups = ["/a", "/a"]', "ingestion.log_groups = ['/a', '/a'] names", "Name each once"),
        ("nat_gateways = 3", "nat_gateways = 3 is more than azs has zones", "One a zone"),
        ('[network]\nvpc_id = "vpc-0a"\nsubnet_ids = ["subnet-0a"]', "is not one for each of azs", "in the order of"),
        ('[network]\nsubnet_ids = ["subnet-0a", "subnet-0b"]', "network.vpc_id is not", "Name the VPC"),
        # SNS delivers to such a queue from a topic of its kind alone
        (
            'pages = ["arn:aws:sqs:us-east-1:123456789012:x.fifo"]',
            "pages: arn:aws:sqs:us-east-1:123456789012:x.fifo is a FIFO queue",
            "standard queue",
        ),
        (
            'events = ["arn:aws:sqs:us-east-1:123456789012:x.fifo"]',
            "events: arn:aws:sqs:us-east-1:123456789012:x.fifo is a FIFO queue",
            "standard queue",
        ),
        ("[tailer]\nenabled = true", "tailer.groups names none", "Example: groups"),
        ("[tailer]\nmemory_mb = 512", "tailer.memory_mb = 512 does not go with tailer.cpu = 512", "1024 to 4096"),
        ("[tailer]\nmemory_mb = 8192", "tailer.memory_mb = 8192 does not go with tailer.cpu", "1024 to 4096"),
    ],
)
def test_settings_that_do_not_go_together(text: str, words: str, hint: str) -> None:
    error = refused(text)
    assert (words in str(error), hint in error.hint) == (True, True), (error, error.hint)


@pytest.mark.parametrize("name", ["Prod", "1st", "a--b", "a_b", "a" * 21, "a-" * 10 + "a", "prod-", "pr\u00f6d"])
def test_a_stage_cannot_be_called_anything(name: str) -> None:
    assert "cannot be a stage's name" in str(refused("", Path(f"{name}.toml")))


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no stage 'prod'"):
        read(tmp_path, "prod")
    (tmp_path / "prod.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"prod\.toml cannot be read"):
        read(tmp_path, "prod")


def test_a_stage_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    config = dataclasses.replace(StageConfig("prod"), azs=("us-east-1a",))
    with pytest.raises(UsageError, match="fewer than two zones"):
        save(tmp_path, config)
    assert list(tmp_path.iterdir()) == []


def unruled(config: object, prefix: str = "") -> Iterator[str]:
    """The texts, numbers and lists of a part of a stage that may be anything by themselves."""
    for field in dataclasses.fields(config):  # type: ignore[arg-type]
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from unruled(value, f"{prefix}{field.name}.")
        elif isinstance(value, str | int | tuple) and not isinstance(value, bool) and not field.metadata.get("rule"):
            yield prefix + field.name


def test_every_other_setting_has_a_rule_of_its_own() -> None:
    assert set(unruled(StageConfig("prod"))) == {"name"}
    assert set(unruled(Host())) == {"instance_type", "repo", "quant"}  # the table of autoir.fit
