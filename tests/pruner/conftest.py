"""Fixtures of the pruner's tests."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

# The networks here are tiny: a second thread gains nothing, and costs much on a busy machine.
torch.set_num_threads(1)


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    """Two pictures of a bright square, and their mattes."""
    for folder in ("image", "alpha"):
        (tmp_path / folder).mkdir()
    alpha = np.zeros((80, 64), np.uint8)
    alpha[20:60, 16:48] = 255
    for name in "ab":
        image = np.where(alpha[..., None] > 0, 200, 30).astype(np.uint8).repeat(3, axis=2)
        cv2.imwrite(str(tmp_path / "image" / f"{name}.png"), image)
        cv2.imwrite(str(tmp_path / "alpha" / f"{name}.png"), alpha)
    return tmp_path
