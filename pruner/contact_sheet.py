"""A picture of pictures: what went in, what is right, and what each model made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pruner.data import Pair
from pruner.errors import PrunerError
from pruner.names import short_names
from pruner.scores import Predictor, Scores, read_bgr

ROWS = 12
"""Pictures on a sheet."""

CELL = 224
"""Width and height in pixels of one picture on the sheet."""

MARGIN = 22
"""Height in pixels of the caption above it."""


@dataclass(frozen=True, eq=False)
class Case:
    """One row of the sheet.

    Attributes:
        name: Name of the picture.
        image: (H, W, 3) uint8 BGR.
        truth: (H, W) uint8.
        mattes: (H, W) uint8 by caption, in the order of the columns.
    """

    name: str
    image: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    mattes: Mapping[str, NDArray[np.uint8]]


def worst_cases(
    predictors: Mapping[str, Predictor],
    items: Sequence[Pair | Path],
    scores: Mapping[str, Mapping[str, Scores]],
    *,
    count: int = ROWS,
) -> list[Case]:
    """The pictures with the largest MSE of any model, worst first.

    Args:
        predictors: The models.
        items: Pictures with mattes, and files of pictures without people.
        scores: By model and picture.
        count: How many pictures.
    """
    worst = sorted(items, key=lambda item: -max(rows[item.name]["mse"] for rows in scores.values()))
    names = short_names(predictors)
    cases = []
    for item in worst[:count]:
        image, truth = read_bgr(item)
        mattes = {
            f"{names[model]} {scores[model][item.name]['mse']:.4f}": predictor.predict(image)
            for model, predictor in predictors.items()
        }
        cases.append(Case(item.name, image, truth, mattes))
    return cases


def write_sheet(path: Path, cases: Sequence[Case]) -> None:
    """Write the cases as rows of one picture.

    Raises:
        PrunerError: The file cannot be written.
    """
    rows = []
    for case in cases:
        cells = [_cell(case.name, case.image), _cell("truth", case.truth)]
        cells += [_cell(caption, matte) for caption, matte in case.mattes.items()]
        rows.append(np.hstack(cells))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = cv2.imwrite(str(path), np.vstack(rows))
    except cv2.error:
        written = False
    if not written:
        raise PrunerError(f"{path}: cannot be written; is it a .png or .jpg in a folder of yours?")


def _cell(caption: str, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture, shrunk into its place, under its caption."""
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    height, width = picture.shape[:2]
    scale = CELL / max(height, width)
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA)
    cell = np.full((CELL + MARGIN, CELL + 4, 3), 48, np.uint8)
    left = (CELL + 4 - size_wh[0]) // 2
    cell[MARGIN : MARGIN + size_wh[1], left : left + size_wh[0]] = small
    cv2.putText(
        cell, caption, (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (255, 255, 255), 1, cv2.LINE_AA
    )
    return cell
