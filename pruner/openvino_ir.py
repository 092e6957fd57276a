"""From a network to the OpenVINO IR that the runtime reads: 8-bit pictures in, mattes out."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.modnet import STRIDE, IBNorm, MODNet
from pruner.rewrite import for_inference

PREPROCESSING = (
    "image: uint8 [1,H,W,3] BGR, H and W multiples of 32; alpha: uint8 [1,1,H,W], 255 = person"
)


class PictureToMatte(nn.Module):
    """A network with what comes before and after it.

    Args:
        network: (1, 3, H, W) in [-1, 1] to its matte.
        bgr: Whether it takes BGR, as `for_inference` makes networks, or RGB, as they are trained.
    """

    def __init__(self, network: nn.Module, *, bgr: bool = False) -> None:
        super().__init__()
        self.network, self.bgr = network, bgr

    def forward(self, image: Tensor) -> Tensor:
        """(1, H, W, 3) uint8 BGR to (1, 1, H, W) uint8."""
        planes = image.permute(0, 3, 1, 2)
        planes = planes if self.bgr else planes.flip(1)
        return torch.round(self.network(planes.float() / 127.5 - 1).matte * 255).to(torch.uint8)


def to_ir(model: MODNet, *, parent: Path | None = None, half: bool = True) -> ov.Model:
    """The inference graph, rewritten to be cheap, for pictures of any size.

    Args:
        model: The network, float32.
        parent: Its checkpoint, whose digest the graph will carry.
        half: Weights as float16.

    Returns:
        A graph with the input `image`, the output `alpha`, and `rt_info` under `matte`.
    """
    network = PictureToMatte(for_inference(model, half=half), bgr=True).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the converter traces
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]  # the size check is not traced
        graph = ov.convert_model(
            network,
            example_input=torch.zeros(1, 2 * STRIDE, 3 * STRIDE, 3, dtype=torch.uint8),
            input=[1, -1, -1, 3],
        )
    graph.inputs[0].get_tensor().set_names({"image"})
    graph.outputs[0].get_tensor().set_names({"alpha"})
    info = {
        "arch": "MODNet",
        "norm": "IBNorm" if _has_instance_norms(model) else "BatchNorm",
        "widths": model.widths.to_json(),
        "preprocessing": PREPROCESSING,
        "parent": "" if parent is None else digest(parent),
    }
    set_info(graph, info)
    return graph


def _has_instance_norms(model: MODNet) -> bool:
    return any(isinstance(m, IBNorm) and m.inorm.num_features for m in model.modules())


def set_info(graph: ov.Model, info: Mapping[str, str]) -> None:
    """Add to what a graph tells of itself (`rt_info`, under `matte`)."""
    for key, value in info.items():
        graph.set_rt_info(value, ["matte", key])


def save_ir(graph: ov.Model, path: Path) -> None:
    """Write `path` (.xml) and its .bin, weights as the graph has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ov.save_model(graph, path, compress_to_fp16=False)


def digest(path: Path) -> str:
    """The sha256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def infer(graph: ov.Model | Path, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Mattes (H, W) of pictures (H, W, 3) BGR, sides multiples of 32, on the CPU in float32."""
    core = ov.Core()
    compiled = core.compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [np.asarray(compiled(picture[None])[0][0, 0], np.uint8) for picture in pictures]
