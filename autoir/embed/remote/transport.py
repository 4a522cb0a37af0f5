"""How a request reaches a model and what may come of it: the one interface of every remote engine.

A failure is one of three, for each calls for something else: no answer (try again), a refusal of this very request
(find the text that is to blame), or an UnreachableError (no use to try: no such endpoint, no permission).
"""

from collections.abc import Sequence
from typing import Protocol

CONNECT_S = 5.0
"""How long a connection may take to stand, in seconds."""

REPLY_BYTES = 16_000_000
"""A reply is read up to here; the largest that is meant to come has 4 MB."""

_REASON = 200


class NoAnswerError(Exception):
    """The endpoint gave no verdict on the request: the same one may succeed later.

    ``crashed``: the model itself failed at it. That may be the endpoint's trouble or a text that it cannot bear, so it
    is worth fewer tries.
    """

    def __init__(self, reason: str, *, crashed: bool = False) -> None:
        self.reason = one_line(reason)
        self.crashed = crashed
        super().__init__(self.reason)


class RequestRefusedError(Exception):
    """The endpoint is there and will not have this request, or answered it with what is no reply to it."""

    def __init__(self, reason: str) -> None:
        self.reason = one_line(reason)
        super().__init__(self.reason)


def one_line(text: str) -> str:
    """``text`` for a message: printable, on one line, cut to 200 characters. A server may say anything."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:_REASON]


class Transport(Protocol):
    """Carries texts to one endpoint."""

    @property
    def name(self) -> str:
        """The endpoint, as messages name it: no secret in it."""

    @property
    def hint(self) -> str:
        """What a person does when the endpoint does not answer."""

    def send(self, texts: Sequence[str], max_tokens: int, timeout_s: float) -> bytes:
        """The reply to one request for the vectors of ``texts``, each cut at ``max_tokens`` where the server can.

        ``timeout_s`` is how long the server may stay silent. Raises NoAnswerError, RequestRefusedError, or
        UnreachableError where trying again is no use.
        """

    def close(self) -> None:
        """Release connections."""
