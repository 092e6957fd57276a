"""Makes the sample anew: `python -m stream.sample.make_sample`.

For developers only. It wants scikit-image (`pip install scikit-image`), which ships the photograph.
"""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path

import cv2
import numpy as np

from stream.frame import Image
from stream.sample import BACKGROUND, CLIP
from stream.sample.clip import write_clip
from stream.sample.scenes import SCENES, draw

DEFAULT_SCENE = "evening"
JPEG_QUALITY = 88


def portrait() -> Image:
    """NASA's portrait of the astronaut Eileen Collins, as scikit-image ships it.

    Returns:
        (512, 512, 3) uint8 BGR.

    Raises:
        SystemExit: scikit-image is not installed.
    """
    try:
        data = importlib.import_module("skimage.data")
    except ModuleNotFoundError as error:
        hint = "the clip is made from a picture in scikit-image: pip install scikit-image"
        raise SystemExit(f"error: {hint}") from error
    return np.ascontiguousarray(data.astronaut()[..., ::-1])


def write_backgrounds(default: Path, folder: Path) -> None:
    """Draws every scene into `folder`, and one of them again as `default`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SCENES:
        _, jpeg = cv2.imencode(".jpg", draw(name), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        (folder / f"{name}.jpg").write_bytes(jpeg.tobytes())
        if name == DEFAULT_SCENE:
            default.write_bytes(jpeg.tobytes())


def main() -> None:
    """Makes the backgrounds, and the clip unless told not to."""
    parser = argparse.ArgumentParser(description="Makes the sample clip and backgrounds anew.")
    parser.add_argument("--backgrounds-only", action="store_true", help="leave the clip as it is")
    arguments = parser.parse_args()
    write_backgrounds(BACKGROUND, BACKGROUND.parent / "backgrounds")
    if not arguments.backgrounds_only:
        write_clip(portrait(), CLIP)


if __name__ == "__main__":
    main()
