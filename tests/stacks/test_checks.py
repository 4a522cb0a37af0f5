"""What others' checks say of the templates: cdk-nag, CloudFormation's own rules, cfn-lint, and what we answered."""

import filecmp
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.stacks.conftest import FILES, Synthesis

NAMES = [file.stem for file in FILES]
OURS = ("AwsSolutions", "Serverless", "CdkNag")


def reports(synthesis: Synthesis, name: str) -> list[dict[str, Any]]:
    """The report of each check over a stage."""
    found: list[dict[str, Any]] = json.loads((synthesis.first / name / "validation-report.json").read_text())[
        "pluginReports"
    ]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_no_check_finds_anything(synthesis: Synthesis, name: str) -> None:
    found = [
        (violation["ruleName"], violation["description"])
        for report in reports(synthesis, name)
        for violation in report["violations"]
        if "never published" not in violation["description"]
    ]
    assert found == []
    assert {report["pluginName"] for report in reports(synthesis, name)} >= {"AwsSolutions", "Serverless"}


def acknowledged(synthesis: Synthesis, name: str) -> set[tuple[str, str]]:
    """(construct, rule) of every acknowledgement in a stage, but for those of CDK itself, which no report names."""
    return {
        (path.removeprefix("/"), rule)
        for file in (synthesis.first / name).glob("*.metadata.json")
        for path, entries in json.loads(file.read_text()).items()
        for entry in entries
        if entry["type"] == "aws:cdk:acknowledged-rules"
        for rule in entry["data"]
        if not rule.startswith(("CloudFormation-Validate", "Annotation::@aws-cdk"))
    }


def used(synthesis: Synthesis, name: str) -> dict[tuple[str, str], str]:
    """(construct, rule) of every acknowledgement that a finding met, with its reason."""
    return {
        (violation["acknowledgedAt"], violation["acknowledgedId"]): violation["reason"]
        for report in reports(synthesis, name)
        for violation in report.get("suppressedViolations", [])
        if violation["acknowledgedId"].partition("::")[0] != "CloudFormation-Validate"
    }


def test_every_acknowledgement_is_met_by_a_finding_in_some_stage(synthesis: Synthesis) -> None:
    """One that nothing needs any more would hide the next finding of its kind."""
    idle: dict[str, set[tuple[str, str]]] = {}
    for name in NAMES:
        said, needed = acknowledged(synthesis, name), used(synthesis, name)
        assert said
        idle[name] = {pair for pair in said if not any(_same(pair, other) for other in needed)}
    assert {name: pairs for name, pairs in idle.items() if pairs} == {}


def _same(said: tuple[str, str], met: tuple[str, str]) -> bool:
    return said[0] == met[0] and said[1].rpartition("::")[2] == met[1].rpartition("::")[2]


def test_every_acknowledgement_has_a_reason_in_a_sentence(synthesis: Synthesis) -> None:
    for name in NAMES:
        for where, reason in used(synthesis, name).items():
            assert len(reason) > 25, where
            assert reason.endswith("."), where


def test_synthesis_says_nothing_but_what_it_has_a_reason_for(synthesis: Synthesis) -> None:
    said = [line for line in synthesis.said.splitlines() if "WARNING" in line.upper() or "ERROR" in line.upper()]
    assert [line for line in said if "never published" not in line] == []


def test_cfn_lint_finds_nothing(synthesis: Synthesis) -> None:
    templates = [str(path) for name in NAMES for path in sorted((synthesis.first / name).glob("*.template.json"))]
    # W3005 is CDK's own redundant DependsOn; W3010 is right: the zones come from the stage's file, not from a question.
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", "W3005", "W3010", "--", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_no_template_needs_a_network(synthesis: Synthesis) -> None:
    if not synthesis.offline:
        pytest.skip("a kernel that takes the network away is not here: `unshare -rn true` fails")
    assert len(list(synthesis.first.glob("*/*.template.json"))) > len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_files_give_the_same_templates(synthesis: Synthesis, name: str) -> None:
    first, second = synthesis.first / name, synthesis.second / name
    templates = [path.name for path in first.glob("*.template.json")]
    assert templates
    _, differing, missing = filecmp.cmpfiles(first, second, templates, shallow=False)
    assert (differing, missing) == ([], [])


def test_no_template_holds_a_path_of_this_machine(synthesis: Synthesis) -> None:
    for path in synthesis.first.glob("*/*.template.json"):
        assert str(Path(__file__).parents[2]) not in path.read_text()
