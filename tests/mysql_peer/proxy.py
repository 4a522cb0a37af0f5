"""TCP proxies in front of the server. One breaks connections where it hurts: an answer that never arrives.

That one reads just enough of the protocol to know where a command begins. A command may be swallowed on its way in
(nothing happened) or its answer on the way out (it happened, and the client cannot know); both end in a closed
connection. It draws from a seed, one stream of numbers a connection, and delays nothing.
"""

import itertools
import random
import select
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self

from tests.mysql_peer import ports

COM_QUERY = 3
_CHUNK = 1 << 16


class Proxy(ABC):
    """Listens on 127.0.0.1:``port`` for the server at ``server_port``; a subclass says what becomes of a connection."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.connections = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.port, self._keeper = ports.kept()
        self.accept()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.refuse()
        self._keeper.close()

    def accept(self) -> None:
        """Take connections, on the port of before if it is not the first time."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._listen, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """End every connection, and refuse new ones until ``accept()``."""
        with suppress(OSError):  # closed already
            self._listener.shutdown(socket.SHUT_RDWR)  # close() alone would leave the thread in accept()
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End every connection; new ones are taken."""
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                number = self.connections
                self.connections += 1
            threading.Thread(target=self._serve, args=(client, number), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                return  # as a server that is down does
            with server, self.can_cut(client, server), suppress(OSError):  # one end has gone: so does the other
                self._relay(client, server, number)

    @contextmanager
    def can_cut(self, *ends: socket.socket) -> Iterator[None]:
        """Let ``cut`` end these."""
        with self._lock:
            self._open.update(ends)
        try:
            yield
        finally:
            with self._lock:
                self._open.difference_update(ends)

    @abstractmethod
    def _relay(self, client: socket.socket, server: socket.socket, number: int) -> None:
        """Serve the connection of that number until one end has gone, which is an OSError or an empty read."""


class FaultProxy(Proxy):
    """Loses what it is told to lose.

    ``lost_answers`` is how often the answer to a COMMIT is withheld, ``lost_commands`` how often another statement is
    not passed on, both as a share of one. ``dropped`` counts the first, ``killed`` the second. ``before_commit`` is
    told the number of each COMMIT, from 1 on, and what it does is done before that is passed on.
    """

    def __init__(
        self, server_port: int, *, seed: int = 0, lost_answers: float = 0.0, lost_commands: float = 0.0,
        before_commit: Callable[[int], object] = lambda number: None,
    ) -> None:  # fmt: skip
        self.seed, self.lost_answers, self.lost_commands = seed, lost_answers, lost_commands
        self.dropped = self.killed = 0
        self._before_commit, self._commits = before_commit, itertools.count(1)
        super().__init__(server_port)

    def _relay(self, client: socket.socket, server: socket.socket, number: int) -> None:
        draw = random.Random(f"{self.seed}/{number}")
        commands = _Commands()
        withheld = False
        while True:
            for end in select.select([client, server], [], [])[0]:
                data = end.recv(_CHUNK)
                if not data or (end is server and withheld):
                    return
                if end is server:
                    client.sendall(data)
                    continue
                sql = commands.begun(data)
                if sql == b"COMMIT":
                    self._before_commit(next(self._commits))
                    withheld = draw.random() < self.lost_answers
                    self.dropped += withheld
                elif sql and draw.random() < self.lost_commands:
                    self.killed += 1
                    return
                server.sendall(data)


class _Commands:
    """Where a statement begins in what a client sends: packets of a length of three bytes, a number, a body."""

    def __init__(self) -> None:
        self._missing = 0

    def begun(self, data: bytes) -> bytes:
        """The start of the statement that ``data`` begins with; empty for the rest of one, or another command.

        A client waits for the answer before it sends the next command, so ``data`` never holds two.
        """
        if self._missing:
            self._missing -= min(len(data), self._missing)
            return b""
        length = int.from_bytes(data[:3], "little")
        self._missing = max(0, 4 + length - len(data))
        return data[5 : 4 + length] if data[3:5] == bytes([0, COM_QUERY]) else b""
