"""The conversion to what encoders take, by numbers."""

from __future__ import annotations

import numpy as np
import pytest

from stream.sinks.encode import PictureConverter


def luma(bgr: np.ndarray) -> np.ndarray:
    """BT.709 in limited range, not rounded."""
    return 16 + 219 / 255 * (bgr[..., ::-1].astype(float) @ (0.2126, 0.7152, 0.0722))


def test_no_picture_becomes_darker_or_lighter() -> None:
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    frame = PictureConverter("yuv420p", even=True, name="out.mp4").frame(image)
    error = frame.to_ndarray()[:48] - luma(image)
    assert abs(error.mean()) < 0.05
    assert np.abs(error).max() < 1


def test_grey_has_neutral_chroma_and_keeps_every_level_apart_from_rounding() -> None:
    image = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    frame = PictureConverter("yuv420p", even=True, name="matte.mp4").frame(image)
    planes = frame.to_ndarray()
    assert set(planes[4:].ravel()) == {128}
    assert np.abs(planes[:4] - (16 + image * (219 / 255))).max() < 1


@pytest.mark.parametrize("channels", [None, 3, 4])
def test_pictures_are_not_written_into(channels: int | None) -> None:
    image = np.full((5, 7) if channels is None else (5, 7, channels), 90, np.uint8)
    image.flags.writeable = False
    frame = PictureConverter("yuv420p", even=True, name="out.mp4").frame(image)
    assert (frame.width, frame.height) == (8, 6)


def test_a_view_into_a_larger_picture_is_taken_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (96, 128, 4), np.uint8)
    converter = PictureConverter("yuva444p10le", even=False, name="out.mov")
    converted = converter.frame(image[::2, ::2]).to_ndarray(format="bgra")
    assert np.abs(converted.astype(int) - image[::2, ::2]).max() <= 1
