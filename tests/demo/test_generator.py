"""What the demo's logs promise: always the same, in order, few enough, and each service in its own hand."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from functools import lru_cache
from itertools import islice

import pytest

from autoir.demo import BASELINE_MS, DEFAULT_END_MS, LIVE_MS, SCENARIOS, generate, scenario
from autoir.events import LogEvent, identity

SEED = 11


@lru_cache(maxsize=2)
def events_of(name: str, seed: int = SEED) -> tuple[LogEvent, ...]:
    return tuple(generate(name, seed))


@pytest.fixture(scope="module", params=list(SCENARIOS))  # pytest puts tests of one scenario together
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def digest(events: tuple[LogEvent, ...]) -> str:
    return hashlib.sha256("\0".join(map(repr, events)).encode()).hexdigest()


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_every_process_tells_the_same(hash_seed: str) -> None:
    program = (
        "import hashlib; from autoir.demo import generate\n"
        f"text = '\\0'.join(map(repr, generate('bad-deploy', {SEED})))\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(events_of("bad-deploy"))


def test_seed_and_scenario_both_matter() -> None:
    runs = [("healthy", SEED), ("healthy", SEED + 1), ("bad-deploy", SEED)]
    assert len({digest(tuple(islice(generate(name, seed), 500))) for name, seed in runs}) == 3


def test_a_run_is_whole(name: str) -> None:
    events = events_of(name)
    scene = scenario(name, SEED)
    assert 110_000 <= len(events) <= 140_000
    arrivals = [event.ingest_ms for event in events]
    assert arrivals == sorted(arrivals)
    assert len({identity(event) for event in events}) == len(events)
    assert scene.start_ms == DEFAULT_END_MS - LIVE_MS - BASELINE_MS
    assert all(scene.start_ms <= event.ts_ms < scene.end_ms for event in events)
    delays = [event.ingest_ms - event.ts_ms for event in events]
    assert min(delays) >= 200
    assert max(delays) <= 20_000
    assert 0.001 < sum(delay > 3_000 for delay in delays) / len(delays) < 0.01


def test_the_end_can_be_moved() -> None:
    end_ms = DEFAULT_END_MS + 12_345_678
    events = list(generate("healthy", SEED, end_ms))
    assert end_ms - 5_000 < max(event.ts_ms for event in events) < end_ms
    assert (
        scenario("healthy", SEED, end_ms).timeline[0].ts_ms - scenario("healthy", SEED).timeline[0].ts_ms == 12_345_678
    )


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(KeyError, match="meteor"):
        next(generate("meteor", 1))


LEVELS = "INFO|WARN|ERROR"
HANDS = {
    "/shop/web": r'\d[\d.]+ - - \[17/Mar/2026:[\d:]+ \+0000\] "(?:GET|POST) /\S* HTTP/1\.1" \d{3} \d+ rt=\d+\.\d{3} '
    r"up=\S+ trace=[0-9a-f]{16}|2026/03/17 [\d:]+ \[(?:warn|error)\] \d+#\d+: \*\d+ .+",
    "/shop/cart": r'\{"level":"(?:info|warn|error)","time":\d{13},.*\}',
    "/shop/checkout": rf"2026-03-17 [\d:]+,\d{{3}} (?:{LEVELS}) checkout\.\w+ \[trace=(?:[0-9a-f]{{16}}|-)\] .+",
    "/shop/orders": rf"2026-03-17 [\d:]+\.\d{{3}} +(?:{LEVELS}) 1 --- \[[\w-]+\] +shop\.orders\.\w+ +: .+",
    "/shop/payments": r'ts=2026-03-17T[\d:]+\.\d{3}Z level=(?:info|warn|error) svc=payments msg="[^"]+"'
    r'(?: \w+=(?:"[^"]*"|[^\s"]+))+',
    "/shop/inventory": rf"2026-03-17T[\d:]+\.\d{{3}}Z\t(?:{LEVELS})\t[\w/.]+:\d+\t[^\t]+\t\{{.*\}}",
    "/shop/mailer": rf"(?:START|END|REPORT) RequestId: [0-9a-f-]{{36}}.*|INIT_START .+"
    rf"|2026-03-17T[\d:]+\.\d{{3}}Z\t[0-9a-f-]{{36}}\t(?:{LEVELS})\t.+",
}
"""What every line of a log group looks like."""


def test_every_service_writes_in_its_own_hand(name: str) -> None:
    hands = {group: re.compile(shape, re.DOTALL) for group, shape in HANDS.items()}
    events = events_of(name)
    assert {event.log_group for event in events} == set(hands)
    assert [event for event in events if not hands[event.log_group].fullmatch(event.message)] == []
    for event in events:
        if event.log_group == "/shop/cart":
            assert json.loads(event.message)["service"] == "cart"
        elif event.log_group == "/shop/inventory":
            assert isinstance(json.loads(event.message.rpartition("\t")[2]), dict)


@pytest.mark.parametrize("group", HANDS)
def test_every_service_has_instances(group: str) -> None:
    streams = {event.log_stream for event in events_of("healthy") if event.log_group == group}
    assert len(streams) >= 2


def level_of(message: str) -> str:
    hit = re.search(r"\b(INFO|WARN|ERROR)\b|\"level\":\"(\w+)\"|level=(\w+)|\[(warn|error)\]", message)
    return next(filter(None, hit.groups())).upper() if hit else "INFO"


def test_most_of_it_is_ordinary_and_some_is_not() -> None:
    events = events_of("healthy")
    levels = Counter(level_of(event.message) for event in events)
    assert 0.005 < levels["WARN"] / len(events) < 0.03
    assert 0.0005 < levels["ERROR"] / len(events) < 0.005
    assert set(levels) == {"INFO", "WARN", "ERROR"}
    for group in ("/shop/checkout", "/shop/orders", "/shop/mailer"):  # tracebacks are one event each
        tracebacks = [event.message for event in events if event.log_group == group and "\n" in event.message]
        assert len(tracebacks) >= 5
        assert {level_of(text) for text in tracebacks} == {"ERROR"}


def test_a_trace_follows_an_order_through_the_shop() -> None:
    """Every checkout that the edge answered 200 left its trace with all five services behind it, before the edge."""
    places: dict[str, list[LogEvent]] = {}
    for event in events_of("healthy"):
        if hit := re.search(r'trace"?[:= ]+"?(?:\{"id":")?([0-9a-f]{16})', event.message):
            places.setdefault(hit[1], []).append(event)
    bought = [told for told in places.values() if any('"POST /checkout HTTP/1.1" 200' in e.message for e in told)]
    assert len(bought) > 2_000
    for told in bought:
        groups = {event.log_group for event in told}
        assert groups == {f"/shop/{name}" for name in ("web", "checkout", "orders", "payments", "inventory")}
        assert max(told, key=lambda event: event.ts_ms).log_group == "/shop/web"


def test_traffic_has_a_wave() -> None:
    hours = Counter((event.ts_ms - scenario("healthy", SEED).start_ms) // 3_600_000 for event in events_of("healthy"))
    assert 1.02 < max(hours.values()) / min(hours.values()) < 1.6
