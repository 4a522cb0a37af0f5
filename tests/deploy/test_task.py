"""The tailing task: how it is deployed, and its command as a process with the variables of that definition alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from autoir.store import Store
from tests.conftest import ROOT
from tests.deploy.conftest import TAILED, until
from tests.deploy.deployment import STAGE, Deployment
from tests.deploy.test_events import counted, events_of, expected_rows, rows_of, say


def test_what_would_change_is_shown_and_not_done(tailed: Deployment) -> None:
    assert "+enabled = true" in tailed.said["Log groups without a free filter"]


def test_a_deployment_that_fails_half_way_is_repeated(tailed: Deployment) -> None:
    assert "AutoIR-local-Tailer failed" in tailed.said["half-way"]
    assert "the same command tries again" in tailed.said["half-way"]
    assert "✅  AutoIR-local-Tailer" in tailed.said["whole"]


def test_the_task_s_status_is_told(tailed: Deployment) -> None:
    status = ("aws", "autoir-fargate", "status", "--stage", STAGE)
    said = json.loads(tailed.autoir("--json", *status, fails=True))
    assert (said["desired"], said["running"], said["rollout"]) == (1, 1, "COMPLETED")
    assert said["troubles"] == ["no heartbeat in the last hour"]  # no task of this cloud's is more than an entry


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


def test_it_tails_drains_and_resumes_without_gap_or_duplicate(tailed: Deployment, store: Store) -> None:
    def stored() -> bool:
        return rows_of(store, TAILED) == expected_rows(events_of(tailed, TAILED))

    with running(tailed) as task:
        say(tailed, TAILED, "INFO first", "INFO second")
        until(lambda: len(rows_of(store, TAILED)) == 2)
        say(tailed, TAILED, "INFO third")
        task.send_signal(signal.SIGTERM)
        assert task.wait(60) == 0
    say(tailed, TAILED, "INFO while nobody listens")
    with running(tailed):
        say(tailed, TAILED, "INFO after it came back")
        until(stored)
    assert counted(store, TAILED) == 5
