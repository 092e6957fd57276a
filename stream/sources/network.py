"""Videos at an address: live streams, which may come back when they stop, and files."""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from urllib.parse import urlsplit

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from stream.errors import InputError
from stream.frame import Frame
from stream.source import RECONNECT_TIMEOUT_S, SourceInfo
from stream.sources.closable import ClosableSource
from stream.sources.decode import Decoder, ImageConverter, frame_rate, open_container, video_stream
from stream.sources.reconnect import Patience
from stream.sources.timeline import Timeline, nominal_step
from stream.sources.video_file import VideoFile

PROTOCOLS = ("rtsp", "rtsps", "http", "https", "tcp", "udp", "rtmp", "rtmps", "srt")

OPEN_TIMEOUT_S = 5.0
"""How long an address may take to answer and to show what it sends, in seconds."""

READ_TIMEOUT_S = 3.0
"""How long a stream may stay silent, in seconds; also what closing a silent one may take."""

_WHITELIST = "rtp,rtsp,rtsps,http,https,httpproxy,tcp,udp,tls,rtmp,rtmps,srt,crypto,data"
_LIVE = {
    "protocol_whitelist": _WHITELIST,
    "fflags": "nobuffer",
    "analyzeduration": "1000000",  # microseconds to look at before the first frame
    "rtsp_transport": "tcp",  # UDP loses packets, and a torn picture makes a torn matte
}
_FILE = {
    "protocol_whitelist": _WHITELIST,
    "reconnect": "1",
    "reconnect_on_network_error": "1",
    "reconnect_delay_max": "2",
}

_UNTIMED = {"mjpeg", "mpjpeg"}
"""Formats of web cameras that carry no times; FFmpeg counts their pictures at 25 per second."""

_log = logging.getLogger(__name__)


def open_address(url: str, *, reconnect_timeout_s: float = RECONNECT_TIMEOUT_S) -> ClosableSource:
    """Open a live stream, or a file that a web server holds.

    HTTP is taken for a file where the server tells its length or the container its duration.

    Raises:
        InputError: The protocol is unknown, nobody answers, or no video can be decoded.
    """
    try:
        name, protocol = without_password(url), urlsplit(url).scheme.lower()
    except ValueError as error:
        raise InputError(f"not an address: {error}") from error
    if protocol not in PROTOCOLS:
        raise InputError(
            f"unknown protocol in {name}", hint=f"known are: {', '.join(sorted(PROTOCOLS))}"
        )
    container = _open(url, name=name, options=_FILE if _is_web(url) else _LIVE)
    if _is_web(url) and (container.duration or container.size > 0):
        return VideoFile(container, name=name)
    return LiveStream(url, container, patience=Patience(timeout_s=reconnect_timeout_s))


def without_password(url: str) -> str:
    """The address as it may be shown and logged."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _is_web(url: str) -> bool:
    return urlsplit(url).scheme.lower() in {"http", "https"}


def _open(url: str, *, name: str, options: Mapping[str, str]) -> InputContainer:
    return open_container(
        url,
        name=name,
        options=options,
        timeout_s=(OPEN_TIMEOUT_S, READ_TIMEOUT_S),
        hint="check the address, and that it is sending",
    )


class LiveStream(ClosableSource):
    """A stream without end. When it stops it is opened again, and time goes on.

    Args:
        url: Where it is.
        container: Open for reading; the source owns it.
        patience: How long it may be away.

    Raises:
        InputError: It holds no video that can be decoded.
    """

    def __init__(self, url: str, container: InputContainer, *, patience: Patience) -> None:
        super().__init__()
        self._url = url
        self._name = without_password(url)
        self._patience = patience
        self._container = container
        try:
            stream = video_stream(container, name=self._name, live=True)
            first = self._start(stream)
        except BaseException:
            container.close()
            raise
        self._is_untimed = container.format.name in _UNTIMED
        time_base, rate = stream.time_base, frame_rate(stream)
        if self._is_untimed or not time_base:
            time_base, rate = Fraction(1, 1_000_000), None
        self._timeline = Timeline(step=nominal_step(rate, time_base))
        self._converter = ImageConverter(stream, name=self._name)
        self._seen_s = time.monotonic()
        self.info = SourceInfo(
            name=self._name,
            size_wh=self._converter.size_wh(first),
            time_base=time_base,
            frame_rate=rate,
            start_s=Fraction(0) if self._is_untimed else (first.pts or 0) * time_base,
            is_live=True,
        )

    def _start(self, stream: VideoStream) -> VideoFrame:
        """Begin to decode a connection; returns its first frame, which proves that it works."""
        decoder = Decoder(self._container, stream, name=self._name, closing=self._closing)
        decoded = iter(decoder)
        first = next(decoded, None)
        if first is None:
            raise InputError(f"{self._name} sent no picture")
        self._decoded = itertools.chain([first], decoded)
        return first

    def _read(self) -> Iterator[Frame]:
        yield from self._until_lost()
        while self._reconnect():
            yield from self._until_lost()

    def _until_lost(self) -> Iterator[Frame]:
        """The frames of one connection, in the time base of the first."""
        time_base = self.info.time_base
        with contextlib.suppress(InputError):  # damaged beyond use: as good as gone
            for decoded in self._decoded:
                pts = self._place(decoded)
                if pts is not None:
                    picture = self._converter.picture(decoded)
                    yield Frame(picture, pts, time_base, captured_at=time.perf_counter())

    def _place(self, decoded: VideoFrame) -> int | None:
        """The frame's pts, or what the clock says for one that has none."""
        last_s, self._seen_s = self._seen_s, time.monotonic()
        if self._is_untimed or decoded.pts is None or not decoded.time_base:
            self._timeline.resume(gap=round((self._seen_s - last_s) / self.info.time_base))
            return self._timeline.place(None)
        return self._timeline.place(round(decoded.pts * decoded.time_base / self.info.time_base))

    def _reconnect(self) -> bool:
        """Open the address again; False when the source is closed meanwhile.

        Raises:
            InputError: It did not come back in time.
        """
        if not self._closing.is_set():
            _log.warning("%s stopped; trying to reach it again", self._name)
        reason: InputError | None = None
        for waited_s in self._patience.attempts(self._closing):
            self._container.close()
            try:
                self._container = _open(self._url, name=self._name, options=_LIVE)
                self._start(video_stream(self._container, name=self._name, live=True))
            except InputError as error:
                reason = error
                continue
            _log.warning("%s is back after %.1f s", self._name, waited_s)
            gap_s = time.monotonic() - self._seen_s
            self._timeline.resume(gap=round(gap_s / self.info.time_base))
            return True
        if self._closing.is_set():
            return False
        raise InputError(
            f"{self._name} stopped and did not come back within {self._patience.timeout_s:g} s",
            hint=str(reason),
        )

    def _release(self) -> None:
        self._container.close()
