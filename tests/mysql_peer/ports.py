"""A port that is kept for a server while it is down: it comes back on the port of before, whoever asks meanwhile.

A socket that is bound and never listens keeps the system from giving its port to others, and lets one listen on it who
names it, as all servers do that may be started again at once (SO_REUSEADDR). So it is on Linux; elsewhere the port is
free in between.
"""

import socket
import sys


def kept() -> tuple[int, socket.socket]:
    """A port of 127.0.0.1, kept until the socket is closed."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    port = int(keeper.getsockname()[1])
    if sys.platform != "linux":
        keeper.close()
    return port, keeper
