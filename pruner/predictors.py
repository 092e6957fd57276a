"""Opens whatever gives mattes, so that it sees pictures as the runtime would show them to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from torch import nn

from pruner.errors import PrunerError
from pruner.published import load_network
from pruner.scores import Predictor
from stream.bench.peers import Peer, PeerKind, PeerSpec, open_peer
from stream.frame import Alpha, Image
from stream.inference.devices import available_devices, check_device, core
from stream.inference.network_input import network_size, shrink_into
from stream.mattes.refine import enlarged
from stream.matting import MattePredictor

CHECKPOINTS = (".safetensors", ".ckpt", ".pth")
MEDIAPIPE = "mediapipe"

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(1, 3, h, w) RGB in [-1, 1] to (1, 1, h, w) in [0, 1]."""


class FloatPredictor:
    """A network of floats, fed as the runtime feeds its own.

    Args:
        network: What infers.
        size: Short side of what it sees in pixels.
        size_wh: The one width and height it takes, if it takes no other.
    """

    def __init__(self, network: Network, size: int, size_wh: tuple[int, int] | None = None) -> None:
        self._network, self._size, self._size_wh = network, size, size_wh

    def predict(self, image: Image) -> Alpha:
        """(H, W, 3) uint8 BGR to (H, W) uint8."""
        height, width = image.shape[:2]
        seen_wh = self._size_wh or network_size((width, height), self._size)
        seen = np.empty((seen_wh[1], seen_wh[0], 3), np.uint8)
        shrink_into(image, seen)
        rgb = seen[None, ..., ::-1].transpose(0, 3, 1, 2).astype(np.float32)
        blob = rgb / np.float32(127.5) - np.float32(1)
        small = np.rint(self._network(blob)[0, 0] * 255).astype(np.uint8)
        return np.asarray(cv2.resize(small, (width, height)), np.uint8)


class PeerPredictor:
    """Another's network, to which each picture is the first of a video.

    Args:
        peer: The network.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def predict(self, image: Image) -> Alpha:
        """(H, W, 3) uint8 BGR to (H, W) uint8."""
        self._peer.forget()
        return enlarged(image, self._peer.predict(image))


def open_predictor(
    model: str, *, device: str = "CPU", torch_device: str = "cpu", size: int = 512
) -> Predictor:
    """A model by its name in the manifest or by its path.

    Args:
        model: A name, an OpenVINO .xml, an .onnx of MODNet or of RobustVideoMatting, a checkpoint,
            which runs in torch, or `mediapipe`.
        device: OpenVINO device; others' networks run on the CPU.
        torch_device: For checkpoints.
        size: Short side of what the network sees in pixels; others' networks choose theirs.

    Raises:
        StreamError: No such model or device, or what runs another's network is not installed.
        CheckpointError: A checkpoint that cannot be used.
        PrunerError: An ONNX that is not a matting network, or a torch device that is not there.
    """
    suffix = Path(model).suffix
    if suffix in CHECKPOINTS:
        return torch_predictor(load_network(Path(model)), device=torch_device, size=size)
    if model == MEDIAPIPE:
        return PeerPredictor(open_peer(PeerSpec(PeerKind.MEDIAPIPE), size=size, threads=None))
    if suffix == ".onnx":
        return _onnx_predictor(Path(model), check_device(device, available_devices), size)
    return MattePredictor(model, device=device, size=size)


def torch_predictor(network: nn.Module, *, device: str = "cpu", size: int = 512) -> FloatPredictor:
    """A MODNet in torch.

    Args:
        network: The network; it is moved to the device and put into evaluation mode.
        device: As torch spells it.
        size: Short side of what the network sees in pixels.

    Raises:
        PrunerError: No such device.
    """
    try:
        network.to(device).eval()
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        reason = str(error).splitlines()[0]
        raise PrunerError(f"torch cannot compute on {device!r} ({reason})") from error

    @torch.inference_mode()
    def run(blob: NDArray[np.float32]) -> NDArray[np.float32]:
        image = torch.from_numpy(np.ascontiguousarray(blob)).to(device)
        return network(image).matte.cpu().numpy()  # type: ignore[no-any-return]

    return FloatPredictor(run, size)


def _onnx_predictor(path: Path, device: str, size: int) -> Predictor:
    try:
        graph = core().read_model(path)
    except RuntimeError as error:
        raise PrunerError(
            f"{path}: cannot be read as ONNX ({str(error).splitlines()[-1]})"
        ) from error
    if "downsample_ratio" in {each.any_name for each in graph.inputs}:
        return PeerPredictor(open_peer(PeerSpec(PeerKind.RVM, str(path)), size=size, threads=None))
    shape = graph.inputs[0].partial_shape
    floats = graph.inputs[0].element_type == ov.Type.f32
    if (
        len(graph.inputs) != 1
        or not floats
        or not shape.compatible(ov.PartialShape([1, 3, -1, -1]))
    ):
        raise PrunerError(f"{path}: expected one input float32 [1,3,H,W], got {graph.inputs}")
    options = {"INFERENCE_PRECISION_HINT": "f32"} if device == "CPU" else {}
    compiled = core().compile_model(graph, device, options)
    height, width = shape[2], shape[3]
    fixed = (width.get_length(), height.get_length()) if shape.is_static else None
    return FloatPredictor(lambda blob: np.asarray(compiled(blob)[0], np.float32), size, fixed)
