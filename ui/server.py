"""Serves the page on this machine, and only to it unless a password guards it."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.errors import UsageError
from stream.model_files import WEIGHTS
from ui.uploads import Limits
from ui.workplace import Workplace

QUEUE_PLACES = 8

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_HEADERS = {
    "content-security-policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "frame-ancestors 'none'; form-action 'self'; base-uri 'self'; object-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""The browser is to fetch nothing from anywhere else, and nobody may put the page into theirs."""


@dataclass(frozen=True)
class Address:
    """Where the page is served.

    Attributes:
        host: Name or address to listen on.
        port: Port to listen on; None for the first free one from 7860 on.
        login: User and password; None for none, which only this machine itself may have.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    login: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if not self.is_private and self.login is None:
            raise UsageError(
                f"{self.host} can be reached from other machines, so the page needs a password",
                hint="add --auth USER:PASSWORD",
            )

    @property
    def is_private(self) -> bool:
        """Whether only this machine itself can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


@contextlib.contextmanager
def serve(
    address: Address, *, limits: Limits | None = None, weights: Path = WEIGHTS
) -> Iterator[str]:
    """Serve the page as long as the `with` block runs; yields its address.

    Everything that visitors bring and get lies in a folder that is gone afterwards.

    Raises:
        UsageError: The address cannot be listened on.
    """
    limits = limits or Limits()
    with (
        tempfile.TemporaryDirectory(prefix="modnet-p-page-") as folder,
        contextlib.ExitStack() as exits,
    ):
        workplace = Workplace(Path(folder), limits=limits, weights=weights)
        exits.enter_context(_settings(workplace))
        from ui.page import build_page, page_css, page_theme

        page = build_page(workplace)
        page.queue(max_size=QUEUE_PLACES, default_concurrency_limit=1)
        try:
            _, url, _ = page.launch(
                server_name=address.host,
                server_port=address.port,
                auth=address.login,
                share=False,
                quiet=True,
                prevent_thread_lock=True,
                show_error=False,
                max_file_size=limits.max_bytes,
                enable_monitoring=False,
                run_history=False,
                mcp_server=False,
                ssr_mode=False,
                pwa=False,
                footer_links=["api"],
                app_kwargs={"middleware": [_guard(address)]},
                theme=page_theme(),
                css=page_css(),
            )
        except OSError as error:
            raise UsageError(
                f"cannot serve the page: {error}", hint="try another --port"
            ) from error
        try:
            yield url
        finally:
            workplace.stop.set()
            page.close(verbose=False)


@contextlib.contextmanager
def _settings(workplace: Workplace) -> Iterator[None]:
    """What Gradio takes from the environment; it must be there before Gradio is imported."""
    wanted = {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(workplace.uploads),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _guard(address: Address) -> Any:
    from starlette.middleware import Middleware

    return Middleware(Guard, private=address.is_private)


class Guard:
    """Adds headers that keep the page to itself, and refuses requests under a foreign name.

    A page elsewhere could let its own name point to this machine and so reach a page that only
    this machine should see; such a request names that host.

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
            await send({"type": "http.response.start", "status": 421, "headers": []})
            await send({"type": "http.response.body", "body": b"this page is for localhost only"})
            return

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *extra]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _names_this_machine(scope: Scope) -> bool:
    host = dict(scope["headers"]).get(b"host", b"").decode("latin1")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
