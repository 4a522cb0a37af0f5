"""Wrong input: one line that says what, one that says what to do, and exit code 2. And the help that prevents it."""

import os
import re
import shlex
from pathlib import Path

import pytest
import typer

from autoir import locations
from autoir.cli import docs
from autoir.cli.main import app
from tests.cli.conftest import Call

ROOT = Path(__file__).resolve().parents[2]
NO_STORE = ("no store at", "logs ingest app.log")


def said(stderr: str) -> list[str]:
    """The lines of a failure: one what, one what to do."""
    lines = stderr.splitlines()
    assert lines[0].startswith("autoir: "), stderr
    assert all(line.startswith(" " * 8) for line in lines[1:]), stderr
    assert len(lines) == 2, stderr
    return lines


@pytest.mark.parametrize(
    ("line", "what", "to_do"),
    [
        # the parser
        ("logz", "no such command 'logz'. Did you mean 'logs'?", "autoir --help"),
        ("logs ingst", "Did you mean 'ingest'?", "autoir logs --help"),
        ("logs query --jsn x", "no such option --jsn. Did you mean --json", "logs query --help"),
        ("logs ingest", "missing argument 'PATH...'", "autoir logs ingest app.log"),
        ("logs latest g --limit 0", "'--limit': 0 is not in the range", "logs latest --help"),
        ("incidents show", "missing argument 'ID'", "incidents show inc-"),
        # values
        ("logs query", "Give one text", "logs query"),
        ("logs query a --query b", "TEXT and --query", "logs query"),
        ("logs query a --since yesterday", "--since 'yesterday' is not a time", "--since 2h"),
        ("logs query a --since 1h --until 2h", "--since is not before --until", "--until 1h"),
        ("logs query '?!'", "no word to search for", "logs query"),
        ("logs query pool --also '?!'", "'?!' holds no word to search for", "logs query"),
        ("logs query a --level loud", "--level 'loud' is no level", "--level error"),
        ("logs search", "logs search needs a terminal", "autoir logs query TEXT"),
        ("logs search 'disk full'", "logs search needs a terminal", "autoir logs query 'disk full'"),
        ("--json logs search", "prints no JSON", "autoir logs query TEXT --json"),
        ("logs latest /shop/apy", "no log group /shop/apy", "/shop/api"),
        ("logs ingest x.log --timezone Europe/Berln", "'Europe/Berln' is not a time zone", "Europe/Berlin"),
        ("logs ingest a.log b.log --follow", "--follow takes one file", "process of its own"),
        ("logs ingest - --follow", "--follow takes one file", "process of its own"),
        ("sweep --window 15", "--window '15' is not a duration", "--window 15m"),
        ("sweep --window 5s", "below a minute", "--window 15m"),
        ("sweep --now soon", "--now 'soon' is not a time", "--now 2h"),
        ("backtest x.log --sweep-every often", "--sweep-every 'often' is not a duration", "15m"),
        ("backtest nope.log", "nope.log: no such file", "Name a file that is there"),
        ("backtest x.log --truth nope.json", "nope.json cannot be read: No such file or directory.", "start_ms"),
        ("backtest --store prod x.log", "'prod' does not name a store", "None is saved yet: autoir tidb dsn"),
        ("--store demo tidb dsn", "autoir tidb dsn takes no --store", "autoir tidb dsn"),
        ("--config x.toml stats", "autoir stats takes no --config", "autoir stats"),
        ("demo --scenario outage", "no scenario 'outage'", "pool-exhaustion"),
        ("incidents list --status closed", "--status 'closed' is none of", "--status active"),
        ("incidents show zz", "no incident 'zz'", "inc-7f9m1c4d"),
        ("incidents show 7f3k0a2c", "no incident", "Near it: inc-7f3k0a2b"),
        ("incidents show 7f", "'7f' fits several incidents", "inc-7f3k0a2b, inc-7f9m1c4d"),
        ("incidents dismiss 7f3k --for ever", "--for 'ever' is not a duration", "--for 15m"),
        # stores and settings
        ("stats --store redis://x", "'redis://'… does not name a store", "sqlite:////"),
        ("stats --store mysql:/me:secret@host/db", "'…@host/db' does not name a store", "tidb dsn"),
        ("stats --store demo", "no demo has run yet", "autoir demo"),
        ("stats --store sqlite:////nowhere/x.db", "no store at /nowhere/x.db", "logs ingest"),
        ("logs ingest --store sqlite:////nowhere/x.db x.log", "/nowhere: no such folder", "mkdir"),
        ("sweep --config nope.toml", "nope.toml: no such file", "--config"),
    ],
)
def test_a_mistake_says_what_and_what_to_do(
    call: Call,
    incidents: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    line: str,
    what: str,
    to_do: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.log").write_text("x\n")
    result = call(*shlex.split(line))
    first, second = said(result.stderr)
    assert result.exit_code == 2
    assert what in first
    assert to_do in second
    assert result.stdout == ""


def test_a_state_that_does_not_allow_the_change(call: Call, incidents: tuple[str, str]) -> None:
    assert call("incidents", "resolve", "7f3k").exit_code == 0
    result = call("incidents", "ack", "7f3k")
    assert result.exit_code == 2
    assert "is resolved" in said(result.stderr)[0]


@pytest.mark.parametrize(
    "line",
    [
        "logs query hello",
        "logs latest /shop/api",
        "sweep",
        "stats",
        "incidents list",
        "incidents show 7f3k",
        "incidents ack 7f3k",
        "incidents resolve 7f3k",
        "incidents dismiss 7f3k",
    ],
)
@pytest.mark.parametrize("place", ["", "an empty file"])
def test_what_reads_makes_no_store(call: Call, line: str, place: str) -> None:
    database = locations.default_database()
    if place:
        database.touch()
    result = call(*line.split())
    what, to_do = said(result.stderr)
    assert result.exit_code == 2
    assert NO_STORE[0] in what
    assert NO_STORE[1] in to_do
    assert database.exists() is bool(place)


def test_nothing_readable_makes_no_store_either(call: Call) -> None:
    assert call("logs", "ingest", "nope.log").exit_code == 2
    assert not locations.default_database().exists()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ALERTS_MIN_CONFIDENCE", "high", "ALERTS_MIN_CONFIDENCE='high' is not a number"),
        ("ALERTS_MIN_CONFIDENCE", "900", "min_confidence = 900"),
        ("ALERTS_MIN_SEVERITY", "bad", "min_severity = 'bad'"),
        ("AUTOIR_STORE", "foo", "'foo' does not name a store"),
    ],
)
def test_a_wrong_variable_is_named(
    call: Call, incidents: tuple[str, str], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    result = call("sweep")
    assert result.exit_code == 2
    assert words in said(result.stderr)[0]


def test_a_broken_settings_file_is_named_with_its_line(call: Call, stored: Path) -> None:
    locations.config_file().write_text("stage = 'x'\nwarmup_min = \n")
    result = call("sweep")
    assert result.exit_code == 2
    assert re.search(r"config\.toml: not valid TOML: .*line 2", said(result.stderr)[0])
    assert locations.config_file().read_text() == "stage = 'x'\nwarmup_min = \n"


COMMANDS = {path: (command, ctx) for path, command, ctx in docs.commands()}


def examples_in(text: str) -> list[str]:
    """The calls of autoir that a text shows as lines of their own, pipes taken apart."""
    lines = [line.strip().removeprefix("$ ").removeprefix(".venv/bin/") for line in text.splitlines()]
    shown = [line for line in lines if re.match(r"(autoir [a-z-]|[a-z]+ .*\| autoir [a-z])", line)]
    calls = [part.strip() for line in shown for part in re.sub(r"\s{2,}.*", "", line).split("|")]
    return [part for part in calls if part.startswith("autoir ")]


def parse(call_line: str) -> None:
    """Let the parser read a call without running it; raises what it raises."""
    words = shlex.split(call_line)[1:]
    command = typer.main.get_command(app)
    ctx = command.make_context("autoir", [word for word in words if not word.startswith("--install")])
    while hasattr(command, "resolve_command") and (rest := [*ctx._protected_args, *ctx.args]):
        name, command, rest = command.resolve_command(ctx, rest)
        ctx = command.make_context(name, rest, parent=ctx)
    assert not hasattr(command, "resolve_command") or not words or "--install-completion" in words, call_line


@pytest.mark.parametrize("path", COMMANDS)
def test_help_shows_an_example_that_parses(path: str) -> None:
    command, ctx = COMMANDS[path]
    shown = examples_in(command.get_help(ctx))
    assert [line for line in shown if line.startswith(path)]
    for line in shown:
        parse(line)


@pytest.mark.parametrize("page", ["docs/cli.md", "README.md"])
def test_a_page_shows_only_calls_that_parse(page: str) -> None:
    if not (ROOT / page).exists():
        pytest.skip(f"no {page} yet")
    shown = examples_in((ROOT / page).read_text("utf-8"))
    assert shown
    for line in shown:
        parse(line)


@pytest.mark.parametrize("line", ["autoir logs ingst x", "autoir stats --jsn", "autoir logs latest", "autoir logs"])
def test_the_parser_of_examples_sees_mistakes(line: str) -> None:
    with pytest.raises((typer.TyperException, AssertionError)):
        parse(line)


def test_help_fits_a_terminal_of_80_columns(call: Call) -> None:
    for path in COMMANDS:
        result = call(*path.split()[1:], "--help")
        assert result.exit_code == 0
        assert [line for line in result.stdout.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", docs.PAGES)
def test_a_generated_page_is_fresh(name: str) -> None:
    assert (docs.DOCS / name).read_text("utf-8") == docs.PAGES[name](), "run python -m autoir.cli.docs"


def test_check_finds_a_stale_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "DOCS", tmp_path)
    assert docs.main(["--check"]) == 1
    assert "cli.md" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0


def test_groups_show_their_help_when_no_command_is_given(call: Call) -> None:
    assert (call("logs").exit_code, "ingest" in call("logs").stderr) == (2, True)
    assert (call().exit_code, "backtest" in call().stdout) == (0, True)
    assert call("--version").stdout.startswith("autoir ")
