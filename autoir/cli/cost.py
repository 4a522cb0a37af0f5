"""``autoir aws cost``: what a stage costs in a month, by part, with the ways to run its hosts side by side.

AWS is not asked: the stage's file, the events of a day and the dated price file are all there is.
"""

import math
from typing import TYPE_CHECKING, Annotated

import typer

from autoir.cli.options import PlainCommand, asked, examples
from autoir.cli.output import Lines, Table, note, print_json, show
from autoir.clock import system_clock
from autoir.errors import UsageError

if TYPE_CHECKING:
    from autoir.cost import Estimate
    from autoir.stage import StageConfig

_NOTES = (
    "Hosts: on demand and spot all month; reserved for a year; scheduled by the stage's hours, else 220 a month.",
    "Without free tiers, taxes, and what your own logs cost already. The rest is assumed as in autoir/cost.py.",
)


def register(app: typer.Typer) -> None:
    """Add the command to ``autoir aws``."""
    app.command(
        "cost",
        cls=PlainCommand,
        epilog=examples("autoir aws cost --stage prod --events-per-day 5000000", "autoir aws cost --stage prod --json"),
    )(cost)


def cost(
    ctx: typer.Context,
    stage: Annotated[str, typer.Option(metavar="NAME", help="The stage whose file says what is on.")] = "dev",
    events_per_day: Annotated[float, typer.Option(metavar="N", min=0, help="Events a day.")] = 1_000_000,
) -> None:
    """Estimate what a stage costs in a month.

    Each part by what it is made of, in USD, with every host on demand, reserved, spot, and by the clock. The prices
    are dated, and of one Region.
    """
    from autoir import prices
    from autoir.cost import estimate

    if not math.isfinite(events_per_day):
        raise UsageError(f"--events-per-day {events_per_day} is not a number of events.", "Example: 5000000")
    config, table, now_ms = _config(stage), prices.table(), system_clock()
    found, age_days = estimate(config, events_per_day), table.age_days(now_ms)
    if age_days > prices.OLD_DAYS:
        note(f"The prices are {age_days} days old: look them up again (autoir/data/prices.toml).")
    if config.region != table.region:
        note(f"The stage is in {config.region}, and the prices are of {table.region}: yours differ.")
    if asked(ctx).as_json:
        print_json(
            {
                "stage": config.name,
                "events_per_day": events_per_day,
                "currency": "USD",
                "prices": {
                    "as_of": table.as_of.isoformat(),
                    "region": table.region,
                    "old": age_days > prices.OLD_DAYS,
                    "recalled": list(table.recalled),
                    "sources": dict(table.sources),
                },
                **_document(found),
            }
        )
        return
    when = f"Prices of {table.as_of.isoformat()} in {table.region}; from memory: {', '.join(table.recalled)}."
    show(_table(found), Lines(["", *_sum(found, config), when, *_NOTES]))


def _config(stage: str) -> "StageConfig":
    """The stage's file, or a stage of defaults where this is no folder of the app. Raises UsageError."""
    from autoir.aws.cdk import app_folder
    from autoir.stage import StageConfig, read

    try:
        folder = app_folder()
    except UsageError:
        note("There is no app.py in this folder, nor does AUTOIR_APP name one: this is a stage of defaults.")
        return StageConfig(stage)
    return read(folder / "stages", stage)


def _table(found: "Estimate") -> Table:
    from autoir.cost import PLANS

    rows = [[line.part, line.what, *(f"{line.usd[plan]:,.2f}" for plan in PLANS)] for line in found.lines]
    rows.append(["all", "", *(f"{found.total(plan):,.2f}" for plan in PLANS)])
    headers = ["part", "USD a month", *(plan.replace("_", " ") for plan in PLANS)]
    return Table(headers, rows, frozenset(range(2, 2 + len(PLANS))))


def _sum(found: "Estimate", config: "StageConfig") -> list[str]:
    connected = "" if config.store.ready else ", once its store is connected"
    return [
        f"As {config.name} is configured{connected}: {found.as_configured():,.2f} USD a month.",
        f"TiDB is not in it, for it depends on your plan: about {found.store_units / 1e6:,.0f} million request units"
        f" and {found.store_gb:,.1f} GB of rows a month.",
    ]


def _document(found: "Estimate") -> dict[str, object]:
    from autoir.cost import PLANS

    return {
        "lines": [
            {
                "part": line.part,
                "what": line.what,
                "usd_month": {plan: round(line.usd[plan], 2) for plan in PLANS},
                "plan": found.chosen.get(line.part),
            }
            for line in found.lines
        ],
        "total_usd_month": {plan: round(found.total(plan), 2) for plan in PLANS},
        "as_configured_usd_month": round(found.as_configured(), 2),
        "tidb": {"request_units_month": round(found.store_units), "row_gb_month": round(found.store_gb, 1)},
    }
