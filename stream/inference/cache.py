"""Where compiled networks are kept between runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_cache_dir() -> Path | None:
    """A directory for what can be made again; None where nothing can be written."""
    try:
        directory = _base_dir() / "modnet-p"
        directory.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # of Path.home(), for a user without any
        return None
    return directory if os.access(directory, os.W_OK) else None


def _base_dir() -> Path:
    """Where the system keeps what can be made again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
