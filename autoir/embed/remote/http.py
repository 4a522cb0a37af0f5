"""Requests to a server that speaks HTTP as text-embeddings-inference (TEI) does: ``POST {url}/embed``.

Log text goes where ``url`` points to. So another machine is refused until its owner has said yes to that, a token is
read from the environment and never sent unencrypted, redirects are not followed, and a server on this machine is
reached without the proxies that the environment may name.
"""

import ipaddress
import json
import os
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from autoir import __version__
from autoir.embed.remote.transport import CONNECT_S, REPLY_BYTES, NoAnswerError, RequestRefusedError
from autoir.errors import UnreachableError, UsageError

_EXAMPLE = "Example: http://127.0.0.1:8080"
_AGAIN = frozenset({408, 425, 429})
_REFUSED = frozenset({400, 413, 422})
"""TEI: empty, too large, no text; 424 is a model that failed, 429 a full queue (router/src/http/server.rs)."""


class Http:
    """Posts to ``url``; ``token_env`` names the environment variable that holds a bearer token.

    Raises UsageError where ``url`` is no such address, or another machine's without ``allow_outside``.
    """

    def __init__(self, url: str, *, token_env: str = "", allow_outside: bool = False) -> None:
        self._url, outside = _checked(url, allow_outside)
        self.name = f"embedding server {self._url}"
        self.hint = (
            "Patterns wait for their vectors meanwhile, and search goes by words. Does it run,"
            f" and answer POST {self._url}/embed?"
        )
        headers = {"User-Agent": f"autoir/{__version__}", "Content-Type": "application/json"}
        if token_env:
            if outside and url.startswith("http:"):
                raise UsageError(f"The token in {token_env} would go unencrypted to {self._url}.", "Use https.")
            headers["Authorization"] = f"Bearer {_token(token_env)}"
        self._client = httpx.Client(follow_redirects=False, trust_env=outside, headers=headers)

    def send(self, texts: Sequence[str], max_tokens: int, timeout_s: float) -> bytes:
        """The reply to one request. TEI cuts texts at the length that it was started with, not at ``max_tokens``."""
        document = {"inputs": texts, "truncate": True, "normalize": True}
        content = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s))
        try:
            with self._client.stream("POST", f"{self._url}/embed", content=content, timeout=timeout) as answer:
                body = _read(answer)
        except httpx.TimeoutException as error:
            raise NoAnswerError(f"no answer within {timeout_s:g} s ({type(error).__name__})") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise NoAnswerError(f"no answer ({type(error).__name__})") from error
        if answer.is_success:
            return body
        status, said = answer.status_code, f"{answer.status_code} {body[:400].decode('utf-8', 'replace')}"
        if status in _REFUSED:
            raise RequestRefusedError(said)
        if status == 424:
            raise NoAnswerError(said, crashed=True)
        if status in _AGAIN or status >= 500:
            raise NoAnswerError(said)
        raise UnreachableError(f"The {self.name} answered {status} to POST /embed.", self.hint)

    def close(self) -> None:
        """Release connections."""
        self._client.close()


def _read(answer: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > REPLY_BYTES:
            raise RequestRefusedError(f"the reply is over {REPLY_BYTES:,} bytes")
    return bytes(body)


def _checked(url: str, allow_outside: bool) -> tuple[str, bool]:
    """``url`` without a slash at its end, and whether it is another machine's."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):  # which quotes a part of it, and that may be a password
        raise UsageError("The url of the embedding server is no address.", _EXAMPLE) from None
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError("The url of the embedding server does not begin with http:// and a host.", _EXAMPLE)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"The url of the embedding server at {host} holds more than an address.",
            "A token goes into an environment variable that the option token_env names.",
        )
    outside = not _is_loopback(host)
    if outside and not allow_outside:
        raise UsageError(
            f"The embedding server {host} is another machine: the text of your logs would be sent to it.",
            'If that is what you want, set the option allow_outside = "yes".',
        )
    return url.rstrip("/"), outside


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(name: str) -> str:
    token = os.environ.get(name, "")
    if not token or not token.isascii() or not token.isprintable():
        raise UsageError(f"The environment variable {name} holds no token.", "Set it, or leave token_env out.")
    return token
