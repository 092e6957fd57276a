"""Shows a visitor's own mistakes as one sentence, and hides everybody else's."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from stream.errors import StreamError

_log = logging.getLogger(__name__)


def sentence(error: StreamError) -> str:
    """What went wrong and what helps, as one sentence."""
    text = str(error).rstrip(".?")
    if error.hint:
        text += f"; {error.hint.rstrip('.?')}"
    if text.partition(" ")[0].isalpha():  # not the name of a file
        text = text[0].upper() + text[1:]
    return text + "."


def visible_errors(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A handler whose errors appear in the page; `ui.stoppable` has one for those that yield."""

    @functools.wraps(handler)
    def returning(*values: Any) -> Any:
        try:
            return handler(*values)
        except Exception as error:
            raise shown(error) from error

    return returning


def shown(error: Exception) -> gr.Error:
    """What the page shows of an error."""
    if isinstance(error, StreamError):
        # The page takes it for HTML, and a file may have any name.
        text = escape(sentence(error), quote=False)
        return gr.Error(text, duration=None, print_exception=False)  # until it is closed
    if isinstance(error, gr.Error):
        return error
    _log.error("a handler failed", exc_info=error)
    return gr.Error("This is a fault of the program; its log says more.", print_exception=False)
