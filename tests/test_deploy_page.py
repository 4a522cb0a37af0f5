"""The page on deploying: every command in it exists and takes what it is given."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from autoir.stage import outputs
from autoir.stage import parse as parse_stage
from tests.cli.test_usage import parse
from tests.conftest import ROOT
from tests.shell_blocks import Block, blocks, commands

PAGE = ROOT / "docs" / "deploy.md"
CDK = {"bootstrap", "deploy", "destroy", "diff", "synth"}


def targets() -> set[str]:
    """What make can make."""
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def defined() -> set[str]:
    """Functions of the page's own."""
    return set(re.findall(r"^(\w+)\(\) \{", "\n".join(block.text for block in blocks(PAGE)), re.MULTILINE))


def wrong_with(words: list[str]) -> str:
    """What is wrong with a command of the page; nothing when it is one."""
    match words:
        case ["autoir", *_]:
            try:
                parse(shlex.join(words))
            except typer.TyperException as error:
                return str(error)
            return ""
        case ["npx", "cdk", verb, *_]:
            return "" if verb in CDK else "no verb of the CDK"
        case ["make", target]:
            return "" if target in targets() else "no target"
        case [name, *_]:
            known = {".", "aws", "cat", "export", "git", "printf"} | defined()
            return "" if name.removesuffix("()") in known else "no known program"
    return "empty"


def test_every_command_of_the_page_is_one() -> None:
    found = [words for block in blocks(PAGE) for words in commands(block.text)]
    assert len(found) > 20
    assert {" ".join(words): wrong for words in found if (wrong := wrong_with(words))} == {}


def test_bash_takes_every_block() -> None:
    text = "\n".join(block.text for block in blocks(PAGE))
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert len(text.splitlines()) > 25


_STAND_IN = """\
#!/usr/bin/env bash
echo "${0##*/} $*" >>calls
case "$*" in
    *describe-stacks*) sed -n "s/.*OutputKey=='\\(.*\\)'.*/the-\\1/p" <<<"$*" ;;
    "tidb dsn"*) cat >>connections ;;
    rev-parse*) echo before ;;
esac
"""


def test_the_blocks_run_in_one_shell_in_order(tmp_path: Path) -> None:
    for name in ("autoir", "aws", "git", "make", "npx"):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(_STAND_IN)
        path.chmod(0o755)
    for path in (tmp_path / "stages/none", tmp_path / ".venv/bin/activate"):
        path.parent.mkdir(parents=True)
        path.touch()
    (tmp_path / "autoir-connections").write_text("the three\n")
    script = "set -euo pipefail\n" + "\n".join(block.text for block in blocks(PAGE))
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash"], input=script, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "connections").read_text() == "the three\n"
    calls = (tmp_path / "calls").read_text()
    steps = (
        "make deploy-tools",
        "autoir aws cost",
        "npx cdk bootstrap aws://123456789012/eu-central-1",
        "autoir tidb dsn --stage dev --dsn -",
        "npx cdk deploy --all",
        f"aws sns publish --region eu-central-1 --topic-arn the-{outputs.PAGES_TOPIC}",
        "autoir aws sagemaker-bootstrap --stage dev",
        "autoir aws check --stage dev",
        "git pull --ff-only",
        "autoir tidb dsn --stage dev\n",
        "git checkout before",
        "npx cdk destroy --all",
    )
    places = [calls.find(step) for step in steps]
    assert places == sorted(places)
    assert -1 not in places


def test_what_a_command_looks_up_is_an_output() -> None:
    named = set(re.findall(r"output \w+ (\w+)", PAGE.read_text()))
    assert named
    assert named <= {value for key, value in vars(outputs).items() if key.isupper()}


def test_the_stage_s_file_of_the_page_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"<<END\n(.*?)^END$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    values = {"$ACCOUNT": "123456789012", "${REGION}": "eu-central-1", "$REGION": "eu-central-1"}
    for name, value in values.items():
        text = text.replace(name, value)
    config = parse_stage(tmp_path / "dev.toml", text + "\n[store]\nready = true\n")
    assert (config.azs, config.store.ready) == (("eu-central-1a", "eu-central-1b"), True)


def test_each_stack_is_named_and_no_other() -> None:
    named = set(re.findall(r"`AutoIR-<stage>-([A-Z]\w+)", PAGE.read_text()))
    assert named == {"Foundation", "App", "Embedding", "Tailer", "Llm"}


@pytest.mark.parametrize(
    "line",
    [
        "autoir aws no-such",
        "autoir aws cost --no-such",
        "autoir logs latest",
        "npx cdk deplyo --all",
        "make no-such",
        "curl https://example.com",
    ],
)
def test_a_wrong_command_would_be_found(line: str) -> None:
    (words,) = commands(line)
    assert wrong_with(words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b\n", [["a", "b"]]),
        ("# said\na  # more\n", [["a"]]),
        ("a \\\n  --b c\n", [["a", "--b", "c"]]),
        ("X=1 Y='2 3' a b\n", [["a", "b"]]),
        ("export X=1\n", [["export", "X=1"]]),
        ("a && b; c\n", [["a"], ["b;", "c"]]),
        ("a | b -\n", [["a"], ["b", "-"]]),
        ("cat >f <<'END'\nautoir no\nEND\na\n", [["cat", ">f"], ["a"]]),
        ('a "$X" "b c"\n', [["a", "$X", "b c"]]),
        ("\n\n", []),
    ],
)
def test_what_a_block_runs(text: str, expected: list[list[str]]) -> None:
    assert list(commands(text)) == expected


def test_which_blocks_are_run(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n```sh\none\n```\n## B\n```toml\nx = 1\n```\ntext\n```sh\ntwo\nthree\n```\n```\nfour\n```\n")
    assert blocks(page) == [Block("A", "one\n"), Block("B", "two\nthree\n")]
