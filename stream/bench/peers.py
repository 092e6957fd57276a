"""Who takes part in the benchmark, and the one door through which others' networks are opened.

Others' networks are not shipped: they come from a file or a package that the user has. Each is
driven as its authors describe, with its own preparation of the picture, in the same pipeline.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.bench.rounds import Task
from stream.errors import ModelError, StreamError
from stream.frame import Alpha, Frame, Image, MattedFrame

Feeds: TypeAlias = dict[str, NDArray[np.generic]]
"""Tensors by the names of a network's inputs or outputs."""


class PeerKind(Enum):
    """Others' networks, and what runs them."""

    MODNET_ONNXRUNTIME = "ONNX Runtime"
    MODNET_OPENVINO = "OpenVINO, plain"
    RVM = "RobustVideoMatting, ONNX Runtime"
    MEDIAPIPE = "MediaPipe selfie segmentation"


@dataclass(frozen=True)
class PeerSpec:
    """Which of the others' networks.

    Attributes:
        kind: What it is.
        path: Its ONNX file; empty for what comes in a package.
    """

    kind: PeerKind
    path: str = ""

    @property
    def name(self) -> str:
        """What the tables call it."""
        return f"{Path(self.path).name} ({self.kind.value})" if self.path else self.kind.value


@dataclass(frozen=True)
class Contender:
    """Somebody who takes part: one of our models, or a peer.

    Attributes:
        model: See `stream.inference.model_files.find_model`; empty for a peer.
        peer: The peer; None for one of our models.
    """

    model: str = ""
    peer: PeerSpec | None = None

    @property
    def name(self) -> str:
        """What the tables call it."""
        return self.model if self.peer is None else self.peer.name


class Peer(ABC):
    """Another's network at work. To the pipeline it looks like a `MattePredictor`.

    Attributes:
        model_name: What the tables call it.
        device_name: Where it runs.
        input_size_wh: Width and height of the network's input; None before the first picture.
    """

    device_name = "CPU"

    def __init__(self, name: str) -> None:
        self.model_name = name
        self.input_size_wh: tuple[int, int] | None = None

    @abstractmethod
    def prepare(self, image: Image) -> Feeds:
        """Turn a picture into what the network takes, and set `input_size_wh`.

        Args:
            image: (H, W, 3) uint8 BGR.
        """

    @abstractmethod
    def infer(self, feeds: Feeds) -> NDArray[np.generic]:
        """Run the network.

        Returns:
            A matte of any size, (…, h, w), uint8 or floating point from 0 to 1.
        """

    def forget(self) -> None:  # noqa: B027  most remember nothing
        """What comes next has nothing to do with what was seen before."""

    def close(self) -> None:  # noqa: B027  most have nothing to close
        """Let go of the network; more than once does no harm."""

    def inference(self, image: Image) -> Task:
        """Prepare a picture; each call is then one inference.

        Raises:
            ModelError: The network does not take such a picture.
        """
        try:
            feeds = self.prepare(image)
            self.infer(feeds)
        except Exception as error:  # of any kind: it is others' software
            raise _failure(self.model_name, error) from error
        width, height = self.input_size_wh or (0, 0)
        if image.shape[:2] != (height, width):
            raise ModelError(f"{self.model_name}: takes pictures of {width} x {height} only")
        return lambda: self.infer(feeds)

    def predict(self, image: Image) -> Alpha:
        """The matte of one picture, of the network's size, as ours are in the pipeline."""
        matte = self.infer(self.prepare(image))
        small = matte.reshape(matte.shape[-2:])
        if small.dtype != np.uint8:
            small = np.asarray(cv2.convertScaleAbs(small.astype(np.float32), alpha=255))
        return small.astype(np.uint8)

    def mattes(self, frames: Iterable[Frame]) -> Iterator[MattedFrame]:
        """The mattes of many pictures, one after the other."""
        for frame in frames:
            yield MattedFrame(frame, self.predict(frame.image))


def open_peer(spec: PeerSpec, *, size: int, threads: int | None) -> Peer:
    """Open another's network.

    Args:
        spec: Which.
        size: What the network's shorter side should be in pixels, where that can be chosen.
        threads: How many threads infer, where that can be chosen; None for all cores.

    Raises:
        StreamError: What runs it is not installed, or the file is not there or not of its kind.
    """
    # Imported here because these modules import the definitions above.
    from stream.bench import mediapipe as bench_mediapipe
    from stream.bench import onnx as bench_onnx

    if spec.path and not Path(spec.path).is_file():
        raise ModelError(f"{spec.name}: no such file")
    try:
        if spec.kind is PeerKind.MEDIAPIPE:
            return bench_mediapipe.SelfieSegmentation(spec.name)
        path = Path(spec.path)
        if spec.kind is PeerKind.MODNET_OPENVINO:
            return bench_onnx.PlainMODNet(
                spec.name, bench_onnx.OpenVINOSession(path, threads), size
            )
        session = bench_onnx.ONNXRuntimeSession(path, threads, needed_for=spec.name)
        if spec.kind is PeerKind.RVM:
            return bench_onnx.RobustVideoMatting(spec.name, session)
        return bench_onnx.PlainMODNet(spec.name, session, size)
    except StreamError:
        raise
    except Exception as error:  # of any kind: it is others' software
        raise _failure(spec.name, error) from error


def _failure(name: str, error: Exception) -> ModelError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return ModelError(f"{name}: {lines[-1].strip()}")
