"""How far a matte is from the truth: the measures of the field.

Mattes are (H, W) float arrays in [0, 1], 1 = person; clips are sequences of them. `alpha` is what
was predicted, `truth` what is right. Where a measure takes `where`, only pixels that are true there
count.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Matte: TypeAlias = NDArray[np.floating]
Mask: TypeAlias = NDArray[np.bool_]

THOUSAND = 1000.0
"""SAD, gradient and connectivity errors are sums, given in thousands as is usual."""


def mse(alpha: Matte, truth: Matte, where: Mask | None = None) -> float:
    """Mean squared error, mean of (a - t)^2."""
    return _mean(np.square(_difference(alpha, truth)), where)


def mad(alpha: Matte, truth: Matte, where: Mask | None = None) -> float:
    """Mean absolute difference, mean of |a - t|."""
    return _mean(np.abs(_difference(alpha, truth)), where)


def sad(alpha: Matte, truth: Matte, where: Mask | None = None) -> float:
    """Sum of absolute differences in thousands, sum of |a - t| / 1000."""
    return _sum(np.abs(_difference(alpha, truth)), where) / THOUSAND


def iou(alpha: Matte, truth: Matte, threshold: float = 0.5) -> float:
    """Intersection over union of what is above the threshold in both; 1 where both are empty."""
    found, person = alpha > threshold, truth > threshold
    union = np.count_nonzero(found | person)
    return np.count_nonzero(found & person) / union if union else 1.0


def gradient(alpha: Matte, truth: Matte, where: Mask | None = None, sigma: float = 1.4) -> float:
    """Gradient error in thousands, sum of (|grad a| - |grad t|)^2 / 1000.

    Rhemann et al., A perceptually motivated online benchmark for image matting, CVPR 2009. The
    gradient is taken by first derivatives of a Gaussian. The filters have unit L2 norm and end
    where the Gaussian falls below 0.01, as in the evaluation code that published numbers come from.
    """
    return _sum(np.square(_steepness(alpha, sigma) - _steepness(truth, sigma)), where) / THOUSAND


def _steepness(alpha: Matte, sigma: float) -> Matte:
    height = np.sqrt(2 * np.pi) * sigma
    radius = int(np.ceil(sigma * np.sqrt(-2 * np.log(height * 0.01))))
    x = np.arange(-radius, radius + 1)
    smooth = np.exp(-np.square(x) / (2 * sigma**2))
    slope = x * smooth
    smooth, slope = smooth / np.linalg.norm(smooth), slope / np.linalg.norm(slope)

    def along(axis: int) -> Matte:
        across = ndimage.correlate1d(alpha, smooth, axis=1 - axis, mode="nearest")
        return np.asarray(ndimage.correlate1d(across, slope, axis=axis, mode="nearest"))

    return np.hypot(along(0), along(1))


def connectivity(
    alpha: Matte, truth: Matte, where: Mask | None = None, *, step: float = 0.1, least: float = 0.15
) -> float:
    """Connectivity error in thousands, sum of |phi(a) - phi(t)| / 1000.

    Rhemann et al., CVPR 2009. The source is the largest region that is opaque in both mattes. A
    pixel is connected to it up to the level l: the last threshold for which it lies in the largest
    4-connected region of min(a, t) >= threshold. What it has beyond that, d = a - l, counts once it
    reaches `least`: phi = 1 - d if d >= least, else 1.

    Args:
        alpha: As predicted.
        truth: As it is.
        where: Pixels that count.
        step: Between two thresholds.
        least: Excess that is forgiven.
    """
    common = np.minimum(alpha, truth)
    level = np.zeros(common.shape)
    connected = np.ones(common.shape, bool)
    for threshold in np.arange(step, 1 + step / 2, step):
        connected &= _largest_region(common >= threshold - 1e-6)
        level[connected] = threshold
    difference = _connectedness(alpha - level, least) - _connectedness(truth - level, least)
    return _sum(np.abs(difference), where) / THOUSAND


def _largest_region(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)  # its default neighbours are the four
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def _connectedness(excess: Matte, least: float) -> Matte:
    return 1 - excess * (excess >= least)


def unknown_band(truth: Matte, radius: int) -> Mask:
    """The trimap's unknown part: within `radius` pixels of what is neither person nor background.

    Args:
        truth: The right matte. Up to 0.05 is background, from 0.95 on person.
        radius: Of the disc by which both are eroded.
    """
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    possible = cv2.dilate((truth > 0.05).astype(np.uint8), disc)
    certain = cv2.erode((truth >= 0.95).astype(np.uint8), disc)
    return np.asarray(possible > certain)


def dtssd(alphas: Sequence[Matte], truths: Sequence[Matte]) -> float:
    """Error of the change from frame to frame, mean over t of sqrt(mean((da_t - dt_t)^2)).

    Erofeev et al., Perceptually motivated benchmark for video matting, BMVC 2015. A matte that
    never
    moves scores well on a scene that never moves: give it together with `mad`.
    """
    steps = zip(itertools.pairwise(alphas), itertools.pairwise(truths), strict=True)
    errors = [
        np.sqrt(
            np.mean(np.square(_difference(after, before) - _difference(truth_after, truth_before)))
        )
        for (before, after), (truth_before, truth_after) in steps
    ]
    return float(np.mean(errors)) if errors else 0.0


def flicker(alphas: Sequence[Matte], images: Sequence[NDArray[np.uint8]], still: int = 4) -> float:
    """Change of the matte where the picture does not change, for clips without truth.

    Mean over frames of |a_t - a_(t-1)|, over the pixels whose colour changed by at most `still`.

    Args:
        alphas: The mattes.
        images: Their pictures, (H, W, 3) uint8.
        still: Grey levels, in the channel that changed most.
    """
    changes = []
    for (before, after), (old, new) in zip(
        itertools.pairwise(alphas), itertools.pairwise(images), strict=True
    ):
        unchanged = cv2.absdiff(old, new).max(axis=2) <= still
        if unchanged.any():
            changes.append(mad(after, before, unchanged))
    return float(np.mean(changes)) if changes else 0.0


def _difference(a: Matte, b: Matte) -> Matte:
    assert a.shape == b.shape, (a.shape, b.shape)
    return a - b


def _mean(errors: Matte, where: Mask | None) -> float:
    """Mean of the errors that count, 0 if none does."""
    chosen = errors if where is None else errors[where]
    return float(chosen.mean()) if chosen.size else 0.0


def _sum(errors: Matte, where: Mask | None) -> float:
    return float(errors.sum() if where is None else errors[where].sum())
