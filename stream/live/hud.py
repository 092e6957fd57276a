"""Text over the picture: the heads-up display, notices, labels and the help."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import cv2

from stream.frame import Image

WHITE = (255, 255, 255)
AMBER = (90, 200, 255)
RED = (110, 110, 255)
"""Text colours in BGR, all of them light: a strip of text is dark whatever lies under it."""

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_REFRESH_S = 0.25
_READING_S = 4.0


@dataclass(frozen=True)
class HudStats:
    """What the heads-up display tells about the running stream.

    Attributes:
        fps: Frames shown per second.
        stage_ms: Milliseconds per frame of each stage, in the order of the stages.
        dropped: Frames dropped since the start.
        model: Name of the model.
        device: Name of the inference device.
        size_wh: Width and height of the frames in pixels.
    """

    fps: float
    stage_ms: Mapping[str, float]
    dropped: int
    model: str
    device: str
    size_wh: tuple[int, int]

    def lines(self) -> list[str]:
        """The display's text."""
        width, height = self.size_wh
        stages = "   ".join(f"{stage} {ms:.1f}" for stage, ms in self.stage_ms.items())
        return [
            f"{self.fps:.1f} fps   {self.dropped} dropped",
            f"{self.model} on {self.device}   {width} x {height}",
            *([f"{stages} ms"] if stages else []),
        ]


@dataclass(frozen=True)
class Panel:
    """Lines of text on a dark translucent strip.

    Attributes:
        lines: The text; a tab starts the next column.
        at: Place across and down the picture: (0, 0) is the top left corner, (1, 1) the bottom
            right one, (0.5, 0.5) the middle.
        colour: Of the text, BGR.
    """

    lines: Sequence[str]
    at: tuple[float, float]
    colour: tuple[int, int, int] = WHITE


class Hud:
    """Asks for the statistics a few times a second, slowly enough to be read.

    Args:
        ask: Gives the current statistics.
        now: The clock, in seconds.
    """

    def __init__(self, ask: Callable[[], HudStats], *, now: Callable[[], float]) -> None:
        self._ask = ask
        self._now = now
        self._asked_at = 0.0
        self._stats: HudStats | None = None

    def stats(self) -> HudStats:
        """The statistics, at most a quarter of a second old."""
        if self._stats is None or self._now() - self._asked_at >= _REFRESH_S:
            self._stats, self._asked_at = self._ask(), self._now()
        return self._stats


class Notices(logging.Handler):
    """Keeps the latest message for as long as it takes to read; may be told from any thread.

    As a logging handler it takes the program's warnings.

    Args:
        now: The clock, in seconds.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        super().__init__(logging.WARNING)
        self._now = now
        self._latest = (0.0, "")

    def emit(self, record: logging.LogRecord) -> None:
        """Show a warning."""
        self.say(record.getMessage())

    def say(self, text: str) -> None:
        """Show a message."""
        self._latest = (self._now() + _READING_S, text)

    def lines(self) -> list[str]:
        """The message in lines of moderate length; none once it has been shown long enough."""
        until, text = self._latest
        return textwrap.wrap(text, 56) if self._now() < until else []


def draw_panels(image: Image, panels: Sequence[Panel]) -> Image:
    """Draw panels over a copy of a picture.

    Args:
        image: (H, W, 3) uint8 BGR; left as it is.
        panels: What to draw, the last on top. A panel too large for the picture is shrunk.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    canvas = image.copy()
    for panel in panels:
        _draw(canvas, panel)
    return canvas


@dataclass(frozen=True)
class _Layout:
    """Where a panel's text goes, in pixels from the panel's top left corner.

    Attributes:
        scale: Of the font.
        columns: Left edge of each column.
        baselines: Of each line.
        size_wh: Width and height of the panel.
    """

    scale: float
    columns: tuple[int, ...]
    baselines: tuple[int, ...]
    size_wh: tuple[int, int]


def _draw(canvas: Image, panel: Panel) -> None:
    """Draw one panel into `canvas`."""
    rows = [line.split("\t") for line in panel.lines]
    height, width = canvas.shape[:2]
    # In proportion to the picture, because the window scales both; but never too small to read.
    scale = max(height / 1100, 0.45)
    layout = _lay_out(rows, scale)
    fit = min(width / layout.size_wh[0], height / layout.size_wh[1])
    if fit < 1:
        layout = _lay_out(rows, scale * fit)
    room = (max(0, width - layout.size_wh[0]), max(0, height - layout.size_wh[1]))
    left, top = round(panel.at[0] * room[0]), round(panel.at[1] * room[1])
    strip = canvas[top : top + layout.size_wh[1], left : left + layout.size_wh[0]]
    strip >>= 2  # a quarter of the brightness: light text on it is legible over any picture
    for row, y in zip(rows, layout.baselines, strict=True):
        for text, x in zip(row, layout.columns, strict=False):
            cv2.putText(strip, text, (x, y), _FONT, layout.scale, panel.colour, 1, cv2.LINE_AA)


def _lay_out(rows: Sequence[Sequence[str]], scale: float) -> _Layout:
    """Measure rows of cells. A row of one cell may reach over all columns."""
    (_, ascent), descent = cv2.getTextSize("Ag", _FONT, scale, 1)
    step = round(1.35 * (ascent + descent))
    padding = step // 2
    columns = [padding]
    table = [row for row in rows if len(row) > 1]
    for cells in zip_longest(*table, fillvalue=""):
        columns.append(columns[-1] + max(_text_width(cell, scale) for cell in cells) + step)
    alone = max((_text_width(row[0], scale) for row in rows if len(row) == 1), default=0)
    return _Layout(
        scale=scale,
        columns=tuple(columns),
        baselines=tuple(padding + ascent + step * number for number in range(len(rows))),
        size_wh=(
            max(columns[-1] - step, padding + alone) + padding,
            2 * padding + step * len(rows) - (step - ascent - descent),
        ),
    )


def _text_width(text: str, scale: float) -> int:
    return cv2.getTextSize(text, _FONT, scale, 1)[0][0]
