"""Shows the composite in a window and does what its keys ask for."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stream.closing import Closing
from stream.frame import CompositedFrame
from stream.live.display import DisplayWindow
from stream.live.hud import AMBER, RED, Hud, HudStats, Notices, Panel, draw_panels
from stream.live.recording import Recorder, save_screenshot
from stream.live.views import Comparison, View, Viewer

if TYPE_CHECKING:
    from stream.background import BackgroundSwitch
    from stream.sink import Sink

_PAUSE_POLL_MS = 30


class WindowSink(Closing):
    """A window that shows what is written to it. Main thread only.

    The raw camera picture is shown only while its key asks for it: never at the start, after an
    error or during a pause. A pause holds up `write`, and with it the stream; what was captured
    before its end is neither shown nor recorded afterwards.

    Args:
        background: Switched by the keys.
        stats: Gives the numbers of the heads-up display.
        comparison: The split view, if there is a second model; owned by this one.
        open_recording: Opens a video file to record to, such as `recording_20260131_235959.mp4`.
        cancelled: Whether the program is being stopped; ends a pause.
        running: Is cleared during a pause, for a file to wait.
        missing: Tells why no picture comes; empty while all is well.
        folder: Where recordings and screenshots go.
        now: The clock of `Frame.captured_at`, in seconds.
        gui: Where OpenCV's window functions are; a fake in tests.

    Attributes:
        stopped: Whether the user closed the window or asked to quit.
        paused: Whether the user has halted the stream.

    Raises:
        DisplayError: No window can be opened here.
    """

    def __init__(
        self,
        *,
        background: BackgroundSwitch,
        stats: Callable[[], HudStats],
        comparison: Comparison | None = None,
        open_recording: Callable[[Path], Sink] | None = None,
        cancelled: Callable[[], bool] = lambda: False,
        running: threading.Event | None = None,
        missing: Callable[[], str] = lambda: "",
        folder: Path = Path(),
        now: Callable[[], float] = time.perf_counter,
        gui: Any = None,
    ) -> None:
        self.stopped = False
        self.paused = False
        self._background = background
        self._cancelled = cancelled
        self._running = running or threading.Event()
        self._running.set()
        self._missing = missing
        self._folder = folder
        self._now = now
        self._window = DisplayWindow("MODNet-P", gui=gui)
        self._viewer = Viewer(comparison)
        self._recorder = Recorder(open_recording, folder)
        self._hud = Hud(stats, now=now)
        self._shows_hud = True
        self._shows_help = False
        self._notices = Notices(now=now)
        self._notices.say("h lists the keys")
        logging.getLogger("stream").addHandler(self._notices)
        self._frame: CompositedFrame | None = None
        self._resumed_at = -math.inf

    def write(self, frame: CompositedFrame) -> None:
        """Show a frame and answer the keys; returns when the stream may go on."""
        if self.stopped or frame.frame.captured_at < self._resumed_at:
            return
        self._frame = frame
        self._recorder.write(frame)
        self.idle()

    def idle(self) -> None:
        """Answer the keys although no new frame has come; returns when the stream may go on."""
        if self._missing():
            self._viewer.leave(View.ORIGINAL)
        self._refresh(wait_ms=1)
        while self.paused and not self.stopped and not self._cancelled():
            self._refresh(wait_ms=_PAUSE_POLL_MS)

    def press(self, character: str) -> None:
        """Do what the key of this character does; nothing if it has no meaning."""
        for key in KEYS:
            if character in key.characters:
                key.action(self)

    def quit(self) -> None:
        """End the stream."""
        self.stopped = True

    def next_background(self) -> None:
        """Change to the next background."""
        self._background.next()

    def previous_background(self) -> None:
        """Change to the background before."""
        self._background.previous()

    def toggle_matte(self) -> None:
        """Show the matte, or the composite again."""
        self._viewer.toggle(View.MATTE)

    def toggle_original(self) -> None:
        """Show the camera's own picture, or the composite again."""
        if self.paused:
            self._notices.say("the original is not shown during a pause")
        else:
            self._viewer.toggle(View.ORIGINAL)

    def toggle_split(self) -> None:
        """Show two models side by side, or the composite again."""
        if self._viewer.comparison is None or self._frame is None:
            self._notices.say("there is no second model to compare with")
        else:
            self._viewer.comparison.aim(self._frame.matted.alpha)
            self._viewer.toggle(View.SPLIT)

    def toggle_pause(self) -> None:
        """Halt the stream with the last composite on the screen, or let it go on."""
        self.paused = not self.paused
        self._viewer.leave(View.ORIGINAL)
        if self.paused:
            self._running.clear()
        else:
            self._resumed_at = self._now()  # before a file goes on, whose frames are then newer
            self._running.set()
            self._recorder.skip_pause()

    def toggle_recording(self) -> None:
        """Start to record the composite to a new file, or finish it."""
        self._notices.say(self._recorder.toggle())

    def save_screenshot(self) -> None:
        """Save what is shown, without the text on it; a transparent composite stays transparent."""
        if self._frame is not None:
            is_composite = self._viewer.view is View.COMPOSITE
            image = self._frame.image if is_composite else self._viewer.picture(self._frame)
            self._notices.say(save_screenshot(image, self._folder))

    def toggle_hud(self) -> None:
        """Show or hide the heads-up display."""
        self._shows_hud = not self._shows_hud

    def toggle_help(self) -> None:
        """Show or hide the list of keys."""
        self._shows_help = not self._shows_help

    def close(self) -> None:
        """Finish a recording and close the window."""
        logging.getLogger("stream").removeHandler(self._notices)
        self._window.close()
        if self._viewer.comparison is not None:
            self._viewer.comparison.close()
        self._recorder.stop()

    def _refresh(self, *, wait_ms: int) -> None:
        if self._frame is None or self.stopped:
            return
        picture = self._viewer.picture(self._frame)
        self._window.show(draw_panels(picture, self._panels()))
        character = self._window.key(wait_ms)
        if character is not None:
            self.press(character)
        if self._window.closed_by_user():
            self.stopped = True

    def _panels(self) -> list[Panel]:
        panels = []
        if self._shows_hud:
            panels.append(Panel(self._hud.stats().lines(), at=(0, 0)))
        if self._recorder.duration_s is not None:
            minutes, seconds = divmod(int(self._recorder.duration_s), 60)
            panels.append(Panel([f"REC {minutes}:{seconds:02}"], at=(1, 0), colour=RED))
        if self._viewer.view is View.SPLIT and self._viewer.comparison is not None:
            panels.append(Panel([self._viewer.comparison.model_name], at=(0, 1)))
            panels.append(Panel([self._hud.stats().model], at=(1, 1)))
        elif self._viewer.view is not View.COMPOSITE:
            panels.append(Panel([self._viewer.view.value], at=(0, 1)))
        pause = "PAUSED - space to go on" if self.paused else ""
        notices = [text for text in (pause, self._missing(), *self._notices.lines()) if text]
        if notices:
            panels.append(Panel(notices, at=(0.5, 1), colour=AMBER))
        if self._shows_help:
            panels.append(Panel([f"{key.label}\t{key.help}" for key in KEYS], at=(0.5, 0.5)))
        return panels


@dataclass(frozen=True)
class Key:
    """What a key does.

    Attributes:
        characters: Each of them triggers the action.
        label: Their names in the help.
        help: What the action does, for the help.
        action: What is done.
    """

    characters: str
    label: str
    help: str
    action: Callable[[WindowSink], None]


KEYS = (
    Key("q\x1b", "q, Esc", "quit", WindowSink.quit),
    Key("n", "n", "next background", WindowSink.next_background),
    Key("b", "b", "previous background", WindowSink.previous_background),
    Key("m", "m", "matte", WindowSink.toggle_matte),
    Key("o", "o", "original picture", WindowSink.toggle_original),
    Key("s", "s", "split view of two models", WindowSink.toggle_split),
    Key(" p", "space, p", "pause", WindowSink.toggle_pause),
    Key("r", "r", "start or stop a recording", WindowSink.toggle_recording),
    Key("c", "c", "screenshot", WindowSink.save_screenshot),
    Key("i", "i", "numbers on or off", WindowSink.toggle_hud),
    Key("h", "h", "this help", WindowSink.toggle_help),
)
"""The keys, in the order in which the help lists them."""
