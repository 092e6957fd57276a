"""What makes mattes steady over time, as steps from mattes to mattes, and strips that show it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np

from pruner.errors import PrunerError
from stream.composite import Foreground, blend
from stream.frame import Alpha, Image, MattedFrame, Picture
from stream.inference.reuse import MatteReuse
from stream.mattes.temporal import one_frame_delayed, steadied
from stream.steps import refined

Step: TypeAlias = Callable[[Sequence[MattedFrame]], Iterable[MattedFrame]]

PLAIN = (80, 190, 60)
"""BGR of what is put behind people on strips."""


def reused(every: int, *, still: bool = False) -> Step:
    """A step that takes only some of the mattes and moves them with the picture."""

    def step(frames: Sequence[MattedFrame]) -> Iterator[MattedFrame]:
        known = _Known(frames)
        return MatteReuse(known, every=every, still=still).mattes(each.frame for each in frames)

    return step


STEPS: dict[str, Step] = {
    "alone": lambda frames: frames,
    "one-frame delay": one_frame_delayed,
    "steady": steadied,
    "delay + steady": lambda frames: steadied(one_frame_delayed(frames)),
    "refine": refined,
    "steady + refine": lambda frames: refined(steadied(frames)),
    "skip 1": reused(2),
    "skip 2": reused(3),
    "skip 2 + steady": lambda frames: steadied(reused(3)(frames)),
}
"""What is measured, in the order of the tables' rows."""

ON_STRIPS = ("alone", "steady", "delay + steady")


class _Known:
    """Gives the mattes that are known already, for a step that asks a predictor."""

    model_name, device_name, input_size_wh = "known", "none", None

    def __init__(self, frames: Sequence[MattedFrame]) -> None:
        self._alphas = {id(each.frame.picture): each.alpha for each in frames}

    def predict(self, picture: Picture) -> Alpha:
        return self._alphas[id(picture)]

    def close(self) -> None: ...


def write_strip(path: Path, frames: Sequence[MattedFrame], count: int = 6) -> None:
    """Draw successive frames from the middle of a clip, a row for the picture and for each step.

    Raises:
        PrunerError: The file cannot be written.
    """
    start = max(0, (len(frames) - count) // 2)
    rows = [[each.frame.image for each in frames[start : start + count]]]
    for name in ON_STRIPS:
        shown = itertools.islice(STEPS[name](frames), start, start + count)
        rows.append([_before_plain(each) for each in shown])
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.vstack([np.hstack(row) for row in rows])):
        raise PrunerError(f"{path}: cannot be written")


def _before_plain(matted: MattedFrame) -> Image:
    plain = np.full_like(matted.frame.image, PLAIN)
    return blend(matted.frame.image, matted.alpha, plain, foreground=Foreground.BLUR_FUSION)
