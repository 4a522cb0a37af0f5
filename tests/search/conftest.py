"""What the tests of search share: a store of a few patterns, seen now and then in ten minutes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from autoir.clock import MINUTE_MS
from autoir.embed import fill_pending, recipe_hash
from autoir.events import stable_id, stable_number
from autoir.store import Store, open_store
from autoir.store.rows import Batch, EventRow, PatternRow, StreamRow
from tests.embed.scripted import ScriptedEmbedder

NOON = 1_772_452_800_000
MINUTE = NOON // MINUTE_MS
INFO, ERROR = 1, 3

# group, component, level, template, minutes (from noon) in which it was seen once
SEEN: tuple[tuple[str, str, int, str, tuple[int, ...]], ...] = (
    ("/shop/checkout", "db.pool", ERROR, "QueuePool limit of size <*> reached", (0, 1, 1, 9)),
    ("/shop/orders", "db.pool", ERROR, "QueuePool limit of size <*> reached", (5,)),
    ("/shop/orders", "db.pool", INFO, "QueuePool created with <*> connections", (0,)),
    ("/shop/web", "nginx", ERROR, "upstream timed out while reading response from <*>", (2, 3)),
    ("/shop/auth", "login", INFO, "user <*> logged in", tuple(range(10))),
    ("/SHOP/legacy", "login", ERROR, "login of user <*> refused", (4,)),
    ("/infra/postgres", "postgres", ERROR, "could not extend file: No space left on device", (7,)),
)


def number(group: str, component: str, level: int, template: str) -> int:
    return stable_number(group, component, str(level), template)


def add(store: Store, rows: Sequence[tuple[str, str, int, str, tuple[int, ...]]]) -> None:
    patterns, events = [], []
    for group, component, level, template, minutes in rows:
        n = number(group, component, level, template)
        patterns.append(
            PatternRow(n, n, "m1", group, level, 0, component, template, 2, NOON, recipe_hash(template, component))
        )
        events += [
            EventRow(
                stable_id(str(n), str(i)), NOON + m * MINUTE_MS + i, group, stable_number(group), level, n,
                template.replace("<*>", str(m)),
            )
            for i, m in enumerate(minutes)
        ]  # fmt: skip
    streams = {row[0]: StreamRow(stable_number(row[0]), row[0], "stream") for row in rows}
    store.write(Batch(events, patterns, list(streams.values()), []))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/store.db")
    yield opened
    opened.close()


@pytest.fixture
def store(empty: Store) -> Store:
    add(empty, SEEN)
    fill_pending(empty, ScriptedEmbedder(), NOON)
    return empty
