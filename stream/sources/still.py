"""Still images: one, or a folder of them."""

from __future__ import annotations

import itertools
import logging
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from stream.errors import InputError
from stream.frame import Frame, Image
from stream.source import SourceInfo
from stream.sources.closable import ClosableSource
from stream.sources.image_size import claimed_size

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif"}
)
"""What counts as an image by its name. HEIC is among them to be refused with its own name."""

MAX_PIXELS = 100_000_000

_log = logging.getLogger(__name__)


def open_image(path: Path) -> StillSource:
    """Open one image.

    Raises:
        InputError: It cannot be decoded or is too large.
    """
    image = read_image(path)
    return StillSource([path], name=path.name, first=(0, image))


def open_folder(path: Path) -> StillSource:
    """Open every image in a folder, in natural order: 2.png before 10.png.

    Raises:
        InputError: There is none, or none that can be read.
    """
    try:
        paths = sorted(filter(_is_image, path.iterdir()), key=natural_order)
    except OSError as error:
        raise InputError(f"cannot read the folder {path}: {error.strerror}") from error
    if not paths:
        raise InputError(f"no image in the folder {path}", hint="PNG, JPEG, WebP, TIFF are read")
    first = next(_readable(enumerate(paths)), None)
    if first is None:
        raise InputError(f"none of the {len(paths)} images in the folder {path} can be read")
    return StillSource(paths, name=path.resolve().name, first=first)


class StillSource(ClosableSource):
    """One frame for each image; its `pts` is the image's place in `names`.

    An image that cannot be read is left out with a warning, and its place with it.

    Args:
        paths: The images, in order.
        name: For messages.
        first: The first one that can be read, and its place.
    """

    def __init__(self, paths: Sequence[Path], *, name: str, first: tuple[int, Image]) -> None:
        super().__init__()
        self.names = [path.name for path in paths]
        self._paths = paths
        self._first: tuple[int, Image] | None = first
        self.info = SourceInfo(
            name=name,
            size_wh=first[1].shape[1::-1],
            time_base=Fraction(1),
            frame_rate=Fraction(1),
            frame_count=len(paths),
            duration_s=float(len(paths)),
            is_still=True,
        )

    def _read(self) -> Iterator[Frame]:
        assert self._first is not None
        place, image = self._first
        self._first = None
        yield self._frame(place, image)
        rest = itertools.islice(enumerate(self._paths), place + 1, None)
        for place, image in _readable(rest):
            yield self._frame(place, image)

    def _frame(self, place: int, image: Image) -> Frame:
        return Frame(image, place, self.info.time_base, captured_at=time.perf_counter())

    def _release(self) -> None:
        pass  # files are open only while they are read


def _readable(numbered: Iterable[tuple[int, Path]]) -> Iterator[tuple[int, Image]]:
    for place, path in numbered:
        try:
            yield place, read_image(path)
        except InputError as error:
            _log.warning("skipped: %s", error)


def _is_image(path: Path) -> bool:
    is_hidden = path.name.startswith(".")
    return path.is_file() and path.suffix.lower() in IMAGE_SUFFIXES and not is_hidden


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Sorting key by name that takes runs of digits for numbers."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def read_image(path: Path) -> Image:
    """Read an image as it is meant to be seen; returns (H, W, 3) uint8 BGR.

    Its EXIF orientation is applied, transparent parts show white, 16 bits become 8, grey becomes
    BGR.

    Raises:
        InputError: It cannot be read or decoded, or has more than `MAX_PIXELS`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    width, height = claimed_size(data) or (0, 0)
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{path.name} is {width} x {height}: more than {MAX_PIXELS // 1_000_000} megapixels",
            hint="scale it down first",
        )
    image = _decode(np.frombuffer(data, np.uint8))
    if image is None:
        raise InputError(
            f"{path.name} is not an image that can be read", hint="convert it to PNG or JPEG"
        )
    return image


def _decode(data: NDArray[np.uint8]) -> Image | None:
    try:
        # Only the unchanged picture has its alpha; only the one in colour is sure to be upright.
        if data.size and not _is_jpeg(data):
            unchanged = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
            if unchanged is not None and unchanged.ndim == 3 and unchanged.shape[2] == 4:
                return _over_white(unchanged)
        return cast("Image | None", cv2.imdecode(data, cv2.IMREAD_COLOR))
    except cv2.error:
        return None


def _is_jpeg(data: NDArray[np.uint8]) -> bool:
    return bytes(data[:2]) == b"\xff\xd8"


def _over_white(bgra: MatLike) -> Image:
    if bgra.dtype == np.uint16:
        bgra = (bgra // 257).astype(np.uint8)
    alpha = bgra[..., 3:].astype(np.float32) / 255
    return np.rint(255 + (bgra[..., :3] - np.float32(255)) * alpha).astype(np.uint8)
