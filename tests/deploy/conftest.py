"""One local cloud for all tests here, and one stage in it that is deployed by the blocks of docs/deploy.md.

They run in order, in one shell, against a database that is reached over TLS and has an owner, a writer and a reader.
In between, the reader of the page does what it asks for: says who is paged. What the page only mentions is done too: a
model's host, and a tailing task that has somebody else's log group in its way at first.
The tests then use what is there, in the order of their files, and the last ones upgrade, roll back and remove it.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from autoir.embed.artefact import pack_model
from autoir.stage import StageConfig, names, parse, read, tailing, written
from autoir.store import Store, open_store
from tests.conftest import ROOT
from tests.deploy import synthesis
from tests.deploy.deployment import CDK, DATABASE, EVENTS, PAGES, STAGE, Deployment, checkout, machine
from tests.deploy.inventory import inventory
from tests.deploy.shell import Shell
from tests.deploy.story import GROUP, STREAM
from tests.mysql_peer.certificates import Authority
from tests.mysql_peer.gateway import Gateway
from tests.mysql_peer.server import Server
from tests.shell_blocks import blocks
from tools.localcloud import cloud as localcloud
from tools.localcloud.cloud import ACCOUNT, REGION

WATCHED, TAILED = (GROUP, "/shop/orders"), "/shop/legacy"
TAIL_LOG = names.log_group(STAGE, names.TAIL_LOG)
HOST = f"""\
[llm.k2]
ami = "ami-{0:017x}"
image = "ghcr.io/ggml-org/llama.cpp@sha256:{0:064x}"
start_cron = "0 8 * * MON-FRI"
"""
PAGE = ROOT / "docs" / "deploy.md"
LATER = ("Upgrade", "Roll back", "Remove everything")
"""Headings of the page whose blocks wait until the tests have used the stage."""

T = TypeVar("T")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The removal comes last."""
    items.sort(key=lambda item: item.path.name == "test_removal.py")


def missing() -> str:
    """What of the deploy test's needs this machine has not."""
    wanted = {
        "node": bool(shutil.which("node")),
        "the CDK's command line": CDK.exists(),
        "the local cloud": localcloud.PYTHON.exists(),
        "a Python that Lambda has": localcloud.LAMBDA_PYTHON in ("3.11", "3.12", "3.13"),
        "one process for all (pytest -n 0)": "PYTEST_XDIST_WORKER" not in os.environ,
    }
    return ", ".join(what for what, there in wanted.items() if not there)


@pytest.fixture(scope="session")
def ahead(tmp_path_factory: pytest.TempPathFactory) -> Iterator[synthesis.Ahead]:
    """The synthesis of what is deployed, at work from now on."""
    if lacks := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"not here: {lacks}; run make deploy-test")
    with synthesis.ahead(checkout(tmp_path_factory.mktemp("deploy") / "app"), machine()) as ahead:
        yield ahead


