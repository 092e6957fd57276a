"""What an 8-bit model lost, told and returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pruner.data import Pair, spread
from pruner.openvino_ir import infer
from pruner.predictors import open_predictor
from pruner.quant_check import Sample
from pruner.score_table import score_table, table_console
from pruner.scores import mean_scores, score_pictures

_PICTURES = 24


def compare(
    models: Mapping[str, Path], samples: Sequence[Sample], items: Sequence[Pair], size: int
) -> dict[str, Any]:
    """Print how far the mattes moved and what both models score, at the pictures' own size.

    Args:
        models: The IR of the network of floats by its name, and after it the 8-bit one.
        samples: Pictures to compare mattes on; a few are drawn.
        items: Pictures with true mattes to score; none is allowed.
        size: Short side seen in pixels.

    Returns:
        The same numbers: `grey_levels` (mean, max) and `scores` by model.
    """
    pictures = [sample.picture[0] for sample in spread(samples, _PICTURES)]
    before, after = (infer(path, pictures) for path in models.values())
    moved = [np.abs(a.astype(int) - b) for a, b in zip(after, before, strict=True)]
    average = float(np.mean([difference.mean() for difference in moved]))
    largest = max(int(difference.max()) for difference in moved)
    old, new = models
    print(f"{new} differs from {old} by {average:.2f} of 255 grey levels, by {largest} at most")
    result: dict[str, Any] = {"grey_levels": {"mean": average, "max": largest}}
    if items:
        predictors = {name: open_predictor(str(path), size=size) for name, path in models.items()}
        scores = score_pictures(predictors, items, ("mse", "mad", "iou"))
        result["scores"] = {name: mean_scores(rows.values()) for name, rows in scores.items()}
        table_console().print(score_table(f"pictures: all ({len(items)})", result["scores"]))
    return result
