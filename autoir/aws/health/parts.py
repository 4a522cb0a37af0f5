"""The parts of a stage: whether each is there and works."""

from collections.abc import Iterable, Iterator

from autoir.aws.endpoint import SERVES, EmbeddingEndpoint
from autoir.aws.health.rows import Row, Seen, State
from autoir.aws.replay import MOST_COUNTED, FailureBucket
from autoir.aws.schema import SchemaFunction
from autoir.aws.task_service import TaskService
from autoir.stage import gates, names, outputs
from autoir.store.database import NEWEST_SCHEMA

_SECRETS = {"owner": outputs.OWNER_SECRET, "writer": outputs.WRITER_SECRET, "reader": outputs.READER_SECRET}
_MENDED_BY = {"UPDATE_ROLLBACK_FAILED": "rollback", "DELETE_FAILED": "destroy"}
"""What the CDK does with a stack that takes no update in its state."""


def switches(seen: Seen) -> Iterator[Row]:
    """What of the stage is off, and what turns it on."""
    for gate in gates.closed(seen.config):
        key = " " not in gate.turned_on_by
        mend = f"set {gate.turned_on_by} in stages/{seen.config.name}.toml" if key else gate.turned_on_by
        yield Row(gate.part, "note", f"off: {gate.means}", "", mend)


def stacks(seen: Seen) -> Iterator[Row]:
    """Whether each stack that the stage asks for is there, and whole."""
    for part in seen.parts():
        name = names.stack(seen.config.name, part)
        status = str(seen.stack(part).get("StackStatus", ""))
        again = f"cdk {_MENDED_BY.get(status, 'deploy')} {name} -c stage={seen.config.name}"
        if not status:
            first = f"autoir tidb dsn --stage {seen.config.name}" if part == "Foundation" else again
            yield Row(f"stack {part}", "broken", "not deployed", "deployed", first)
        elif status.endswith("_IN_PROGRESS"):
            yield Row(f"stack {part}", "note", status)
        elif "FAILED" in status or status == "ROLLBACK_COMPLETE":
            yield Row(f"stack {part}", "broken", status, "CREATE_COMPLETE or UPDATE_COMPLETE", again)
        else:
            yield Row(f"stack {part}", "ok", status)


def secrets(seen: Seen) -> Iterator[Row]:
    """Whether the store's connections are told; their text is not read."""
    for role, name in _SECRETS.items():
        if arn := seen.output("Foundation", name):
            yield _secret(seen, role, arn)


def schema(seen: Seen) -> Iterable[Row]:
    """Whether the store answers, and its schema is the one of this version."""
    function = seen.output("Foundation", outputs.MIGRATE_FUNCTION)
    if not function or not seen.config.store.ready:
        return
    found = SchemaFunction(seen.access, function).version()
    good = found >= NEWEST_SCHEMA
    mend = "" if good else f"autoir tidb dsn --stage {seen.config.name}"
    yield Row("schema", "ok" if good else "broken", f"version {found}", f"version {NEWEST_SCHEMA}", mend)


def embedding(seen: Seen) -> Iterable[Row]:
    """Whether the endpoint serves."""
    if not seen.config.embedding.archive:
        return
    name = names.endpoint(seen.config.name, seen.config.embedding.endpoint)
    status, why = EmbeddingEndpoint(seen.access, name).state()
    good = status == SERVES
    mend = "" if good else f"autoir aws sagemaker-bootstrap --stage {seen.config.name}"
    yield Row("endpoint", "ok" if good else "broken", f"{name} is {status}{': ' * bool(why)}{why}", SERVES, mend)


def tailing_task(seen: Seen) -> Iterable[Row]:
    """Whether the task runs and keeps up."""
    if not seen.config.tailer.enabled or not seen.output("Tailer", outputs.SERVICE):
        return
    troubles = TaskService(seen.access, seen.config.name).seen(seen.now_ms).troubles(seen.now_ms)
    if not troubles:
        yield Row("tailing task", "ok", "keeps up" if seen.config.tailer.desired else "stopped on purpose")
    for trouble in troubles:
        mend = f"autoir aws autoir-fargate status --stage {seen.config.name}"
        yield Row("tailing task", "broken", trouble, "", mend)


def failed_deliveries(seen: Seen) -> Iterable[Row]:
    """Whether anything waits in the failure bucket."""
    bucket, prefix = seen.output("Foundation", outputs.FAILURE_BUCKET), seen.output("App", outputs.FAILURE_PREFIX)
    if not bucket or not prefix:
        return
    count = FailureBucket(bucket, prefix, seen.access).count()
    mend = f"autoir aws replay-failed --stage {seen.config.name} --store NAME" if count else ""
    found = f"{count:,}{' or more' if count >= MOST_COUNTED else ''}"
    yield Row("failed deliveries", "broken" if count else "ok", found, "0", mend)


def _secret(seen: Seen, role: str, arn: str) -> Row:
    manager = seen.access.client("secretsmanager")
    found = seen.access.asked("secretsmanager:DescribeSecret", lambda: manager.describe_secret(SecretId=arn))
    if any("AWSCURRENT" in stages for stages in found.get("VersionIdsToStages", {}).values()):
        return Row(f"secret of the {role}", "ok", "has a value")
    mend = f"autoir tidb dsn --stage {seen.config.name}"
    state: State = "broken" if seen.config.store.ready else "note"
    return Row(f"secret of the {role}", state, "no value", "a connection", mend)
