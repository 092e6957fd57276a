import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.errors import DisplayError, UsageError
from stream.frame import CompositedFrame, Frame, MattedFrame
from stream.live import virtual_camera
from stream.live.virtual_camera import VirtualCameraSink, fit_into, list_virtual_cameras

pyvirtualcam = pytest.importorskip("pyvirtualcam")


class FakeBackend:
    """What pyvirtualcam would hand the pictures to."""

    opened: "list[FakeBackend]" = []  # noqa: RUF012  emptied by the fixture

    def __init__(
        self, *, width: int, height: int, fps: float, fourcc: int, device: str | None
    ) -> None:
        if device == "missing":
            raise RuntimeError("Device missing does not exist.\nDid you run 'modprobe'?")
        if device == "locked":
            raise RuntimeError("Could not access device due to missing permissions.")
        self.size_wh, self.fps, self.name = (width, height), fps, device or "/dev/video77"
        self.sent: list[np.ndarray] = []
        self.closed = 0
        self.opened.append(self)

    def send(self, frame: np.ndarray) -> None:
        width, height = self.size_wh
        self.sent.append(frame.reshape(height, width, 3).copy())

    def close(self) -> None:
        self.closed += 1

    def device(self) -> str:
        return self.name

    def native_fourcc(self) -> None:
        return None


@pytest.fixture(autouse=True)
def fake_backend() -> Iterator[None]:
    pyvirtualcam.register_backend("fake", FakeBackend)
    FakeBackend.opened.clear()
    yield
    del pyvirtualcam.camera.BACKENDS["fake"]


def sink(size_wh: tuple[int, int] = (64, 48), **options: object) -> VirtualCameraSink:
    return VirtualCameraSink(size_wh=size_wh, backend="fake", **options)


def composited(
    value: int, size_wh: tuple[int, int] = (64, 48), channels: int = 3
) -> CompositedFrame:
    width, height = size_wh
    raw = np.full((height, width, 3), 255, np.uint8)
    matted = MattedFrame(Frame(raw, 0, Fraction(1, 30), 0.0), raw[..., 0])
    return CompositedFrame(np.full((height, width, channels), value, np.uint8), matted)


def test_a_composite_arrives_as_it_is() -> None:
    with sink() as camera:
        camera.write(composited(7))
    backend = FakeBackend.opened[0]
    assert (backend.sent[0] == 7).all()


def test_the_camera_has_the_rate_of_the_source() -> None:
    with sink(frame_rate=Fraction(25)), sink():
        pass
    assert [backend.fps for backend in FakeBackend.opened] == [25.0, 30.0]


def test_an_odd_size_loses_a_row_and_a_column() -> None:
    frame = composited(0, (65, 49))
    frame.image[:48, :64] = 9
    with sink((65, 49)) as camera:
        camera.write(frame)
    backend = FakeBackend.opened[0]
    assert backend.size_wh == (64, 48)
    assert (backend.sent[0] == 9).all()


def test_frames_of_another_size_are_fitted_without_distortion() -> None:
    with sink((64, 48)) as camera:
        camera.write(composited(9, (48, 96)))
    sent = FakeBackend.opened[0].sent[0]
    assert (sent[:, 20:44] == 9).all()
    assert (sent[:, :20] == 0).all()
    assert (sent[:, 44:] == 0).all()


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 5000), (5000, 1), (63, 47), (640, 480)])
def test_a_picture_of_any_size_fits(size_wh: tuple[int, int]) -> None:
    image = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    assert fit_into(image, (64, 48)).shape == (48, 64, 3)


def test_a_transparent_composite_lies_on_a_checkerboard_not_on_the_room() -> None:
    with sink() as camera:
        camera.write(composited(0, channels=4))
    assert set(np.unique(FakeBackend.opened[0].sent[0])) == {153, 204}


def test_a_stalled_stream_shows_the_last_composite_again() -> None:
    with sink() as camera:
        camera.write(composited(7))
        camera.idle()
    sent = FakeBackend.opened[0].sent
    assert (sent[1] == sent[0]).all()


def test_an_idle_camera_shows_a_card_before_the_first_frame() -> None:
    with sink() as camera:
        camera.idle()
    assert FakeBackend.opened[0].sent[0].max() > 200  # its text


def test_the_person_does_not_stay_in_the_device_after_the_end() -> None:
    camera = sink()
    camera.write(composited(7))
    camera.close()
    backend = FakeBackend.opened[0]
    assert len(backend.sent) > 2  # more than one, for readers that lag behind
    assert all((picture != 7).all() for picture in backend.sent[1:])
    assert backend.closed == 1


def test_closing_twice_does_no_harm() -> None:
    camera = sink()
    camera.close()
    camera.close()
    assert FakeBackend.opened[0].closed == 1


def test_the_camera_is_released_even_if_the_card_cannot_be_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: FakeBackend, frame: np.ndarray) -> None:
        raise RuntimeError("gone")

    camera = sink()
    monkeypatch.setattr(FakeBackend, "send", fail)
    with pytest.raises(RuntimeError, match="gone"):
        camera.close()
    assert FakeBackend.opened[0].closed == 1


@pytest.mark.parametrize(
    ("platform", "hint"),
    [("linux", "modprobe v4l2loopback"), ("win32", "OBS Studio"), ("darwin", "OBS Studio 30")],
)
def test_a_missing_device_is_an_error_with_the_systems_own_hint(
    platform: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(
        DisplayError, match=r"no virtual camera 'missing': .*does not exist"
    ) as raised:
        sink(device="missing")
    assert hint in str(raised.value.hint)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 8


def test_a_missing_permission_is_not_answered_with_how_to_load_a_driver() -> None:
    with pytest.raises(DisplayError, match="permissions") as raised:
        sink(device="locked")
    assert raised.value.hint is None


def test_without_pyvirtualcam_the_error_tells_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(UsageError, match="a virtual camera needs pyvirtualcam") as raised:
        sink()
    assert raised.value.hint == "pip install pyvirtualcam"


def test_importing_the_module_does_not_import_pyvirtualcam() -> None:
    assert not hasattr(virtual_camera, "pyvirtualcam")


@pytest.mark.parametrize("source", ["/dev/video5", "5"])
def test_the_input_cannot_be_the_output(source: str) -> None:
    with pytest.raises(UsageError, match="/dev/video5 is also the input"):
        sink(device="/dev/video5", source=source)
    assert not FakeBackend.opened


def test_a_link_to_the_input_cannot_be_the_output(tmp_path: Path) -> None:
    device, link = tmp_path / "video5", tmp_path / "by-id"
    device.touch()
    link.symlink_to(device)
    with pytest.raises(UsageError):
        sink(device=str(device), source=str(link))


def test_the_input_cannot_be_the_first_device_found_either() -> None:
    with pytest.raises(UsageError):
        sink(source="77")
    assert FakeBackend.opened[0].closed == 1


def test_only_loopback_devices_are_listed_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number, name, is_loopback in [
        (10, "MODNet-P", True),
        (2, "Old", True),
        (0, "Webcam", False),
    ]:
        device = tmp_path / f"video{number}"
        device.mkdir()
        (device / "name").write_text(f"{name}\n")
        if is_loopback:
            (device / "max_openers").write_text("10\n")
    assert list_virtual_cameras(tmp_path) == [("/dev/video2", "Old"), ("/dev/video10", "MODNet-P")]


def test_no_devices_are_listed_where_there_are_none(tmp_path: Path) -> None:
    assert list_virtual_cameras(tmp_path / "missing") == []
