"""Single pictures before a background: for the preview and for the live view."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from stream.background import Background, open_background
from stream.composite import composite
from stream.frame import CompositedFrame, Frame, Image
from stream.stats import StageClock
from stream.steps import StepOptions, matte_steps
from ui.task import open_model

_MICROSECONDS = Fraction(1, 1_000_000)

_PAUSE_S = 1.0
"""After so long without a picture, the next one is the first of another video."""


class Compositor:
    """Puts the people of one picture after the other before a background.

    Args:
        model: A name or a path; see `ui.task.open_model`.
        background: See `stream.background.open_background`.
        device: See `stream.inference.devices.check_device`.
        size: The network's shorter side in pixels.

    Attributes:
        clock: Learns how long the network and the rest take.

    Raises:
        StreamError: The model, the background or the device will not do.
    """

    def __init__(self, model: str | Path, background: str, *, device: str, size: int) -> None:
        self.clock = StageClock()
        with contextlib.ExitStack() as opened:
            self._predictor = open_model(model, device=device, size=size)
            opened.callback(self._predictor.close)
            self._background: Background = open_background(background, untrusted=True)
            self._opened = opened.pop_all()
        self._idle_since_s = time.perf_counter()
        self._composites = self._begin()

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """Width and height of the network's input in pixels; None before the first picture."""
        return self._predictor.input_size_wh

    def picture(self, image: Image) -> Image:
        """Composite a picture (H, W, 3) uint8 BGR; the result has the same form."""
        now_s = time.perf_counter()
        if now_s - self._idle_since_s > _PAUSE_S:
            self._begin_anew()
        self._frame = Frame(image, round(1e6 * now_s), _MICROSECONDS, captured_at=now_s)
        done = next(self._composites)
        self.clock.deliver(now_s)
        self._idle_since_s = time.perf_counter()
        return done.image

    def change_background(self, background: str) -> None:
        """Put people before something else from now on.

        Raises:
            StreamError: It cannot be opened; the old one stays.
        """
        opened = open_background(background, untrusted=True)
        self._background.close()
        self._background = opened
        self._composites = self._begin()

    def change_size(self, size: int) -> None:
        """Let the network see pictures at another size from now on; the clock begins anew."""
        self._predictor.size = size
        self._begin_anew()

    def close(self) -> None:
        """Let go of the model and the background."""
        self._background.close()
        self._opened.close()

    def _begin_anew(self) -> None:
        self.clock = StageClock()
        self._composites = self._begin()

    def _begin(self) -> Iterator[CompositedFrame]:
        """The stages of the pipeline, pulled picture by picture."""
        frames = iter(lambda: self._frame, None)
        matted = self.clock.timed_stage("matting", self._predictor.mattes, frames)
        for name, step in matte_steps(StepOptions(), still=False):
            matted = self.clock.timed_stage(name, step, matted)
        return composite(matted, self._background)
