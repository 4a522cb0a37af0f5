"""The reference pages, made from the code itself: ``python -m autoir.cli.docs [--check]``.

Every command's own help becomes ``docs/cli.md``, every setting with its default and docstring
``docs/configuration.md``, every right in AWS that a call takes ``docs/iam.md``. With ``--check`` nothing is written and
a stale page fails, so that the pages cannot say what the program does not do.
"""

import ast
import dataclasses
import inspect
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from autoir import settings
from autoir.cli import iam
from autoir.cli.call_graph import Definition
from autoir.cli.main import app
from autoir.cli.stores import ENVIRONMENT
from autoir.settings import Heartbeat, Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
_WIDTH = 88
_MADE = "<!-- Made by `python -m autoir.cli.docs`. Edit the code, not this page. -->"


def commands() -> Iterator[tuple[str, Any, typer.Context]]:
    """(its words, the command, its context) of the program and every group and command, in the order of the help."""
    root = typer.main.get_command(app)
    yield from _walk(root, root.make_context("autoir", [], resilient_parsing=True, terminal_width=_WIDTH))


def _walk(command: Any, ctx: Any) -> Iterator[tuple[str, Any, typer.Context]]:
    yield ctx.command_path, command, ctx
    if hasattr(command, "list_commands"):
        for name in command.list_commands(ctx):
            child = command.get_command(ctx, name)
            yield from _walk(
                child, child.make_context(name, [], parent=ctx, resilient_parsing=True, terminal_width=_WIDTH)
            )


def cli_page() -> str:
    """``docs/cli.md``."""
    parts = [
        _MADE,
        "# Commands",
        "Every command says the same with `--help`. Answers go to standard output, progress, remarks and errors to"
        " standard error. With `--json` an answer is one JSON document (`backtest`: one a line), whose shape is"
        " published in [schema](schema/).",
        "Exit codes: 0 done; 1 what was checked is not well, or a job failed; 2 wrong usage or bad input; 3 something"
        " that AutoIR depends on does not answer; 130 interrupted.",
    ]
    for path, command, ctx in commands():
        parts += [f"{'#' * min(len(path.split()) + 1, 3)} {path}", f"```text\n{command.get_help(ctx)}\n```"]
    return "\n\n".join(parts) + "\n"


def configuration_page() -> str:
    """``docs/configuration.md``."""
    variables: Mapping[str, str] = {name: variable for variable, name in ENVIRONMENT.items()}
    parts = [
        _MADE,
        "# Settings",
        "Settings stand in `config.toml` in AutoIR's folder (`~/.autoir`, or `$AUTOIR_HOME`), or in the file that"
        " `--config` names. Without a file the defaults hold. A file with a mistake is reported by name and line and"
        " never changed. A flag comes before a variable, a variable before the file, the file before the default.",
        "```toml\n"
        'stage = "prod"\n'
        'min_severity = "high"\n\n'
        "[[heartbeat]]\n"
        'log_group = "/shop/mailer"\n'
        'contains = "queue poll ok"\n'
        "every_s = 60\n\n"
        "[redact]\n"
        "customer = 'customer-\\d+'\n```",
    ]
    documented = docstrings(Settings)
    types = settings.types()
    for field in dataclasses.fields(Settings):
        if field.name == "heartbeats":
            text = (inspect.getdoc(Heartbeat) or "").replace("``", "`")
            parts += ["## [[heartbeat]]", f"{text} One table for each."]
            continue
        variable = f" Variable: `{variables[field.name]}`." if field.name in variables else ""
        shown = json.dumps(_default(field), ensure_ascii=False)
        parts += [
            f"## {field.name}",
            f"{_type(types[field.name])}, default `{shown}`.{variable}",
            documented[field.name],
        ]
    parts += [
        "## Other variables",
        "`AUTOIR_HOME`: AutoIR's folder. `AUTOIR_STORE`: the store of commands without `--store`. `TIDB_DSN`, or"
        " `TIDB_HOST`, `TIDB_PORT`, `TIDB_USER`, `TIDB_PASSWORD` and `TIDB_DATABASE`: the same, for a store on TiDB."
        " `AUTOIR_BGE_DIR`: a folder of bge-small-en-v1.5, to search with instead of what `make model` fetches."
        " `SAGEMAKER_ENDPOINT` and `SAGEMAKER_REGION`: an endpoint that embeds with it, or `AUTOIR_EMBED_URL`: a server"
        " on this machine that speaks as text-embeddings-inference; either comes before a folder."
        " `DEBUG=1`: the same as `--debug`. `NO_COLOR`: no colours.",
    ]
    return "\n\n".join(parts) + "\n"


def docstrings(of: type) -> dict[str, str]:
    """The text under each field of a dataclass, on one line."""
    body = ast.parse(inspect.getsource(of)).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).replace("``", "`").split())
    return found


def _default(field: "dataclasses.Field[Any]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _type(kind: object) -> str:
    names = {str: "Text", int: "Number"}
    if isinstance(kind, type) and kind in names:
        return names[kind]
    text = str(kind)
    if "Literal" in text:
        return f"One of {text[text.index('[') + 1 : -1]}"
    return "Table of texts" if "Mapping" in text else "List of texts"


def rights_page() -> str:
    """``docs/iam.md``."""
    return f"{_MADE}\n\n{iam.page(programs())}"


def programs() -> dict[str, Definition]:
    """Every command, as ``autoir aws check``, and the function that it is."""
    return {
        path: Definition(command.callback.__module__, command.callback.__name__)
        for path, command, _ in commands()
        if not hasattr(command, "list_commands")
    }


PAGES = {"cli.md": cli_page, "configuration.md": configuration_page, "iam.md": rights_page}
"""Every generated page."""


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` say which are stale."""
    stale = []
    for name, make in PAGES.items():
        path, page = DOCS / name, make()
        if path.exists() and path.read_text("utf-8") == page:
            continue
        stale.append(name)
        if "--check" not in arguments:
            DOCS.mkdir(exist_ok=True)
            path.write_text(page, "utf-8")
    if stale and "--check" in arguments:
        print(f"stale: {', '.join(stale)}: run python -m autoir.cli.docs", file=sys.stderr)
        return 1
    if stale:
        print(f"written: {', '.join(stale)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
