"""The best estimate of the person's colours, for pictures that may take their time."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.frame import Alpha, Image

_log = logging.getLogger(__name__)


def multilevel_foreground(image: Image, alpha: Alpha) -> Image | None:
    """Estimate the colour of the person by PyMatting (Germer et al., ICPR 2020).

    Args:
        image: (H, W, 3) uint8 BGR.
        alpha: (H, W) uint8.

    Returns:
        (H, W, 3) uint8 BGR; None, and once a warning, where PyMatting is not installed.
    """
    estimate = _estimator()
    if estimate is None:
        return None
    foreground: NDArray[np.float64] = estimate(image / 255.0, alpha / 255.0)
    return np.rint(foreground * 255).astype(np.uint8)


@cache
def _estimator() -> Any:
    try:
        from pymatting import estimate_foreground_ml  # compiles itself: seconds, the first time
    except ImportError:
        _log.warning("PyMatting is not installed: blur fusion is used (pip install pymatting)")
        return None
    return estimate_foreground_ml
