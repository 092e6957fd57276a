"""Whether an exported file computes what the network in torch does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray

from models.modnet import STRIDE, MODNet
from pruner.data import pictures, read_image
from pruner.errors import PrunerError
from pruner.openvino_ir import PictureToMatte, infer

Picture = NDArray[np.uint8]
"""(H, W, 3) uint8 BGR, sides multiples of 32."""

IR_TOLERANCE = 4
"""Grey levels: norms that are folded into float16 convolutions are rounded once more. In networks
that have learnt little, a few pixels are 2 off; those that are trained stay within 1."""

ONNX_TOLERANCE = 1e-3
"""Of alpha in [0, 1]."""

SAMPLES = 8
LONG_SIDE = 512


def made_pictures() -> list[Picture]:
    """Pictures to compare on where there are no real ones: something like a person, and noise."""
    rng = np.random.default_rng(0)
    made = []
    for width, height in ((256, 320), (320, 192)):
        rows, columns = np.mgrid[0 : 1 : 1j * height, 0 : 1 : 1j * width]
        scene = np.stack([200 * rows, 120 * columns + 60, 255 * (1 - rows)], axis=2)
        picture = np.clip(scene + rng.normal(0, 8, scene.shape), 0, 255).astype(np.uint8)
        centre = (width // 2, height)
        cv2.ellipse(picture, centre, (width // 4, height // 2), 0, 0, 360, (60, 50, 90), -1)
        cv2.circle(picture, (width // 2, height // 3), height // 6, (140, 170, 220), -1)
        made.append(picture)
    return [*made, rng.integers(0, 256, (96, 64, 3), np.uint8)]


def sample_pictures(folder: Path) -> list[Picture]:
    """A few pictures of a folder, drawn evenly, at the size the network works at.

    Raises:
        PrunerError: No such folder, or no picture in it, or one that cannot be read.
    """
    paths = pictures(folder)
    return [fitted(read_image(path)[..., ::-1]) for path in paths[:: -(-len(paths) // SAMPLES)]]


def fitted(picture: NDArray[np.uint8], size_wh: tuple[int, int] | None = None) -> Picture:
    """A picture of any size at a given one, or with sides that are multiples of 32."""
    if size_wh is None:
        return _scaled(picture, LONG_SIDE / max(picture.shape[:2]))
    return np.asarray(cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA), np.uint8)


def seen(picture: NDArray[np.uint8], short_side: int) -> Picture:
    """A picture of any size as the network sees it at work.

    Args:
        picture: (H, W, 3), or a matte (H, W).
        short_side: What its shorter side should be in pixels.
    """
    return _scaled(picture, short_side / min(picture.shape[:2]))


def _scaled(picture: NDArray[np.uint8], scale: float) -> Picture:
    height, width = (max(1, round(side * scale / STRIDE)) * STRIDE for side in picture.shape[:2])
    return fitted(picture, (width, height))


def check_ir(path: Path, model: MODNet, samples: Sequence[Picture]) -> int:
    """Compare an IR with the network it was made from.

    Returns:
        The largest difference in grey levels.

    Raises:
        PrunerError: It is larger than `IR_TOLERANCE`.
    """
    reference = PictureToMatte(model).eval()
    difference = 0
    for sample, matte in zip(samples, infer(path, samples), strict=True):
        with torch.inference_mode():
            expected = reference(torch.from_numpy(np.ascontiguousarray(sample))[None]).numpy()[0, 0]
        difference = max(difference, int(np.abs(matte.astype(int) - expected).max()))
    if difference > IR_TOLERANCE:
        raise PrunerError(
            f"{path.name}: its mattes differ from torch's by up to {difference} grey levels, "
            f"allowed is {IR_TOLERANCE}; it was not kept"
        )
    return difference


def check_onnx(path: Path, model: MODNet, samples: Sequence[Picture]) -> float:
    """Compare an ONNX file with the network it was made from.

    Returns:
        The largest difference in alpha.

    Raises:
        PrunerError: It is larger than `ONNX_TOLERANCE`.
    """
    compiled = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    difference = 0.0
    for sample in samples:
        image = torch.from_numpy(
            sample[None, ..., ::-1].transpose(0, 3, 1, 2) / np.float32(127.5) - 1
        )
        with torch.inference_mode():
            expected = model(image).matte.numpy()
        difference = max(difference, float(np.abs(compiled(image.numpy())[0] - expected).max()))
    if difference > ONNX_TOLERANCE:
        raise PrunerError(
            f"{path.name}: its mattes differ from torch's by up to {difference:.2g}, allowed is "
            f"{ONNX_TOLERANCE:.0e}; it was not kept"
        )
    return difference
