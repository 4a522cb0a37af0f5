"""What stands before MiniStack: requests that it has no answer to are answered here, all others go through.

An answer is chosen by the ``X-Amz-Target`` of AWS's JSON protocol or by the path, and runs in a thread, in the account
and Region that the request is signed for.
"""

import asyncio
import contextvars
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ministack.core import responses, router

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Answer = Callable[..., tuple[int, bytes]]

TARGETS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""``X-Amz-Target`` to what answers it: a document for a document. ``Refusal`` becomes an error of AWS's."""

PATHS: dict[re.Pattern[str], Answer] = {}
"""Path to what answers it: the body and the path's groups for a status and a body."""


class Refusal(Exception):
    """What a service refuses: the name of AWS's exception and its words."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(message)


class Door:
    """The ASGI application in front of MiniStack's."""

    def __init__(self, inner: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
        answer = self._found(scope, headers)
        if answer is None:
            await self._inner(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        responses.set_request_account_id(router.extract_access_key_id(headers, {}))
        responses.set_request_region(router.extract_region(headers, {}))
        context = contextvars.copy_context()
        status, content = await asyncio.get_running_loop().run_in_executor(None, context.run, answer, body)
        kind = (b"content-type", b"application/x-amz-json-1.1")
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [kind, length]})
        await send({"type": "http.response.body", "body": content})

    def _found(self, scope: Scope, headers: dict[str, str]) -> Callable[[bytes], tuple[int, bytes]] | None:
        if scope["type"] != "http":
            return None
        if operation := TARGETS.get(headers.get("x-amz-target", "")):
            return lambda body: _document(operation, body)
        for pattern, answer in PATHS.items():
            if match := pattern.fullmatch(scope["path"]):
                return lambda body: answer(body, *match.groups())
        return None


def _document(operation: Callable[[dict[str, Any]], dict[str, Any]], body: bytes) -> tuple[int, bytes]:
    try:
        return 200, json.dumps(operation(json.loads(body or b"{}"))).encode()
    except Refusal as refused:
        return 400, json.dumps({"__type": refused.name, "message": str(refused)}).encode()