@pytest.fixture(scope="session")
def deployment(ahead: synthesis.Ahead, mysql_peer: Server, request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """The stage, deployed."""
    folder = ahead.app.parent
    authority = Authority(folder)
    mysql_peer.create(DATABASE)
    with Gateway(mysql_peer, authority) as door:
        cloud = localcloud.start(folder / "cloud", authority.ca)
        try:
            made = Deployment(cloud, folder, ahead, mysql_peer, door, authority)
            with Shell(made.app, made.environment) as shell, ThreadPoolExecutor(1) as beside:
                _deployed(made, shell)
                made.tailing = beside.submit(_tail, made)
                request.config.stash[SHELL] = shell
                yield made
        finally:
            cloud.stop()


SHELL = pytest.StashKey[Shell]()


@pytest.fixture
def tailed(deployment: Deployment) -> Deployment:
    """The stage with its tailing task, which is deployed while the first tests use all else."""
    deployment.tailing.result()
    return deployment


@pytest.fixture
def shell(tailed: Deployment, request: pytest.FixtureRequest) -> Shell:
    """The one in which the page's blocks have run."""
    return request.config.stash[SHELL]


def of_page(heading: str) -> str:
    """The blocks under a heading of docs/deploy.md, as they stand."""
    return "\n".join(block.text for block in blocks(PAGE) if block.heading == heading)


def _deployed(stage: Deployment, shell: Shell) -> None:
    for queue in ("pages", "events"):
        stage.client("sqs").create_queue(QueueName=queue)
    for group in (*WATCHED, TAILED):
        stage.client("logs").create_log_group(logGroupName=group)
        stage.client("logs").create_log_stream(logGroupName=group, logStreamName=STREAM)
    filled_in = {
        "STAGE=dev ACCOUNT=123456789012 REGION=eu-central-1": f"STAGE={STAGE} ACCOUNT={ACCOUNT} REGION={REGION}",
        'sagemaker-bootstrap --stage "$STAGE"': f'sagemaker-bootstrap --stage "$STAGE" --from {stage.model}',
    }
    for heading, text in blocks(PAGE):
        if heading in LATER:
            continue
        for before in [before for before in filled_in if before in text]:
            text = text.replace(before, filled_in.pop(before))
        stage.said[heading] = stage.said.get(heading, "") + shell.run(text)
        for command, act in READER.items():
            if command in text:
                act(stage)
    assert not filled_in


def _say_who_is_paged(stage: Deployment) -> None:
    """And what this machine's functions need, and that secrets are kept as in production."""
    written = stage.file.read_text()
    stage.file.write_text(
        f'events = ["{EVENTS}"]\nremoval = "retain"\n'
        f'lambda_arch = "{localcloud.LAMBDA_ARCH}"\nlambda_python = "{localcloud.LAMBDA_PYTHON}"\n'
        + written.replace("oncall@example.com", PAGES)
    )
    stage.ahead.tell(_contents(stage))
    stage.said["inventory before"] = "\n".join(map("\t".join, sorted(inventory(stage))))


def _contents(stage: Deployment) -> Iterator[StageConfig]:
    """What the page and its reader make of the file from there on, one after the other."""
    made = read(stage.file.parent, STAGE)
    yield made
    made = replace(made, store=replace(made.store, ready=True))
    yield made
    archive = f"embed/{pack_model(stage.model, stage.folder / 'model.tar.gz').sha256}/model.tar.gz"
    made = replace(made, embedding=replace(made.embedding, archive=archive))
    yield made
    yield tailing.deployed(parse(stage.file, f"{written(made)}{HOST}"), [TAILED])


def _deploy_all_off(stage: Deployment) -> None:
    """As somebody may who has no database yet."""
    stage.said["fresh"] = stage.deploy()


def _tail(stage: Deployment) -> None:
    """By the command without --dry-run: first in vain, then once more. The model's host comes with the upgrade."""
    stage.add(HOST)
    deploy = ("aws", "autoir-fargate", "deploy", "--stage", STAGE, "--groups", TAILED)
    stage.client("logs").create_log_group(logGroupName=TAIL_LOG)
    stage.said["half-way"] = stage.autoir(*deploy, fails=True)
    stage.client("logs").delete_log_group(logGroupName=TAIL_LOG)
    stage.said["whole"] = stage.autoir(*deploy)


READER = {
    'cat >"stages/$STAGE.toml"': _say_who_is_paged,
    "cdk bootstrap": _deploy_all_off,
}
"""What the reader does after a block, by a command in it."""


@pytest.fixture
def store(deployment: Deployment) -> Iterator[Store]:
    """The store that the deployed functions write."""
    opened = open_store(deployment.store_url)
    yield opened
    opened.close()


def until(question: Callable[[], T], seconds: float = 30) -> T:
    """The first answer that is true; of a cloud, nobody tells when it is done."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"{question} was not answered in {seconds} s"
        time.sleep(0.1)
    return answer


def tick(deployment: Deployment) -> None:
    """The sweep's schedule fires."""
    (name,) = (
        schedule["Name"]
        for schedule in deployment.client("scheduler").list_schedules()["Schedules"]
        if "Sweep" in schedule["Name"]
    )
    deployment.cloud.tick(name)


def heard(deployment: Deployment, queue: str) -> list[dict[str, Any]]:
    """What a queue of a listener got since it was asked last: subject and document."""
    sqs, found = deployment.client("sqs"), []
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            envelope = json.loads(message["Body"])
            found.append({"subject": envelope.get("Subject", ""), "document": json.loads(envelope["Message"])})
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found
