"""Mattes for pictures of any size, on whatever device there is."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from stream.errors import UsageError
from stream.frame import Alpha, Frame, Image, MattedFrame
from stream.inference.devices import available_devices, check_device
from stream.inference.engine import Engine, EngineOptions, Request, read_network
from stream.inference.model_files import find_model
from stream.ncs2 import ncs2_device
from stream.ncs2.stick import open_ncs2

_STRIDE = 32
_MAX_ASPECT = 4
_MAX_ENGINES = 4
_MAX_DIFFERENCE = 3.0
"""Mean grey levels by which another device's matte may differ: half precision gives less than 1."""

_log = logging.getLogger(__name__)


def network_size(size_wh: tuple[int, int], short_side: int) -> tuple[int, int]:
    """The network's input size for a picture: its aspect ratio, as far as multiples of 32 allow.

    Args:
        size_wh: Width and height of the picture in pixels.
        short_side: What the network's shorter side should be in pixels. Its longer side is at most
            four times that, so that a strip of a picture cannot ask for any amount of memory.
    """
    aspect = min(max(size_wh) / min(size_wh), _MAX_ASPECT)
    short = max(1, round(short_side / _STRIDE)) * _STRIDE
    long = round(short * aspect / _STRIDE) * _STRIDE
    return (long, short) if size_wh[0] >= size_wh[1] else (short, long)


def shrink_into(image: Image, target: Image) -> None:
    """Resize a picture into an array of another size.

    Interpolation sees 2 x 2 pixels, which is best for mattes down to a third of the size: averaging
    would only soften the picture. Further down it would miss too many, so halves are taken first;
    that costs a tenth of `cv2.INTER_AREA`.

    Args:
        image: (H, W, 3) uint8.
        target: (h, w, 3) uint8, overwritten.
    """
    height, width = target.shape[:2]
    while image.shape[0] >= 3 * height and image.shape[1] >= 3 * width:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        even = image[: 2 * rows, : 2 * columns]
        image = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))
    cv2.resize(image, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)


