from __future__ import annotations

import logging
import threading
import time
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from stream.errors import CameraError
from stream.frame import Frame
from stream.source import CameraRequest
from stream.sources import camera_devices
from stream.sources.camera import Camera, FreezeDetector, open_camera
from stream.sources.camera_devices import CameraInfo, list_cameras, open_capture
from stream.sources.reconnect import Patience

Picture = NDArray[np.uint8]
Script = list[Picture | Exception | None]

ANY = CameraRequest()
IMPATIENT = Patience(timeout_s=0.1, first_wait_s=0.001, longest_wait_s=0.01)


def noise(count: int, *, size_wh: tuple[int, int] = (64, 48)) -> Script:
    """Pictures as a sensor gives them: no two alike."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size_wh[::-1], 3), np.uint8) for _ in range(count)]


class FakeCapture:
    """Plays a script: pictures, None for a read that fails, an exception to raise; then silence."""

    def __init__(self, script: Script) -> None:
        self._script = iter(script)
        self.is_released = False

    def read(self) -> tuple[bool, Picture | None]:
        assert not self.is_released
        step = next(self._script, None)
        if isinstance(step, Exception):
            raise step
        return step is not None, step

    def get(self, prop: int, /) -> float:
        return 29.97 if prop == cv2.CAP_PROP_FPS else 0.0

    def release(self) -> None:
        self.is_released = True


class FakeDriver:
    """Opens one script after the other; None, and the end, mean that nothing is plugged in."""

    def __init__(self, *scripts: Script | None) -> None:
        self._scripts = iter(scripts)
        self.captures: list[FakeCapture] = []

    def __call__(self, device: int | str, request: CameraRequest) -> FakeCapture | None:
        script = next(self._scripts, None)
        if script is None:
            return None
        self.captures.append(FakeCapture(script))
        return self.captures[-1]


def start(*scripts: Script | None, stalled_after_s: float = 0.03) -> Camera:
    return Camera(
        0, ANY, patience=IMPATIENT, stalled_after_s=stalled_after_s, opener=FakeDriver(*scripts)
    )


def read_until_lost(camera: Camera) -> list[Frame]:
    frames: list[Frame] = []
    with pytest.raises(CameraError, match=r"camera 0 stopped and did not come back within 0\.1 s"):
        frames.extend(camera)
    return frames


def test_a_camera_is_live_and_reports_what_it_granted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with start(noise(5, size_wh=(32, 24))) as camera:
        assert camera.info.name == "camera 0"
        assert camera.info.size_wh == (32, 24)
        assert camera.info.frame_rate == Fraction(2997, 100)
        assert camera.info.is_live
        assert camera.info.frame_count is None
    assert "was asked for any size at any fps and gives 32 x 24 at 29.97 fps" in caplog.text


def test_frames_are_stamped_in_microseconds_of_a_clock_that_only_goes_forward() -> None:
    frames = read_until_lost(start(noise(20)))
    pts = [frame.pts for frame in frames]
    assert frames[0].time_base == Fraction(1, 1_000_000)
    assert pts == sorted(set(pts))
    assert frames[-1].time_s < 5


def test_a_camera_that_is_not_there_is_an_error_that_lists_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = [CameraInfo("0", "Built-in"), CameraInfo("2", "USB")]
    monkeypatch.setattr("stream.sources.camera.list_cameras", lambda: there)
    with pytest.raises(
        CameraError, match=r"cannot open camera 0; found: 0 \(Built-in\), 2 \(USB\)"
    ):
        start(None)


def test_a_real_missing_camera_is_refused_quickly_and_quietly(
    capfd: pytest.CaptureFixture[str],
) -> None:
    begin = time.monotonic()
    with pytest.raises(CameraError, match="cannot open camera 99") as caught:
        open_camera("99", ANY)
    assert time.monotonic() - begin < 3
    assert caught.value.exit_code == 3
    assert caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_a_camera_that_opens_and_sends_nothing_is_an_error_and_is_given_back() -> None:
    driver = FakeDriver([None] * 3)
    with pytest.raises(CameraError, match="opened but sent no picture"):
        Camera(0, ANY, patience=IMPATIENT, stalled_after_s=0.02, opener=driver)
    assert driver.captures[0].is_released


def test_a_read_that_fails_once_is_tried_again_without_reconnecting() -> None:
    pictures = noise(6)
    driver = FakeDriver([*pictures[:3], None, *pictures[3:]])
    camera = Camera(0, ANY, patience=IMPATIENT, stalled_after_s=0.3, opener=driver)
    assert len(read_until_lost(camera)) == 5
    assert len(driver.captures) == 1


@pytest.mark.parametrize("fault", [None, cv2.error("device gone")])
def test_a_camera_that_stops_is_opened_again(
    fault: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    frames = read_until_lost(start([*noise(5), fault], None, None, noise(6)))
    assert len(frames) == 4 + 5  # the first picture of each connection proves that it works
    assert "camera 0 is back after" in caplog.text
    assert [f.pts for f in frames] == sorted({f.pts for f in frames})


def test_every_capture_is_released() -> None:
    driver = FakeDriver(noise(3), noise(3), None, noise(3))
    camera = Camera(0, ANY, patience=IMPATIENT, stalled_after_s=0.01, opener=driver)
    read_until_lost(camera)
    assert [capture.is_released for capture in driver.captures] == [True, True, True]


def test_a_camera_that_comes_back_with_another_size_keeps_the_first_one() -> None:
    frames = read_until_lost(start(noise(3), noise(3, size_wh=(128, 96))))
    assert {frame.size_wh for frame in frames} == {(64, 48)}


def test_a_grey_camera_gives_three_equal_channels() -> None:
    grey: Script = [np.full((48, 64), value, np.uint8) for value in (10, 20, 30)]
    frames = read_until_lost(start(grey))
    assert frames[0].image.shape == (48, 64, 3)
    assert frames[0].image[0, 0].tolist() == [20, 20, 20]


def test_a_camera_that_repeats_one_picture_is_opened_again() -> None:
    class Frozen(FakeCapture):
        picture = noise(1)[0]

        def read(self) -> tuple[bool, Picture | None]:
            time.sleep(0.001)
            assert isinstance(self.picture, np.ndarray)
            return True, self.picture

    opened: list[FakeCapture] = []

    def opener(device: int | str, request: CameraRequest) -> FakeCapture | None:
        if len(opened) == 2:
            return None
        opened.append(FakeCapture(noise(5)) if opened else Frozen([]))
        return opened[-1]

    camera = Camera(0, ANY, patience=IMPATIENT, stalled_after_s=0.03, opener=opener)
    frames = read_until_lost(camera)
    assert opened[0].is_released
    assert len(frames) > 4


def test_a_picture_that_is_still_the_same_after_reopening_is_taken_for_the_truth() -> None:
    black = np.zeros((48, 64, 3), np.uint8)
    detector = FreezeDetector(after_s=0.0)
    assert detector.is_frozen(black)
    assert not detector.is_frozen(black)
    detector.is_frozen(black + 1)
    assert [detector.is_frozen(black), detector.is_frozen(black)].count(True) == 1


def test_closing_from_another_thread_ends_the_attempts_to_reconnect() -> None:
    lost = threading.Event()

    def opener(device: int | str, request: CameraRequest) -> FakeCapture | None:
        if driver.captures:
            lost.set()
        return driver(device, request)

    driver = FakeDriver(noise(3))
    camera = Camera(0, ANY, patience=Patience(timeout_s=60), stalled_after_s=0.01, opener=opener)
    reading = threading.Thread(target=lambda: list(camera))
    reading.start()
    lost.wait()
    camera.close()
    reading.join(1)
    assert not reading.is_alive()
    assert driver.captures[0].is_released


def test_a_camera_is_asked_for_compressed_pictures_before_size_and_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, float]] = []

    class Recorder:
        def __init__(self, device: int | str, backend: int) -> None:
            self.opened_with = device, backend

        def isOpened(self) -> bool:  # noqa: N802
            return True

        def set(self, prop: int, value: float) -> None:
            asked.append((prop, value))

    monkeypatch.setattr(camera_devices.cv2, "VideoCapture", Recorder)
    monkeypatch.setattr(camera_devices.sys, "platform", "linux")
    capture = open_capture("/dev/video3", CameraRequest(size_wh=(1280, 720), fps=30))
    assert isinstance(capture, Recorder)
    assert capture.opened_with == ("/dev/video3", cv2.CAP_V4L2)
    assert asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 1280),
        (cv2.CAP_PROP_FRAME_HEIGHT, 720),
        (cv2.CAP_PROP_FPS, 30),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]


def test_linux_cameras_are_listed_in_order_and_without_their_metadata_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_devices.sys, "platform", "linux")
    for device, index, name in [
        ("video10", 0, "Loopback"),
        ("video2", 0, "USB Camera"),
        ("video3", 1, "USB Camera"),
    ]:
        (tmp_path / device).mkdir()
        (tmp_path / device / "index").write_text(f"{index}\n")
        (tmp_path / device / "name").write_text(f"{name}\n")
    (tmp_path / "video4").mkdir()  # unplugged while being listed
    assert list_cameras(tmp_path) == [CameraInfo("2", "USB Camera"), CameraInfo("10", "Loopback")]


def test_a_computer_without_cameras_lists_none(tmp_path: Path) -> None:
    assert list_cameras(tmp_path / "missing") == []
