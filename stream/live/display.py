"""A window on the screen through OpenCV, and whether there is a screen at all."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from typing import Any

import cv2

from stream.errors import DisplayError
from stream.frame import Image

_FLAGS = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
_LARGEST_WH = (1280, 720)
_HINT = "to write a file instead, use --output out.mp4"
_PROBE = f"import cv2; cv2.namedWindow('probe', {_FLAGS})"


def require_display() -> None:
    """Make sure that a window can be opened.

    Raises:
        DisplayError: There is no display to reach, or OpenCV was built without windows.
    """
    if not cv2.currentUIFramework():
        raise DisplayError(
            "this OpenCV cannot open windows (it is a headless build)",
            hint="pip uninstall opencv-python-headless, then reinstall opencv-python",
        )
    if not sys.platform.startswith("linux"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise DisplayError(
            "no display to open a window on: DISPLAY and WAYLAND_DISPLAY are not set", hint=_HINT
        )
    # Qt aborts the process when it cannot reach the display, so let a process try that may die.
    probe = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, check=False)
    if probe.returncode != 0:
        display = os.environ.get("DISPLAY", "")
        raise DisplayError(f"cannot open a window on the display DISPLAY={display!r}", hint=_HINT)


class DisplayWindow:
    """A resizable window that keeps the picture's aspect ratio. Main thread only.

    Args:
        title: Shown in the title bar.
        gui: Where OpenCV's window functions are; a fake in tests.

    Raises:
        DisplayError: See `require_display`.
    """

    def __init__(self, title: str, *, gui: Any = None) -> None:
        assert threading.current_thread() is threading.main_thread(), (
            "OpenCV's windows work on the main thread only"
        )
        if gui is None:
            require_display()
        self._gui = cv2 if gui is None else gui
        self._title = title
        self._is_open = False
        self._was_visible = False

    def show(self, image: Image) -> None:
        """Show a picture, (H, W, 3) uint8 BGR; the first one opens the window."""
        if not self._is_open:
            self._open(image)
        self._gui.imshow(self._title, image)

    def key(self, wait_ms: int) -> str | None:
        """Let the window work for `wait_ms` milliseconds; the character typed meanwhile, if any.

        The letters come in lower case; keys without a character, such as arrows, are left out.
        """
        # The full code: cut to 8 bits, the left arrow 0xFF51 would be a Q.
        code = self._gui.waitKeyEx(wait_ms)
        if code < 0:
            return None
        code &= 0xFFFF  # above it GTK reports Num Lock and the like
        return chr(code).lower() if code < 0x80 else None

    def closed_by_user(self) -> bool:
        """Whether the window was closed by its X."""
        try:
            visible = self._gui.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # what Qt answers when its last window is gone
            visible = False
        # GTK never says visible: there a window counts as open until it is closed from here.
        self._was_visible = self._was_visible or visible
        return self._was_visible and not visible

    def close(self) -> None:
        """Close the window, if it is open."""
        if not self._is_open:
            return
        self._is_open = False
        with contextlib.suppress(cv2.error):  # the user may have closed it already
            self._gui.destroyWindow(self._title)
            self._gui.waitKeyEx(1)  # without it some systems leave the window standing

    def _open(self, image: Image) -> None:
        height, width = image.shape[:2]
        scale = min(1.0, _LARGEST_WH[0] / width, _LARGEST_WH[1] / height)
        self._gui.namedWindow(self._title, _FLAGS)
        self._gui.resizeWindow(self._title, round(scale * width), round(scale * height))
        self._is_open = True
