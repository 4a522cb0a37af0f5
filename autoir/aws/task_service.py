"""The tailing service of a stage, as ECS and CloudWatch show it: what runs, why not, and whether it keeps up.

A task that runs is not yet one that reads: its heartbeat says that groups are read to their ends, so health is both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from autoir import metric_names
from autoir.aws.outputs import outputs_of
from autoir.aws.session import Access
from autoir.clock import HOUR_MS, MINUTE_MS
from autoir.errors import UsageError
from autoir.stage import outputs

SILENT_MS = 5 * MINUTE_MS
"""Age of a heartbeat from which the task does not keep up: it beats each minute, and a metric takes another to show."""
LOOK_BACK_MS = HOUR_MS
_MOST_EVENTS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """One task: how it is, and why it ended, where it did."""

    id: str
    status: str
    health: str
    started_ms: int | None
    stopped_reason: str


@dataclass(frozen=True, slots=True)
class Service:
    """The service at a moment. ``events`` are ECS's newest remarks on it, the newest first."""

    cluster: str
    service: str
    desired: int
    running: int
    pending: int
    rollout: str
    tasks: tuple[Task, ...]
    events: tuple[str, ...]
    heartbeat_ms: int | None
    lag_s: float | None

    def troubles(self, now_ms: int) -> list[str]:
        """What is not as it should be; nothing while it is stopped on purpose."""
        if not self.desired:
            return []
        found = [] if self.running >= self.desired else [f"{self.running} of {self.desired} tasks run"]
        found += [f"task {task.id} is {task.health.lower()}" for task in self.tasks if task.health == "UNHEALTHY"]
        if self.rollout == "FAILED":
            found.append("the last deployment failed and was rolled back")
        if self.heartbeat_ms is None:
            found.append("no heartbeat in the last hour")
        elif now_ms - self.heartbeat_ms > SILENT_MS:
            found.append(f"no heartbeat for {(now_ms - self.heartbeat_ms) // MINUTE_MS} minutes")
        return found


class TaskService:
    """Asks for one stage's service. ``access`` says as whom."""

    def __init__(self, access: Access, stage: str) -> None:
        self._access = access
        self._stage = stage

    def seen(self, now_ms: int) -> Service:
        """The service now. Raises NotDeployedError where there is none, UsageError and UnreachableError."""
        found = outputs_of(self._access, self._stage, "Tailer")
        cluster, name = found[outputs.CLUSTER], found[outputs.SERVICE]
        ecs = self._access.client("ecs")
        services = self._access.asked(
            "ecs:DescribeServices", lambda: ecs.describe_services(cluster=cluster, services=[name])
        )
        if not services["services"]:
            raise UsageError(f"ECS has no service {name} in {cluster}.", "Deploy it again: it was removed by hand.")
        service: Mapping[str, Any] = services["services"][0]
        listed = self._access.asked("ecs:ListTasks", lambda: ecs.list_tasks(cluster=cluster, serviceName=name))[
            "taskArns"
        ]
        tasks = (
            self._access.asked("ecs:DescribeTasks", lambda: ecs.describe_tasks(cluster=cluster, tasks=listed))["tasks"]
            if listed
            else []
        )
        return Service(
            cluster=cluster,
            service=name,
            desired=int(service["desiredCount"]),
            running=int(service["runningCount"]),
            pending=int(service["pendingCount"]),
            rollout=str((service.get("deployments") or [{}])[0].get("rolloutState", "")),
            tasks=tuple(_task(task) for task in tasks),
            events=tuple(str(event["message"]) for event in service.get("events", ())[:_MOST_EVENTS]),
            heartbeat_ms=self._newest(metric_names.TAIL_HEARTBEAT, "Sum", now_ms)[0],
            lag_s=self._newest(metric_names.TAIL_LAG_S, "Maximum", now_ms)[1],
        )

    def _newest(self, metric: str, statistic: str, now_ms: int) -> tuple[int | None, float | None]:
        """(epoch milliseconds, value) of the newest minute of a metric within the last hour."""
        cloudwatch = self._access.client("cloudwatch")
        answer = self._access.asked(
            "cloudwatch:GetMetricStatistics",
            lambda: cloudwatch.get_metric_statistics(
                Namespace=metric_names.namespace(self._stage),
                MetricName=metric,
                Dimensions=[{"Name": "service", "Value": metric_names.TAIL}],
                StartTime=datetime.fromtimestamp((now_ms - LOOK_BACK_MS) / 1000, UTC),
                EndTime=datetime.fromtimestamp(now_ms / 1000, UTC),
                Period=60,
                Statistics=[statistic],
            ),
        )
        points = [point for point in answer["Datapoints"] if point[statistic] or statistic == "Maximum"]
        if not points:
            return None, None
        newest = max(points, key=lambda point: point["Timestamp"])
        return _ms(newest["Timestamp"]), float(newest[statistic])


def _task(task: Mapping[str, Any]) -> Task:
    return Task(
        id=str(task["taskArn"]).rpartition("/")[2],
        status=str(task.get("lastStatus", "")),
        health=str(task.get("healthStatus", "UNKNOWN")),
        started_ms=_ms(task["startedAt"]) if "startedAt" in task else None,
        stopped_reason=str(task.get("stoppedReason", "")),
    )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
