"""The demo, run: made-up logs through the real pipeline, in virtual time, into a store that stays.

The same ingest, embedding and sweep as anywhere; nothing here knows what the scenario is about but the story lines
that the screen shows beside what was found.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autoir.backtest import SETTLE_MS, replay
from autoir.clock import MINUTE_MS
from autoir.demo.generator import generate
from autoir.demo.scenarios import SCENARIOS, Moment, Scenario, scenario
from autoir.embed import Embedder, fill_pending, open_embedder
from autoir.errors import UsageError
from autoir.incidents import Incident
from autoir.metrics import Tally
from autoir.settings import Heartbeat, Settings
from autoir.store import Store, open_store

Progress = Callable[[Tally, int], None]
"""Told after every sweep: the tally so far and the virtual time."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo found, beside what it made up. Times are epoch milliseconds, ``seconds`` of the wall clock."""

    scene: Scenario
    tally: Tally
    patterns: int
    log_groups: int
    vectors: int
    incidents: tuple[Incident, ...]
    seconds: float

    @property
    def story(self) -> list[tuple[Moment, list[Incident]]]:
        """Each moment of the scenario with the incidents opened from it until the next one."""
        moments = sorted(self.scene.timeline)
        ends = [moment.ts_ms for moment in moments[1:]] + [self.scene.end_ms + SETTLE_MS]
        return [
            (moment, [i for i in self.incidents if moment.ts_ms <= i.opened_ms < end])
            for moment, end in zip(moments, ends, strict=True)
        ]


def demo_settings(scene: Scenario) -> Settings:
    """Settings under which the demo runs: its heartbeat is declared, its baseline is the warm-up."""
    warmup = (scene.live_ms - scene.start_ms) // MINUTE_MS
    return Settings(stage="demo", warmup_min=warmup, heartbeats=(Heartbeat(*scene.heartbeat),))


def open_fresh(path: Path) -> Store:
    """An empty store at ``path``: the last demo's is removed."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return open_store(f"sqlite:///{path}")


def run(
    scenario_name: str,
    seed: int,
    store: Store,
    *,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> DemoResult:
    """Replay a scenario into ``store``, which is empty; ``embedder`` is the engine without a model if none is given.

    Raises UsageError for a scenario that does not exist.
    """
    if scenario_name not in SCENARIOS:
        raise UsageError(f"There is no scenario {scenario_name!r}.", f"One of {', '.join(SCENARIOS)}.")
    started = time.perf_counter()
    scene = scenario(scenario_name, seed)
    tally = replay(
        generate(scenario_name, seed), store, demo_settings(scene), progress=progress, sweep_until_ms=scene.end_ms
    )
    embedder = embedder or open_embedder("hashed")
    vectors = fill_pending(store, embedder, scene.end_ms).done
    stats = store.stats()
    incidents = tuple(sorted(store.incidents(), key=lambda i: (i.opened_ms, i.id)))
    return DemoResult(scene, tally, stats.patterns, stats.groups, vectors, incidents, time.perf_counter() - started)
