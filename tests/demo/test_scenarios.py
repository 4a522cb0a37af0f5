"""Whether the story is fair: what is benign has been seen before, and what is new is the fault, at its guilty place.

Judged twice: by a comparison of this file's own that knows nothing of the product, and by the product's patterns.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import cache

import pytest

from autoir.clock import MINUTE_MS
from autoir.demo import SCENARIOS, Scenario, generate, scenario
from autoir.events import LogEvent
from autoir.patterns import Masker
from tests.demo.drawn import seeds

CALLERS = {
    "pool-exhaustion": {"/shop/web", "/shop/cart"},
    "bad-deploy": {"/shop/web", "/shop/checkout"},
    "expired-certificate": {"/shop/web", "/shop/checkout", "/shop/orders"},
    "silent-consumer": set(),
    "healthy": set(),
}
"""Groups that a fault reaches besides the guilty one."""

DRAWN = seeds(5)

ALARMING = (
    *(
        " warn ",
        " error ",
        "\twarn\t",
        "\terror\t",
        '"warn"',
        '"error"',
        "=warn ",
        "=error ",
        "[warn]",
        "[error]",
        '" 5',
    ),
    *(
        "fail",
        "error",
        "exception",
        "timeout",
        "time-out",
        "refused",
        "unavailable",
        "denied",
        "fatal",
        "panic",
        "unable",
    ),
    *("cannot", "abort", "unexpected", "invalid", "rollback", "crash", "killed", " oom"),
)
"""What a line that must not be a surprise holds, in lower case."""

VARIABLE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,}|\d+(?:[.,:]\d+)*")
STATUS = re.compile(r'(?<=HTTP/1\.1" )\d{3}')

Kind = tuple[str, str]
Kinds = dict[Kind, list[LogEvent]]


def kind_of(event: LogEvent) -> Kind | None:
    """Group and message without ids and numbers (a status stays) of a WARN, an ERROR or a line that sounds like one."""
    text = event.message.lower()
    if not any(word in text for word in ALARMING):
        return None
    kept = STATUS.sub(lambda hit: hit[0].translate(str.maketrans("0123456789", "ABCDEFGHIJ")), event.message)
    return event.log_group, VARIABLE.sub("#", kept)


def pattern_reader() -> Callable[[LogEvent], Kind | None]:
    masker = Masker()

    def pattern_of(event: LogEvent) -> Kind | None:
        pattern = masker.pattern(event.log_group, event.message)
        return (pattern.log_group, f"{pattern.level} {pattern.template}") if pattern.severity_class else None

    return pattern_of


def split(
    scene: Scenario, events: Iterable[LogEvent], reader: Callable[[LogEvent], Kind | None]
) -> tuple[Kinds, Kinds]:
    """Alarming kinds of the baseline and of the live hour, with their events."""
    baseline: Kinds = defaultdict(list)
    live: Kinds = defaultdict(list)
    for event in events:
        if kind := reader(event):
            (baseline if event.ts_ms < scene.live_ms else live)[kind].append(event)
    return baseline, live


@cache
def judged(name: str, seed: int) -> tuple[Scenario, Kinds, Kinds, tuple[int, ...]]:
    """A scenario, its kinds, and when its heartbeat was written."""
    scene = scenario(name, seed)
    events = list(generate(name, seed))
    beat = scene.heartbeat
    beats = tuple(e.ts_ms for e in events if e.log_group == beat.log_group and beat.contains in e.message)
    return scene, *split(scene, events, kind_of), beats


@pytest.mark.parametrize("seed", DRAWN)
def test_healthy_has_nothing_that_was_not_seen_before(seed: int) -> None:
    scene, baseline, live, _ = judged("healthy", seed)
    assert scene.fault is None
    assert set(live) - set(baseline) == set()
    assert min(map(len, baseline.values())) >= 4  # rare kinds too
    assert len(live) >= 15


@pytest.mark.parametrize("seed", DRAWN[:2])
@pytest.mark.parametrize("name", SCENARIOS)
def test_only_the_fault_is_new_and_the_guilty_group_says_so_first(name: str, seed: int) -> None:
    scene, baseline, live, _ = judged(name, seed)
    new = {kind: events for kind, events in live.items() if kind not in baseline}
    if not CALLERS[name]:
        assert new == {}
        return
    assert scene.fault is not None
    assert min(map(len, baseline.values())) >= 4
    assert {group for group, _ in new} == {scene.guilty, *CALLERS[name]}
    events = [event for told in new.values() for event in told]
    assert min(event.ts_ms for event in events) == scene.fault.ts_ms
    for key in (lambda event: event.ts_ms, lambda event: event.ingest_ms):
        first = {group: min(key(e) for e in events if e.log_group == group) for group in {e.log_group for e in events}}
        others = min(time for group, time in first.items() if group != scene.guilty)
        assert first[scene.guilty] < others
    assert others < scene.fault.ts_ms + 3 * MINUTE_MS
    span_min = (scene.fault.until_ms - scene.fault.ts_ms) / MINUTE_MS
    assert sum(event.log_group == scene.guilty for event in events) > 2 * span_min
    assert max(event.ts_ms for event in events) < scene.fault.until_ms + MINUTE_MS


@pytest.mark.parametrize("name", ["bad-deploy", "healthy"])
def test_the_products_patterns_agree(name: str) -> None:
    seed = DRAWN[-1]
    scene = scenario(name, seed)
    baseline, live = split(scene, generate(name, seed), pattern_reader())
    assert {group for group, _ in set(live) - set(baseline)} == (
        CALLERS[name] | {scene.guilty} if CALLERS[name] else set()
    )
    begin = scene.fault.ts_ms if scene.fault else scene.end_ms
    before = {kind for kind, events in live.items() if any(event.ts_ms < begin for event in events)}
    assert {kind for kind in before if len(baseline[kind]) < 4} == set()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_heartbeat_misses_no_beat_but_where_it_should(name: str) -> None:
    scene, _, _, beats = judged(name, DRAWN[0])
    gaps = [(late - early, early) for early, late in zip(beats, (*beats[1:], scene.end_ms), strict=True)]
    longest, begin = max(gaps)
    if name != "silent-consumer":
        assert longest < (scene.heartbeat.every_s + 5) * 1_000
        return
    assert scene.fault is not None
    assert longest > 9 * MINUTE_MS
    assert abs(begin - scene.fault.ts_ms) < 35_000
    assert abs(begin + longest - scene.fault.until_ms) < 35_000
    assert max(gap for gap in gaps if gap[1] != begin)[0] < (scene.heartbeat.every_s + 5) * 1_000


def test_a_silent_consumer_leaves_its_letters_lying() -> None:
    seed = DRAWN[0]
    scene = scenario("silent-consumer", seed)
    assert scene.fault is not None
    depths = [
        (event.ts_ms, int(hit[1]))
        for event in generate("silent-consumer", seed)
        if (hit := re.search(r"mail queue depth (\d+)", event.message))
    ]
    assert max(depth for t, depth in depths if t < scene.fault.ts_ms) < 40
    assert max(depth for t, depth in depths if scene.fault.ts_ms < t <= scene.fault.until_ms) > 60


@pytest.mark.parametrize("name", SCENARIOS)
def test_times_come_from_the_seed(name: str) -> None:
    """Over many seeds: when it happens, how long, what is deployed; the guilty group stays."""
    scenes = [scenario(name, seed) for seed in range(200)]
    assert {scene.guilty for scene in scenes} == {SCENARIOS[name].guilty}
    assert {scene.red_herring.kind for scene in scenes} == {"provider-slow", "replica-lag", "cache-away"}
    for scene in scenes:
        assert list(scene.timeline) == sorted(scene.timeline)
        kinds = [moment.kind for moment in scene.timeline]
        assert kinds.count("deploy") == kinds.count("red herring") == 1
        assert all(scene.live_ms < moment.ts_ms < scene.end_ms for moment in scene.timeline)
        deployed = f"/shop/{scene.deploy.service}"
        assert (deployed == scene.guilty) == (name == "bad-deploy")
        if scene.fault is None:
            assert "fault" not in kinds
            continue
        minute = (scene.fault.ts_ms - scene.live_ms) / MINUTE_MS
        assert 20 <= minute <= 40
        assert scene.fault.until_ms - scene.fault.ts_ms >= 10 * MINUTE_MS
        assert kinds.count("recovery") == (scene.fault.until_ms < scene.end_ms)
    if name != "healthy":
        assert len({scene.fault for scene in scenes}) > 150
        assert 0.2 < sum(s.fault is not None and s.fault.until_ms < s.end_ms for s in scenes) / 200 < 0.6


@pytest.mark.parametrize("seed", DRAWN)
def test_no_benign_kind_is_much_louder_than_it_was(seed: int) -> None:
    """The loudest five minutes of each, live, against the second loudest block of the baseline."""
    _, baseline, live, _ = judged("healthy", seed)
    for kind, events in live.items():
        times = [event.ts_ms for event in events]
        loudest = max(sum(t <= other < t + 5 * MINUTE_MS for other in times) for t in times)
        blocks = sorted(Counter(event.ts_ms // (5 * MINUTE_MS) for event in baseline[kind]).values())
        assert loudest <= 1.5 * blocks[-2] + 4, kind
