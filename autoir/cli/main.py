"""``autoir``: the commands under one name, and what happens when one of them fails."""

import errno
import functools
import os
import sys
from typing import Annotated, Any

import typer

from autoir import __version__
from autoir.cli import aws, backtest, daemon, demo, embed, failures, incidents, logs, stats, sweep, tidb
from autoir.cli.options import Asked, Group, asked, examples
from autoir.errors import AutoirError

_ORDER = ("demo", "logs", "sweep", "backtest", "incidents", "daemon", "stats", "embed", "tidb", "aws")


class Root(Group):
    """The one place where a failure becomes a message and an exit code."""

    def main(
        self,
        args: Any = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        extra.setdefault("obj", Asked())
        try:
            result = super().main(args, prog_name or "autoir", complete_var, False, windows_expand_args, **extra)
            code = result if isinstance(result, int) else 0
        except AutoirError as error:
            code = failures.report_error(error, debug=extra["obj"].debug)
        except typer.TyperException as error:
            code = failures.report_usage(error)
        except typer.Abort:
            code = failures.INTERRUPTED
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            failures.report(
                f"cannot write on: {error.strerror}.", "Make room where the output goes, or in AutoIR's folder."
            )
            code = AutoirError.exit_code
            _drop_output()
        if standalone_mode:
            sys.exit(code)
        return code

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order in which somebody gets to know them."""
        return sorted(super().list_commands(ctx), key=_ORDER.index)

    def invoke(self, ctx: Any) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            raise failures.Interrupted("stopped.", "What was stored before is kept.") from None
        except BrokenPipeError:
            _drop_output()
            return 0
        return result


def _drop_output() -> None:
    """What is still buffered has nowhere to go: its reader has left, as `head` does, or there is no room."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="autoir",
    cls=Root,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "autoir demo",
        "autoir logs ingest app.log",
        'autoir logs query "timeout contacting the database"',
        "autoir --install-completion",
    ),
)


def _print_version(value: bool) -> None:
    if value:
        print(f"autoir {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def autoir(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Incidents that on-call can trust, from the logs a company already has."""
    if os.environ.get("DEBUG", "").lower() in ("1", "true", "yes"):
        asked(ctx).debug = True
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())


app.add_typer(logs.app)
app.add_typer(incidents.app)
app.add_typer(embed.app)
app.add_typer(tidb.app)
app.add_typer(aws.app)
for command in (demo, sweep, backtest, daemon, stats):
    command.register(app)


def main() -> None:
    """The console script."""
    asked_for = Asked()
    sys.excepthook = functools.partial(failures.report_unexpected, asked_for)
    # One that was closed by who started us: else the next file that is opened would take its place.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    typer.main.get_command(app).main(prog_name="autoir", obj=asked_for)


if __name__ == "__main__":
    main()
