"""Scores of mattes: for one picture, one clip, and on average."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pruner import metrics
from pruner.contact_sheet import Case
from pruner.data import Pair, read_pair

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
}


BAND_SHARE = 0.02
"""Radius of the trimap's unknown band, as a share of the short side: 10 pixels at 512."""

SHEET_ROWS = 12


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


def score_picture(alpha: NDArray[np.uint8], truth: NDArray[np.uint8]) -> Scores:
    """All measures of one matte.

    Args:
        alpha: (H, W), as predicted.
        truth: (H, W), as it is.
    """
    a, t = _unit(alpha), _unit(truth)
    band = metrics.unknown_band(t, max(1, round(BAND_SHARE * min(t.shape))))
    return {
        "mse": metrics.mse(a, t),
        "mad": metrics.mad(a, t),
        "mad_band": metrics.mad(a, t, band),
        "sad": metrics.sad(a, t),
        "gradient": metrics.gradient(a, t),
        "connectivity": metrics.connectivity(a, t),
        "iou": metrics.iou(a, t),
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
    predictors: Mapping[str, Predictor], items: Iterable[Pair]
) -> dict[str, dict[str, Scores]]:
    """Scores by model and picture.

    Raises:
        PrunerError: A picture or matte that cannot be read.
    """
    scores: dict[str, dict[str, Scores]] = {name: {} for name in predictors}
    for item in items:
        image, truth = read_pair(item)
        for name, predictor in predictors.items():
            alpha = predictor.predict(np.ascontiguousarray(image[..., ::-1]))
            scores[name][item.name] = score_picture(alpha, truth)
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


def worst_cases(
    predictors: Mapping[str, Predictor],
    items: Sequence[Pair],
    scores: Mapping[str, Mapping[str, Scores]],
    *,
    count: int = SHEET_ROWS,
) -> list[Case]:
    """The pictures with the largest MSE of any model, worst first."""
    worst = sorted(items, key=lambda item: -max(rows[item.name]["mse"] for rows in scores.values()))
    cases = []
    for item in worst[:count]:
        rgb, truth = read_pair(item)
        image = np.ascontiguousarray(rgb[..., ::-1])
        mattes = {
            f"{Path(model).name} {scores[model][item.name]['mse']:.4f}": predictor.predict(image)
            for model, predictor in predictors.items()
        }
        cases.append(Case(item.name, image, truth, mattes))
    return cases


def _unit(matte: NDArray[np.uint8]) -> NDArray[np.float32]:
    return matte.astype(np.float32) / np.float32(255)
