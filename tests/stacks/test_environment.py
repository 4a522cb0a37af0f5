"""What each part is told: every variable its code reads, and no other."""

import ast
import dataclasses
import re

import pytest

from autoir import lambda_env
from tests.conftest import ROOT
from tests.stacks import runs
from tests.stacks.conftest import Stage, shown

READ_BY = {
    "embed_logs": lambda_env.EmbedLogsEnv,
    "sweep_incidents": lambda_env.SweepIncidentsEnv,
    "migrate_schema": lambda_env.MigrateSchemaEnv,
}
READ_BY_ALL = {**READ_BY, "tail": lambda_env.TailEnv}


def variables(stage: Stage) -> dict[str, dict[str, object]]:
    """Function (or the task) to its variables."""
    functions = {function["Handler"].partition(".")[0]: function for function in stage.all("AWS::Lambda::Function")}
    found = {name: function["Environment"]["Variables"] for name, function in functions.items()}
    for task in stage.all("AWS::ECS::TaskDefinition"):
        (container,) = task["ContainerDefinitions"]
        assert "Secrets" not in container
        found["tail"] = {entry["Name"]: entry["Value"] for entry in container["Environment"]}
    return found


@pytest.mark.parametrize("name", ["dev", "prod", "full", "borrowed"])
def test_every_variable_is_set_and_no_other(name: str, request: pytest.FixtureRequest) -> None:
    stage: Stage = request.getfixturevalue(name)
    expected = {part: list(kind.names()) for part, kind in READ_BY.items()}
    if stage.config.tailer.enabled:
        expected["tail"] = list(lambda_env.TailEnv.names())
    assert {part: list(values) for part, values in variables(stage).items()} == expected


@pytest.mark.parametrize("part", READ_BY_ALL)
def test_every_variable_is_read_by_the_code_of_its_part(part: str) -> None:
    assert {field.name for field in dataclasses.fields(READ_BY_ALL[part])} == runs.variables(part)


def test_what_is_set_can_be_read(full: Stage) -> None:
    for part, kind in READ_BY_ALL.items():
        read = kind.read({name: shown(value) for name, value in variables(full)[part].items()})
        assert (read.stage, read.powertools_service_name) == ("full", part)
        assert read.powertools_metrics_namespace == "AutoIR/full"


@pytest.mark.parametrize(
    ("part", "variable", "expected"),
    [
        ("embed_logs", "STORE_SECRET_ARN", r"Foundation\.StoreWriter"),
        ("embed_logs", "SAGEMAKER_ENDPOINT", r"autoir-full-embedding"),
        ("sweep_incidents", "STORE_SECRET_ARN", r"Foundation\.StoreWriter"),
        ("sweep_incidents", "PAGES_TOPIC_ARN", r"Foundation\.TopicsPages"),
        ("sweep_incidents", "EVENTS_TOPIC_ARN", r"Foundation\.TopicsEvents"),
        ("sweep_incidents", "FAILURE_BUCKET", r"Foundation\.Failures"),
        ("sweep_incidents", "FAILURE_PREFIX", r"aws/lambda/async/EmbedLogsFunction\w+/$"),
        ("sweep_incidents", "ALERTS_MIN_SEVERITY", r"high$"),
        ("migrate_schema", "OWNER_SECRET_ARN", r"StoreOwner"),
        ("tail", "LOG_GROUPS", r"/aws/rds/instance/shop/\*,/vendor/\*$"),
        ("tail", "CLOUDWATCH_CALLS_PER_S", r"3$"),
        ("tail", "AWS_REGION", r"us-east-1$"),
    ],
)
def test_a_variable_says_what_it_should(full: Stage, part: str, variable: str, expected: str) -> None:
    assert re.match(expected, shown(variables(full)[part][variable]))


def test_a_part_that_is_off_is_an_empty_text(dev: Stage) -> None:
    told = variables(dev)
    assert told["embed_logs"]["SAGEMAKER_ENDPOINT"] == told["sweep_incidents"]["SAGEMAKER_ENDPOINT"] == ""


def test_every_handler_is_there(full: Stage) -> None:
    for function in full.all("AWS::Lambda::Function"):
        folder, module, name = function["Handler"].split(".")
        source = (ROOT / "lambdas" / folder / f"{module}.py").read_text()
        defined = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
        assert name in defined | set(re.findall(rf"^({name}) =", source, re.MULTILINE))


def test_all_functions_run_one_bundle_on_the_processor_of_the_stage(full: Stage, borrowed: Stage) -> None:
    for stage, processor, python in ((full, "arm64", "python3.13"), (borrowed, "x86_64", "python3.12")):
        functions = stage.all("AWS::Lambda::Function")
        assert len({function["Code"]["S3Key"] for function in functions}) == 1
        assert {(tuple(function["Architectures"]), function["Runtime"]) for function in functions} == {
            ((processor,), python)
        }


def test_size_and_time_of_each_function(full: Stage) -> None:
    found = {
        function["Handler"].partition(".")[0]: (
            function["MemorySize"], function["Timeout"], function["ReservedConcurrentExecutions"],
        )
        for function in full.all("AWS::Lambda::Function")
    }  # fmt: skip
    assert found == {
        "embed_logs": (1769, 120, 20),
        "sweep_incidents": (1769, 900, None),
        "migrate_schema": (512, 900, None),
    }


def test_no_variable_is_called_like_one_that_aws_sets() -> None:
    reserved = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "TZ", "LAMBDA_TASK_ROOT", "_HANDLER"}
    for kind in READ_BY.values():
        assert not reserved & set(kind.names())
        assert dataclasses.is_dataclass(kind)
