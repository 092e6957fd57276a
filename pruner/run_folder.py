"""Folders that a command goes on in: where it stood, and with which settings."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pruner.errors import PrunerError, PrunerUsageError
from pruner.scoring import write_json


def keep_settings(folder: Path, settings: Mapping[str, Any], *, anew: bool = False) -> None:
    """Note with which settings the results of a folder are made.

    Args:
        folder: Gets `settings.json`.
        settings: By name, as JSON can have them.
        anew: Whether there are no results yet, and what was noted before does not count.

    Raises:
        PrunerUsageError: There are results already, made with other settings.
    """
    path = folder / "settings.json"
    settings = json.loads(json.dumps(settings))  # JSON knows no tuples
    if anew or not path.is_file():
        write_json(path, settings)
        return
    known = read_json(path)
    names = sorted(known.keys() | settings.keys())
    if changed := [name for name in names if known.get(name) != settings.get(name)]:
        raise PrunerUsageError(
            f"{folder}: holds results with another {', '.join(changed)}; "
            "choose another --output, or delete that folder"
        )


def fingerprint(path: Path) -> str:
    """Tells one file's content from another's.

    Raises:
        PrunerError: No such file.
    """
    if not path.is_file():
        raise PrunerError(f"{path}: no such file")
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors and numbers by name, as a whole or not at all."""
    partial = path.with_name(path.name + ".part")
    torch.save(state, partial)
    partial.replace(path)


def load_state(path: Path, device: torch.device) -> dict[str, Any]:
    """What `save_state` wrote, on a device.

    Raises:
        PrunerError: It is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise PrunerError(f"{path}: damaged; start anew without --resume") from error
    return state
