"""Killed anywhere, the job run again ends with the rows of an undisturbed run, and nobody is paged twice.

The process ends by ``os._exit`` right before or right after a statement, so nothing is rolled back, flushed or closed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from autoir.store import Store
from tests.kill_job import VOLATILE, CursorFirst, StoreClass, Truth, killed, places, received, rows, undisturbed

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

SEEDS = 5
KILLS = 20
PUBLISH = "publish"
LABELS = (
    "BEGIN",
    "COMMIT",
    "CREATE",
    "PRAGMA user_version",
    "INSERT autoir_streams",
    "INSERT autoir_patterns",
    "INSERT autoir_family_stats",
    "INSERT autoir_groups",
    "INSERT autoir_quarantine",
    "INSERT autoir_events",
    "INSERT autoir_counts",
    "INSERT autoir_cursors",
    "INSERT autoir_meta",
    "UPDATE autoir_meta v",
    "UPDATE autoir_patterns embed_lease_ms",
    "UPDATE autoir_patterns embedding",
    "UPDATE autoir_patterns status",
    "INSERT autoir_group_stats",
    "INSERT autoir_candidates",
    "INSERT autoir_incidents",
    "INSERT autoir_outbox",
    "UPDATE autoir_outbox lease_until_ms",
    PUBLISH,
    "UPDATE autoir_outbox sent_ms",
)

COMES_AGAIN = {(PUBLISH, "after"): {1}, ("UPDATE autoir_outbox sent_ms", "before"): {0, 1}}
"""Where a message is out and nobody knows: it is sent once more, with the same id and words. (A message is noted as
sent too when it has been divided among its receivers.)"""


@pytest.fixture(scope="module")
def truths(tmp_path_factory: pytest.TempPathFactory) -> list[Truth]:
    """An undisturbed run of each seed."""
    found = []
    for seed in range(SEEDS):
        logs, folder = (tmp_path_factory.mktemp(name) for name in ("logs", "undisturbed"))
        found.append(undisturbed(logs, folder, seed))
    return found


def _after_kills(
    label: str, side: str, truths: list[Truth], tmp_path: Path, store_class: StoreClass = Store
) -> Iterator[tuple[Path, Truth]]:
    """The folder of each job that was killed there and run again to the end, beside the undisturbed run."""
    for n, (seed, occurrence) in enumerate(places(label, [t.seen for t in truths], KILLS)):
        folder = tmp_path / str(n)
        folder.mkdir()
        killed(truths[seed].logs, folder, ((label, occurrence), side), store_class)
        yield folder, truths[seed]


def test_the_job_does_what_it_should_be_killed_at(truths: list[Truth]) -> None:
    for truth in truths:
        assert set(truth.seen) == set(LABELS)
        assert len(truth.rows["autoir_incidents"]) == 1
        assert [m[2:4] for m in truth.messages] == [("pages", "open"), ("events", "open"), ("events", "auto_resolve")]
        empty = {table for table, found in truth.rows.items() if not found}
        assert empty == {"autoir_evidence", "autoir_feedback"}
    assert len({repr(t.rows["autoir_events"]) for t in truths}) == SEEDS
    assert {column.split(".")[0] for column in VOLATILE} < set(truths[0].rows)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("label", LABELS)
def test_a_job_that_was_killed_and_run_again_ends_with_the_same_rows(
    label: str, side: str, truths: list[Truth], tmp_path: Path
) -> None:
    again = set()
    for folder, truth in _after_kills(label, side, truths, tmp_path):
        assert rows(folder / "store.db") == truth.rows
        came = received(folder)
        assert sorted(set(came)) == sorted(truth.messages)
        again.add(len(came) - len(truth.messages))
    assert again == COMES_AGAIN.get((label, side), {0})


def test_a_cursor_that_is_committed_before_its_rows_is_found_out(truths: list[Truth], tmp_path: Path) -> None:
    runs = list(_after_kills("INSERT autoir_events", "before", truths, tmp_path, CursorFirst))
    differing = [sorted(t for t, found in rows(f / "store.db").items() if found != truth.rows[t]) for f, truth in runs]
    assert all("autoir_events" in tables for tables in differing)
