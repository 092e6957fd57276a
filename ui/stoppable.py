"""Runs long handlers so that they end as soon as nobody wants them any more."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

import gradio as gr

from ui.visible_errors import shown

_END = object()

_working: defaultdict[str | None, set[threading.Event]] = defaultdict(set)
"""By visitor, what ends each piece of work. Of the thread that serves the page."""


async def gone(request: gr.Request) -> None:
    """End all that a visitor who has left the page had asked for; Gradio would wait for a step."""
    for stop in _working.get(request.session_hash, ()):
        stop.set()


def stoppable(
    work: Callable[..., Generator[Any, None, None]],
) -> Callable[..., AsyncIterator[Any]]:
    """A handler for Gradio, whose errors appear in the page.

    Gradio would end a plain generator only when that yields next, and would close it in the thread
    that serves the page, so that nobody is served meanwhile.

    Args:
        work: Yields what the page shows. Its keyword argument `stop` is an event that is set when
            the visitor presses Stop or has gone.
    """

    async def steps(request: gr.Request, *values: Any) -> AsyncIterator[Any]:
        visitor, stop = request.session_hash, threading.Event()
        _working[visitor].add(stop)
        working = work(*values, stop=stop)
        step: asyncio.Future[Any] | None = None
        try:
            while True:
                step = asyncio.ensure_future(asyncio.to_thread(next, working, _END))
                value = await asyncio.shield(step)
                if value is _END:
                    return
                yield value
        except Exception as error:
            raise shown(error) from error
        finally:
            stop.set()
            if step is not None:
                await asyncio.gather(step, return_exceptions=True)
            await asyncio.to_thread(working.close)
            _working[visitor].discard(stop)
            if not _working[visitor]:
                del _working[visitor]

    return steps
