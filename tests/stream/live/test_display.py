import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from stream.errors import DisplayError
from stream.live.display import require_display

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="about X11")

PROGRAM = """
    import sys, time
    from fractions import Fraction
    import stream
    import av  # after cv2, which `stream` imports first: else imshow hangs for ever
    import numpy as np
    from stream.frame import CompositedFrame, Frame, MattedFrame
    from stream.live.hud import HudStats
    from stream.live.window import WindowSink

    image = np.full((240, 320, 3), 90, np.uint8)
    stats = HudStats(30.0, {}, 0, "MODNet-P", "CPU", (320, 240))
    deadline = time.monotonic() + 30
    with WindowSink(background=None, stats=lambda: stats) as window:
        while not window.stopped and time.monotonic() < deadline:
            now = time.perf_counter()
            frame = Frame(image, 0, Fraction(1, 30), now)
            window.write(CompositedFrame(image, MattedFrame(frame, image[..., 0])))
            print("shown", flush=True)
    sys.exit(0 if window.stopped else 9)
"""


@on_linux
def test_no_display_is_an_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(DisplayError, match="no display") as raised:
        require_display()
    assert "--output" in str(raised.value.hint)


@on_linux
@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY"])
def test_a_display_that_cannot_be_reached_is_an_error_not_an_abort(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv(variable, ":9999")
    with pytest.raises(DisplayError, match="cannot open a window"):
        require_display()


def test_an_opencv_without_windows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    with pytest.raises(DisplayError, match="headless"):
        require_display()


@pytest.fixture
def x_display() -> Iterator[str]:
    """A virtual X server's display."""
    missing = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}")
    read_end, write_end = os.pipe()
    command = [
        "Xvfb",
        "-displayfd",
        str(write_end),
        "-screen",
        "0",
        "800x600x24",
        "-nolisten",
        "tcp",
    ]
    server = subprocess.Popen(command, pass_fds=[write_end], stderr=subprocess.DEVNULL)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        number = answer.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@pytest.mark.display
def test_a_real_window_shows_frames_and_ends_by_a_key(x_display: str) -> None:
    environment = os.environ | {"DISPLAY": x_display}
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        cwd=Path(__file__).parents[3],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "shown\n"
    find = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "MODNet-P"]
    press = ["windowfocus", "--sync", "key", "q"]
    subprocess.run([*find, *press], env=environment, timeout=20, check=True)
    _, errors = program.communicate(timeout=30)
    assert program.returncode == 0, errors
    assert errors == ""
