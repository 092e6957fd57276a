"""The sample that ships with the program: a short clip of a person and some rooms to put her in.

Everything here was made for this project; README.md in this folder says from what and how.
"""

from pathlib import Path

_HERE = Path(__file__).parent

CLIP = _HERE / "clip.mp4"
"""Seven seconds, 640 x 480, 25 frames a second, with sound."""

BACKGROUND = _HERE / "background.jpg"
"""The background that is used when none is asked for; 1280 x 720."""

BACKGROUNDS = {path.stem: path for path in sorted((_HERE / "backgrounds").glob("*.jpg"))}
"""More backgrounds of that size, by name."""
