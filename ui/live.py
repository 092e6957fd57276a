"""The webcam in the browser: a picture comes in, a composite goes out, at a size that keeps up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from stream.frame import Image
from ui.compositor import Compositor

SIZES = (192, 256, 320, 384, 448, 512)
"""Shorter sides of the network's input in pixels, from which the live view chooses."""

BUDGET_MS = 90.0
"""Time that the network may take for a picture: the browser sends about ten in a second."""

_FIRST_SIZE = 256
_PATIENCE = 8
"""Pictures after which the size may change again."""


@dataclass(frozen=True)
class LiveWish:
    """What a visitor wants to see.

    Attributes:
        model: Name of the model, or the path of an own one.
        background: See `stream.background.open_background`.
        device: See `stream.inference.devices.check_device`.
    """

    model: str | Path
    background: str
    device: str = "CPU"


@dataclass(frozen=True)
class LiveRate:
    """How the live view keeps up.

    Attributes:
        fps: Pictures per second over the latest ones.
        network_ms: Median time of the network for the latest ones, in milliseconds.
        input_size_wh: Width and height of the network's input in pixels.
    """

    fps: float
    network_ms: float
    input_size_wh: tuple[int, int]


class LiveView:
    """Composites what a webcam sees; what is wanted may change with every picture.

    Attributes:
        size: The network's shorter side in pixels at present.
    """

    def __init__(self) -> None:
        self.size = _FIRST_SIZE
        self._wish: LiveWish | None = None
        self._compositor: Compositor | None = None
        self._pictures = 0

    def picture(self, image: Image, wish: LiveWish) -> tuple[Image, LiveRate]:
        """Composite a picture (H, W, 3) uint8 BGR.

        Raises:
            StreamError: The model, the background or the device will not do.
        """
        compositor = self._ready(wish)
        try:
            result = compositor.picture(image)
        except Exception:
            self.close()  # its stages have ended
            raise
        assert compositor.input_size_wh is not None
        rate = LiveRate(
            fps=compositor.clock.fps,
            network_ms=compositor.clock.recent_ms()["matting"],
            input_size_wh=compositor.input_size_wh,
        )
        self._pictures += 1
        if self._pictures >= _PATIENCE:
            self._fit(compositor, rate.network_ms)
        return result, rate

    def close(self) -> None:
        """Let go of the model and the background."""
        if self._compositor is not None:
            self._compositor.close()
        self._compositor = self._wish = None

    def _ready(self, wish: LiveWish) -> Compositor:
        """What is wanted, opened; only what has changed is opened anew."""
        if self._compositor is not None and self._wish is not None:
            if wish == self._wish:
                return self._compositor
            if wish == replace(self._wish, background=wish.background):
                self._compositor.change_background(wish.background)
                self._wish = wish
                return self._compositor
        self.close()
        self._compositor = Compositor(
            wish.model, wish.background, device=wish.device, size=self.size
        )
        self._wish = wish
        self._pictures = 0
        return self._compositor

    def _fit(self, compositor: Compositor, network_ms: float) -> None:
        """Choose another size where this one is too slow, or where a larger one would do."""
        size = fitting_size(self.size, network_ms)
        if size != self.size:
            self.size = size
            self._pictures = 0
            compositor.change_size(size)


def fitting_size(size: int, network_ms: float) -> int:
    """The largest of `SIZES` that keeps up, given how long the network takes at one of them.

    The time grows with the area. A step up must leave a quarter of the time to spare, so that the
    size does not go to and fro.
    """

    def expected_ms(other: int) -> float:
        return network_ms * (other / size) ** 2

    if network_ms > BUDGET_MS:
        return max((s for s in SIZES if expected_ms(s) <= BUDGET_MS), default=SIZES[0])
    return max((s for s in SIZES if s > size and expected_ms(s) <= 0.75 * BUDGET_MS), default=size)
