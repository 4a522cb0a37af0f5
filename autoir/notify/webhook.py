"""Every change of an incident, posted as JSON to one address.

Log lines leave the machine by it, so it is off unless an address is set, only TLS will do (but on the machine itself),
a redirect is not followed, and of the answer nothing but its status is read. ``Idempotency-Key`` is the message's id: a
receiver that has seen it may drop the message.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import httpx

from autoir import __version__
from autoir.errors import UnreachableError, UsageError
from autoir.notify.messages import EVENTS, Message, RefusedError
from autoir.store.rows import OutboxRow

TIMEOUT_S = 10.0
"""For connecting, and for each wait of a request: a receiver that takes longer is asked again later."""

_NEVER = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422, 431})
"""Answers about the message itself (RFC 9110): the same request gets the same again. All others may pass: credentials
are mended (401, 403), routes appear (404), limits lift (408, 425, 429), servers recover."""


class Webhook:
    """Posts the message document to ``url``. Raises UsageError where ``url`` is no address it may post to."""

    name = "webhook"
    channel = EVENTS

    def __init__(
        self, url: str, *, headers: Mapping[str, str] | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._host = _checked(url)
        self._url = url
        self._client = httpx.Client(
            timeout=TIMEOUT_S,
            limits=httpx.Limits(max_keepalive_connections=0),
            follow_redirects=False,
            transport=transport,
            headers={"User-Agent": f"autoir/{__version__}", **(headers or {})},
        )

    def send(self, row: OutboxRow, message: Message) -> None:
        """Post; any 2xx is an acceptance."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": message["id"]}
        request = self._client.build_request("POST", self._url, content=row.body.encode(), headers=headers)
        try:
            answer = self._client.send(request, stream=True)
            answer.close()
        except httpx.HTTPError as error:
            raise UnreachableError(f"{self._host}: {_reason(error)}.") from error
        if answer.is_success:
            return
        said = f"{self._host} answered {answer.status_code}"
        if answer.status_code in _NEVER:
            raise RefusedError(f"{said} to message {message['id']}.")
        raise UnreachableError(f"{said}.")


def _reason(error: httpx.HTTPError) -> str:
    """What went wrong, without the address: it may hold a token."""
    kind = type(error).__name__
    return f"no answer within {TIMEOUT_S:g} s" if isinstance(error, httpx.TimeoutException) else f"no answer ({kind})"


def _checked(url: str) -> str:
    example = "Example: webhook_url = 'https://alerts.example.com/autoir'"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):  # which quotes a part of it, and that may be a password
        raise UsageError("webhook_url is no address.", example) from None
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError("webhook_url is no address that begins with https://.", example)
    if parts.scheme == "http" and not _is_loopback(host):
        raise UsageError(
            f"webhook_url: http://{host} would send log lines unencrypted.",
            "Use https; http is for this machine alone (127.0.0.1).",
        )
    return host


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
