"""Networks in ONNX files: MODNet as it is exported plainly, and RobustVideoMatting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import openvino as ov
from numpy.typing import NDArray

from stream.bench.peers import Feeds, Peer
from stream.errors import ModelError
from stream.frame import Image
from stream.inference.devices import core
from stream.inference.engine import EngineOptions, cpu_count
from stream.inference.network_input import network_size, shrink_into
from stream.optional import optional_module

_STATES = ("r1", "r2", "r3", "r4")
_RVM_LONG_SIDE = 512
_DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


@dataclass(frozen=True)
class Input:
    """What goes into a network.

    Attributes:
        name: Of the input.
        shape: Its shape; None where any length will do.
        dtype: Of its elements.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: np.dtype[np.generic]


class Session(Protocol):
    """What runs an ONNX file."""

    @property
    def inputs(self) -> list[Input]:
        """What goes in."""

    def run(self, feeds: Feeds) -> Feeds:
        """One inference."""


class ONNXRuntimeSession:
    """Runs an ONNX file by ONNX Runtime.

    Its threads do not spin while they wait: they would take the cores from whoever comes next.
    """

    def __init__(self, path: Path, threads: int | None, *, needed_for: str) -> None:
        ort = optional_module("onnxruntime", needed_for=needed_for)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or cpu_count()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def inputs(self) -> list[Input]:
        """What goes in."""
        return [
            Input(
                each.name,
                tuple(n if isinstance(n, int) else None for n in each.shape),
                np.dtype(_DTYPES[each.type]),
            )
            for each in self._session.get_inputs()
        ]

    def run(self, feeds: Feeds) -> Feeds:
        """One inference."""
        return dict(zip(self._outputs, self._session.run(self._outputs, feeds), strict=True))


class OpenVINOSession:
    """Runs an ONNX file of one input by OpenVINO, compiled for the size of the first picture."""

    def __init__(self, path: Path, threads: int | None) -> None:
        options = EngineOptions(device="CPU", requests=1, threads=threads, cache_dir=None)
        self._properties = options.properties()
        self._network = core().read_model(path)
        self._request: ov.InferRequest | None = None

    @property
    def inputs(self) -> list[Input]:
        """What goes in."""
        return [
            Input(
                each.any_name,
                tuple(n.get_length() if n.is_static else None for n in each.partial_shape),
                np.dtype(each.element_type.to_dtype()),
            )
            for each in self._network.inputs
        ]

    def run(self, feeds: Feeds) -> Feeds:
        """One inference."""
        if self._request is None:
            self._network.reshape({name: list(feed.shape) for name, feed in feeds.items()})
            compiled = core().compile_model(self._network, "CPU", self._properties)
            self._request = compiled.create_infer_request()
        self._request.infer(feeds, share_inputs=True)
        outputs = self._request.model_outputs
        return {each.any_name: self._request.get_tensor(each).data for each in outputs}


class PlainMODNet(Peer):
    """MODNet as it is exported plainly: RGB planes from -1 to 1 in, a matte from 0 to 1 out.

    Args:
        name: What the tables call it.
        session: What runs it.
        size: What the network's shorter side should be in pixels.
    """

    def __init__(self, name: str, session: Session, size: int) -> None:
        super().__init__(name)
        self._session = session
        self._size = size
        shapes = [each.shape for each in session.inputs]
        if len(shapes) != 1 or len(shapes[0]) != 4:
            raise ModelError(f"{name}: expected one picture as input, got {shapes}")

    def prepare(self, image: Image) -> Feeds:
        """See `Peer.prepare`."""
        given = self._session.inputs[0]
        height, width = given.shape[2:]
        wanted = network_size((image.shape[1], image.shape[0]), self._size)
        self.input_size_wh = width or wanted[0], height or wanted[1]
        small = np.empty((self.input_size_wh[1], self.input_size_wh[0], 3), np.uint8)
        shrink_into(image, small)
        planes = cv2.dnn.blobFromImage(small, 1 / 127.5, mean=(127.5,) * 3, swapRB=True)
        return {given.name: planes.astype(given.dtype, copy=False)}

    def infer(self, feeds: Feeds) -> NDArray[np.generic]:
        """See `Peer.infer`."""
        return next(iter(self._session.run(feeds).values()))


class RobustVideoMatting(Peer):
    """RobustVideoMatting (Lin et al., WACV 2022), which remembers what it has seen.

    It takes the whole frame and shrinks it itself, here to a longer side of at most 512 pixels,
    which is its authors' default.

    Args:
        name: What the tables call it.
        session: What runs it.
    """

    def __init__(self, name: str, session: Session) -> None:
        super().__init__(name)
        self._session = session
        dtypes = {each.name: each.dtype for each in session.inputs}
        expected = {"src", "downsample_ratio", *(f"{state}i" for state in _STATES)}
        if dtypes.keys() != expected:
            raise ModelError(f"{name}: expected inputs {sorted(expected)}, got {sorted(dtypes)}")
        self._dtype = dtypes["src"]
        self._memory: Feeds = {}

    def prepare(self, image: Image) -> Feeds:
        """See `Peer.prepare`. A picture of another size than the one before is a new beginning."""
        size_wh = image.shape[1], image.shape[0]
        if size_wh != self.input_size_wh:
            self.input_size_wh = size_wh
            self.forget()
        planes = cv2.dnn.blobFromImage(image, 1 / 255, swapRB=True)
        ratio = min(1.0, _RVM_LONG_SIDE / max(size_wh))
        return {
            "src": planes.astype(self._dtype, copy=False),
            "downsample_ratio": np.asarray([ratio], np.float32),
        }

    def infer(self, feeds: Feeds) -> NDArray[np.generic]:
        """See `Peer.infer`."""
        outputs = self._session.run({**feeds, **self._memory})
        self._memory = {f"{state}i": outputs[f"{state}o"] for state in _STATES}
        return outputs["pha"]

    def forget(self) -> None:
        """See `Peer.forget`."""
        self._memory = {f"{state}i": np.zeros((1, 1, 1, 1), self._dtype) for state in _STATES}
