"""How much worse than a network of floats one of 8 bits is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from pruner.data import Pair, read_image, read_pair
from pruner.parity import seen


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture as the network sees it, and the matte it should give.

    Attributes:
        picture: (1, h, w, 3) uint8 BGR.
        truth: (h, w) uint8.
    """

    picture: NDArray[np.uint8]
    truth: NDArray[np.uint8]


class Errors(NamedTuple):
    """Of mattes in [0, 1], mean over pixels: the squared and the absolute difference."""

    mse: float
    mad: float


class Check:
    """The validation function of NNCF's accuracy control, which wants more to be better.

    Args:
        samples: Pictures with their true mattes, or with those of the network of floats.
        reference: The errors of the network of floats. The loss is then by which share the MSE or
            the MAD has grown, whichever more. None where the mattes are its own: the loss is then
            the MAD.
    """

    def __init__(self, samples: Sequence[Sample], reference: Errors | None) -> None:
        self.samples, self.reference = samples, reference

    def __call__(
        self, compiled: ov.CompiledModel, samples: Iterable[Sample]
    ) -> tuple[float, list[float]]:
        """One less the loss of a network, and the same for each picture.

        One, since NNCF divides by what it gets for the network of floats.
        """
        errors = [error(compiled, sample) for sample in samples]
        return 1 - self.loss(errors), [1 - self.loss([each]) for each in errors]

    def loss(self, errors: Sequence[Errors]) -> float:
        """How much worse than the network of floats one with these errors is."""
        found = mean(errors)
        if self.reference is None:
            return found.mad
        return max(now / before for now, before in zip(found, self.reference, strict=True)) - 1


def error(compiled: ov.CompiledModel, sample: Sample) -> Errors:
    """The errors of a network's matte of one picture."""
    alpha = np.asarray(compiled(sample.picture)[0][0, 0], np.float64)
    difference = (alpha - sample.truth) / 255
    return Errors(float(np.square(difference).mean()), float(np.abs(difference).mean()))


def mean(errors: Sequence[Errors]) -> Errors:
    """The mean of each, over pictures."""
    return Errors(*(float(value) for value in np.mean(errors, axis=0)))


def network_picture(path: Path, size: int) -> NDArray[np.uint8]:
    """A picture as the network sees it, (1, h, w, 3) uint8 BGR.

    Args:
        path: The file.
        size: What the shorter side should be in pixels.

    Raises:
        PrunerError: Not a picture.
    """
    return np.ascontiguousarray(seen(read_image(path)[..., ::-1], size)[None])


def check_against_truth(graph: ov.Model, items: Sequence[Pair], size: int) -> Check:
    """A check whose loss is the growth of the errors of a network of floats.

    Raises:
        PrunerError: A picture or matte that cannot be read.
    """
    samples = []
    for item in items:
        image, truth = read_pair(item)
        picture = np.ascontiguousarray(seen(image[..., ::-1], size)[None])
        samples.append(Sample(picture, seen(truth, size)))
    compiled = _compiled(graph)
    return Check(samples, mean([error(compiled, sample) for sample in samples]))


def check_against_float(graph: ov.Model, paths: Sequence[Path], size: int) -> Check:
    """A check whose loss is the difference to the mattes of a network of floats.

    Raises:
        PrunerError: Not a picture.
    """
    compiled = _compiled(graph)
    pictures = [network_picture(path, size) for path in paths]
    return Check([Sample(p, compiled(p)[0][0, 0].copy()) for p in pictures], None)


def _compiled(graph: ov.Model) -> ov.CompiledModel:
    return ov.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
