"""The measures against values worked out by hand, and what each must and must not notice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pruner import metrics
from pruner.metrics import Matte


def matte(*rows: tuple[float, ...]) -> Matte:
    return np.array(rows)


def square(size: int = 32, low: int = 8, high: int = 24) -> Matte:
    """A person in the shape of a square."""
    alpha = np.zeros((size, size))
    alpha[low:high, low:high] = 1
    return alpha


DISTANCES = (metrics.mse, metrics.mad, metrics.sad, metrics.gradient, metrics.connectivity)


@pytest.mark.parametrize("measure", DISTANCES)
def test_the_truth_is_at_no_distance_from_itself(measure: metrics.Distance) -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((20, 30))
    assert measure(truth, truth) == 0


@pytest.mark.parametrize("measure", DISTANCES)
def test_a_distance_is_the_same_in_both_directions(measure: metrics.Distance) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 20, 30))
    assert measure(a, b) == pytest.approx(measure(b, a))
    assert measure(a, b) > 0


@pytest.mark.parametrize("measure", DISTANCES)
def test_what_lies_outside_the_mask_does_not_count(measure: metrics.Distance) -> None:
    truth, alpha = square(), square()
    alpha[0, 0] = 0.7
    where = np.ones(truth.shape, bool)
    where[:6, :6] = False
    assert measure(alpha, truth) > 0
    assert measure(alpha, truth, where) == 0


def test_mse_mad_and_sad_of_two_by_two_pixels() -> None:
    alpha, truth = matte((0.0, 0.5), (1.0, 1.0)), matte((0.0, 1.0), (1.0, 0.8))
    assert metrics.mse(alpha, truth) == pytest.approx((0.25 + 0.04) / 4)
    assert metrics.mad(alpha, truth) == pytest.approx((0.5 + 0.2) / 4)
    assert metrics.sad(alpha, truth) == pytest.approx(0.7 / 1000)
    lower = np.array([[False, False], [True, True]])
    assert metrics.mse(alpha, truth, lower) == pytest.approx(0.04 / 2)
    assert metrics.mad(alpha, truth, np.zeros((2, 2), bool)) == 0


def test_iou_counts_what_is_above_one_half() -> None:
    alpha, truth = matte((0.9, 0.6, 0.4, 0.0)), matte((1.0, 0.2, 1.0, 0.0))
    assert metrics.iou(alpha, truth) == pytest.approx(1 / 3)
    assert metrics.iou(np.zeros((2, 2)), np.zeros((2, 2))) == 1
    assert metrics.iou(np.ones((2, 2)), np.zeros((2, 2))) == 0


def test_the_gradient_error_of_a_ramp_is_known() -> None:
    """Of a ramp of slope s the steepness is s times a constant of the filters."""
    ramp = np.tile(np.arange(64) * 0.01, (64, 1))
    inside = np.zeros(ramp.shape, bool)
    inside[10:-10, 10:-10] = True
    x = np.arange(-4, 5)
    smooth = np.exp(-(x**2) / (2 * 1.4**2))
    slope = x * smooth
    constant = smooth.sum() / np.linalg.norm(smooth) * (slope * x).sum() / np.linalg.norm(slope)
    expected = (0.01 * constant) ** 2 * inside.sum() / 1000
    assert metrics.gradient(ramp, np.zeros_like(ramp), inside) == pytest.approx(expected)


def test_the_gradient_error_notices_a_soft_edge_and_not_a_grey_veil() -> None:
    truth = square()
    soft = truth.copy()
    soft[7, 8:24] = 0.5
    assert metrics.gradient(soft, truth) > 0.001
    assert metrics.gradient(truth * 0.5 + 0.25, truth * 0.5) == pytest.approx(0)


def test_the_connectivity_error_of_one_cut_off_pixel_is_its_alpha() -> None:
    truth, alpha = np.zeros((5, 7)), np.zeros((5, 7))
    truth[2, :3] = alpha[2, :3] = 1
    truth[2, 5] = 1  # detached in the truth: level 0, all of it counts
    assert metrics.connectivity(alpha, truth) == pytest.approx(1 / 1000)


def test_connectivity_forgives_small_excess_and_levels_of_a_joined_ramp() -> None:
    truth = np.zeros((3, 10))
    truth[1] = [1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0, 0]
    alpha = truth.copy()
    alpha[1, 7] = 0.1
    assert metrics.connectivity(alpha, truth) == 0
    alpha[1, 7] = 0.5
    assert metrics.connectivity(alpha, truth) == pytest.approx(0.5 / 1000)


def test_pixels_that_touch_at_a_corner_are_not_connected() -> None:
    truth = np.zeros((4, 4))
    truth[0, :2] = truth[1, 2] = 1
    alpha = truth.copy()
    alpha[1, 2] = 0
    assert metrics.connectivity(alpha, truth) == pytest.approx(1 / 1000)


def test_the_unknown_band_lies_on_both_sides_of_an_edge_and_is_as_wide_as_asked() -> None:
    band = metrics.unknown_band(square(), radius=3)
    row = np.flatnonzero(band[16])
    assert row.tolist() == [*range(5, 11), *range(21, 27)]
    assert not metrics.unknown_band(np.ones((16, 16)), radius=3).any()
    assert not metrics.unknown_band(np.zeros((16, 16)), radius=3).any()


def test_dtssd_is_the_error_of_the_change_alone() -> None:
    still, moved = np.zeros((2, 2)), matte((1.0, 0.0), (0.0, 0.0))
    assert metrics.dtssd([still, moved], [still, still]) == pytest.approx(np.sqrt(1 / 4))
    assert metrics.dtssd([still + 0.3, moved + 0.3], [still, moved]) == pytest.approx(0)
    assert metrics.dtssd([still, moved, moved], [still, still, still]) == pytest.approx(0.25)
    assert metrics.dtssd([still], [still]) == 0


def test_dtssd_of_clips_of_different_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        metrics.dtssd([np.zeros((2, 2))] * 3, [np.zeros((2, 2))] * 2)


def test_flicker_looks_only_where_the_picture_holds_still() -> None:
    before = np.zeros((2, 2, 3), np.uint8)
    after: NDArray[np.uint8] = before.copy()
    after[0, 0] = (0, 0, 90)
    alphas = [np.zeros((2, 2)), matte((1.0, 0.3), (0.0, 0.0))]
    assert metrics.flicker(alphas, [before, after]) == pytest.approx(0.1)
    assert metrics.flicker(alphas, [before, before + 99]) == 0
