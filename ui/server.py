"""Serves the page on this machine, and only to it unless a password guards it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.errors import UsageError
from stream.inference.model_files import WEIGHTS
from ui.guard import Guard
from ui.uploads import Limits
from ui.workplace import Workplace

QUEUE_PLACES = 8


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
    with tempfile.TemporaryDirectory(prefix="modnet-p-page-") as folder:
        workplace = Workplace(Path(folder), limits=limits, weights=weights)
        with _settings(workplace):
            page, url = _launch(workplace, address)
            try:
                yield url
            finally:
                workplace.close()
                page.close(verbose=False)


def _launch(workplace: Workplace, address: Address) -> tuple[Any, str]:
    """Build the page and begin to serve it; returns it with its address."""
    from starlette.middleware import Middleware

    from ui.page import build_page, page_css, page_js, page_theme

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
            max_file_size=workplace.limits.max_bytes,
            enable_monitoring=False,
            run_history=False,
            mcp_server=False,
            ssr_mode=False,
            pwa=False,
            footer_links=["api"],
            app_kwargs={"middleware": [Middleware(Guard, private=address.is_private)]},
            theme=page_theme(),
            css=page_css(),
            js=page_js(),
        )
    except OSError as error:
        raise UsageError(f"cannot serve the page: {error}", hint="try another --port") from error
    return page, url


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
