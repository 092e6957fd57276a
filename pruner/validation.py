"""A quick look at the quality during training: fixed pictures, at the size the network works at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from models.modnet import STRIDE
from pruner.data import Pair, read_pair
from pruner.objectives import to_network


class Score(NamedTuple):
    """Means over pictures, alpha in [0, 1]: squared and absolute error, and IoU at one half."""

    mse: float
    mad: float
    iou: float


class Validation:
    """Pictures read once and kept.

    Args:
        items: Pictures with mattes.
        long_side: Size they are looked at; sides are rounded to multiples of 32.
        coarse: Judge the semantic prediction, not the matte.
    """

    def __init__(self, items: Sequence[Pair], long_side: int, *, coarse: bool = False) -> None:
        self._coarse = coarse
        self._pictures = [_resized(item, long_side) for item in items]

    @torch.inference_mode()
    def score(self, model: nn.Module) -> Score:
        """The model's mean scores; leaves it in evaluation mode."""
        model.eval()
        device = next(model.parameters()).device
        rows = []
        for image, alpha in self._pictures:
            matte = model(to_network(image.to(device)), coarse=self._coarse).matte.cpu()
            error = matte - alpha
            person, found = alpha > 0.5, matte > 0.5
            union = int((person | found).sum())
            iou = int((person & found).sum()) / union if union else 1.0
            rows.append((float(error.square().mean()), float(error.abs().mean()), iou))
        return Score(*np.mean(rows, axis=0).tolist())


def _resized(item: Pair, long_side: int) -> tuple[Tensor, Tensor]:
    image, alpha = read_pair(item)
    scale = long_side / max(alpha.shape)
    width, height = (max(STRIDE, round(n * scale / STRIDE) * STRIDE) for n in alpha.shape[::-1])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    matte = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
    return (
        torch.from_numpy(small.transpose(2, 0, 1).copy())[None].float() / 255,
        torch.from_numpy(matte)[None, None].float() / 255,
    )