class MattePredictor:
    """Gives the matte of one picture after the other. For one thread at a time.

    Args:
        model: A name of `models/weights/manifest.json`, or the path of an OpenVINO `.xml`.
        device: As OpenVINO spells it: `CPU`, `GPU`, `NPU`, `AUTO`, `HETERO:GPU,CPU`. The CPU takes
            over from a device that is lost, or whose first matte differs from the CPU's.
        size: What the network's shorter side should be in pixels; see `network_size`.
        threads: How many threads infer on a CPU; None for all cores.
        requests: How many pictures `mattes` has in flight: 1 for least delay, more for throughput.
        cache_dir: Where compiled networks are kept for the next start; None to keep none.
        on_inference: Told how many seconds each inference took, where the device can say.

    Attributes:
        size: As given; may be changed between two pictures.

    Raises:
        ModelError: No such model, or a damaged one.
        DeviceError: No such device.
        UsageError: A size or a number that cannot be.
    """

    def __init__(
        self,
        model: str | Path = "pruned",
        *,
        device: str = "CPU",
        size: int = 512,
        threads: int | None = None,
        requests: int = 1,
        cache_dir: Path | None = None,
        on_inference: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        for name, value, least in (
            ("size", size, _STRIDE),
            ("requests", requests, 1),
            ("threads", threads or 1, 1),
        ):
            if value < least:
                raise UsageError(f"{name} must be at least {least}, got {value}")
        file = find_model(model)
        self.model_name = file.name
        self._options = EngineOptions(
            device=check_device(device, available_devices),
            requests=requests,
            threads=threads,
            cache_dir=cache_dir,
        )
        self._network = read_network(file.path)
        device = self._options.device
        self._stick = (
            open_ncs2(file, device=device, requests=requests) if ncs2_device(device) else None
        )
        self.size = size
        self._on_inference = on_inference
        self._engines: OrderedDict[tuple[int, int], Engine] = OrderedDict()
        self._latest: Engine | None = None
        self._device_checked = False

    @property
    def device_name(self) -> str:
        """The real devices that infer, or the one that was asked for before the first picture."""
        engine = self._latest
        return self._options.device if engine is None else ", ".join(engine.device_names)

    @property
    def input_size_wh(self) -> tuple[int, int] | None:
        """Width and height of the network's input for the latest picture; None before the first."""
        engine = self._latest
        return None if engine is None else engine.size_wh

    def predict(self, image: Image) -> Alpha:
        """The matte of one picture.

        Args:
            image: (H, W, 3) uint8 BGR.

        Returns:
            (H, W) uint8.
        """
        return self._finish(self._start(image))

    def mattes(self, frames: Iterable[Frame]) -> Iterator[MattedFrame]:
        """The mattes of many pictures, in order, `requests` of them in flight."""
        in_flight: deque[tuple[Frame, _Job]] = deque()

        def oldest() -> MattedFrame:
            frame, job = in_flight.popleft()
            return MattedFrame(frame, self._finish(job))

        for frame in frames:
            in_flight.append((frame, self._start(frame.image)))
            if len(in_flight) == self._options.requests:
                yield oldest()
        while in_flight:
            yield oldest()

    def close(self) -> None:
        """Let go of the networks and their memory."""
        self._engines.clear()
        self._latest = None
        self._close_stick()

    def _close_stick(self) -> None:
        if self._stick is not None:
            self._stick.close()
            self._stick = None

    def _start(self, image: Image) -> _Job:
        assert image.dtype == np.uint8, image.dtype  # OpenVINO would cast floats without a word
        assert image.ndim == 3, image.shape
        assert image.shape[2] == 3, image.shape
        try:
            engine = self._engine(image)
            request = engine.take()
            shrink_into(image, request.image)
            request.start()
        except RuntimeError as error:
            if self._options.device == "CPU":
                raise
            self._fall_back_to_cpu(error)
            return self._start(image)
        return _Job(image, engine, request)

    def _finish(self, job: _Job) -> Alpha:
        try:
            small = job.request.wait()
            self._check_device(job, small)
        except RuntimeError as error:
            if job.engine.device_names == ("CPU",):
                raise
            self._fall_back_to_cpu(error)
            return self.predict(job.image)
        height, width = job.image.shape[:2]
        alpha: Alpha = np.asarray(cv2.resize(small, (width, height)), np.uint8)
        if (took_s := job.request.latency_s) is not None:
            self._on_inference(took_s)
        job.engine.give_back(job.request)
        return alpha

    def _engine(self, image: Image) -> Engine:
        """The network compiled for a picture's size; the latest few are kept."""
        size_wh = network_size((image.shape[1], image.shape[0]), self.size)
        if size_wh not in self._engines:
            if len(self._engines) == _MAX_ENGINES:
                self._engines.popitem(last=False)
            self._engines[size_wh] = (
                Engine(self._network, size_wh, self._options)
                if self._stick is None
                else self._stick.engine(size_wh)
            )
        self._engines.move_to_end(size_wh)
        self._latest = self._engines[size_wh]
        return self._latest

    def _check_device(self, job: _Job, small: Alpha) -> None:
        """Compare another device's first matte with the CPU's.

        Graphics and neural processors compute in half precision, and the sums of an instance
        normalisation can overflow it.
        """
        if self._device_checked or job.engine.device_names == ("CPU",):
            return
        size_wh = (small.shape[1], small.shape[0])
        request = Engine(self._network, size_wh, replace(self._options, device="CPU")).take()
        np.copyto(request.image, job.request.image)
        request.start()
        difference = float(cv2.norm(request.wait(), small, cv2.NORM_L1)) / small.size
        if difference > _MAX_DIFFERENCE:
            raise RuntimeError(f"its matte differs from the CPU's by {difference:.0f} grey levels")
        self._device_checked = True

    def _fall_back_to_cpu(self, error: RuntimeError) -> None:
        if self._options.device != "CPU":  # it is, for what was in flight when the device failed
            _log.warning("%s failed, the CPU takes over: %s", self._options.device, error)
            self._options = replace(self._options, device="CPU")
            self._engines.clear()
            self._close_stick()


@dataclass(frozen=True, eq=False)
class _Job:
    """An inference in flight: the picture, and who works on it."""

    image: Image
    engine: Engine
    request: Request
