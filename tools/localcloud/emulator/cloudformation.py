"""CloudFormation where MiniStack's differs from AWS's, and our stacks notice."""

from typing import Any

from ministack.services import cloudwatch_logs
from ministack.services.cloudformation import changesets, provisioners

_SECRET = "AWS::SecretsManager::Secret"
_LOG_GROUP = "AWS::Logs::LogGroup"


def install() -> None:
    """Put it right."""
    provisioners._RESOURCE_HANDLERS[_SECRET] = _secrets_by_arn(provisioners._RESOURCE_HANDLERS[_SECRET])
    provisioners._RESOURCE_HANDLERS[_LOG_GROUP] = _new_groups_alone(provisioners._RESOURCE_HANDLERS[_LOG_GROUP])
    provisioners._cw_metric_alarm_record = _alarms_on_expressions(provisioners._cw_metric_alarm_record)
    _see_outputs()


def _secrets_by_arn(inner: dict[str, Any]) -> dict[str, Any]:
    """``Ref`` gives a secret's ARN; MiniStack gives its name."""
    names: dict[str, str] = {}

    def known(made: tuple[str, dict[str, str]]) -> tuple[str, dict[str, str]]:
        name, attributes = made
        names[attributes["Id"]] = name
        return attributes["Id"], attributes

    def delete(arn: str, properties: Any) -> None:
        inner["delete"](names.pop(arn), properties)

    return inner | {
        "create": lambda *told: known(inner["create"](*told)),
        "update": lambda arn, *told: known(inner["update"](names[arn], *told)),
        "delete": delete,
    }


def _new_groups_alone(inner: dict[str, Any]) -> dict[str, Any]:
    """A log group that is there already fails a stack; MiniStack empties it and takes it over."""

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        name = properties["LogGroupName"]
        if name in cloudwatch_logs._log_groups:
            raise ValueError(f"Resource of type '{_LOG_GROUP}' with identifier '{name}' already exists.")
        return inner["create"](logical_id, properties, stack)

    return inner | {"create": create}


def _alarms_on_expressions(inner: Any) -> Any:
    """Alarms on metric math, which MiniStack refuses: kept under their expression, never evaluated."""

    def record(name: str, properties: dict[str, Any]) -> Any:
        expressions = [query["Expression"] for query in properties.get("Metrics", ()) if "Expression" in query]
        if expressions:
            properties = properties | {"Metrics": [], "MetricName": expressions[0], "Namespace": "Expression"}
        return inner(name, properties)

    return record


class _OutputsAlone(list[Any]):
    """No resource changes, and yet there is something to do."""

    def __bool__(self) -> bool:
        return True


def _see_outputs() -> None:
    """A change of outputs alone is a change: with weak references it is what another stack waits for."""
    resolve, diff = changesets._resolve_props_for_diff, changesets._diff_resources

    def resolved(template: dict[str, Any], *told: Any) -> dict[str, Any]:
        return {**resolve(template, *told), "Outputs": template.get("Outputs", {})}

    def changes(old: dict[str, Any], new: dict[str, Any], *told: Any) -> list[Any]:
        found: list[Any] = diff(old, new, *told)
        return found if found or old["Outputs"] == new["Outputs"] else _OutputsAlone()

    changesets._resolve_props_for_diff, changesets._diff_resources = resolved, changes
