"""A door to the server for processes that no test can reach into: it speaks TLS, and TiDB's dialect.

What ``wire.py`` does inside a process is done here on the way: a statement is captured, then translated. To a client
this is a server whose certificate an authority has signed. The handshake passes through as it is, but for the packet
that asks for TLS: it has a number, so all that follow it have another.
"""

import select
import socket
import ssl
from collections.abc import Sequence

from tests.mysql_peer import wire
from tests.mysql_peer.certificates import Authority
from tests.mysql_peer.dialect import translated
from tests.mysql_peer.proxy import COM_QUERY, Proxy
from tests.mysql_peer.server import Server

_CLIENT_SSL = 0x0800
_OK, _REFUSED = 0x00, 0xFF
_LONGEST = 0xFFFFFF
"""A packet of this length goes on in the next one."""
_CHUNK = 1 << 16


class Gateway(Proxy):
    """A door to ``server`` with a certificate of ``authority``."""

    def __init__(self, server: Server, authority: Authority) -> None:
        self._server = server
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(*authority.signed("valid"))
        super().__init__(server.port)

    def url(self, database: str, user: str) -> str:
        """How the product names a database, where the authority is one of those that it trusts."""
        return self._server.url(database, user, port=self.port, query="").removesuffix("?")

    def _relay(self, client: socket.socket, server: socket.socket, number: int) -> None:
        _, greeting = _packet(server)
        able = greeting.index(0, 1) + 1 + 4 + 8 + 1  # behind the version, the session and half of the nonce
        offered = int.from_bytes(greeting[able : able + 2], "little") | _CLIENT_SSL
        _send(client, 0, greeting[:able] + offered.to_bytes(2, "little") + greeting[able + 2 :])
        _packet(client)  # asks for TLS
        with self._tls.wrap_socket(client, server_side=True) as secured, self.can_cut(secured):
            if database := _admitted(secured, server):
                self._pass_on(secured, server, database)

    def _pass_on(self, client: ssl.SSLSocket, server: socket.socket, database: str) -> None:
        goes_on = False
        while True:
            ready = [client] if client.pending() else select.select([client, server], [], [])[0]
            if server in ready:
                answer = server.recv(_CHUNK)
                if not answer:
                    return
                client.sendall(answer)
            if client in ready:
                number, body = _packet(client)
                if body[:1] == bytes([COM_QUERY]) and not goes_on:
                    body = body[:1] + self._worded(body[1:], database)
                goes_on = len(body) == _LONGEST
                _send(server, number, body)

    def _worded(self, statement: bytes, database: str) -> bytes:
        if len(statement) > _CHUNK:  # rows: nothing of the dialect's
            return statement
        sql = statement.decode()
        wire.note(sql)

        def answer(question: str) -> Sequence[Sequence[object]]:
            return self._server.run(question, database=database)

        return translated(sql, answer).encode()


def _admitted(client: socket.socket, server: socket.socket) -> str:
    """Pass a login on. The database that it names; empty where it was refused."""
    number, login = _packet(client)
    asked = int.from_bytes(login[:4], "little") & ~_CLIENT_SSL
    _send(server, number - 1, asked.to_bytes(4, "little") + login[4:])
    while True:
        number, answer = _packet(server)
        _send(client, number + 1, answer)
        if answer[0] == _REFUSED:
            return ""
        if answer[0] == _OK:
            return _database(login)
        number, more = _packet(client)
        _send(server, number - 1, more)


def _database(login: bytes) -> str:
    """The database of a HandshakeResponse41: behind 32 bytes, the user, and the proof with its length."""
    proof = login.index(0, 32) + 1
    name = proof + 1 + login[proof]
    return login[name : login.index(0, name)].decode()


def _packet(end: socket.socket) -> tuple[int, bytes]:
    """The number of the next packet, and its body. Raises ConnectionError where ``end`` has gone."""
    head = _exactly(end, 4)
    return head[3], _exactly(end, int.from_bytes(head[:3], "little"))


def _exactly(end: socket.socket, length: int) -> bytes:
    found = bytearray()
    while len(found) < length:
        data = end.recv(min(_CHUNK, length - len(found)))
        if not data:
            raise ConnectionError("it has gone")
        found += data
    return bytes(found)


def _send(end: socket.socket, number: int, body: bytes) -> None:
    end.sendall(len(body).to_bytes(3, "little") + bytes([number]) + body)
