"""How a failure looks: one line that says what, one that says what to do, and an exit code.

0 done; 1 the job failed; 2 wrong usage or input; 3 something that AutoIR depends on does not answer; 130 interrupted.
A traceback is for those who ask for it with ``--debug``. Whatever a message quotes is shown with its control characters
escaped: it may be a file's name or a log line.
"""

import re
import sys
import traceback
from types import TracebackType
from typing import Any

import typer

from autoir.cli.options import Asked
from autoir.errors import AutoirError
from autoir.report.text import shown

INTERRUPTED = 130
_INDENT = " " * len("autoir: ")
_LONGEST = 4_000
_PASSWORD = re.compile(r"(\w+:/+[^\s:/@]*:)\S+@")


class Interrupted(AutoirError):
    """Ctrl-C, at a place that can say what was kept; exit code 130."""

    exit_code = INTERRUPTED


def _without_password(text: str) -> str:
    """``text``, which may quote a URL that stood in the wrong place."""
    return _PASSWORD.sub(r"\1…@", text)


def report(message: str, hint: str = "") -> None:
    """One failure on standard error, without passwords."""
    told = [_without_password(message), _without_password(hint)]
    lines = [shown(line, _LONGEST) for line in told[0].splitlines() or [""]]
    lines += [shown(line, _LONGEST) for line in told[1].splitlines()]
    print(f"autoir: {lines[0]}", *(f"{_INDENT}{line}" for line in lines[1:]), sep="\n", file=sys.stderr, flush=True)


def _print_traceback(error: BaseException) -> None:
    """Where ``error`` came from, on standard error; its words are as harmless as in a message."""
    for line in "".join(traceback.format_exception(error)).split("\n"):
        print(shown(_without_password(line), _LONGEST), file=sys.stderr)


def report_error(error: AutoirError, *, debug: bool = False) -> int:
    """``error`` on standard error; its exit code."""
    if debug:
        _print_traceback(error)
    report(str(error), error.hint)
    return error.exit_code


def report_usage(error: typer.TyperException) -> int:
    """A call that the parser refuses; exit code 2."""
    ctx = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr)
        return error.exit_code
    report(_message(error), _advice(ctx))
    return error.exit_code


def _message(error: typer.TyperException) -> str:
    option = getattr(error, "option_name", "")
    close = sorted(getattr(error, "possibilities", None) or ())
    if option and hasattr(error, "possibilities"):
        meant = f" Did you mean {' or '.join(close[:3])}?" if close else ""
        return f"no such option {option}.{meant}"
    text = error.format_message()
    return text[:1].lower() + text[1:]


def _advice(ctx: Any) -> str:
    if ctx is None:
        return "All commands: autoir --help"
    example = next(iter(examples_of(ctx.command.epilog or "")), "")
    if not example or hasattr(ctx.command, "commands"):
        return f"All commands: {ctx.command_path} --help"
    return f"Example: {example} (all options: {ctx.command_path} --help)"


def examples_of(epilog: str) -> list[str]:
    """The commands that a help's examples show."""
    return [line.strip() for line in epilog.splitlines() if "autoir " in line]


def report_unexpected(
    asked: Asked, kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """An error that nobody foresaw, for ``sys.excepthook``; the interpreter exits with 1."""
    if asked.debug:
        _print_traceback(error)
        return
    report(
        f"unexpected {kind.__name__}: {error}" if str(error) else f"unexpected {kind.__name__}.",
        "This is a defect of AutoIR. Run the same command with --debug and report what it prints.",
    )
