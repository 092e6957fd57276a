"""What the page lets a visitor choose. Nothing else reaches the functions that open files."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stream.errors import ModelError, UsageError
from stream.inference.model_files import WEIGHTS
from stream.sample import BACKGROUNDS

BLUR, COLOUR, OWN_FILE = "blur", "colour", "own file"
BACKGROUND_CHOICES = (*BACKGROUNDS, BLUR, COLOUR, OWN_FILE)
DEFAULT_BACKGROUND = "evening"
DEFAULT_COLOUR = "#00b140"

OWN_MODEL = "own"
"""The visitor's own model, in the place of a name from the manifest."""

SIZES = (256, 384, 512, 640)
"""Shorter sides of the network's input in pixels that are offered."""

_CSS_RGB = re.compile(r"rgba?\(\s*([\d.]+)\s*,\s*([\d.]+)\s*,\s*([\d.]+)\s*(,.*)?\)")


@dataclass(frozen=True)
class BackgroundWish:
    """The background that a visitor chose.

    Attributes:
        choice: One of `BACKGROUND_CHOICES`.
        blur: Strength of the blur, 0 to 1.
        colour: "#rrggbb", or "rgba(…)" as colour pickers write it.
        file: An uploaded picture or video.
    """

    choice: str = DEFAULT_BACKGROUND
    blur: float = 0.5
    colour: str = DEFAULT_COLOUR
    file: Path | None = None

    def spec(self) -> str:
        """The wish as `stream.background.open_background` takes it.

        Raises:
            UsageError: No such choice, or what it needs is missing.
        """
        if self.choice in BACKGROUNDS:
            return str(BACKGROUNDS[self.choice])
        if self.choice == BLUR:
            return f"blur:{min(max(self.blur, 0.0), 1.0):.2f}"
        if self.choice == COLOUR:
            return _hex_colour(self.colour)
        if self.choice != OWN_FILE:
            raise UsageError(
                f"no background is called '{self.choice}'",
                hint=f"there are {', '.join(BACKGROUND_CHOICES)}",
            )
        if self.file is None:
            raise UsageError("no background file", hint="upload a picture or a video for it")
        return str(self.file.absolute())


def _hex_colour(text: str) -> str:
    text = text.strip()
    if re.fullmatch("#[0-9a-fA-F]{6}", text):
        return text
    if match := _CSS_RGB.fullmatch(text):
        levels = [min(255, round(float(level))) for level in match.groups()[:3]]
        return "#" + bytes(levels).hex()
    raise UsageError(f"'{text[:40]}' is no colour", hint="give it as #rrggbb")


@dataclass(frozen=True)
class ModelCard:
    """What is known about a model.

    Attributes:
        name: What the programs call it; "" for a visitor's own.
        title: What people call it.
        path: The OpenVINO `.xml`.
        precision: How its weights are stored; "" where the manifest does not say.
        parameters: Trained values; None where the manifest does not say.
        macs: Multiply-accumulates for an input of 512 x 512; None where it does not say.
        file_bytes: Size of the two files.
    """

    name: str
    title: str
    path: Path
    precision: str = ""
    parameters: int | None = None
    macs: int | None = None
    file_bytes: int | None = None

    @property
    def spec(self) -> str | Path:
        """The model as `ui.task.open_model` takes it."""
        return self.name if self.path.parent == WEIGHTS else self.path

    @property
    def label(self) -> str:
        """The title, with the precision where that is not the usual one."""
        is_usual = self.precision in ("", "FP16", "FP32") or self.precision in self.title
        return self.title if is_usual else f"{self.title} {self.precision}"


def model_cards(folder: Path = WEIGHTS) -> dict[str, ModelCard]:
    """The models of the manifest, by name.

    Raises:
        ModelError: There is no manifest, or it is not one.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        models = dict(manifest["models"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"cannot read the list of models: {error}") from error
    return {
        name: ModelCard(
            name=name,
            title=entry.get("title", name),
            path=folder / entry["ir"],
            precision=entry.get("precision", ""),
            parameters=entry.get("parameters"),
            macs=entry.get("macs"),
            file_bytes=model_bytes(folder / entry["ir"]),
        )
        for name, entry in models.items()
    }


def model_bytes(path: Path) -> int | None:
    """Size of a model's `.xml` and `.bin`; None where they are missing."""
    try:
        return path.stat().st_size + path.with_suffix(".bin").stat().st_size
    except OSError:
        return None


def default_pair(names: Sequence[str]) -> tuple[str, str]:
    """The two models that are compared unless others are chosen: the original and the pruned."""
    first = "original" if "original" in names else names[0]
    wanted = ("pruned", "pruned-int8", *names)
    return first, next((name for name in wanted if name in names and name != first), first)
