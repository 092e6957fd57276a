"""Keeps the page to itself: what it may fetch, who may frame it, under which name it answers."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADERS = {
    "content-security-policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'; object-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""The browser is to fetch nothing from anywhere else, and nobody may put the page into theirs."""


class Guard:
    """Adds headers that keep the page to itself, and refuses requests that would lead outside.

    A page elsewhere could let its own name point to this machine and so reach a page that only
    this machine should see; such a request names that host. And where a file is expected, a request
    could give the address of one: Gradio would fetch it, and ask a name server on the internet.

    Args:
        app: What it guards.
        private: Whether only this machine may reach it.
    """

    def __init__(self, app: App, *, private: bool) -> None:
        self._app = app
        self._private = private

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._private and not _names_this_machine(scope):
            await _refuse(send, 421, b"this page is for localhost only")
            return
        if self._private and _header(scope, b"sec-fetch-site") == "cross-site" and _acts(scope):
            await _refuse(send, 403, b"this page takes nothing from another")
            return
        # Gradio reads a body as JSON whatever it is called; uploads are the one other kind.
        if _acts(scope) and not _header(scope, b"content-type").lower().startswith("multipart/"):
            body = await _body(receive)
            if _names_an_address(body):
                await _refuse(send, 400, b"upload the file: this page fetches none")
                return
            receive = _again(body, receive)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def _refuse(send: Send, status: int, words: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": words})


def _header(scope: Scope, name: bytes) -> str:
    return bytes(dict(scope["headers"]).get(name, b"")).decode("latin1")


def _acts(scope: Scope) -> bool:
    return scope["method"] not in ("GET", "HEAD", "OPTIONS")


def _names_this_machine(scope: Scope) -> bool:
    host = _header(scope, b"host")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that has been read already, and then whatever comes."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received


def _names_an_address(body: bytes) -> bool:
    """Whether a body of JSON gives an address where a file is expected."""
    try:
        left = [json.loads(body)]
    except ValueError:
        return False
    while left:
        data = left.pop()
        if isinstance(data, dict):
            path = data.get("path")
            if isinstance(path, str) and path.strip().lower().startswith(("http:", "https:")):
                return True
            left += data.values()
        elif isinstance(data, list):
            left += data
    return False
