"""Scores of mattes: for one picture, one clip, and on average."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table

from pruner import metrics

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
    common = [measure for measure in MEASURES if rows and all(measure in row for row in rows)]
    return {measure: float(np.mean([row[measure] for row in rows])) for measure in common}


def score_table(title: str, rows: Mapping[str, Scores]) -> Table:
    """One line per model; with several, the best value of each column is bold.

    The last column is the MSE in parts of the first model's.
    """
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("model", no_wrap=True)
    shown = [measure for measure in MEASURES if all(measure in row for row in rows.values())]
    for measure in shown:
        table.add_column(MEASURES[measure].heading, justify="right")
    relative = "mse" in shown and len(rows) > 1
    if relative:
        table.add_column("x MSE", justify="right")
    for model, row in rows.items():
        cells = [_cell(measure, row[measure], rows.values()) for measure in shown]
        if relative:
            first = next(iter(rows.values()))["mse"]
            cells.append(f"{row['mse'] / first:.3f}" if first else "")
        table.add_row(Path(model).name, *cells)
    return table


def _cell(measure: str, value: float, rows: Collection[Scores]) -> str:
    _, decimals, more_is_better = MEASURES[measure]
    best = (max if more_is_better else min)(row[measure] for row in rows)
    text = f"{value:.{decimals}f}"
    return f"[bold]{text}[/bold]" if len(rows) > 1 and value == best else text


def _unit(matte: NDArray[np.uint8]) -> NDArray[np.float32]:
    return matte.astype(np.float32) / np.float32(255)
