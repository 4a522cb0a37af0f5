"""A change of the model that is killed anywhere and run again ends as one that nobody disturbed."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from autoir.embed import fill_pending, switching
from autoir.embed.pending import LEASE_MS
from autoir.embed.switching import Switch
from autoir.store import Store, open_store
from tests.kill_job import KILLED, CountingDatabase, Kill
from tests.store.rows import NOON
from tests.store.test_switching import add, degraded, fill, fresh, new, old, rows


def reembed(path: Path, kill: Kill | None = None, now_ms: int = NOON) -> CountingDatabase:
    """The whole of it; a run after a kill begins when the dead one's lease is over."""
    database = CountingDatabase(path, kill)
    with closing(Store(database)) as store:
        store.migrate()
        engine = new()
        Switch(store, engine).run()
        fill(store, engine, now_ms)
    return database


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_killed_anywhere_and_run_again_it_ends_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "BATCH", 3)
    monkeypatch.setattr("autoir.embed.pending.STEP", 3)
    source = tmp_path / "source.db"
    with closing(open_store(f"sqlite:///{source}")) as store:
        add(store)
        fill_pending(store, old(), NOON)
    content = source.read_bytes()

    def copy(name: str) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    seen = reembed(copy("undisturbed.db")).seen
    expected = fresh(tmp_path, new())
    assert {"UPDATE autoir_patterns embed_state", "UPDATE autoir_patterns embedding", "INSERT autoir_meta"} < set(seen)
    # Right after a statement is right before the next one; only the last has none.
    places = [((label, n), "before") for label, count in seen.items() for n in range(count)]
    places.append((("COMMIT", seen["COMMIT"] - 1), "after"))
    assert len(places) > 30
    for number, kill in enumerate(places):
        path = copy(f"{number}.db")
        child = os.fork()
        if child == 0:
            try:
                reembed(path, kill)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED, kill
        reembed(path, now_ms=NOON + 2 * LEASE_MS)
        with closing(open_store(f"sqlite:///{path}")) as store:
            assert rows(store) == expected, kill
            assert degraded(store, new()) == "", kill
