"""Incidents on real faults: recall, false pages, delay, and the guilty subsystem, beside three anchors.

Streams are composed from fault-injection campaigns on OpenStack (rounds that failed, each followed by rounds that did
not) under the noise of another system whose errors are all benign; a quiet stream has no fault at all. Each is
replayed by ``autoir backtest`` in a process of its own, then scored by the same scorer as the anchors. Counts are
pooled over the seeds. Needs the folder of shared data; nothing of it is kept here.

    python bench/incidents.py --shared FOLDER [--work FOLDER] [--seeds 1 2 3] [--jobs 2]
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

CAMPAIGNS = ("cinder", "neutron")
KINDS = {"incident": [], "quiet": [], "unseen": ["--split-noise"]}
ANCHORS = ("any error", "keywords", "error rate")
CONFIG = "environment_pattern = '^/([^/]+)/'\n"


def load(path: Path) -> ModuleType:
    """A script of the shared bench as a module."""
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Total:
    """Pooled counts of one method on one campaign."""

    rounds: int = 0
    found: float = 0
    false: float = 0
    days: float = 0
    duplicates: float = 0
    first: float = 0
    second: float = 0
    delays: list[float] = field(default_factory=list)
    before: int = 0

    def add(self, result: dict[str, Any]) -> None:
        """Count the result of one seed."""
        found = result["recall"] * result["failing_rounds"]
        self.rounds += result["failing_rounds"]
        self.found += found
        self.false += result["false_a_day"] * result["quiet_days"]
        self.days += result["quiet_days"]
        self.duplicates += result["duplicates_a_hit"] * found
        self.first += result["subsystem_at_1"] * found
        self.second += result["subsystem_at_2"] * found
        self.delays.append(result["delay_min_p90"] or 0)

    def row(self, campaign: str, method: str) -> str:
        """A line of the table."""
        recall = self.found / self.rounds
        false_a_day = self.false / self.days
        precision = 4 * recall / (4 * recall + false_a_day) if recall else 0
        f1 = 2 * precision * recall / (precision + recall) if recall else 0
        hits = max(1.0, self.found)
        return (
            f"| {campaign} | {method} | {recall:.3f} | {self.false:.0f} in {self.days:.2f} d | {f1:.2f} |"
            f" {max(self.delays):.1f} | {self.duplicates / hits:.3f} | {self.first / hits:.2f} |"
            f" {self.second / hits:.2f} |"
        )


def compose(shared: Path, work: Path, campaign: str, kind: str, seed: int) -> Path:
    """The folder of one stream, composed unless it is there."""
    out = work / f"{campaign}-{kind}-{seed}"
    if not (out / "truth.json").exists():
        data = shared / "data"
        stream = "incident" if kind == "incident" else "quiet"
        command = [sys.executable, str(shared / "bench/incidents/compose.py"), *KINDS[kind], "--stream", stream]
        command += ["--rounds", str(data / "openstack" / campaign), "--noise", str(data / "trainticket/noise")]
        subprocess.run([*command, "--seed", str(seed), "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
    return out


def replay(folder: Path, home: Path) -> tuple[float, int]:
    """Backtest one stream; returns CPU seconds and events."""
    truth = json.loads((folder / "truth.json").read_text())
    baseline = (truth["scored_from_ms"] - truth["start_ms"]) // 60_000
    command = [str(Path(sys.executable).with_name("autoir")), "backtest", str(folder / "events.jsonl.gz"), "--json"]
    with (folder / "incidents.jsonl").open("wb") as out:
        process = subprocess.Popen(
            [*command, "--sweep-every", "60s", "--baseline", f"{baseline}m"],
            stdout=out,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "AUTOIR_HOME": str(home)},
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"backtest of {folder} failed: {status}")
    return usage.ru_utime + usage.ru_stime, truth["events"]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--work", type=Path, default=Path("build/incidents"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--campaigns", nargs="+", default=list(CAMPAIGNS))
    arguments = parser.parse_args()
    bench = arguments.shared / "bench/incidents"
    if not bench.exists():
        raise SystemExit(f"{bench} is absent: name the folder of shared data with --shared.")
    score, anchors = load(bench / "score.py"), load(bench / "anchors.py")
    work = arguments.work.resolve()
    home = work / "home"
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(CONFIG)
    streams = [(c, k, s) for c in arguments.campaigns for s in arguments.seeds for k in KINDS]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        folders = dict(zip(streams, pool.map(lambda n: compose(arguments.shared, work, *n), streams), strict=True))
        costs = list(pool.map(lambda n: replay(folders[n], home), streams))

    print(
        "| campaign | method | recall | false pages, quiet | F1@4 | worst delay p90, min | duplicates a hit | @1 | @2 |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    unseen: dict[str, tuple[int, float]] = {}
    for campaign in arguments.campaigns:
        totals = {name: Total() for name in (*ANCHORS, "AutoIR")}
        count, days = 0, 0.0
        for seed in arguments.seeds:
            incident, quiet, other = (folders[campaign, kind, seed] for kind in KINDS)
            opened, calm = anchors.run(incident), anchors.run(quiet)
            for name in ANCHORS:
                totals[name].add(score.score(score.load(incident, opened[name]), score.load(quiet, calm[name])))
            ours = [score.load(f, f / "incidents.jsonl") for f in (incident, quiet)]
            totals["AutoIR"].add(score.score(*ours))
            truth, pages = score.load(other, other / "incidents.jsonl")
            count += len(pages)
            days += (truth["end_ms"] - truth["scored_from_ms"]) / 86_400_000
        unseen[campaign] = (count, days)
        for name, total in totals.items():
            print(total.row(campaign, name))
    for campaign, (count, days) in unseen.items():
        print(f"unseen noise, {campaign}: {count} pages in {days:.2f} days")
    seconds, events = sum(c for c, _ in costs), sum(e for _, e in costs)
    print(f"backtest: {seconds / events * 1e6:.0f} CPU seconds per million events ({events:,} events)")


if __name__ == "__main__":
    main()
