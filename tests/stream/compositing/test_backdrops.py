from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from stream.compositing import backdrops
from stream.compositing.backdrops import PictureBackground, TransparentBackground, colour_background
from stream.compositing.fit import Fit
from stream.frame import Frame, Image, MattedFrame


def frame(size_wh: tuple[int, int]) -> MattedFrame:
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    return MattedFrame(Frame(image, 0, Fraction(1, 30), captured_at=0.0), image[..., 0])


def picture(size_wh: tuple[int, int]) -> Image:
    return np.random.default_rng(0).integers(0, 256, (size_wh[1], size_wh[0], 3), np.uint8)


def test_a_colour_is_everywhere_in_frames_of_every_size() -> None:
    background = colour_background((1, 2, 3))
    for size_wh in [(64, 48), (7, 90), (64, 48)]:
        shown = background.picture(frame(size_wh))
        assert shown.shape == (size_wh[1], size_wh[0], 3)
        assert (shown == (1, 2, 3)).all()


def test_a_picture_is_fitted_once_for_frames_of_one_size() -> None:
    background = PictureBackground(picture((100, 80)), Fit.COVER)
    first = background.picture(frame((64, 48)))
    assert background.picture(frame((64, 48))) is first
    assert background.picture(frame((48, 64))).shape == (64, 48, 3)
    assert (background.picture(frame((64, 48))) == first).all()


def test_a_huge_picture_is_kept_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backdrops, "_MAX_SIDE", 50)
    background = PictureBackground(picture((200, 100)), Fit.COVER)
    assert background._picture.shape == (25, 50, 3)


def test_no_background_is_no_picture() -> None:
    background = TransparentBackground()
    assert background.is_transparent
    placeholder = background.placeholder((64, 48))
    assert placeholder.shape == (48, 64, 4)
    assert not placeholder.any()
    with pytest.raises(AssertionError, match="no picture"):
        background.picture(frame((64, 48)))
