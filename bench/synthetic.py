"""Detection on made-up faults and on what looks like one: share found, delay, and pages where there must be none.

Only here can rates, silence and teaching be judged, since real campaigns hold few of them. Each trial is a depot that
has lived through its warm-up, then something happens to it. Found means that people were paged for it in time.

    python bench/synthetic.py [--trials 56] [--first-seed 1] [--days 1] [--jobs 2] [NAME…]
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from autoir import lifecycle
from autoir.clock import MINUTE_MS
from autoir.incidents import Incident
from bench._depot import (
    BEAT,
    BILLING,
    LINES,
    ROUTER,
    SETTINGS,
    START,
    WARMUP,
    Depot,
    Line,
    Told,
    depot,
)

BEFORE, AFTER = 10, 15
"""Minutes that a trial waits before its fault, and after it."""

NEW = Line(BILLING, "ERROR billing - ledger # cannot be locked, held by writer #", 0.3)
KNOWN = Line(BILLING, "ERROR billing - receipt # rejected by the till", 4.0, 3.0)


class Result(NamedTuple):
    """What a trial gave: paged in time, opened in time, minutes until the page, pages at any other time."""

    paged: bool
    opened: bool
    delay_min: float | None
    other_pages: int


def judged(depot: Depot, first: int, last: int) -> Result:
    """The incidents of a trial against the minutes within which they should have opened."""
    incidents = [i for i in depot.store.incidents() if i.opened_ms > (START + WARMUP) * MINUTE_MS]
    inside = [i for i in incidents if first * MINUTE_MS < i.opened_ms <= last * MINUTE_MS]
    paged = [i.paged_ms for i in incidents if i.paged_ms is not None]
    hits = [at for at in paged if first * MINUTE_MS < at <= last * MINUTE_MS]
    delay = (min(hits) / MINUTE_MS - first) if hits else None
    return Result(bool(hits), bool(inside), delay, len(paged) - len(hits))


def fault_of(minutes: int, change: Callable[[Depot, int, Line], float], depot: Depot, rng: random.Random) -> Result:
    """Something that changes rates for some minutes; ``change`` is asked with the minute of the fault."""
    depot.run(BEFORE, rng)
    first = depot.minute
    depot.run(minutes, rng, lambda at, line: change(depot, at, line))
    last = depot.minute + 1
    depot.run(AFTER, rng)
    return judged(depot, first, last)


def new_error(depot: Depot, rng: random.Random) -> Result:
    depot.run(BEFORE, rng)
    first = depot.minute
    depot.lines.append(NEW)
    depot.run(15, rng)
    depot.lines.remove(NEW)
    depot.run(AFTER, rng)
    return judged(depot, first, first + 16)


def bursting(times: float, depot: Depot, rng: random.Random) -> Result:
    """The known error, at 2 to 10 a minute by seed."""
    return fault_of(10, lambda _d, _at, line: times if line.text == KNOWN.text else 1.0, depot, rng)


def falling_silent(times: float, depot: Depot, rng: random.Random) -> Result:
    return fault_of(20, lambda _d, _at, line: times if line.group == ROUTER else 1.0, depot, rng)


def missing_beat(depot: Depot, rng: random.Random) -> Result:
    return fault_of(15, lambda _d, _at, line: 0.0 if line.text.endswith(BEAT) else 1.0, depot, rng)


def slow_ramp(depot: Depot, rng: random.Random) -> Result:
    return fault_of(60, lambda _d, at, line: 1 + 9 * at / 60 if line.text == KNOWN.text else 1.0, depot, rng)


def happening(depot: Depot, rng: random.Random, minutes: int) -> Incident | None:
    """The new error for some minutes; the incident that it opened."""
    depot.lines.append(replace_rate(NEW, 2.0))
    depot.run(minutes, rng)
    depot.lines.pop()
    return next(iter(depot.store.incidents()), None)


def replace_rate(line: Line, rate: float) -> Line:
    return line._replace(rate=rate)


def returning(pause_min: int, taught: bool, depot: Depot, rng: random.Random) -> Result:
    """The new error once, then after a pause again; in between it was resolved, as a known failure if ``taught``."""
    depot.run(BEFORE, rng)
    first_time = happening(depot, rng, 10)
    if first_time and taught:
        lifecycle.resolve(depot.store, first_time.id, depot.minute * MINUTE_MS, "bench", known_failure=True)
    depot.run(pause_min, rng)
    first = depot.minute
    happening(depot, rng, 10)
    depot.run(AFTER, rng)
    result = judged(depot, first, first + 11)
    return result._replace(other_pages=result.other_pages - (first_time is not None and first_time.paged))


def dismissed(mute: bool, depot: Depot, rng: random.Random) -> Result:
    """The new error once, dismissed; then again after an hour, when it must not page."""
    depot.run(BEFORE, rng)
    incident = happening(depot, rng, 10)
    if incident:
        lifecycle.dismiss(depot.store, incident.id, depot.minute * MINUTE_MS, "bench", mute=mute)
    depot.run(60, rng)
    first = depot.minute
    happening(depot, rng, 10)
    depot.run(AFTER, rng)
    result = judged(depot, first, first + 11)
    return result._replace(other_pages=result.other_pages + result.paged - (incident is not None and incident.paged))


def everything_twice(depot: Depot, rng: random.Random) -> Result:
    return fault_of(60, lambda _d, _at, _line: 2.0, depot, rng)


def deployed(word: str, depot: Depot, rng: random.Random) -> Result:
    """From now on every line of a group holds one more word."""

    def renamed(depot: Depot, at: int, told: list[Told], rng: random.Random) -> list[Told]:
        return [t._replace(text=t.text.replace(" - ", f" {word} - ")) if t.group == BILLING else t for t in told]

    depot.run(BEFORE, rng)
    first = depot.minute
    depot.run(60, rng, fault=renamed)
    return judged(depot, first, depot.minute)


def restarted(depot: Depot, rng: random.Random) -> Result:
    """A service goes for two minutes and comes back with lines that were never seen, two warnings among them."""

    def restart(depot: Depot, at: int, told: list[Told], rng: random.Random) -> list[Told]:
        if at in (0, 1):
            return [t for t in told if t.group != BILLING]
        if at != 2:
            return told
        words = ["reading tariffs", "opening ledger", "till # found", "printer # found", "listening on #", "ready"]
        lines = [Line(BILLING, f"INFO billing - start-up: {text}", 1) for text in words]
        lines += [Line(BILLING, f"WARN billing - start-up: {t}", 1) for t in ("no cache yet", "clock is not set yet")]
        return [*told, *(depot.said(rng, line) for line in lines)]

    depot.run(BEFORE, rng)
    first = depot.minute
    depot.run(20, rng, fault=restart)
    return judged(depot, first, depot.minute)


def backfilled(depot: Depot, rng: random.Random) -> Result:
    """Two days of old lines of a group arrive within one minute."""

    def backfill(depot: Depot, at: int, told: list[Told], rng: random.Random) -> list[Told]:
        if at != 5:
            return told
        old = [line for line in depot.lines if line.group == BILLING]
        picked = rng.choices(old, [line.rate for line in old], k=8_000)
        return [*told, *(depot.said(rng, line)._replace(ts_ms=_earlier(depot, rng, 2_880)) for line in picked)]

    depot.run(BEFORE, rng)
    first = depot.minute
    depot.run(30, rng, fault=backfill)
    return judged(depot, first, depot.minute)


def _earlier(depot: Depot, rng: random.Random, minutes: int) -> int:
    return (depot.minute - 10) * MINUTE_MS - rng.randrange(minutes * MINUTE_MS)


def delivered_late(depot: Depot, rng: random.Random) -> Result:
    """A group is not delivered for 40 minutes, then all at once."""
    held: list[Told] = []

    def late(depot: Depot, at: int, told: list[Told], rng: random.Random) -> list[Told]:
        if at < 40:
            held.extend(t for t in told if t.group == BILLING)
            return [t for t in told if t.group != BILLING]
        told, held[:] = [*told, *held], []
        return told

    depot.run(BEFORE, rng)
    first = depot.minute
    depot.run(60, rng, fault=late)
    return judged(depot, first, depot.minute)


def skewed(minutes: int, depot: Depot, rng: random.Random) -> Result:
    """From now on the clock of a group is wrong by some minutes."""

    def skew(depot: Depot, at: int, told: list[Told], rng: random.Random) -> list[Told]:
        return [t._replace(ts_ms=t.ts_ms + minutes * MINUTE_MS) if t.group == BILLING else t for t in told]

    depot.run(BEFORE, rng)
    first = depot.minute
    depot.run(60, rng, fault=skew)
    return judged(depot, first, depot.minute)


def ordinary(minutes: int, depot: Depot, rng: random.Random) -> Result:
    first = depot.minute
    depot.run(minutes, rng)
    return judged(depot, first, depot.minute)


Trial = Callable[[Depot, random.Random], Result]
FAULTS: dict[str, Trial] = {
    "new error, 0.3 a minute for 15 min": new_error,
    "known error x3 for 10 min": partial(bursting, 3.0),
    "known error x5 for 10 min": partial(bursting, 5.0),
    "known error x10 for 10 min": partial(bursting, 10.0),
    "known error, slow ramp to x10 in 1 h": slow_ramp,
    "steady group silent": partial(falling_silent, 0.0),
    "steady group at 20 %": partial(falling_silent, 0.2),
    "missed heartbeat": missing_beat,
    "failure back after 1 h": partial(returning, 60, False),
    "known failure back after 1 h": partial(returning, 60, True),
    "known failure back after 24 h": partial(returning, 1440, True),
}
HARMLESS: dict[str, Trial] = {
    "dismissed as normal, back after 1 h": partial(dismissed, False),
    "muted, back after 1 h": partial(dismissed, True),
    "everything x2 for 1 h": everything_twice,
    "deployment adds a word": partial(deployed, "harbour"),
    "deployment adds a version": partial(deployed, "build 4.17"),
    "restart": restarted,
    "one-off backfill": backfilled,
    "late delivery": delivered_late,
    "clock 10 min ahead": partial(skewed, 10),
    "clock 20 min behind": partial(skewed, -20),
}


def trial(name: str, seed: int, folder: Path, days: float = 1.0) -> Result:
    """Run one trial; its depot is drawn from ``seed`` alone, what befalls it from name and seed."""
    lines = [*LINES, replace_rate(KNOWN, random.Random(f"rate {seed}").uniform(2, 10))]
    run = {**FAULTS, **HARMLESS, "quiet": partial(ordinary, round(days * 1440))}[name]
    settings = replace(SETTINGS, steady_groups=()) if "clock" in name else SETTINGS
    with depot(folder, str(seed), name.replace(" ", "-").replace("%", ""), lines, settings) as own:
        return run(own, random.Random(f"{name} {seed}"))


def _row(name: str, results: Sequence[Result]) -> str:
    n = len(results)
    delays = sorted(r.delay_min for r in results if r.delay_min is not None)
    p50 = f"{statistics.median(delays):.0f}" if delays else "-"
    p90 = f"{delays[int(0.9 * (len(delays) - 1))]:.0f}" if delays else "-"
    paged, opened = sum(r.paged for r in results) / n, sum(r.opened for r in results) / n
    return f"{name:<38} {paged:6.0%} {opened:6.0%} {p50:>5} {p90:>5} {sum(r.other_pages for r in results):>6}"


def _seed(seed: int, names: Sequence[str], folder: Path, days: float) -> list[Result]:
    return [trial(name, seed, folder, days) for name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a trial's name; default: all")
    parser.add_argument("--trials", type=int, default=56)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--days", type=float, default=1.0, help="length of the quiet trial")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    every = [*FAULTS, *HARMLESS, "quiet"]
    names = [n for n in every if not options.names or any(part in n for part in options.names)]
    seeds = range(options.first_seed, options.first_seed + options.trials)
    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="autoir-synthetic-") as folder:
        run = partial(_seed, names=names, folder=Path(folder), days=options.days)
        with ProcessPoolExecutor(options.jobs) as pool:
            table = list(pool.map(run, seeds))
    print(f"{len(seeds)} trials each, seeds {seeds[0]} to {seeds[-1]}\n")
    print(f"{'fault':<38} {'paged':>6} {'opened':>6} {'p50':>5} {'p90':>5} {'other':>6}   (delays in minutes)")
    for at, name in enumerate(names):
        if name in HARMLESS and (not at or names[at - 1] not in HARMLESS):
            print(f"\n{'harmless: no page allowed':<38}")
        results = [row[at] for row in table]
        if name == "quiet":
            days = options.days * len(seeds)
            pages = sum(r.paged + r.other_pages for r in results)
            some = sum(r.opened for r in results)
            print(f"\nquiet: {pages} pages in {days:.1f} days; {some} of {len(seeds)} trials opened something")
        else:
            print(_row(name, results))
    print(f"\nCPU of this process {time.process_time() - began:.1f} s")


if __name__ == "__main__":
    main()
