"""Pictures with their mattes, from the folder layouts of the field's data sets."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from pruner.errors import PrunerError

T = TypeVar("T")

LAYOUTS = (
    ("image", "alpha"),
    ("fg", "alpha"),  # PPM-100 as PaddleSeg ships it
    ("original_image", "mask"),  # P3M-10k
    ("blurred_image", "mask"),
)
"""Folder of pictures, folder of mattes."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True)
class Pair:
    """A picture and its matte.

    Attributes:
        name: File name without its suffix.
        image: The picture.
        alpha: Its matte, a grey picture of the same size: 0 = background, 255 = person. None where
            nobody knows it.
    """

    name: str
    image: Path
    alpha: Path | None

    @property
    def source(self) -> str:
        """The data set within a collection: what stands before the name's first underscore."""
        return self.name.partition("_")[0] if "_" in self.name else ""


def pictures(folder: Path) -> list[Path]:
    """The picture files of a folder, in order of their names.

    Raises:
        PrunerError: No such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise PrunerError(f"{folder}: no such folder")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise PrunerError(f"{folder}: no pictures ({', '.join(sorted(SUFFIXES))})")
    return found


def pairs(root: Path) -> list[Pair]:
    """The pictures under `root` with their mattes, in order of their names.

    Raises:
        PrunerError: No known layout, or a picture without a matte or the other way round; the
        message names it.
    """
    if not root.is_dir():
        raise PrunerError(f"{root}: no such folder")
    if folders := layout(root):
        return _matched(*folders)
    expected = ", ".join(f"{image}/ + {alpha}/" for image, alpha in LAYOUTS)
    raise PrunerError(f"{root}: expected one of the folder pairs {expected}")


def layout(root: Path) -> tuple[Path, Path] | None:
    """The folder of pictures and the folder of mattes, if there are two such."""
    for image_folder, alpha_folder in LAYOUTS:
        if (root / image_folder).is_dir() and (root / alpha_folder).is_dir():
            return root / image_folder, root / alpha_folder
    return None


def _matched(image_folder: Path, alpha_folder: Path) -> list[Pair]:
    images = {path.stem: path for path in pictures(image_folder)}
    alphas = {path.stem: path for path in pictures(alpha_folder)}
    for have, want, where in ((images, alphas, alpha_folder), (alphas, images, image_folder)):
        if lonely := sorted(set(have) - set(want)):
            raise PrunerError(
                f"{have[lonely[0]]}: no {lonely[0]}.* in {where} ({len(lonely)} such files)"
            )
    return [Pair(name, images[name], alphas[name]) for name in sorted(images)]


def read_image(path: Path) -> NDArray[np.uint8]:
    """A picture as (H, W, 3) uint8 RGB, upright.

    Raises:
        PrunerError: Not a picture.
    """
    return np.ascontiguousarray(_decode(path, cv2.IMREAD_COLOR)[..., ::-1])


def read_cutout(path: Path) -> NDArray[np.uint8]:
    """A picture with transparency as (H, W, 4) uint8: RGB times opacity, and opacity.

    Raises:
        PrunerError: Not a picture, or one that has no opacity.
    """
    picture = _decode(path, cv2.IMREAD_UNCHANGED)
    if picture.shape[2:] != (4,):
        raise PrunerError(f"{path}: expected a picture with transparency, like a PNG of a thing")
    opacity = picture[..., 3:]
    colours = np.rint(picture[..., 2::-1] * (opacity / np.float32(255))).astype(np.uint8)
    return np.concatenate([colours, opacity], axis=2)


def read_pair(pair: Pair) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Picture (H, W, 3) uint8 RGB and matte (H, W) uint8, 0 everywhere where nobody knows it.

    Raises:
        PrunerError: One of them is not a picture, their sizes differ, or the matte is not grey.
    """
    image = read_image(pair.image)
    if pair.alpha is None:
        return image, np.zeros(image.shape[:2], np.uint8)
    alpha = _read_matte(pair.alpha)
    if image.shape[:2] != alpha.shape:
        raise PrunerError(
            f"{pair.alpha}: {alpha.shape[1]} x {alpha.shape[0]}, but {pair.image.name} is "
            f"{image.shape[1]} x {image.shape[0]}; a matte has its picture's size"
        )
    return image, alpha


def _read_matte(path: Path) -> NDArray[np.uint8]:
    """(H, W) uint8; what would be a matte only in another way is refused, not misread."""
    picture = _decode(path, cv2.IMREAD_UNCHANGED)
    if picture.ndim == 3:
        if picture.shape[2] == 4 and picture[..., 3].min() < 255:
            raise PrunerError(f"{path}: has transparency; expected grey, 0 = background to 255")
        picture = np.asarray(cv2.cvtColor(picture[..., :3], cv2.COLOR_BGR2GRAY), np.uint8)
    if picture.max() == 1:
        raise PrunerError(f"{path}: goes from 0 to 1; expected 0 = background to 255 = person")
    return picture


def _decode(path: Path, flag: int) -> NDArray[np.uint8]:
    # Not cv2.imread: it cannot open every path that Python can.
    try:
        picture = cv2.imdecode(np.fromfile(path, np.uint8), flag)
    except (OSError, cv2.error) as error:
        raise PrunerError(f"{path}: cannot be read ({error})") from error
    if picture is None:
        raise PrunerError(f"{path}: not a picture")
    if picture.dtype == np.uint16:  # a PNG of 16 bits, read unchanged
        picture = picture // 256
    return np.asarray(picture, np.uint8)


def balanced_weights(
    items: Sequence[Pair], emphasis: Mapping[str, float] | None = None
) -> list[float]:
    """Sampling weights: every data set counts alike, whatever its size.

    Args:
        items: Pictures.
        emphasis: How much more often than others a data set is drawn, by its name; 1 if not there.
    """
    emphasis = emphasis or {}
    sizes: dict[str, int] = {}
    for item in items:
        sizes[item.source] = sizes.get(item.source, 0) + 1
    return [emphasis.get(item.source, 1.0) / sizes[item.source] for item in items]


def spread(items: Sequence[T], count: int | None) -> list[T]:
    """At most `count` of the items, drawn evenly and always the same."""
    if count is None or count >= len(items):
        return list(items)
    chosen = random.Random(0).sample(range(len(items)), count)
    return [items[i] for i in sorted(chosen)]
