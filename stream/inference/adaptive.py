"""Mattes as fine as a frame rate allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from stream.frame import Alpha, Picture
from stream.inference.predictor import Predictor, WrappedPredictor
from stream.inference.rate import RateControl, levels
from stream.inference.reuse import MatteReuse


class Resizable(Predictor, Protocol):
    """A predictor whose network can see pictures at different sizes."""

    size: int


class AdaptivePredictor(WrappedPredictor):
    """Changes the input size of a network, and how many frames a matte serves, to hold a rate.

    Args:
        network: Is asked; owned by this one. Its size at first is that of the beginning.
        fps: Frames per second to hold.
        largest: Shorter side of its largest input in pixels.
        every: How many frames one matte serves at least.
        still: See `stream.inference.reuse.MatteReuse`.
        now: A clock, in seconds.
    """

    def __init__(
        self,
        network: Resizable,
        *,
        fps: float,
        largest: int,
        every: int = 1,
        still: bool = False,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._network = network
        self._reuse = MatteReuse(network, every=every, still=still)
        super().__init__(self._reuse)
        self._control = RateControl(levels(largest, every), fps=fps, start=network.size)
        self._now = now

    def predict(self, picture: Picture) -> Alpha:
        """The matte of the next picture; see `Predictor`."""
        level = self._control.level
        self._network.size, self._reuse.every = level.size, level.every
        before, started_s = self._reuse.inferences, self._now()
        alpha = self._reuse.predict(picture)
        took_s = self._now() - started_s
        if self._reuse.inferences > before:
            self._control.inferred(took_s)
        else:
            self._control.moved(took_s)
        return alpha
