"""Little pictures for the choice of a background, as CSS."""

from __future__ import annotations

import base64

import cv2

from stream.compositing.fit import Fit, fitted
from stream.sample import BACKGROUNDS
from stream.sources.still import read_image
from ui.choices import BLUR, COLOUR, OWN_FILE

_SIZE_WH = (192, 108)
_JPEG_QUALITY = 80
_DRAWN = {
    BLUR: "radial-gradient(circle at 30% 30%, #d8c7b0, transparent 55%), "
    "radial-gradient(circle at 75% 60%, #7d93a8, transparent 60%), #a9a69f",
    COLOUR: "linear-gradient(135deg, #00b140 0 34%, #2f6fdb 34% 67%, #f4f4f2 67%)",
    OWN_FILE: "repeating-linear-gradient(45deg, #8884 0 6px, transparent 6px 12px)",
}


def swatch_css() -> str:
    """A background for every choice."""
    pictures = {name: f"url(data:image/jpeg;base64,{_jpeg(name)})" for name in BACKGROUNDS}
    return "\n".join(
        f'.swatches label:has(input[value="{name}"]) {{ --swatch: {picture}; }}'
        for name, picture in (pictures | _DRAWN).items()
    )


def _jpeg(name: str) -> str:
    small = fitted(read_image(BACKGROUNDS[name]), _SIZE_WH, Fit.COVER)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return base64.b64encode(jpeg.tobytes()).decode("ascii")
