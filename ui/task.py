"""What a model is to do, and the model made ready for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stream.cache import user_cache_dir
from stream.matting import MattePredictor


@dataclass(frozen=True)
class Task:
    """What a model is to do.

    Attributes:
        clip: The clip, somebody else's file.
        background: See `stream.background.open_background`.
        device: See `stream.devices.check_device`.
        size: The network's shorter side in pixels.
    """

    clip: Path
    background: str
    device: str = "CPU"
    size: int = 512


def open_model(model: str | Path, *, device: str, size: int, requests: int = 1) -> MattePredictor:
    """Open a model of the project by its name, or a visitor's by its path.

    The arguments and errors are those of `MattePredictor`.
    """
    # A visitor's model is not kept among the compiled ones: it is seen once.
    cache_dir = user_cache_dir() if isinstance(model, str) else None
    return MattePredictor(model, device=device, size=size, requests=requests, cache_dir=cache_dir)
