"""Why nothing was found: the first filter that leaves nothing over."""

from datetime import UTC, timedelta, timezone

import pytest

from autoir.clock import MINUTE_MS
from autoir.search.absence import why_nothing
from autoir.store import Store
from tests.search.conftest import ERROR, NOON, add

EAST = timezone(timedelta(hours=9), "JST")


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({}, "Nothing found: try other words."),
        ({"group_glob": "/shop/*"}, "Nothing found: try other words, or a wider group."),
        ({"level": ERROR, "since_ms": NOON}, "Nothing found: try other words, or a wider time or level."),
        (
            {"group_glob": "/none/\x1b*", "since_ms": NOON * 2},
            "No log group is like /none/\\x1b*. There are /SHOP/legacy, /infra/postgres, /shop/auth, /shop/checkout,"
            " /shop/orders and 1 more",
        ),
        (
            {"since_ms": NOON + 60 * MINUTE_MS},
            "No line since 2026-03-02 13:00:00: the newest is of 2026-03-02 12:10.",
        ),
    ],
)
def test_what_leaves_nothing_over_is_named(store: Store, filters: dict[str, object], told: str) -> None:
    assert why_nothing(store, UTC, **filters) == told  # type: ignore[arg-type]


def test_times_are_the_reader_s(store: Store) -> None:
    assert "2026-03-02 21:10" in why_nothing(store, EAST, since_ms=NOON * 2)


def test_an_empty_store_comes_before_every_filter(empty: Store) -> None:
    told = "The store holds no line yet: autoir logs ingest app.log"
    assert why_nothing(empty, UTC, group_glob="/x", since_ms=0, level=ERROR) == told


def test_few_groups_are_all_named(empty: Store) -> None:
    add(empty, [("/a", "", ERROR, "x y", (0,)), ("/b", "", ERROR, "x y", (0,))])
    assert why_nothing(empty, UTC, group_glob="/c") == "No log group is like /c. There are /a, /b"
