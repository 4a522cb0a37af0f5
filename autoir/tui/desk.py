"""One thread that alone touches a store, for a screen that must not wait for it.

A connection belongs to one thread, so everything that is asked of a store is asked here, one after the other. Who no
longer waits for an answer, because a newer question has taken the place of theirs, is passed over: the newest question
waits for at most one other. The thread is a daemon, for a server that does not answer must not keep a screen open.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

L = TypeVar("L")
T = TypeVar("T")

_LEAVING_S = 1.0


class Desk(Generic[L]):
    """Works on what ``opened`` gives, which is entered and left in the desk's own thread, at the first question.

    Where entering fails, that question does, and the next one tries again.
    """

    def __init__(self, opened: Callable[[], AbstractContextManager[L]]) -> None:
        self._opened = opened
        self._jobs: SimpleQueue[tuple[Callable[[L], Any], Future[Any]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    async def ask(self, work: Callable[[L], T]) -> T:
        """What ``work`` returns or raises. Cancelled before its turn, it is never begun."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="desk", daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._jobs.put((work, future))
        return await asyncio.wrap_future(future)

    def close(self, wait_s: float = _LEAVING_S) -> None:
        """Take no more questions, and leave the store unless it is held up for longer than ``wait_s``."""
        if self._thread:
            self._jobs.put(None)
            self._thread.join(wait_s)

    def _work(self) -> None:
        with ExitStack() as stack:
            found: list[L] = []
            while job := self._jobs.get():
                work, future = job
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    if not found:
                        found.append(stack.enter_context(self._opened()))
                    answer = work(found[0])
                except BaseException as error:  # noqa: BLE001 - raised where it was asked
                    future.set_exception(error)
                else:
                    future.set_result(answer)
