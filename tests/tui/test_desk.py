"""The desk: one thread for the store, each question in its turn, none that nobody waits for."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from autoir.errors import UnreachableError
from autoir.tui.desk import Desk


class Opening:
    """Notes from which threads it is entered and left; fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.notes: list[tuple[str, int]] = []

    @contextmanager
    def __call__(self) -> Iterator[str]:
        if self.failures:
            self.failures -= 1
            raise UnreachableError("nobody there")
        self.notes.append(("entered", threading.get_ident()))
        yield "library"
        self.notes.append(("left", threading.get_ident()))


def test_everything_is_done_by_one_other_thread() -> None:
    opening = Opening()
    desk = Desk(opening)

    async def ask() -> list[int]:
        return [await desk.ask(lambda library: threading.get_ident()) for _ in range(3)]

    threads = asyncio.run(ask())
    desk.close(wait_s=60)
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    assert opening.notes == [("entered", threads[0]), ("left", threads[0])]


def test_a_desk_that_nobody_asked_opens_nothing() -> None:
    opening = Opening()
    Desk(opening).close()
    assert opening.notes == []


def test_what_fails_is_raised_where_it_was_asked_and_the_next_is_answered() -> None:
    desk = Desk(Opening(failures=1))

    async def ask() -> str:
        with pytest.raises(UnreachableError, match="nobody there"):
            await desk.ask(str.upper)
        with pytest.raises(ZeroDivisionError):
            await desk.ask(lambda library: 1 / 0)
        return await desk.ask(str.upper)

    assert asyncio.run(ask()) == "LIBRARY"
    desk.close()


def test_a_question_that_nobody_waits_for_is_not_begun() -> None:
    desk, begun, go_on, done = Desk(Opening()), threading.Event(), threading.Event(), list[str]()

    def slow(library: str) -> None:
        begun.set()
        assert go_on.wait(60)
        done.append("slow")

    async def ask() -> None:
        first = asyncio.create_task(desk.ask(slow))
        await asyncio.to_thread(begun.wait, 60)
        second = asyncio.create_task(desk.ask(lambda library: done.append("second")))
        third = asyncio.create_task(desk.ask(lambda library: done.append("third")))
        await asyncio.sleep(0)  # until both are asked
        second.cancel()
        first.cancel()  # begun already: it ends, for nobody
        await asyncio.sleep(0)
        go_on.set()
        await third

    asyncio.run(ask())
    desk.close()
    assert done == ["slow", "third"]


def test_a_store_that_does_not_answer_holds_nobody_up() -> None:
    desk, begun, go_on = Desk(Opening()), threading.Event(), threading.Event()

    async def ask() -> None:
        task = asyncio.create_task(desk.ask(lambda library: (begun.set(), go_on.wait(60))))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()

    asyncio.run(ask())
    desk.close(wait_s=0)
    go_on.set()
