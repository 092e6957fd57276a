from __future__ import annotations

import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from stream.compositing.yuv import YUVSpace, to_yuv
from stream.frame import Alpha, Image
from stream.mattes.refine import firm, refine_edges


def person(size_wh: tuple[int, int]) -> tuple[Image, Alpha]:
    """Somebody light before a dark room, and the exact matte: a star, which has sharp corners."""
    width, height = size_wh
    turns = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    radius = np.where(np.arange(20) % 2, 0.45, 0.25) * min(size_wh)
    star = np.column_stack(
        (width / 2 + radius * np.cos(turns), height / 2 + radius * np.sin(turns))
    )
    alpha = np.zeros((height, width), np.uint8)
    cv2.fillPoly(alpha, [star.astype(np.int32)], 255, cv2.LINE_AA)
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 3))
    weight = alpha[..., None] / 255
    image = weight * (90, 140, 200) + (1 - weight) * (80, 60, 40) + noise
    return np.clip(image, 0, 255).astype(np.uint8), alpha


def enlarged(alpha: Alpha, factor: int) -> Alpha:
    """As from a network that sees the picture `factor` times smaller."""
    height, width = alpha.shape
    small = cv2.resize(alpha, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height)), np.uint8)


def squared_error(alpha: Alpha, truth: Alpha) -> float:
    return float(np.square(alpha.astype(float) - truth).mean())


def test_the_edges_of_an_enlarged_matte_come_nearer_to_those_of_the_picture() -> None:
    image, truth = person((640, 360))
    coarse = enlarged(truth, 8)
    assert squared_error(refine_edges(image, coarse), truth) < 0.5 * squared_error(coarse, truth)


@pytest.mark.parametrize("value_range", [ColorRange.MPEG, ColorRange.JPEG])
def test_a_picture_in_420_leads_to_the_same_edges(value_range: ColorRange) -> None:
    image, truth = person((640, 360))
    coarse = enlarged(truth, 8)
    as_video = refine_edges(to_yuv(image, YUVSpace(value_range=value_range)), coarse)
    difference = as_video.astype(int) - refine_edges(image, coarse)
    assert np.abs(difference).mean() < 0.3
    assert squared_error(as_video, truth) < 0.5 * squared_error(coarse, truth)


def test_a_matte_without_soft_edges_is_returned_as_it_is() -> None:
    image, truth = person((64, 48))
    hard = np.where(truth > 127, 255, 0).astype(np.uint8)
    assert refine_edges(image, hard) is hard


def test_what_is_certain_stays_and_the_matte_given_is_not_written_into() -> None:
    image, truth = person((320, 180))
    coarse = enlarged(truth, 4)
    kept = coarse.copy()
    certain = (coarse <= 4) | (coarse >= 251)
    refined = refine_edges(image, coarse)
    assert np.array_equal(refined[certain], coarse[certain])
    assert np.array_equal(coarse, kept)


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 200), (101, 57), (1920, 64)])
def test_any_size_will_do(size_wh: tuple[int, int]) -> None:
    alpha = np.full(size_wh[::-1], 128, np.uint8)
    image = np.full((*alpha.shape, 3), 90, np.uint8)
    assert np.abs(refine_edges(image, alpha).astype(int) - 128).max() <= 1  # nothing to follow


def test_a_firm_matte_has_no_haze_and_nobody_of_glass() -> None:
    ramp = np.arange(256, dtype=np.uint8)[None]
    found = firm(ramp)[0].astype(int)
    assert not found[:6].any()
    assert (found[250:] == 255).all()
    assert (np.diff(found) >= 0).all()
    assert np.abs(found - ramp[0]).max() <= 5
