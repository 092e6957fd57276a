"""Mattes of pictures of any size, on whatever device there is."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from stream.compositing.arithmetic import resized
from stream.errors import UsageError
from stream.frame import Alpha, Frame, MattedFrame, Picture, picture_size
from stream.inference.devices import available_devices, check_device
from stream.inference.engine import Engine, EngineOptions, Request, read_network
from stream.inference.model_files import find_model
from stream.inference.network_input import STRIDE, network_size, shrink_into
from stream.ncs2 import ncs2_device
from stream.ncs2.stick import open_ncs2

_MAX_ENGINES = 4
_MAX_SIZE = 2160
"""The shorter side of 4K: far beyond what the networks have learnt, and gigabytes of memory."""
_MAX_DIFFERENCE = 3.0
"""Mean grey levels by which another device's matte may differ: half precision gives less than 1."""

_log = logging.getLogger(__name__)


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
        enlarge: Whether mattes are brought to the size of their pictures; if not, they are as small
            as the network has them, for `stream.steps` to do so in the end.
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
        enlarge: bool = True,
        on_inference: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        for name, value, least in (
            ("size", size, STRIDE),
            ("requests", requests, 1),
            ("threads", threads or 1, 1),
        ):
            if value < least:
                raise UsageError(f"{name} must be at least {least}, got {value}")
        if size > _MAX_SIZE:
            raise UsageError(f"size must be at most {_MAX_SIZE}, got {size}")
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
        self._enlarge = enlarge
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

    def predict(self, picture: Picture) -> Alpha:
        """The matte of one picture.

        Returns:
            (H, W) uint8, or smaller; see `enlarge`.
        """
        return self._finish(self._start(picture))

    def mattes(self, frames: Iterable[Frame]) -> Iterator[MattedFrame]:
        """The mattes of many pictures, in order, `requests` of them in flight."""
        in_flight: deque[tuple[Frame, _Job]] = deque()

        def oldest() -> MattedFrame:
            frame, job = in_flight.popleft()
            return MattedFrame(frame, self._finish(job))

        for frame in frames:
            in_flight.append((frame, self._start(frame.picture)))
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

    def _start(self, picture: Picture) -> _Job:
        if isinstance(picture, np.ndarray):
            # OpenVINO would cast floats without a word.
            assert picture.dtype == np.uint8, picture.dtype
            assert picture.ndim == 3, picture.shape
            assert picture.shape[2] == 3, picture.shape
        try:
            engine = self._engine(picture_size(picture))
            request = engine.take()
            shrink_into(picture, request.image)
            request.start()
        except RuntimeError as error:
            if self._options.device == "CPU":
                raise
            self._fall_back_to_cpu(error)
            return self._start(picture)
        return _Job(picture, engine, request)

    def _finish(self, job: _Job) -> Alpha:
        try:
            small = job.request.wait()
            self._check_device(job, small)
        except RuntimeError as error:
            if job.engine.device_names == ("CPU",):
                raise
            self._fall_back_to_cpu(error)
            return self.predict(job.picture)
        # Not the request's own, which is overwritten by the next inference.
        alpha = resized(small, picture_size(job.picture)) if self._enlarge else small.copy()
        if (took_s := job.request.latency_s) is not None:
            self._on_inference(took_s)
        job.engine.give_back(job.request)
        return alpha

    def _engine(self, picture_wh: tuple[int, int]) -> Engine:
        """The network compiled for a picture's size; the latest few are kept."""
        size_wh = network_size(picture_wh, self.size)
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

    picture: Picture
    engine: Engine
    request: Request
