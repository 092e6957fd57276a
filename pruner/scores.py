"""Scores of mattes: for one picture, one clip, and on average."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pruner import metrics
from pruner.data import Pair, read_image, read_pair
from pruner.metrics import Matte

Scores = Mapping[str, float]
"""Values by measure."""


class Measure(NamedTuple):
    """How a measure is shown: heading, decimals, and whether more is better."""

    heading: str
    decimals: int
    more_is_better: bool = False


MEASURES = {
    "mse": Measure("MSE", 4),
    "mad": Measure("MAD", 4),
    "mad_band": Measure("MAD band", 4),
    "sad": Measure("SAD", 2),
    "gradient": Measure("Grad", 2),
    "connectivity": Measure("Conn", 2),
    "iou": Measure("IoU", 3, more_is_better=True),
    "dtssd": Measure("dtSSD", 4),
    "flicker": Measure("flicker", 4),
    "false_area": Measure("false area", 5),
    "false_alarm": Measure("false alarms", 3),
}
"""In the order of the tables' columns."""

BAND_SHARE = 0.02
"""Radius of the trimap's unknown band, as a share of the short side: 10 pixels at 512."""

ALARM_AREA = 0.01
"""Share of a picture without people from which on taking it for a person is a false alarm."""


class Predictor(Protocol):
    """Whatever gives the matte of a picture."""

    def predict(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 BGR to (H, W) uint8."""
        ...


@dataclass(frozen=True, eq=False)
class Clip:
    """A video in memory.

    Attributes:
        name: What it is called in the results.
        images: (H, W, 3) uint8 BGR each.
        truths: (H, W) uint8 each, or none at all.
    """

    name: str
    images: Sequence[NDArray[np.uint8]]
    truths: Sequence[NDArray[np.uint8]] = ()


def _band_mad(alpha: Matte, truth: Matte) -> float:
    radius = max(1, round(BAND_SHARE * min(truth.shape)))
    return metrics.mad(alpha, truth, metrics.unknown_band(truth, radius))


_OF_A_PICTURE: dict[str, Callable[[Matte, Matte], float]] = {
    "mse": metrics.mse,
    "mad": metrics.mad,
    "mad_band": _band_mad,
    "sad": metrics.sad,
    "gradient": metrics.gradient,
    "connectivity": metrics.connectivity,
    "iou": metrics.iou,
}


def score_picture(
    alpha: NDArray[np.uint8],
    truth: NDArray[np.uint8],
    measures: Collection[str] = tuple(_OF_A_PICTURE),
) -> Scores:
    """Measures of one matte.

    Args:
        alpha: (H, W), as predicted.
        truth: (H, W), as it is.
        measures: Which; gradient and connectivity take most of the time.
    """
    a, t = _unit(alpha), _unit(truth)
    return {measure: _OF_A_PICTURE[measure](a, t) for measure in measures}


def score_negative(alpha: NDArray[np.uint8]) -> Scores:
    """What was seen of a person in a picture without one.

    `mse` and `mad` are to the empty matte; `false_area` is the share of the picture with an alpha
    above one half, and it is a `false_alarm` from `ALARM_AREA` on.

    Args:
        alpha: (H, W), as predicted.
    """
    a = _unit(alpha)
    area = float((a > 0.5).mean())
    return {
        "mse": float(np.square(a).mean()),
        "mad": float(a.mean()),
        "false_area": area,
        "false_alarm": float(area >= ALARM_AREA),
    }


def score_clip(
    alphas: Sequence[NDArray[np.uint8]],
    images: Sequence[NDArray[np.uint8]],
    truths: Sequence[NDArray[np.uint8]] = (),
) -> Scores:
    """Steadiness of a clip's mattes; with truths also how right they are.

    Args:
        alphas: (H, W) each, as predicted.
        images: (H, W, 3) each.
        truths: (H, W) each, or none.
    """
    a = [_unit(alpha) for alpha in alphas]
    found = {"flicker": metrics.flicker(a, images)}
    if truths:
        t = [_unit(truth) for truth in truths]
        found["mad"] = float(np.mean([metrics.mad(*pair) for pair in zip(a, t, strict=True)]))
        found["dtssd"] = metrics.dtssd(a, t)
    return found


def mean_scores(rows: Iterable[Scores]) -> Scores:
    """The mean of every measure that all of them have."""
    rows = list(rows)
    common = [measure for measure in rows[0] if all(measure in row for row in rows)]
    return {measure: float(np.mean([row[measure] for row in rows])) for measure in common}


def score_pictures(
    predictors: Mapping[str, Predictor],
    items: Iterable[Pair],
    measures: Collection[str] = tuple(_OF_A_PICTURE),
) -> dict[str, dict[str, Scores]]:
    """Scores by model and picture.

    Raises:
        PrunerError: A picture or matte that cannot be read.
    """
    scores: dict[str, dict[str, Scores]] = {name: {} for name in predictors}
    for item in items:
        image, truth = read_bgr(item)
        for name, predictor in predictors.items():
            scores[name][item.name] = score_picture(predictor.predict(image), truth, measures)
    return scores


def score_negatives(
    predictors: Mapping[str, Predictor], paths: Iterable[Path]
) -> dict[str, dict[str, Scores]]:
    """Scores by model and picture, of pictures without people.

    Raises:
        PrunerError: A picture that cannot be read.
    """
    scores: dict[str, dict[str, Scores]] = {name: {} for name in predictors}
    for path in paths:
        image, _ = read_bgr(path)
        for name, predictor in predictors.items():
            scores[name][path.name] = score_negative(predictor.predict(image))
    return scores


def score_clips(
    predictors: Mapping[str, Predictor], clips: Iterable[Clip]
) -> dict[str, dict[str, Scores]]:
    """Scores by model and clip."""
    scores: dict[str, dict[str, Scores]] = {name: {} for name in predictors}
    for clip in clips:
        for name, predictor in predictors.items():
            alphas = [predictor.predict(image) for image in clip.images]
            scores[name][clip.name] = score_clip(alphas, clip.images, clip.truths)
    return scores


def summary(
    scores: Mapping[str, Mapping[str, Scores]], sources: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Means over everything and over each data set, and every single score.

    Args:
        scores: By model and picture or clip.
        sources: The data set of each picture, where there are several.
    """
    names = list(next(iter(scores.values())))
    groups = {f"all ({len(names)})": names}
    for source in sorted(set(sources.values()) if sources else ()):
        members = [name for name in names if sources and sources[name] == source]
        if source and len(members) < len(names):
            groups[f"{source} ({len(members)})"] = members
    means = {
        group: {
            model: mean_scores(rows[name] for name in members) for model, rows in scores.items()
        }
        for group, members in groups.items()
    }
    return {"means": means, "scores": scores}


def read_bgr(item: Pair | Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(H, W, 3) uint8 BGR and its true matte (H, W) uint8; nobody is in a mere file."""
    if isinstance(item, Path):
        rgb = read_image(item)
        truth = np.zeros(rgb.shape[:2], np.uint8)
    else:
        rgb, truth = read_pair(item)
    return np.ascontiguousarray(rgb[..., ::-1]), truth


def _unit(matte: NDArray[np.uint8]) -> NDArray[np.float32]:
    return matte.astype(np.float32) / np.float32(255)
