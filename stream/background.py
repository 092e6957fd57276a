"""What is put behind people, and the one door through which all of it is opened."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from stream.compositing.backdrops import PictureBackground, TransparentBackground, colour_background
from stream.compositing.colour import COLOURS, parse_colour
from stream.compositing.fit import Fit as Fit
from stream.compositing.room_blur import BlurredRoom
from stream.compositing.video_background import VideoBackground
from stream.errors import InputError, StreamError, UsageError
from stream.frame import Image, MattedFrame, Picture
from stream.paths import reading
from stream.sources.still import IMAGE_SUFFIXES, read_image

DEFAULT_BLUR = 0.5

_TRANSPARENT = "transparent"

_FORMS = (
    '"blur", "blur:0.6", "transparent", a colour ("green", "#0b4", "#00b140"), an image or a video'
)

_log = logging.getLogger(__name__)


class Background(Protocol):
    """What is put behind people, whatever the size of the frames."""

    @property
    def is_transparent(self) -> bool:
        """Whether there is nothing: people are cut out, and `picture` is never called."""

    def picture(self, matted: MattedFrame) -> Picture:
        """What stands behind the people in a frame.

        Returns:
            A picture of the frame's size in any form; never to be written into. One that stands
            still is the same object each time.
        """

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        """What can be shown without a matte: nobody is in it, and the room only if it is blurred.

        Returns:
            (H, W, 3) uint8 BGR, or (H, W, 4) BGRA where the background is transparent; never to be
            written into.
        """

    def close(self) -> None:
        """Close what was opened; more than once does no harm."""


def open_background(spec: str, *, fit: Fit = Fit.COVER, untrusted: bool = False) -> Background:
    """Open what `spec` names.

    Args:
        spec: "transparent", "blur", "blur:0.6" (0 to 1), "#rgb", "#rrggbb", the name of a colour,
            or the path of an image or a video; "./blur" is a file called blur.
        fit: How images and videos fill the frame.
        untrusted: The file comes from somebody else; see `stream.source.open_source`.

    Raises:
        InputError: It is none of these, or the file cannot be read.
    """
    word = _word(spec)
    if word == _TRANSPARENT:
        return TransparentBackground()
    if word == "blur" or word.startswith("blur:"):
        return BlurredRoom(_strength(word))
    if word.startswith("#") or word in COLOURS:
        return colour_background(parse_colour(word))
    path = Path(spec)
    with reading(path):
        is_file = path.is_file()
    if not is_file:
        raise InputError(f"there is no background {spec!r}", hint=f"give {_FORMS}")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return PictureBackground(read_image(path), fit)
    return VideoBackground(path, fit, untrusted=untrusted)


def _word(spec: str) -> str:
    return spec.strip().lower()


def _strength(word: str) -> float:
    if word == "blur":
        return DEFAULT_BLUR
    try:
        strength = float(word.removeprefix("blur:"))
    except ValueError:
        strength = -1.0
    if not 0 <= strength <= 1:
        raise InputError(f"{word!r} is no blur: expected blur:0 to blur:1")
    return strength


class BackgroundSwitch:
    """Several backgrounds, of which one is there at a time; any thread may change to another.

    A background that cannot be opened is left out with a warning. Whether people are cut out is
    settled at the start, because outputs are opened for it.

    Args:
        specs: What `open_background` takes; the first is opened.
        fit: How images and videos fill the frame.

    Raises:
        UsageError: There is no spec, or "transparent" is not the only one.
        InputError: The first one cannot be opened.
    """

    def __init__(self, specs: Sequence[str], *, fit: Fit = Fit.COVER) -> None:
        if not specs:
            raise UsageError("at least one background is needed", hint=f"give {_FORMS}")
        if len(specs) > 1 and any(_word(spec) == _TRANSPARENT for spec in specs):
            raise UsageError("people are cut out or put before a background, not both in one run")
        self._specs = list(specs)
        self._fit = fit
        self._place = 0
        self._lock = threading.Lock()
        self._is_closed = False
        self._current = open_background(specs[0], fit=fit)
        self._is_transparent = self._current.is_transparent

    @property
    def is_transparent(self) -> bool:
        """Whether people are cut out; never changes."""
        return self._is_transparent

    def picture(self, matted: MattedFrame) -> Picture:
        """See `Background`."""
        with self._lock:  # nobody closes it meanwhile
            return self._current.picture(matted)

    def placeholder(self, size_wh: tuple[int, int]) -> Image:
        """See `Background`."""
        with self._lock:
            return self._current.placeholder(size_wh)

    def next(self) -> None:
        """Change to the next background that can be opened."""
        self._step(1)

    def previous(self) -> None:
        """Change to the background before that can be opened."""
        self._step(-1)

    def select(self, spec: str) -> bool:
        """Change to a background, which need not be one of the list; False if it stays as it is."""
        is_changed = self._change(spec)
        if is_changed and spec in self._specs:
            self._place = self._specs.index(spec)
        return is_changed

    def close(self) -> None:
        """Close the current background; there is no change after that."""
        with self._lock:
            self._is_closed = True
            self._current.close()

    def _step(self, step: int) -> None:
        for steps in range(1, len(self._specs)):
            place = (self._place + step * steps) % len(self._specs)
            if self._change(self._specs[place]):
                self._place = place
                return

    def _change(self, spec: str) -> bool:
        try:
            opened = open_background(spec, fit=self._fit)
        except StreamError as error:
            _log.warning("the background stays as it is: %s", error)
            return False
        is_wanted = opened.is_transparent == self._is_transparent
        if not is_wanted:
            _log.warning("the background stays as it is: the output was not opened for %s", spec)
        with self._lock:
            is_wanted = is_wanted and not self._is_closed
            if is_wanted:
                self._current, opened = opened, self._current
        opened.close()  # the old one, or the one that is not wanted
        return is_wanted
