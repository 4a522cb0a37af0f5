"""One local cloud for all tests here, and one stage in it that is deployed the way a user gets there.

First with everything off, as on a fresh account; then with a store, a watched group and a model's host; the endpoint by
its command; the tailing task at first with somebody else's log group in its way. The tests then use what is there, in
the order of their files, and the last one removes it.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from autoir.embed.models import DEFAULT
from autoir.stage import names
from autoir.store import Store, open_store
from tests.deploy.deployment import CDK, STAGE, Deployment
from tests.deploy.inventory import inventory
from tests.deploy.story import GROUP, STREAM
from tests.embed.local.pocket import write_pocket
from tools.localcloud import cloud as localcloud

TAILED = "/shop/legacy"
IMAGE = "ghcr.io/ggml-org/llama.cpp"
TAIL_LOG = names.log_group(STAGE, names.TAIL_LOG)

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
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The stage, deployed."""
    if lacks := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"not here: {lacks}; run make deploy-test")
    folder = tmp_path_factory.mktemp("deploy")
    cloud = localcloud.start(folder / "cloud")
    made = Deployment(cloud, folder)
    try:
        with ThreadPoolExecutor(1) as beside:
            _deployed(made, beside)
        yield made
    finally:
        cloud.stop()


def _deployed(stage: Deployment, beside: ThreadPoolExecutor) -> None:
    for queue in ("pages", "events"):
        stage.client("sqs").create_queue(QueueName=queue)
    for group in (GROUP, TAILED):
        stage.client("logs").create_log_group(logGroupName=group)
        stage.client("logs").create_log_stream(logGroupName=group, logStreamName=STREAM)
    stage.said["inventory before"] = "\n".join(map("\t".join, sorted(inventory(stage))))
    model = write_pocket(stage.folder / "pocket", DEFAULT)

    stage.write({})
    fresh = beside.submit(stage.cdk, "synth", "--quiet")
    stage.cdk("bootstrap", f"aws://{localcloud.ACCOUNT}/{localcloud.REGION}", "--app", "")
    stage.said["fresh"] = fresh.result() + stage.deploy_again()

    _store_ready(stage)
    stage.write(
        {
            "store": {"ready": True},
            "ingestion": {"log_groups": [GROUP]},
            "tailer": {"enabled": True, "groups": [TAILED]},
            "llm.k2": {"ami": f"ami-{0:017x}", "image": f"{IMAGE}@sha256:{0:064x}", "start_cron": "0 8 * * MON-FRI"},
        }
    )
    stage.said["endpoint"] = stage.autoir("aws", "sagemaker-bootstrap", "--stage", STAGE, "--from", str(model))
    stage.client("logs").create_log_group(logGroupName=TAIL_LOG)
    stage.said["half-way"] = stage.deploy_again(fails=True)
    stage.client("logs").delete_log_group(logGroupName=TAIL_LOG)
    stage.said["whole"] = stage.deploy_again()


def _store_ready(stage: Deployment) -> None:
    """What the command for the store does to a deployed stage."""
    outputs = stage.outputs("Foundation")
    for secret in ("StoreWriterSecretArn", "StoreReaderSecretArn", "StoreOwnerSecretArn"):
        stage.client("secretsmanager").put_secret_value(SecretId=outputs[secret], SecretString=stage.store_url)
    answer = stage.client("lambda").invoke(FunctionName=outputs["MigrateFunctionName"], Payload=b'{"action":"migrate"}')
    assert "FunctionError" not in answer, answer["Payload"].read()


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
