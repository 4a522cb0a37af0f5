"""The tailing task's command, as a process with the variables of its deployed definition and no others."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from autoir.store import Store
from tests.conftest import ROOT
from tests.deploy.conftest import TAILED, until
from tests.deploy.deployment import Deployment
from tests.deploy.test_events import counted, events_of, expected_rows, rows_of, say


@contextmanager
def running(deployment: Deployment) -> Iterator[subprocess.Popen[str]]:
    """The task; what it says is in ``task.log``."""
    arn = deployment.outputs("Tailer")["TaskDefinitionArn"]
    definition = deployment.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (container,) = definition["containerDefinitions"]
    assert not container.get("secrets")
    own = {variable["name"]: variable["value"] for variable in container["environment"]}
    home = deployment.folder / "task"
    home.mkdir(exist_ok=True)
    # What Fargate gives a task beside them: a login, certificates, and the mounts that its root is writable at.
    login = {name: deployment.environment[name] for name in LOGIN}
    given = {"PATH": os.environ["PATH"], "HOME": str(home), "AUTOIR_HOME": str(home), "TMPDIR": str(home)}
    with (deployment.folder / "task.log").open("a") as log:
        command = (sys.executable, "-m", "container.main")
        process = subprocess.Popen(
            command, cwd=ROOT, env=given | login | own, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


LOGIN = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "SSL_CERT_FILE")


def test_it_tails_drains_and_resumes_without_gap_or_duplicate(deployment: Deployment, store: Store) -> None:
    def stored() -> bool:
        return rows_of(store, TAILED) == expected_rows(events_of(deployment, TAILED))

    with running(deployment) as task:
        say(deployment, TAILED, "INFO first", "INFO second")
        until(lambda: len(rows_of(store, TAILED)) == 2)
        say(deployment, TAILED, "INFO third")
        task.send_signal(signal.SIGTERM)
        assert task.wait(60) == 0
    say(deployment, TAILED, "INFO while nobody listens")
    with running(deployment):
        say(deployment, TAILED, "INFO after it came back")
        until(stored)
    assert counted(store, TAILED) == 5
