"""The page on deploying: every command in it exists and takes what it is given. The deploy test runs them."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from autoir.stage import parse as parse_stage
from tests.cli.test_usage import parse
from tests.conftest import ROOT
from tests.shell_blocks import Block, blocks, commands

PAGE = ROOT / "docs" / "deploy.md"
CDK = {"bootstrap", "deploy", "destroy", "diff", "synth"}


def targets() -> set[str]:
    """What make can make."""
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def wrong_with(words: list[str]) -> str:
    """What is wrong with a command of the page; nothing when it is one."""
    match words:
        case ["autoir", *_]:
            try:
                parse(shlex.join(words))
            except typer.TyperException as error:
                return str(error)
            return ""
        case ["cdk", verb, *_]:
            return "" if verb in CDK else "no verb of the CDK"
        case ["make", target]:
            return "" if target in targets() else "no target"
        case [name, *_]:
            return "" if name in {".", "cat", "export", "git"} else "no known program"
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
        "cdk deplyo --all",
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
