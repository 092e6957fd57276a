"""Packages that only some features need, loaded when they are."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from stream.errors import UsageError


def optional_module(name: str, *, needed_for: str) -> ModuleType:
    """Import a module that may not be installed.

    Args:
        name: Of the module; the package to install is called the same up to the first dot.
        needed_for: What cannot be done without it, for the message.

    Raises:
        UsageError: It is not installed, or does not load.
    """
    package = name.partition(".")[0]
    try:
        return import_module(name)
    except ImportError as error:
        raise UsageError(
            f"{needed_for} needs {package}: {error}", hint=f"pip install {package}"
        ) from error
