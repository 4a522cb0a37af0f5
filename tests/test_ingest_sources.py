"""Where events come from: a file read on where it was left, one that is followed, a pipe."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoir import ingest as job
from autoir.clock import MINUTE_MS
from autoir.errors import UsageError
from autoir.ingest import Ingest, follow_file, read_file, read_pipe
from autoir.metrics import Tally
from autoir.settings import Settings
from autoir.store import Store, migrated
from autoir.store.sqlite import SqliteDatabase
from autoir.tail.files import LogFile

NOW = 1_772_452_800_000  # 2026-03-02 12:00:00 UTC
GROUP = "/shop/api"


def clock() -> int:
    return NOW


def a_store(path: Path) -> Store:
    return migrated(SqliteDatabase(path / "autoir.db", durable=False))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = a_store(tmp_path)
    yield store
    store.close()


def messages(store: Store) -> list[str]:
    return [event.message for event in store.latest(GROUP, 10_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def read(store: Store, path: Path, **more: object) -> Tally:
    run = Ingest(store, Settings(), clock)
    read_file(run, LogFile(path), GROUP, path.name, clock=clock, **more)  # type: ignore[arg-type]
    return run.tally


def line(n: int, text: str = "served") -> str:
    return f"2026-03-02T11:{n // 60:02d}:{n % 60:02d}Z {text} {n}\n"


def test_a_file_is_read_on_where_it_was_left(store: Store, path: Path) -> None:
    path.write_text("".join(line(n) for n in range(5)))
    assert read(store, path).stored == 5
    assert read(store, path).received == 0
    with path.open("a") as stream:
        stream.write("".join(line(n) for n in range(5, 8)))
    assert (read(store, path).received, store.stats().events) == (3, 8)
    assert (read(store, path, restart=True).duplicate, store.stats().events) == (8, 8)
    path.write_text("".join(line(n, "rewritten") for n in range(2)))
    assert (read(store, path).stored, store.stats().events) == (2, 10)


def test_a_last_line_that_was_not_ended_is_stored_whole_once_it_is(store: Store, path: Path) -> None:
    path.write_text(line(0) + line(1).strip())
    assert read(store, path).stored == 2
    assert read(store, path).received == 0
    path.write_text(line(0) + line(1) + line(2))
    assert read(store, path).stored == 1
    assert messages(store) == [line(n).strip() for n in range(3)]
    path.write_text(line(0) + line(1) + line(2) + line(3)[:25])
    read(store, path)
    path.write_text(line(0) + line(1) + line(2) + line(3) + line(4))
    assert read(store, path).stored == 2
    assert messages(store)[-2:] == [line(3).strip(), line(4).strip()]


def test_an_undated_line_keeps_its_time_over_a_stop(store: Store, path: Path) -> None:
    path.write_text(line(0))
    read(store, path)
    path.write_text(line(0) + "undated\n")
    read(store, path)
    [first, second] = store.latest(GROUP, 9)
    assert (first.ts_ms, second.message) == (second.ts_ms, "undated")


def test_lines_without_any_time_have_the_files(store: Store, path: Path) -> None:
    path.write_text("one\n")
    os.utime(path, (NOW / 1000 - 60, NOW / 1000 - 60))
    read(store, path)
    path.write_text("one\ntwo\n")
    os.utime(path, (NOW / 1000, NOW / 1000))
    read(store, path)
    assert [event.ts_ms for event in store.latest(GROUP, 9)] == [NOW - MINUTE_MS, NOW]


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_batches_of_any_size_give_the_same_rows(
    store: Store, path: Path, batch: int, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path.write_text("undated\n" + line(0) + "undated\n" + line(1) + "  more\n" + "undated\n" + line(2) + "end")
    read(store, path)
    other = a_store(tmp_path_factory.mktemp("other"))
    monkeypatch.setattr(job, "BATCH_EVENTS", batch)
    read(other, path)
    for table in ("events", "counts", "patterns", "streams"):
        sql = f"SELECT * FROM autoir_{table} ORDER BY 1, 2, 3"
        assert store.query(sql) == other.query(sql)
    assert store.query("SELECT watermark_ms, token FROM autoir_cursors") == other.query(
        "SELECT watermark_ms, token FROM autoir_cursors"
    )
    other.close()


def steps(*actions: Callable[[], object]) -> Callable[[], bool]:
    """A ``wait`` that does one action each time it is called, then ends the following."""
    left = list(actions)

    def wait() -> bool:
        if not left:
            return False
        left.pop(0)()
        return True

    return wait


def append(path: Path, text: str) -> Callable[[], object]:
    def write() -> None:
        with path.open("a") as stream:
            stream.write(text)

    return write


def test_a_file_is_followed_through_growth_and_rotation(store: Store, path: Path) -> None:
    path.write_text(line(0))
    seen: list[int] = []
    wait = steps(
        lambda: seen.append(store.stats().events),
        append(path, line(1) + "  trace 1\n"),
        append(path, "  trace 2\n" + line(2)),
        lambda: seen.append(store.stats().events),
        append(path, line(3)),
        lambda: path.rename(path.with_name("app.log.1")),
        append(path, line(4, "new") + line(5, "new")),
        append(path, "not en"),
        append(path, "ded\n"),
    )
    run = Ingest(store, Settings(), clock)
    follow_file(run, path, GROUP, "app.log", clock=clock, wait=wait)
    assert sorted(messages(store)) == sorted([
        line(0).strip(), line(1).strip() + "\n  trace 1\n  trace 2", line(2).strip(), line(3).strip(),
        line(4, "new").strip(), line(5, "new").strip(), "not ended",
    ])  # fmt: skip
    assert seen == [0, 2]
    assert run.tally.duplicate == 0


def pipe(store: Store, content: bytes, **more: object) -> Tally:
    run = Ingest(store, Settings(), clock)
    read_pipe(run, io.BytesIO(content), GROUP, "stdin", clock=clock, **more)  # type: ignore[arg-type]
    return run.tally


def test_a_pipe_stores_its_lines_and_knows_them_again(store: Store) -> None:
    content = (line(0) + line(0) + line(1) + "  trace\n" + '{"logGroup":"/x","message":"m"}\n').encode()
    assert (pipe(store, content).stored, pipe(store, content).duplicate) == (3, 3)
    assert messages(store) == [line(0).strip(), line(0).strip(), line(1).strip() + "\n  trace"]


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (b"2026-03-02T12:00:00.000000+00:00 a/b x\nmore\n2026-03-02T12:00:00.000000+00:00 a/b y\n", 2),
        (b"", 0),
        (b"\n\n", 0),
        (b"no end", 1),
    ],
)
def test_a_pipe_takes_what_a_file_may_hold(store: Store, content: bytes, count: int) -> None:
    assert pipe(store, content).stored == count


def test_a_binary_pipe_is_refused(store: Store) -> None:
    with pytest.raises(UsageError, match="binary"):
        pipe(store, bytes(range(128, 256)) * 9 + b"\n")
    assert store.stats().events == 0
