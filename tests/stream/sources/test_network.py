from __future__ import annotations

import functools
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from stream.compositing.yuv import YUVPicture
from stream.errors import InputError
from stream.frame import Frame
from stream.sources import network
from stream.sources.decode import open_container
from stream.sources.network import LiveStream, open_address, without_password
from stream.sources.reconnect import Patience
from stream.sources.video_file import VideoFile
from tests.clips import make_clip, picture, timestamps


class Sender:
    """Sends each part to one connection after the other, then refuses all others.

    Args:
        hold_last: Keep the last connection open in silence instead of closing it.
    """

    def __init__(self, *parts: bytes, hold_last: bool = False) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._parts = parts
        self._hold_last = hold_last
        self._done = threading.Event()
        self.sent = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        for number, part in enumerate(self._parts, start=1):
            connection, _ = self._server.accept()
            with connection:
                connection.sendall(part)
                if number == len(self._parts):
                    self._server.close()
                    self.sent.set()
                    if self._hold_last:
                        self._done.wait()

    def __enter__(self) -> Sender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


@pytest.fixture
def part(tmp_path: Path) -> bytes:
    """An MPEG-TS of three seconds; live, the first of them goes into finding out what it is."""
    return make_clip(tmp_path / "part.ts", frames=90, start_s=2).read_bytes()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "OPEN_TIMEOUT_S", 2.0)
    monkeypatch.setattr(network, "READ_TIMEOUT_S", 0.3)


def connect(url: str, *, timeout_s: float) -> LiveStream:
    source = open_address(url, reconnect_timeout_s=timeout_s)
    assert isinstance(source, LiveStream)
    return source


def test_a_stream_is_live_and_has_neither_length_nor_path(part: bytes) -> None:
    with Sender(part) as sender, connect(sender.url, timeout_s=0.1) as source:
        assert source.info.is_live
        assert source.info.size_wh == (64, 48)
        assert source.info.frame_rate == 30
        assert source.info.frame_count is None
        assert source.info.duration_s is None
        assert source.info.path is None
        assert source.info.start_s > 2


def test_a_stream_keeps_its_pictures_in_420(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", frames=3)
    container = open_container(str(path), name="clip.mp4", options={})
    with LiveStream("tcp://localhost", container, patience=Patience(timeout_s=0.0)) as source:
        assert isinstance(next(iter(source)).picture, YUVPicture)


def test_a_stream_is_opened_without_converting_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream.sources.decode.yuv_picture", None)
    path = make_clip(tmp_path / "clip.mp4", frames=3, rotation=90)
    container = open_container(str(path), name="clip.mp4", options={})
    with LiveStream("tcp://localhost", container, patience=Patience(timeout_s=0.0)) as source:
        assert source.info.size_wh == (48, 64)


def test_a_stream_that_stops_is_opened_again_and_time_goes_on(
    part: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    frames: list[Frame] = []
    with (
        Sender(part, part) as sender,
        connect(sender.url, timeout_s=0.2) as source,
        pytest.raises(InputError, match=r"did not come back within 0\.2 s"),
    ):
        frames.extend(source)
    steps = np.diff([frame.pts for frame in frames])
    assert len(frames) > 90
    assert np.median(steps) == 3000
    assert steps.min() > 0
    assert steps.max() < 90_000
    assert caplog.text.count("is back after") == 1


def test_a_silent_stream_counts_as_stopped(part: bytes) -> None:
    frames: list[Frame] = []
    with (
        Sender(part, hold_last=True) as sender,
        connect(sender.url, timeout_s=0.1) as source,
        pytest.raises(InputError, match="did not come back"),
    ):
        frames.extend(source)
    assert len(frames) > 45


def test_closing_ends_the_attempts_to_reconnect(part: bytes) -> None:
    with Sender(part) as sender, connect(sender.url, timeout_s=60) as source:
        reading = threading.Thread(target=lambda: list(source))
        reading.start()
        sender.sent.wait()
        source.close()
        reading.join(2)
        assert not reading.is_alive()


def test_an_address_where_nobody_answers_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    with pytest.raises(InputError, match=f"cannot open {url}: Connection refused"):
        open_address(url)


def test_a_sender_that_never_sends_is_an_error_after_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "OPEN_TIMEOUT_S", 0.1)
    with (
        Sender(b"", hold_last=True) as sender,
        pytest.raises(InputError, match="did not answer in time"),
    ):
        open_address(sender.url)


def test_an_unknown_protocol_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown protocol in gopher://host/x") as caught:
        open_address("gopher://host/x")
    assert caught.value.hint is not None
    assert "rtsp" in caught.value.hint


def test_a_malformed_address_is_an_error() -> None:
    with pytest.raises(InputError, match="not an address"):
        open_address("http://[::1/clip.mp4")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://user:secret@host:554/live", "rtsp://host:554/live"),
        ("http://host/a.mp4?token=secret", "http://host/a.mp4"),
        ("udp://@239.0.0.1:5000", "udp://239.0.0.1:5000"),
    ],
)
def test_names_and_messages_hold_no_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_refused_address_does_not_show_its_password() -> None:
    with pytest.raises(InputError) as caught:
        open_address("http://user:secret@127.0.0.1:9/clip.mp4")
    assert "secret" not in str(caught.value)


def test_a_web_camera_without_timestamps_is_placed_by_the_clock() -> None:
    header = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=cut\r\n\r\n"
    jpeg = cv2.imencode(".jpg", picture((64, 48)))[1].tobytes()
    parts = b"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (
        len(jpeg),
        jpeg,
    )
    start_s = time.monotonic()
    frames: list[Frame] = []
    with (
        Sender(header + 60 * parts) as sender,
        connect(sender.url.replace("tcp:", "http:"), timeout_s=0.1) as source,
        pytest.raises(InputError, match="did not come back"),
    ):
        frames.extend(source)
    assert len(frames) == 60
    assert np.diff([frame.pts for frame in frames]).min() > 0
    assert frames[-1].time_s < time.monotonic() - start_s


@pytest.fixture
def web_server(tmp_path: Path) -> Iterator[str]:
    """The address of a web server that holds `tmp_path`."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts", "clip.mkv"])
def test_a_file_on_a_web_server_is_a_file(tmp_path: Path, web_server: str, name: str) -> None:
    clip = make_clip(tmp_path / name)
    with open_address(f"{web_server}/{name}") as source:
        assert isinstance(source, VideoFile)
        assert not source.info.is_live
        assert source.info.path is None
        assert [frame.pts * frame.time_base for frame in source] == timestamps(clip)


def test_a_file_that_is_not_on_the_server_is_an_error(web_server: str) -> None:
    with pytest.raises(InputError, match="404"):
        open_address(f"{web_server}/missing.mp4")


def test_a_playlist_on_a_web_server_opens_no_local_file(tmp_path: Path, web_server: str) -> None:
    secret = make_clip(tmp_path / "secret.ts")
    (tmp_path / "list.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret.as_uri()}\n#EXT-X-ENDLIST\n"
    )
    with pytest.raises(InputError):
        open_address(f"{web_server}/list.m3u8")
